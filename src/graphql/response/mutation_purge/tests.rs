use super::*;
use crate::graphql::analysis_of;
use crate::json::Index;
use serde_json::json;
use std::collections::BTreeMap;

fn known(names: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let mut known = BTreeMap::<String, BTreeSet<String>>::new();
    for name in names {
        known.entry(name.to_lowercase().replace('_', "")).or_default().insert((*name).to_owned());
    }
    known
}

fn purged(config: Value, document: &str, data: Value, names: &[&str]) -> Option<Vec<String>> {
    let variables = json!({ "id": "9", "ids": [1, 2] });
    purged_with(&variables, config, document, data, names)
}

fn purged_with(
    variables: &Value,
    config: Value,
    document: &str,
    data: Value,
    names: &[&str],
) -> Option<Vec<String>> {
    let config = crate::config::parse(&config).unwrap();
    let analysis = analysis_of(document);
    let knowledge = TypeKnowledge { schema: None, keys: &config.graphql.keys };
    let index = Index::from(&data);
    let mutation = ExecutedMutation {
        analysis: &analysis,
        variables: variables.as_object(),
        data: index.root().as_object(),
    };
    match purge_of_mutation(&config, mutation, &knowledge, &known(names)) {
        MutationPurge::Everything { .. } => None,
        MutationPurge::Tags(mut tags) => {
            // Without a schema it is always there.
            tags.retain(|tag| tag.as_str() != crate::tag::BY_SCHEMA);
            Some(tags.iter().map(|t| t.as_str().to_owned()).collect())
        }
    }
}

fn by_policy(policy: &str, document: &str, data: Value) -> Option<Vec<String>> {
    purged(json!({ "mutations": { "policy": policy } }), document, data, &[])
}

fn strings(list: &[&str]) -> Option<Vec<String>> {
    Some(list.iter().map(|text| (*text).to_owned()).collect())
}

const WRAPPED: &str = "mutation { updateProduct { __typename product { __typename id category { __typename id } } } }";

fn wrapped() -> Value {
    json!({ "updateProduct": { "__typename": "UpdateProduct", "product": {
        "__typename": "Product", "id": 42, "category": { "__typename": "Category", "id": 7 } } } })
}

#[test]
fn each_policy_purges_what_it_says() {
    assert_eq!(by_policy("type", WRAPPED, wrapped()), strings(&["Category", "Product"]));
    assert_eq!(by_policy("entity", WRAPPED, wrapped()), strings(&["Category:7", "Product:42"]));
    assert_eq!(
        by_policy("list", WRAPPED, wrapped()),
        strings(&["Category:7", "Product:42", "list:Category", "list:Product"])
    );
    assert_eq!(by_policy("all", WRAPPED, wrapped()), None);
}

#[test]
fn a_field_that_speaks_of_many_purges_the_type() {
    let document = "mutation { bulkUpdateProducts { __typename products { __typename id } } }";
    let data = json!({ "bulkUpdateProducts": { "__typename": "P", "products": [{ "__typename": "Product", "id": 1 }] } });
    assert_eq!(by_policy("entity", document, data), strings(&["Product", "Product:1"]));
}

#[test]
fn a_wrapper_names_nothing_and_the_fields_name_decides() {
    let document = "mutation { deleteProduct(id: 1) { __typename ok } }";
    let data = json!({ "deleteProduct": { "__typename": "DeleteProduct", "ok": true } });
    assert_eq!(purged(json!({}), document, data.clone(), &["User"]), None);
    assert_eq!(
        purged(json!({}), document, data.clone(), &["Product"]),
        strings(&["Product", "ProductNode", "ProductType", "product"])
    );
    assert_eq!(
        purged(json!({}), document, data, &["ProductType"]),
        strings(&["Product", "ProductNode", "ProductType", "product"])
    );
    assert_eq!(
        purged(
            json!({}),
            "mutation { createProduct }",
            json!({ "createProduct": true }),
            &["User"]
        ),
        None
    );
}

#[test]
fn an_answer_without_types_is_judged_by_name_too() {
    let document = "mutation { createProduct { category { __typename id } product { id } } }";
    let data = json!({ "createProduct": { "category": { "__typename": "Category", "id": 1 }, "product": { "id": 2 } } });
    assert_eq!(purged(json!({}), document, data.clone(), &[]), None);
    assert_eq!(
        purged(json!({}), document, data, &["Product"]),
        strings(&["Category", "Product", "ProductNode", "ProductType", "product"])
    );
}

#[test]
fn the_type_in_the_name_counts_beside_the_answer_known_or_not() {
    let document = "mutation { deleteReview { user { __typename id } } }";
    let data = json!({ "deleteReview": { "user": { "__typename": "User", "id": 1 } } });
    let both = strings(&["Review", "ReviewNode", "ReviewType", "User", "review"]);
    assert_eq!(purged(json!({}), document, data.clone(), &[]), both);
    assert_eq!(purged(json!({}), document, data, &["Review"]), both);
}

#[test]
fn rules_replace_the_policy_for_their_fields_alone() {
    let config =
        json!({ "mutations": { "rules": { "track*": [], "publishCatalog": ["type:product"] } } });
    let two = "mutation { trackVisit { ok } publishCatalog { ok } }";
    let data = json!({ "trackVisit": { "ok": 1 }, "publishCatalog": { "ok": 1 } });
    assert_eq!(purged(config.clone(), two, data, &[]), strings(&["type:product"]));
    let mixed = "mutation { trackVisit { ok } createThing { ok } }";
    assert_eq!(purged(config.clone(), mixed, json!({}), &[]), None);
    assert_eq!(purged(config, "mutation { t: trackVisit { ok } }", Value::Null, &[]), strings(&[]));
}

#[test]
fn an_answer_that_was_not_read_is_judged_by_name() {
    assert_eq!(
        purged(json!({}), "mutation { createProduct { id } }", Value::Null, &["Product"]),
        strings(&["Product", "ProductNode", "ProductType", "product"])
    );
    assert_eq!(purged(json!({}), "mutation { createProduct { id } }", Value::Null, &[]), None);
}

#[test]
fn names_mean_types() {
    let known = known(&["Product", "User", "Category", "OrderItem", "products", "Address"]);
    for (field, candidates) in [
        ("createProduct", "Product"),
        ("update_product", "Product"),
        ("bulkDeleteProducts", "Product"),
        ("ProductCreate", "Product"),
        ("productBulkUpdate", "Product"),
        ("addCategories", "Category"),
        ("upsertOrderItem", "OrderItem"),
        ("insert_products_one", "products"),
        ("delete_products_by_pk", "products"),
        ("setAddress", "Address"),
    ] {
        let found = candidate_types(field, &known);
        assert!(found.any_known && found.names.contains(candidates), "{field}");
    }
    for field in ["login", "setPostTags", "createProductReview", "delete", "addProductToCategory"] {
        assert!(!candidate_types(field, &known).any_known, "{field}");
    }
}

#[test]
fn what_is_deleted_is_known_by_its_arguments() {
    let deleted = |document: &str, data: Value| {
        purged(json!({ "mutations": { "policy": "list" } }), document, data, &["Product"])
    };
    let expected = |ids: &[&str]| -> Option<Vec<String>> {
        let names = ["Product", "ProductNode", "ProductType", "product"];
        let mut tags: Vec<String> = names
            .iter()
            .flat_map(|name| ids.iter().map(move |id| format!("{name}:{id}")))
            .chain(names.iter().map(|name| format!("list:{name}")))
            .collect();
        tags.sort();
        Some(tags)
    };
    for (document, ids) in [
        ("mutation { deleteProduct(id: 42) { ok } }", &["42"] as &[&str]),
        ("mutation($id: ID!) { deleteProduct(id: $id) { ok } }", &["9"]),
        ("mutation($x: ID = \"d\") { deleteProduct(productId: $x) { ok } }", &["d"]),
        (
            "mutation { deleteProduct(input: {id: \"gid://s/Product/7\", reason: X}) { ok } }",
            &["7", "gid://s/Product/7"],
        ),
        (
            "mutation { ...F } fragment F on Mutation { deleteProduct(product_id: 5) { ok } }",
            &["5"],
        ),
    ] {
        assert_eq!(
            deleted(document, json!({ "deleteProduct": { "ok": true } })),
            expected(ids),
            "{document}"
        );
    }
    // If a selection gives no id, or the name means several objects, the type is purged.
    let none =
        deleted("mutation { deleteProduct(name: \"x\") { ok } }", json!({ "deleteProduct": null }));
    assert!(none.unwrap().contains(&"Product".to_owned()));
    let one = deleted(
        "mutation { a: deleteProduct(id: 1) { ok } b: deleteProduct(all: true) { ok } }",
        json!({ "a": null, "b": null }),
    );
    assert!(one.unwrap().contains(&"Product".to_owned()));
    let many = deleted(
        "mutation($ids: [ID]) { deleteProducts(ids: $ids) { ok } }",
        json!({ "deleteProducts": null }),
    );
    assert!(many.unwrap().contains(&"Product".to_owned()));
}

#[test]
fn a_number_is_the_same_id_however_it_is_written() {
    let entity = || json!({ "mutations": { "policy": "entity" } });
    let deleted = |variables: &str, document: &str| {
        let variables = serde_json::from_str(variables).unwrap();
        let data = json!({ "deleteProduct": true });
        purged_with(&variables, entity(), document, data, &["Product"]).unwrap()
    };
    for id in ["42", "\"42\"", "42.0", "4.2e1", "42E0", "[42.0, null]"] {
        let document = "mutation($id: Int!) { deleteProduct(id: $id) }";
        let tags = deleted(&format!("{{\"id\":{id}}}"), document);
        assert!(tags.contains(&"Product:42".to_owned()), "{id}: {tags:?}");
        assert!(!tags.contains(&"Product".to_owned()), "{id}: {tags:?}");
    }
    // What cannot be read may be any of the type.
    for id in ["1e100", "{\"_in\":[1]}", "[7, {\"_eq\":8}]", "[7, 1e100]"] {
        let document = "mutation($id: Int!) { deleteProduct(id: $id) }";
        let tags = deleted(&format!("{{\"id\":{id}}}"), document);
        assert!(tags.contains(&"Product".to_owned()), "{id}: {tags:?}");
    }
    // The same in responses.
    for id in ["42", "42.0", "4.2E1"] {
        let data = format!("{{\"updateProduct\":{{\"__typename\":\"Product\",\"id\":{id}}}}}");
        let data = serde_json::from_str(&data).unwrap();
        let tags = purged(entity(), "mutation { updateProduct { __typename id } }", data, &[]);
        assert_eq!(tags, strings(&["Product:42"]), "{id}");
    }
}

#[test]
fn a_type_that_is_named_like_a_prefix_is_purged_as_a_whole() {
    for name in ["type", "op", "path", "key", "scope", "list", "Type", "product"] {
        for policy in ["entity", "list", "type"] {
            let document = format!("mutation {{ update_{name}_by_pk(id: 7) {{ __typename id }} }}");
            let data = json!({ format!("update_{name}_by_pk"): { "__typename": name, "id": 7 } });
            let tags = by_policy(policy, &document, data).unwrap();
            // As an entry without the id has it.
            let entry = [name.to_owned(), format!("{name}:?")];
            let reached = tags.iter().flat_map(|tag| {
                crate::tag::reach(&Tag::parse(tag).unwrap(), &Vec::new()).into_iter()
            });
            let reached: Vec<String> = reached.map(|tag| tag.as_str().to_owned()).collect();
            assert!(entry.iter().any(|tag| reached.contains(tag)), "{name}, {policy}: {reached:?}");
        }
    }
}

#[test]
fn a_configured_key_is_the_only_one_that_counts() {
    let config = json!({
        "mutations": { "policy": "entity" }, "graphql": { "keys": { "Product": "sku" } } });
    let updated = |document: &str, product: Value| {
        purged(config.clone(), document, json!({ "updateProduct": product }), &["Product"])
    };
    let sku = updated(
        "mutation { updateProduct { __typename id sku } }",
        json!({ "__typename": "Product", "id": 1, "sku": "a" }),
    );
    assert_eq!(sku, strings(&["Product:a"]));
    let id = updated(
        "mutation { updateProduct { __typename id } }",
        json!({ "__typename": "Product", "id": 1 }),
    );
    assert_eq!(id, strings(&["Product"]));
}

#[test]
fn arguments_count_only_where_entries_are_named_so() {
    let by_entity = |document: &str, data: Value| {
        purged(
            json!({ "mutations": { "policy": "entity" } }),
            document,
            data,
            &["Product", "Category"],
        )
        .unwrap()
    };
    let uuid = by_entity(
        "mutation { deleteProduct(uuid: \"u\") { ok } }",
        json!({ "deleteProduct": null }),
    );
    assert!(uuid.contains(&"Product".to_owned()));
    let made =
        by_entity("mutation { createProduct(id: 1) { ok } }", json!({ "createProduct": null }));
    assert!(made.contains(&"Product".to_owned()));
    // The object in the response may be another one of this type.
    let parent = json!({ "deleteCategory": { "parent": { "__typename": "Category", "id": 3 } } });
    let deleted =
        by_entity("mutation { deleteCategory(id: 7) { parent { __typename id } } }", parent);
    assert!(
        deleted.contains(&"Category:7".to_owned()) && deleted.contains(&"Category:3".to_owned())
    );
}

const SDL: &str = "
    type Query { product: Product }
    type Mutation { createReview: CreateReview, makeGadget: Payload }
    type CreateReview { review: Review, product: Product }
    type Payload { node: Node }
    interface Node { id: ID }
    type Product implements Node { id: ID }
    type Review implements Node { id: ID }";

fn purged_with_schema(document: &str, data: Value) -> MutationPurge {
    let config = crate::config::parse(&json!({ "mutations": { "policy": "entity" } })).unwrap();
    let schema = crate::graphql::Schema::from_sdl(SDL).unwrap();
    let knowledge = TypeKnowledge { schema: Some(&schema), keys: &config.graphql.keys };
    let analysis = analysis_of(document);
    let index = Index::from(&data);
    let data = index.root().as_object();
    let mutation = ExecutedMutation { analysis: &analysis, variables: None, data };
    purge_of_mutation(&config, mutation, &knowledge, &known(&["Product", "Review"]))
}

#[test]
fn a_schema_types_what_a_mutation_answers() {
    let document = "mutation { createReview { review { id } product { id } } }";
    let data = json!({ "createReview": { "review": { "id": 1 }, "product": { "id": 2 } } });
    let MutationPurge::Tags(tags) = purged_with_schema(document, data) else { panic!() };
    let tags: Vec<&str> = tags.iter().map(Tag::as_str).collect();
    assert_eq!(tags, ["Product:2", "Review:1"]);
}

#[test]
fn a_type_that_the_schema_lacks_reaches_what_only_it_knows() {
    let document = "mutation { makeGadget { node { __typename id } } }";
    let of = |name: &str| {
        let data = json!({ "makeGadget": { "node": { "__typename": name, "id": 1 } } });
        match purged_with_schema(document, data) {
            MutationPurge::Tags(tags) => {
                tags.iter().any(|tag| tag.as_str() == crate::tag::BY_SCHEMA)
            }
            MutationPurge::Everything { .. } => panic!(),
        }
    };
    assert!(of("Gadget") && !of("Product"));
}

#[test]
fn a_payload_of_unknown_types_is_not_certain() {
    let types = &["Settings", "Product"];
    // The changed object may be a `GeneralSettings`, whatever the mutation is called.
    for (document, data) in [
        (
            "mutation { updateSettings { generalSettings { title } } }",
            json!({ "updateSettings": { "generalSettings": { "title": "x" } } }),
        ),
        (
            "mutation { updateSettings { all { title } generalSettings { __typename title } } }",
            json!({ "updateSettings": { "all": { "title": "x" },
                "generalSettings": { "__typename": "GeneralSettings", "title": "x" } } }),
        ),
        (
            "mutation { createProduct { id author { id } } }",
            json!({ "createProduct": { "id": 1, "author": { "id": 2 } } }),
        ),
        (
            "mutation { createProduct { product { id author { id } } } }",
            json!({ "createProduct": { "product": { "id": 1, "author": { "id": 2 } } } }),
        ),
        (
            "mutation { createProduct { nodes { id } } }",
            json!({ "createProduct": { "nodes": [{ "id": 1 }] } }),
        ),
        (
            "mutation { createProduct { x { ... on A { y: b { id } } ... on B { y: c { id } } } } }",
            json!({ "createProduct": { "x": { "y": { "id": 1 } } } }),
        ),
    ] {
        assert_eq!(purged(json!({}), document, data, types), None, "{document}");
    }
    // The type of the root field's own object, and of a field named after it, is known from the
    // name.
    for (document, data) in [
        ("mutation { updateProduct { id } }", json!({ "updateProduct": { "id": 1 } })),
        ("mutation { updateProduct { ok } }", json!({ "updateProduct": { "ok": true } })),
        (
            "mutation { updateProduct { product { id } errors { message } } }",
            json!({ "updateProduct": { "product": { "id": 1 }, "errors": [] } }),
        ),
        (
            "mutation { bulkUpdateProducts { products { id } } }",
            json!({ "bulkUpdateProducts": { "products": [{ "id": 1 }] } }),
        ),
        (
            "mutation { updateProduct { product { id } author { __typename id } } }",
            json!({ "updateProduct": { "product": { "id": 1 },
                "author": { "__typename": "User", "id": 2 } } }),
        ),
    ] {
        let tags = purged(json!({}), document, data, types);
        assert!(tags.is_some_and(|tags| tags.contains(&"Product".to_owned())), "{document}");
    }
}

#[test]
fn a_settings_payload_purges_what_it_shows_and_what_it_is_called() {
    let document =
        "mutation { updateSettings { __typename generalSettings { __typename title } } }";
    let data = json!({ "updateSettings": { "__typename": "UpdateSettingsPayload",
        "generalSettings": { "__typename": "GeneralSettings", "title": "x" } } });
    let tags = purged(json!({}), document, data, &["Settings"]).unwrap();
    for name in ["GeneralSettings", "Settings"] {
        assert!(tags.contains(&name.to_owned()), "{tags:?}");
    }
    // A type that is not named after the mutation is more than a payload, even without an id.
    let document = "mutation { updateSettings { __typename title } }";
    let data = json!({ "updateSettings": { "__typename": "GeneralSettings", "title": "x" } });
    let tags = purged(json!({}), document, data, &["Settings"]).unwrap();
    assert!(tags.contains(&"GeneralSettings".to_owned()), "{tags:?}");
}

#[test]
fn a_name_of_directus_suffices_where_its_type_is_known() {
    let document = "mutation { update_users_me { id } }";
    let data = json!({ "update_users_me": { "id": "7" } });
    assert_eq!(purged(json!({}), document, data.clone(), &["companies"]), None);
    let tags = purged(json!({}), document, data, &["directus_users"]).unwrap();
    assert!(tags.contains(&"directus_users".to_owned()), "{tags:?}");
}

#[test]
fn an_interface_in_a_payload_is_each_of_its_types() {
    let document = "mutation { makeGadget { node { id } } }";
    let data = json!({ "makeGadget": { "node": { "id": 1 } } });
    let MutationPurge::Tags(tags) = purged_with_schema(document, data) else { panic!() };
    assert!(tags.contains("Product") && tags.contains("Review"), "{tags:?}");
}
