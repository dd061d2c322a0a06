//! `TypeKnowledge`: which types are entities, and by which fields they are identified.

use crate::config::KeyFields;
use crate::graphql::schema::{Schema, TypeId, TypeKind};
use crate::tag::{BY_SCHEMA, Tag, TagSet, graphql_type_of};

/// Fields that identify an entity by convention, the most common first.
pub(crate) const ID_FIELDS: [&str; 5] = ["id", "_id", "uuid", "databaseId", "documentId"];

/// The sources of knowledge on types: the schema and the configured key fields.
#[derive(Debug, Clone, Copy)]
pub struct TypeKnowledge<'a> {
    /// The schema, if there is one.
    pub schema: Option<&'a Schema>,
    /// The configured key fields.
    pub keys: &'a KeyFields,
}

impl<'a> TypeKnowledge<'a> {
    /// Adds the tag `BY_SCHEMA` if any of the tags may name a type that the schema does not have. A
    /// response whose types are known only from the schema could hold that type.
    pub fn extend_reach(&self, tags: &mut TagSet) {
        let is_known = |tag: &Tag| {
            let Some(name) = graphql_type_of(tag) else { return true };
            self.schema.is_some_and(|schema| schema.type_named(name).is_some())
        };
        if tags.iter().any(|tag| !is_known(tag)) {
            tags.insert(Tag::of("", BY_SCHEMA));
        }
    }

    /// The fields by which purges identify objects of a type: the configured ones, or else the
    /// first of [`ID_FIELDS`] that the type has.
    pub(crate) fn key_fields(&self, type_name: &str) -> Vec<&'a str> {
        if let Some(fields) = self.keys.get(type_name) {
            return fields.iter().map(String::as_str).collect();
        }
        let Some(schema) = self.schema else { return vec!["id"] };
        let Some(of) = schema.type_named(type_name) else { return vec!["id"] };
        ID_FIELDS.into_iter().filter(|field| schema.field(of, field).is_some()).take(1).collect()
    }

    /// `true` if objects of a type are entities even if no id is selected: the configuration or the
    /// schema has a key field for it.
    pub(crate) fn is_entity_type(&self, type_name: &str) -> bool {
        let in_schema = || self.schema.and_then(|schema| schema.type_named(type_name)).is_some();
        self.keys.contains_key(type_name) || (in_schema() && !self.key_fields(type_name).is_empty())
    }

    /// The key fields that can be added to selections on a type: leaves without required arguments.
    pub(crate) fn fields_to_add(&self, of: TypeId) -> Vec<&str> {
        let Some(schema) = self.schema else { return Vec::new() };
        let can_be_added = |field: &&str| {
            schema.field(of, field).is_some_and(|info| {
                schema.kind(info.type_id) == TypeKind::Leaf && !info.list && !info.needs_arguments
            })
        };
        self.key_fields(schema.name(of)).into_iter().filter(can_be_added).collect()
    }

    /// `true` if an argument of this name gives the id of an object of a type, by a key field. For
    /// `User` that is `id`, `userId` or `user_ids`.
    ///
    /// Other ids do not count, because an entry that shows its objects' key fields has no tags for
    /// those.
    pub(crate) fn is_id_argument(&self, type_name: &str, argument: &str) -> bool {
        let plain = |name: &str| name.to_lowercase().replace('_', "");
        let argument = plain(argument);
        let mut fields = self.key_fields(type_name);
        if !self.keys.contains_key(type_name) && !fields.contains(&"id") {
            // The type has no field `id`, so an argument `id` means its key field.
            fields.push("id");
        }
        // Some frameworks call the type of a product `ProductType` or `ProductNode`.
        let thing = ["Type", "Node"].iter().find_map(|suffix| type_name.strip_suffix(suffix));
        let whose = ["", type_name, thing.unwrap_or_default()].map(plain);
        fields.into_iter().any(|field| {
            let mut names = whose.iter().map(|whose| format!("{whose}{}", plain(field)));
            names.any(|name| argument == name || argument == format!("{name}s"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_says_which_object_is_meant() {
        let keys = KeyFields::from([("Product".to_owned(), vec!["sku".to_owned()])]);
        let knowledge = TypeKnowledge { schema: None, keys: &keys };
        let is = |of: &str, name: &str| knowledge.is_id_argument(of, name);
        for name in ["id", "ids", "_id", "userId", "user_id", "userIds"] {
            assert!(is("User", name) && is("UserType", name), "{name}");
        }
        for name in ["sku", "skus", "productSku", "product_sku"] {
            assert!(is("Product", name), "{name}");
        }
        // An entry that shows the id by which purges name it has no tag for another.
        for (of, name) in
            [("User", "uuid"), ("User", "sku"), ("Product", "id"), ("Product", "sku2")]
        {
            assert!(!is(of, name), "{of} {name}");
        }
        for name in ["productId", "name", "idea", "clientMutationId"] {
            assert!(!is("User", name), "{name}");
        }
    }

    #[test]
    fn with_a_schema_the_argument_is_the_field_that_the_type_has() {
        let schema = Schema::from_sdl(
            "type Query { a: A } type A { uuid: ID } type B { name: Int } \
             type C { id: ID, uuid: ID }",
        )
        .unwrap();
        let keys = KeyFields::new();
        let knowledge = TypeKnowledge { schema: Some(&schema), keys: &keys };
        for (of, name, expected) in [
            ("A", "uuid", true),
            ("A", "id", true),
            ("A", "databaseId", false),
            ("B", "id", true),
            ("C", "cId", true),
            ("C", "uuid", false),
        ] {
            assert_eq!(knowledge.is_id_argument(of, name), expected, "{of} {name}");
        }
    }
}
