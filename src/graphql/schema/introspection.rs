//! Reads a schema from the response to an introspection query (GraphQL §4), and has such a query.

use super::cache_hint::CacheHint;
use super::draft::{DefinitionKind, FieldDraft, SchemaDraft, TypeDraft, TypeUse};
use super::fault::{SchemaFault, SourceFault, quoted};
use super::name_table::is_name;
use super::table::Schema;
use super::type_id::TypeKind;
use crate::graphql::document::ast::OperationKind;
use crate::limits;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;

/// A query for everything that [`Schema::from_introspection`] needs. Types wrapped in more than
/// seven lists and `!` are not covered, as in the query that most tools send.
pub const INTROSPECTION_QUERY: &str = "query EvergraphIntrospection{__schema{queryType{name}\
    mutationType{name}subscriptionType{name}types{kind name fields(includeDeprecated:true){name \
    args{defaultValue type{kind}}type{...T}}interfaces{name}possibleTypes{name}}}}\
    fragment T on __Type{kind name ofType{kind name ofType{kind name ofType{kind name \
    ofType{kind name ofType{kind name ofType{kind name ofType{kind name}}}}}}}}";

impl Schema {
    /// Reads a schema from the response to [`INTROSPECTION_QUERY`] or to a query that selects as
    /// much: the whole response or its `data`. The schema has no cache hints, because introspection
    /// does not show directives.
    pub fn from_introspection(answer: &[u8]) -> Result<Self, SchemaFault> {
        if answer.len() > limits::SCHEMA_BYTES {
            let message = format!("the schema has more than {} bytes", limits::SCHEMA_BYTES);
            return Err(SchemaFault { message, line: None });
        }
        let answer: Answer<'_> = serde_json::from_slice(answer).map_err(|error| SchemaFault {
            message: format!("this is not a response to an introspection query: {error}"),
            line: Some(error.line()).filter(|line| *line > 0),
        })?;
        let found = answer.data.and_then(|data| data.schema).or(answer.schema);
        let found = found.ok_or_else(|| SchemaFault {
            message: "this is not a response to an introspection query: it has no `__schema`"
                .to_owned(),
            line: None,
        })?;
        read(&found).map_err(SourceFault::somewhere)
    }
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Option<Data<'a>>,
    #[serde(borrow, rename = "__schema")]
    schema: Option<SchemaAnswer<'a>>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, rename = "__schema")]
    schema: Option<SchemaAnswer<'a>>,
}

/// `__Schema` (§4.2.1).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SchemaAnswer<'a> {
    #[serde(borrow)]
    query_type: Named<'a>,
    #[serde(borrow)]
    mutation_type: Option<Named<'a>>,
    #[serde(borrow)]
    subscription_type: Option<Named<'a>>,
    #[serde(borrow)]
    types: Vec<TypeAnswer<'a>>,
}

/// `__Type` (§4.2.2), as a definition.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeAnswer<'a> {
    kind: Kind,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    fields: Option<Vec<FieldAnswer<'a>>>,
    #[serde(borrow)]
    interfaces: Option<Vec<Named<'a>>>,
    #[serde(borrow)]
    possible_types: Option<Vec<Named<'a>>>,
}

/// `__Field` (§4.2.3).
#[derive(Deserialize)]
struct FieldAnswer<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    args: Vec<ArgumentAnswer>,
    #[serde(borrow, rename = "type")]
    of: TypeRef<'a>,
}

/// `__InputValue` (§4.2.4).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ArgumentAnswer {
    #[serde(rename = "type")]
    of: Kinded,
    default_value: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Kinded {
    kind: Kind,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

/// `__Type`, as the type of a field. serde_json limits its depth to 128.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeRef<'a> {
    kind: Kind,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    of_type: Option<Box<TypeRef<'a>>>,
}

/// Borrowed text, where possible: a schema repeats the same few names.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// `__TypeKind` (§4.2.2).
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Kind {
    Scalar,
    Object,
    Interface,
    Union,
    Enum,
    InputObject,
    List,
    NonNull,
}

fn read(found: &SchemaAnswer<'_>) -> Result<Schema, SourceFault> {
    let mut draft = SchemaDraft::default();
    draft.define_roots(0)?;
    let roots = [
        (OperationKind::Query, Some(&found.query_type)),
        (OperationKind::Mutation, found.mutation_type.as_ref()),
        (OperationKind::Subscription, found.subscription_type.as_ref()),
    ];
    for (kind, root) in roots {
        if let Some(root) = root {
            draft.add_root(kind, root.name.get()?, 0)?;
        }
    }
    for one in &found.types {
        let name = one.name.get()?;
        let new = one.read(&mut draft, name)?;
        draft.add(name, new)?;
    }
    draft.finish()
}

impl TypeAnswer<'_> {
    fn read<'a>(
        &'a self,
        draft: &mut SchemaDraft<'a>,
        name: &str,
    ) -> Result<TypeDraft<'a>, SourceFault> {
        let lacks =
            |what: &str| SourceFault::new(0, format!("type {} has no `{what}`", quoted(name)));
        let kind = match self.kind {
            Kind::Scalar | Kind::Enum => TypeKind::Leaf,
            Kind::Object => TypeKind::Object,
            Kind::Interface => TypeKind::Interface,
            Kind::Union => TypeKind::Union,
            Kind::InputObject => TypeKind::Input,
            Kind::List | Kind::NonNull => {
                return Err(SourceFault::new(0, format!("{} is a wrapping type", quoted(name))));
            }
        };
        let mut new = TypeDraft::new(kind, DefinitionKind::Definition, 0);
        let links = match kind {
            TypeKind::Object | TypeKind::Interface => {
                for field in self.fields.as_ref().ok_or_else(|| lacks("fields"))? {
                    draft.count_field(0)?;
                    new.fields.push(field.read()?);
                }
                // Interfaces could not implement interfaces when introspection was first specified.
                let may_lack = kind == TypeKind::Interface;
                match &self.interfaces {
                    None if may_lack => &[],
                    found => found.as_deref().ok_or_else(|| lacks("interfaces"))?,
                }
            }
            TypeKind::Union => {
                self.possible_types.as_deref().ok_or_else(|| lacks("possibleTypes"))?
            }
            TypeKind::Leaf | TypeKind::Input => &[],
        };
        for link in links {
            draft.count_link(0)?;
            new.links.push(link.name.get()?);
        }
        Ok(new)
    }
}

impl FieldAnswer<'_> {
    fn read(&self) -> Result<FieldDraft<'_>, SourceFault> {
        let required = |argument: &ArgumentAnswer| {
            argument.of.kind == Kind::NonNull && argument.default_value.is_none()
        };
        Ok(FieldDraft {
            name: self.name.get()?,
            at: 0,
            of: self.of.read()?,
            needs_arguments: self.args.iter().any(required),
            hint: CacheHint::NONE,
        })
    }
}

impl TypeRef<'_> {
    fn read(&self) -> Result<TypeUse<'_>, SourceFault> {
        let nonnull = self.kind == Kind::NonNull;
        let mut list = false;
        let mut inner = self;
        while matches!(inner.kind, Kind::List | Kind::NonNull) {
            list |= inner.kind == Kind::List;
            inner = inner.of_type.as_ref().ok_or_else(|| {
                SourceFault::new(
                    0,
                    "a field's type has no `ofType`: the query must select it more deeply",
                )
            })?;
        }
        let name = inner.name.as_ref().ok_or_else(|| SourceFault::new(0, "a type has no name"))?;
        Ok(TypeUse { name: name.get()?, list, nonnull })
    }
}

impl Text<'_> {
    /// The text, if it is a name. Responses are untrusted.
    fn get(&self) -> Result<&str, SourceFault> {
        if is_name(&self.0) {
            return Ok(&self.0);
        }
        Err(SourceFault::new(0, format!("{} is not a name", quoted(&self.0))))
    }
}

#[cfg(test)]
mod tests;
