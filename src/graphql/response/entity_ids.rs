//! Reads the ids of entities from a response.

use crate::graphql::document::shape::Shape;
use crate::graphql::injection::reserved_keys::KEY_PREFIX;
use crate::graphql::types::entity_id::{id_spellings, id_text};
use crate::graphql::types::knowledge::{ID_FIELDS, TypeKnowledge};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The ids that an object shows.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct EntityIds {
    /// All ids, in every spelling.
    pub all: BTreeSet<String>,
    /// `true` if they include the key fields, by which purges identify such objects.
    pub complete: bool,
}

impl TypeKnowledge<'_> {
    /// The ids of an object. If the document had additions, added key fields count too.
    pub(crate) fn ids(
        &self,
        type_name: &str,
        object: &Map<String, Value>,
        shape: &Shape,
        added: bool,
    ) -> EntityIds {
        let naming = self.key_fields(type_name);
        let shown = |fields: &[&str]| -> Vec<(String, String)> {
            let of_field = |(key, value): (&String, &Value)| {
                let field = field_of(key, shape, fields, added)?;
                Some((field, id_text(value)?))
            };
            object.iter().filter_map(of_field).collect()
        };
        let named = shown(&naming);
        let complete = !naming.is_empty()
            && naming.iter().all(|field| named.iter().any(|(shown, _)| shown == field));
        let others = match self.keys.contains_key(type_name) {
            true => Vec::new(),
            false => shown(&ID_FIELDS),
        };
        let all = named.into_iter().chain(others).flat_map(|(_, id)| id_spellings(&id)).collect();
        EntityIds { all, complete }
    }

    /// `true` if an object shows any id, whatever its type.
    pub(crate) fn shows_any_id(&self, object: &Map<String, Value>, shape: &Shape) -> bool {
        let fields: Vec<&str> =
            ID_FIELDS.into_iter().chain(self.keys.values().flatten().map(String::as_str)).collect();
        object.iter().any(|(key, value)| {
            field_of(key, shape, &fields, false).is_some() && id_text(value).is_some()
        })
    }
}

/// The field, among these, that a response key certainly stands for.
fn field_of(key: &str, shape: &Shape, fields: &[&str], added: bool) -> Option<String> {
    let found = match key.strip_prefix(KEY_PREFIX).filter(|_| added) {
        Some(rest) => fields
            .iter()
            .find(|field| rest.strip_prefix(**field).is_some_and(|rest| rest.starts_with("__"))),
        None => {
            // Arguments could change how the id is written.
            let of = shape.field(key).filter(|of| of.has_no_arguments)?;
            let name = of.name.as_deref()?;
            fields.iter().find(|field| **field == name)
        }
    };
    found.map(|field| (*field).to_owned())
}
