use super::*;
use crate::graphql::document::shape::Shape;
use crate::graphql::{Outcome, ResponseJson, Schema, TypeKnowledge, analysis_of, facts, outcome};
use crate::json::{Index, Object};
use serde_json::{Value, json};

fn facts_of(body: &Index, data: Object<'_>, shape: &Shape) -> ResponseFacts {
    let knowledge = TypeKnowledge { schema: None, keys: &Default::default() };
    facts(ResponseJson { json: body.root(), has_additions: false }, data, shape, &knowledge)
}

fn tags(document: &str, data: Value) -> Vec<String> {
    tags_of_text(document, &data.to_string())
}

fn tags_of_text(document: &str, data: &str) -> Vec<String> {
    let analysis = analysis_of(document);
    let body = Index::of(format!(r#"{{ "data": {data} }}"#).as_bytes()).unwrap();
    let Outcome::Data(data) = outcome(body.root()) else { panic!("{body:?}") };
    facts_of(&body, data, &analysis.shape).tags.iter().map(|tag| tag.as_str().to_owned()).collect()
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
        ["Product", "Product:?", "untyped"]
    );
    let ambiguous = "{ a { __typename ... on A { id } ... on B { id: slug } } }";
    assert_eq!(
        tags(ambiguous, json!({ "a": { "__typename": "B", "id": "x" } })),
        ["B", "B:?", "untyped"]
    );
}

/// Gateways that rename types rewrite `__typename`, and may forget its aliases. Entries that earlier versions
/// tagged are purged by the same choice.
#[test]
fn of_types_that_disagree_the_first_by_name_counts() {
    let document = "{ node { kind: __typename __typename Kind: __typename id } }";
    for (node, tag) in [
        (r#"{ "kind": "Product", "__typename": "Shop_Product", "id": 1 }"#, "Shop_Product"),
        (r#"{ "kind": "Product", "__typename": "Shop_Product", "Kind": "Good", "id": 1 }"#, "Good"),
        (r#"{ "kind": "Product", "__typename": null, "id": 1 }"#, "Product"),
    ] {
        let data = format!(r#"{{ "node": {node} }}"#);
        assert_eq!(tags_of_text(document, &data), [tag.to_owned(), format!("{tag}:1")], "{node}");
    }
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
    let analysis = analysis_of("{ __typename }");
    let body = Index::from(
        &json!({ "data": { "__typename": "Query" }, "extensions": { "cacheTags": ["a:1", 7, "b c"] } }),
    );
    let Outcome::Data(data) = outcome(body.root()) else { panic!() };
    let facts = facts_of(&body, data, &analysis.shape);
    assert_eq!(facts.tags.iter().map(Tag::as_str).collect::<Vec<_>>(), ["a:1"]);
}

#[test]
fn outcomes() {
    assert!(matches!(outcome(Index::from(&json!({ "data": {} })).root()), Outcome::Data(_)));
    assert!(matches!(
        outcome(Index::from(&json!({ "data": {}, "errors": null })).root()),
        Outcome::Data(_)
    ));
    assert!(matches!(
        outcome(Index::from(&json!({ "data": {}, "errors": [{}] })).root()),
        Outcome::Partial(Some(_))
    ));
    assert!(matches!(
        outcome(Index::from(&json!({ "data": {}, "hasNext": true })).root()),
        Outcome::Partial(Some(_))
    ));
    assert_eq!(
        outcome(Index::from(&json!({ "data": null, "errors": [{}] })).root()),
        Outcome::NothingRan
    );
    assert_eq!(outcome(Index::from(&json!({ "errors": [{}] })).root()), Outcome::NothingRan);
    assert_eq!(
        outcome(Index::from(&json!({ "errors": [{ "path": null }] })).root()),
        Outcome::NothingRan
    );
    for answer in [
        json!({ "data": null }),
        json!({ "data": null, "errors": [{ "path": ["a"] }] }),
        json!({ "errors": [{}, { "path": ["a"] }] }),
        json!({ "errors": [{ "path": [] }] }),
        json!({ "errors": [] }),
        json!({ "errors": { "a": 1 } }),
        json!({ "errors": [{}], "hasNext": false }),
    ] {
        assert_eq!(outcome(Index::from(&answer).root()), Outcome::Partial(None), "{answer}");
    }
    assert_eq!(outcome(Index::from(&json!({})).root()), Outcome::Unknown);
    assert_eq!(outcome(Index::from(&json!([])).root()), Outcome::Unknown);
}

#[test]
fn an_added_type_counts_only_where_it_was_added() {
    let body = Index::from(&json!({ "data": { "a": { "evergraph__typename": "A", "id": 1 } } }));
    let data = body.root().get("data").unwrap().as_object().unwrap();
    let of = |document: &str, added| {
        let knowledge = TypeKnowledge { schema: None, keys: &Default::default() };
        let facts = facts(
            ResponseJson { json: body.root(), has_additions: added },
            data,
            &analysis_of(document).shape,
            &knowledge,
        );
        (facts.types.into_iter().collect::<Vec<_>>(), facts.untyped)
    };
    assert_eq!(of("{ a { id } }", true), (vec!["A".to_owned()], false));
    // A client's own alias with that name proves nothing.
    assert_eq!(of("{ a { evergraph__typename: name id } }", false), (vec![], true));
}

const SDL: &str = "
    type Query { product: Product, products: [Product!], search: [Result], node: Node, count: Int }
    interface Node { id: ID! }
    union Result = Product | User
    type Product implements Node { id: ID!, sku: String, seller: User, tags: [Tag] }
    type User implements Node { id: ID! }
    type Tag { _id: ID, label: String }";

fn facts_with_schema(document: &str, data: Value) -> ResponseFacts {
    let schema = Schema::from_sdl(SDL).unwrap();
    let keys = [("Product".to_owned(), vec!["sku".to_owned()])].into();
    facts_with(document, data, &TypeKnowledge { schema: Some(&schema), keys: &keys })
}

/// Facts of a response to the document with additions.
fn facts_with(document: &str, data: Value, knowledge: &TypeKnowledge<'_>) -> ResponseFacts {
    let analysis = analyse_for(document, knowledge);
    let body = Index::from(&json!({ "data": data }));
    let data = body.root().get("data").unwrap().as_object().unwrap();
    let json = ResponseJson { json: body.root(), has_additions: true };
    facts(json, data, &analysis.shape, knowledge)
}

fn analyse_for(document: &str, knowledge: &TypeKnowledge<'_>) -> crate::graphql::Analysis {
    let limits = crate::limits::Amounts::default_limits();
    crate::graphql::analyze(document, None, &limits, knowledge).unwrap()
}

#[test]
fn with_a_schema_nothing_has_a_type() {
    let tags = |document: &str, data: Value| -> Vec<String> {
        let facts = facts_with_schema(document, data);
        assert!(!facts.contradicts_schema);
        let mut facts = facts;
        facts.tags.retain(|tag| tag.as_str() != crate::tag::BY_SCHEMA);
        facts.tags.iter().map(|tag| tag.as_str().to_owned()).collect()
    };
    assert_eq!(tags("{ product { sku } }", json!({ "product": null })), ["Product", "Product:?"]);
    assert_eq!(
        tags("{ products { sku } }", json!({ "products": [] })),
        ["Product", "Product:?", "list:Product"]
    );
    assert_eq!(
        tags("{ search { __typename } }", json!({ "search": [] })),
        ["Product", "Product:?", "User", "User:?", "list:Product", "list:User"]
    );
    assert_eq!(
        tags(
            "{ product { sku seller { id } tags { label } } }",
            json!({ "product": { "evergraph__typename": "Product", "sku": "a", "seller": null,
                "tags": [{ "evergraph__typename": "Tag", "evergraph__key__id__Tag": 7, "label": "x" }] } }),
        ),
        ["Product", "Product:a", "Tag", "Tag:7", "User", "User:?", "list:Tag"]
    );
    // A number of the query itself has no type, not even with a schema.
    assert_eq!(tags("{ count }", json!({ "count": 7 })), ["untyped"]);
    assert_eq!(tags("{ unknown { x } }", json!({ "unknown": null })), ["untyped"]);
}

#[test]
fn an_answer_can_contradict_the_schema() {
    let contradicts = |data: Value| {
        facts_with_schema("{ product { seller { id } } node { id } }", data).contradicts_schema
    };
    let typed = |name: &str| json!({ "evergraph__typename": name, "id": 1 });
    assert!(!contradicts(json!({ "product": null, "node": typed("User") })));
    assert!(contradicts(json!({ "product": null, "node": typed("Tag") })));
    let seller = json!({ "evergraph__typename": "Product", "seller": typed("Person") });
    assert!(contradicts(json!({ "product": seller, "node": null })));
}

#[test]
fn an_answer_speaks_of_its_own_caching() {
    let hint = |extensions: Value| {
        let body = Index::from(&json!({ "data": {}, "extensions": extensions }));
        let data = body.root().get("data").unwrap().as_object().unwrap();
        facts_of(&body, data, &analysis_of("{ a }").shape).hint
    };
    let of = |max_age, private| ResponseHint { max_age, private };
    assert_eq!(hint(json!({})), of(None, false));
    assert_eq!(
        hint(json!({ "cacheControl": { "maxAge": 30.5, "scope": "PRIVATE" } })),
        of(Some(30), true)
    );
    assert_eq!(hint(json!({ "cacheControl": { "maxAge": -1 } })), of(Some(0), false));
    assert_eq!(hint(json!({ "cacheControl": { "maxAge": "x" } })), of(Some(0), false));
    let hints = json!({ "cacheControl": { "version": 1, "hints": [
        { "path": ["a"], "maxAge": 60 }, { "path": ["b"], "maxAge": 10, "scope": "PRIVATE" } ] } });
    assert_eq!(hint(hints), of(Some(10), true));
}

const RELAY: &str = "
    type Query { products: ProductConnection, category: Category }
    type ProductConnection { totalCount: Int, edges: [ProductEdge!]!, pageInfo: PageInfo! }
    type ProductEdge { cursor: ID, node: Product }
    type PageInfo { hasNextPage: Boolean }
    type Product @cacheControl(scope: PRIVATE) { id: ID }
    type Category { id: ID, products: ProductConnection }";

fn relay(document: &str, data: Value, with_schema: bool) -> ResponseFacts {
    let schema = Schema::from_sdl(RELAY).unwrap();
    let keys = Default::default();
    let schema = with_schema.then_some(&schema);
    facts_with(document, data, &TypeKnowledge { schema, keys: &keys })
}

fn has(facts: &ResponseFacts, tag: &str) -> bool {
    facts.tags.iter().any(|known| known.as_str() == tag)
}

#[test]
fn a_count_of_things_that_it_does_not_show_has_no_type() {
    let counted = |inner: Value| json!({ "evergraph__typename": "ProductConnection", "totalCount": 7, "edges": inner });
    let document = "{ products { totalCount edges { node { id } } pageInfo { hasNextPage } } }";
    let node = json!([{ "evergraph__typename": "ProductEdge", "node": { "evergraph__typename": "Product", "id": 1 } }]);
    let mut shown = counted(node);
    shown["pageInfo"] = json!({ "evergraph__typename": "PageInfo", "hasNextPage": true });
    let facts = relay(document, json!({ "products": shown }), false);
    assert!(!facts.untyped && has(&facts, "list:Product") && has(&facts, "Product:1"));
    let alone =
        json!({ "products": { "evergraph__typename": "ProductConnection", "totalCount": 7 } });
    assert!(relay("{ products { totalCount } }", alone, false).untyped);
    let hasura = json!({ "x": { "evergraph__typename": "products_aggregate",
        "aggregate": { "evergraph__typename": "products_aggregate_fields", "count": 7 } } });
    assert!(relay("{ x { aggregate { count } } }", hasura, false).untyped);
    // Nor does one within an entity.
    let category = json!({ "category": { "evergraph__typename": "Category", "id": 3,
        "products": { "evergraph__typename": "ProductConnection", "totalCount": 7 } } });
    assert!(relay("{ category { id products { totalCount } } }", category, false).untyped);
}

#[test]
fn what_would_stand_below_nothing_is_tagged_too() {
    let empty = json!({ "products": { "evergraph__typename": "ProductConnection", "edges": [] } });
    let facts = relay("{ products { edges { node { id } } } }", empty, true);
    assert!(has(&facts, "Product") && has(&facts, "Product:?") && has(&facts, "list:Product"));
    assert!(has(&facts, crate::tag::BY_SCHEMA));
    let null = relay("{ products { edges { node { id } } } }", json!({ "products": null }), true);
    assert!(has(&null, "Product") && !null.untyped);
}

#[test]
fn the_hint_of_a_type_counts_whatever_led_to_it() {
    let data = json!({ "x": { "evergraph__typename": "Product", "id": 1 } });
    assert!(relay("{ x { id } }", data.clone(), true).hint.private);
    assert!(!relay("{ x { id } }", data, false).hint.private);
}
