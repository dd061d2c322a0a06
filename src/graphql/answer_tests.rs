use super::super::analysis::analysed;
use super::*;
use serde_json::json;

fn tags(document: &str, data: Value) -> Vec<String> {
    let analysis = analysed(document);
    let body = json!({ "data": data });
    let Outcome::Data(data) = outcome(&body) else { panic!("{body}") };
    facts(&body, data, &analysis.shape, false)
        .tags
        .iter()
        .map(|tag| tag.as_str().to_owned())
        .collect()
}

#[test]
fn types_entities_and_lists_are_tagged() {
    assert_eq!(
        tags(
            "{ products { __typename id category { __typename name } } }",
            json!({ "products": [
                { "__typename": "Product", "id": 42, "category": { "__typename": "Category", "name": "x" } },
                { "__typename": "Product", "id": "a b", "category": { "__typename": "Category", "name": "y" } },
            ] }),
        ),
        ["Category", "Category:?", "Product", "Product:42", "Product:a%20b", "list:Product"]
    );
}

#[test]
fn what_is_not_known_is_untyped() {
    assert_eq!(tags("{ a { id } }", json!({ "a": { "id": 1 } })), ["untyped"]);
    assert_eq!(tags("{ a { __typename id } }", json!({ "a": null })), ["untyped"]);
    assert_eq!(tags("{ a { __typename id } }", json!({ "a": [] })), ["untyped"]);
    assert_eq!(tags("{ count }", json!({ "count": 7 })), ["untyped"]);
    assert_eq!(tags("{ __typename }", json!({ "__typename": "Query" })), Vec::<String>::new());
}

#[test]
fn an_alias_does_not_pass_for_an_id_or_a_type() {
    assert_eq!(
        tags(
            "{ a { t: __typename id: slug __typename: name } }",
            json!({ "a": { "t": "Product", "id": "x", "__typename": "Fake" } })
        ),
        ["Product", "Product:?"]
    );
    let ambiguous = "{ a { __typename ... on A { id } ... on B { id: slug } } }";
    assert_eq!(tags(ambiguous, json!({ "a": { "__typename": "B", "id": "x" } })), ["B", "B:?"]);
}

#[test]
fn what_the_shape_does_not_have_is_untyped() {
    assert_eq!(
        tags("{ a { __typename id } }", json!({ "a": { "__typename": "A", "id": 1, "b": {} } })),
        ["A", "A:1", "untyped"]
    );
}

#[test]
fn too_many_tags_become_coarse_ones() {
    let items: Vec<_> = (0..2000).map(|id| json!({ "__typename": "P", "id": id })).collect();
    assert_eq!(tags("{ p { __typename id } }", json!({ "p": items })), ["P", "P:?", "list:P"]);
}

#[test]
fn the_origin_may_add_tags() {
    let analysis = analysed("{ __typename }");
    let body = json!({ "data": { "__typename": "Query" }, "extensions": { "cacheTags": ["a:1", 7, "b c"] } });
    let Outcome::Data(data) = outcome(&body) else { panic!() };
    let facts = facts(&body, data, &analysis.shape, false);
    assert_eq!(facts.tags.iter().map(Tag::as_str).collect::<Vec<_>>(), ["a:1"]);
}

#[test]
fn outcomes() {
    assert!(matches!(outcome(&json!({ "data": {} })), Outcome::Data(_)));
    assert!(matches!(outcome(&json!({ "data": {}, "errors": null })), Outcome::Data(_)));
    assert!(matches!(outcome(&json!({ "data": {}, "errors": [{}] })), Outcome::Partial(Some(_))));
    assert!(matches!(outcome(&json!({ "data": {}, "hasNext": true })), Outcome::Partial(Some(_))));
    assert_eq!(outcome(&json!({ "data": null, "errors": [{}] })), Outcome::Partial(None));
    assert_eq!(outcome(&json!({ "errors": [{}] })), Outcome::NothingRan);
    assert_eq!(outcome(&json!({})), Outcome::Unknown);
    assert_eq!(outcome(&json!([])), Outcome::Unknown);
}

#[test]
fn an_added_type_counts_only_where_it_was_added() {
    let body = json!({ "data": { "a": { "evergraph__typename": "A", "id": 1 } } });
    let data = body["data"].as_object().unwrap();
    let of = |document: &str, added| {
        let facts = facts(&body, data, &analysed(document).shape, added);
        (facts.types.into_iter().collect::<Vec<_>>(), facts.untyped)
    };
    assert_eq!(of("{ a { id } }", true), (vec!["A".to_owned()], false));
    // A client's own alias of that name says nothing.
    assert_eq!(of("{ a { evergraph__typename: name id } }", false), (vec![], true));
}
