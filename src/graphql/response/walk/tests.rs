//! What a response depends on without showing it.

use super::state::{SCHEMA_STEPS, Walk};
use crate::graphql::{
    Analysis, ResponseFacts, ResponseJson, Schema, TypeKnowledge, analyze, facts,
};
use crate::json::Index;
use crate::limits::Amounts;
use crate::tag::{Tag, TagSet, reach};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn analysed_for(document: &str, knowledge: &TypeKnowledge<'_>) -> Analysis {
    analyze(document, None, &Amounts::default_limits(), knowledge).unwrap()
}

/// The data with each `t` as an added `__typename`.
fn typed(data: &Value) -> Value {
    let text = data.to_string().replace("\"t\":", "\"evergraph__typename\":");
    serde_json::from_str(&text).unwrap()
}

fn facts_of(document: &str, data: &Value, schema: Option<&Schema>) -> ResponseFacts {
    let knowledge = TypeKnowledge { schema, keys: &Default::default() };
    let analysis = analysed_for(document, &knowledge);
    let body = Index::from(&json!({ "data": typed(data) }));
    let shown = ResponseJson { json: body.root(), has_additions: true };
    let data = body.root().get("data").unwrap().as_object().unwrap();
    facts(shown, data, &analysis.shape, &knowledge)
}

fn has(facts: &ResponseFacts, tag: &str) -> bool {
    facts.tags.contains(tag)
}

/// `true` if a purge of these tags purges the response.
fn is_purged(facts: &ResponseFacts, tags: &[&str]) -> bool {
    let reached: TagSet =
        tags.iter().flat_map(|tag| reach(&Tag::parse(tag).unwrap(), &vec![])).collect();
    reached.iter().any(|tag| has(facts, tag.as_str()))
}

/// What each policy purges for a mutation that returns `Product:9`.
fn by_policies(type_name: &str) -> [Vec<String>; 3] {
    let entity = format!("{type_name}:9");
    [vec![type_name.to_owned()], vec![entity.clone(), format!("list:{type_name}")], vec![entity]]
}

fn is_purged_by_each_policy(facts: &ResponseFacts, type_name: &str) -> bool {
    by_policies(type_name).iter().all(|tags| {
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        is_purged(facts, &tags)
    })
}

#[test]
fn totals_pages_and_aggregates_go_with_what_they_tell_of() {
    for (document, data) in [
        // Twenty, Hot Chocolate, Relay
        (
            "{ products { totalCount } }",
            json!({ "products": { "t": "PaginatedProduct", "totalCount": 7 } }),
        ),
        (
            "{ products { pageInfo { hasNextPage } } }",
            json!({ "products": { "t": "ProductConnection",
                "pageInfo": { "t": "PageInfo", "hasNextPage": true } } }),
        ),
        (
            "{ products { pageInfo { endCursor } } }",
            json!({ "products": { "t": "ProductConnection",
                "pageInfo": { "t": "PageInfo", "endCursor": "x" } } }),
        ),
        // Hasura
        (
            "{ products_aggregate { aggregate { count } } }",
            json!({ "products_aggregate": { "t": "products_aggregate",
                "aggregate": { "t": "products_aggregate_fields", "count": 7 } } }),
        ),
        (
            "{ products_aggregate { aggregate { sum { price } } } }",
            json!({ "products_aggregate": { "t": "products_aggregate",
                "aggregate": { "t": "products_aggregate_fields",
                    "sum": { "t": "products_sum_fields", "price": 7 } } } }),
        ),
        (
            "{ products_aggregate { aggregate { max { id } } } }",
            json!({ "products_aggregate": { "t": "products_aggregate",
                "aggregate": { "t": "products_aggregate_fields",
                    "max": { "t": "products_max_fields", "id": 7 } } } }),
        ),
        // Prisma
        (
            "{ aggregateProduct { _count { _all } } }",
            json!({ "aggregateProduct": { "t": "AggregateProduct",
                "_count": { "t": "ProductCountAggregateOutputType", "_all": 7 } } }),
        ),
        (
            "{ groupByProduct { name _count { id } } }",
            json!({ "groupByProduct": [{ "t": "ProductGroupByOutputType", "name": "x",
                "_count": { "t": "ProductCountAggregateOutputType", "id": 7 } }] }),
        ),
        // PostGraphile
        (
            "{ allProducts { aggregates { sum { price } } } }",
            json!({ "allProducts": { "t": "ProductsConnection",
                "aggregates": { "t": "ProductAggregates",
                    "sum": { "t": "ProductSumAggregates", "price": "7" } } } }),
        ),
        (
            "{ allProducts { groupedAggregates { keys } } }",
            json!({ "allProducts": { "t": "ProductsConnection",
                "groupedAggregates": [{ "t": "ProductAggregates", "keys": ["x"] }] } }),
        ),
        // Strapi
        (
            "{ products { meta { pagination { total } } } }",
            json!({ "products": { "t": "ProductEntityResponseCollection",
                "meta": { "t": "ResponseCollectionMeta",
                    "pagination": { "t": "Pagination", "total": 7 } } } }),
        ),
        // Lighthouse
        (
            "{ products { paginatorInfo { total } } }",
            json!({ "products": { "t": "ProductPaginator",
                "paginatorInfo": { "t": "PaginatorInfo", "total": 7 } } }),
        ),
        // Directus
        (
            "{ products_aggregated { count { id } } }",
            json!({ "products_aggregated": [{ "t": "products_aggregated",
                "count": { "t": "products_aggregated_count", "id": 7 } }] }),
        ),
        // Shopify, and hand-written APIs
        ("{ productsCount { count } }", json!({ "productsCount": { "t": "Count", "count": 7 } })),
        ("{ stats { products } }", json!({ "stats": { "t": "Stats", "products": 7 } })),
        ("{ cheapest { price } }", json!({ "cheapest": { "t": "Product", "price": 7 } })),
        ("{ n }", json!({ "n": 7 })),
        // A number next to entities of another type
        (
            "{ dashboard { newProducts orders { id } } }",
            json!({ "dashboard": { "t": "Dashboard", "newProducts": 7,
                "orders": [{ "t": "Order", "id": 1 }] } }),
        ),
        (
            "{ stats { byUser { products user { id } } } }",
            json!({ "stats": { "t": "Stats", "byUser": [
                { "t": "UserProducts", "products": 7, "user": { "t": "User", "id": 1 } }] } }),
        ),
        // In an entity
        (
            "{ shop { id products { totalCount } } }",
            json!({ "shop": { "t": "Shop", "id": 1,
                "products": { "t": "ProductConnection", "totalCount": 7 } } }),
        ),
        (
            "{ shops { id stats { products } } }",
            json!({ "shops": [{ "t": "Shop", "id": 1, "stats": { "t": "Stats", "products": 7 } }] }),
        ),
        (
            "{ shop { id orders { count { id } } } }",
            json!({ "shop": { "t": "Shop", "id": 1, "orders": { "t": "OrdersAggregated",
                "count": { "t": "OrdersCount", "id": 7 } } } }),
        ),
        // Words that describe other entities
        (
            "{ products { meta { newest } } }",
            json!({ "products": { "t": "Products", "meta": { "t": "Meta", "newest": "x" } } }),
        ),
        ("{ bestseller { name } }", json!({ "bestseller": { "t": "Product", "name": "x" } })),
    ] {
        let facts = facts_of(document, &data, None);
        assert!(is_purged_by_each_policy(&facts, "Product"), "{document}: {:?}", facts.tags);
    }
}

#[test]
fn what_stands_beside_entities_goes_with_them_alone() {
    let node = json!({ "t": "Product", "id": 1 });
    for (document, data) in [
        ("{ products { id } }", json!({ "products": [node] })),
        (
            "{ products { totalCount nodes { id } pageInfo { hasNextPage } } }",
            json!({ "products": { "t": "PaginatedProduct", "totalCount": 7, "nodes": [node],
                "pageInfo": { "t": "Whatever", "hasNextPage": true } } }),
        ),
        (
            "{ products { edges { cursor node { id } } pageInfo { endCursor } } }",
            json!({ "products": { "t": "ProductConnection",
                "edges": [{ "t": "ProductEdge", "cursor": "x", "node": node }],
                "pageInfo": { "t": "PageInfo", "endCursor": "x" } } }),
        ),
        (
            "{ products { data { id } meta { pagination { total } } } }",
            json!({ "products": { "t": "ProductEntityResponseCollection", "data": [node],
                "meta": { "t": "Meta", "pagination": { "t": "Pagination", "total": 7 } } } }),
        ),
        (
            "{ products_aggregate { aggregate { count } nodes { id } } }",
            json!({ "products_aggregate": { "t": "products_aggregate", "nodes": [node],
                "aggregate": { "t": "products_aggregate_fields", "count": 7 } } }),
        ),
        (
            "{ viewer { products { edges { node { id } } } } }",
            json!({ "viewer": { "t": "Viewer", "products": { "t": "ProductConnection",
                "edges": [{ "t": "ProductEdge", "node": node }] } } }),
        ),
        (
            "{ getProduct { success product { id } } }",
            json!({ "getProduct": { "t": "ProductResult", "success": true, "product": node } }),
        ),
        (
            "{ shop { id products { totalCount nodes { id } } } }",
            json!({ "shop": { "t": "Shop", "id": 1, "products": { "t": "ProductConnection",
                "totalCount": 7, "nodes": [node] } } }),
        ),
        ("{ node(id: 1) { id ... on Other { x } } }", json!({ "node": node })),
        ("{ nodes(ids: [1]) { id ... on Other { x } } }", json!({ "nodes": [node] })),
        (
            "{ cheapest { id price } }",
            json!({ "cheapest": { "t": "Product", "id": 1, "price": 7 } }),
        ),
    ] {
        let facts = facts_of(document, &data, None);
        assert!(!facts.untyped && !is_purged(&facts, &["User"]), "{document}: {:?}", facts.tags);
        assert!(is_purged(&facts, &["Product"]) && has(&facts, "Product:1"), "{document}");
    }
    // A list or a count changes with a new product.
    let single = "{ products { totalCount first { id } } }";
    let data = json!({ "products": { "t": "Products", "totalCount": 7, "first": node } });
    let facts = facts_of(single, &data, None);
    assert!(has(&facts, "list:Product") && !facts.untyped);
}

#[test]
fn words_under_a_field_of_the_same_name_are_a_thing_of_that_type() {
    for (document, data) in [
        ("{ users { name } }", json!({ "users": [{ "t": "User", "name": "x" }] })),
        (
            "{ users { name } }",
            json!({ "users": [{ "t": "User", "name": null }, { "t": "User", "name": "x" }] }),
        ),
        ("{ user(login: \"x\") { name } }", json!({ "user": { "t": "UserType", "name": "x" } })),
        (
            "{ shop { id user { name } } }",
            json!({ "shop": { "t": "Shop", "id": 1, "user": { "t": "User", "name": "x" } } }),
        ),
    ] {
        let facts = facts_of(document, &data, None);
        assert!(
            !facts.untyped && (has(&facts, "User:?") || has(&facts, "UserType:?")),
            "{document}: {:?}",
            facts.tags
        );
    }
    for (document, data) in [
        ("{ users { age } }", json!({ "users": [{ "t": "User", "age": 7 }] })),
        ("{ users { age } }", json!({ "users": [{ "t": "User", "age": "7" }] })),
        ("{ users { age } }", json!({ "users": [{ "t": "User", "age": null }] })),
        ("{ users { __typename } }", json!({ "users": [{ "__typename": "User" }] })),
        (
            "{ stats { user { name } } }",
            json!({ "stats": { "t": "S", "user": { "t": "User", "name": "x" } } }),
        ),
        ("{ people { name } }", json!({ "people": [{ "t": "User", "name": "x" }] })),
        ("{ stats { bestSeller } }", json!({ "stats": { "t": "Stats", "bestSeller": "x" } })),
        ("{ user { name } }", json!({ "user": { "t": "User", "name": "x" } })),
    ] {
        assert!(facts_of(document, &data, None).untyped, "{document}");
    }
}

#[test]
fn a_type_whose_key_is_configured_is_no_summary() {
    let keys = [("Country".to_owned(), vec!["code".to_owned()])].into();
    let knowledge = TypeKnowledge { schema: None, keys: &keys };
    let of = |document: &str| {
        let country = json!({ "evergraph__typename": "Country", "name": "x" });
        let body = Index::from(&json!({ "data": { "country": country } }));
        let analysis = analysed_for(document, &knowledge);
        let shown = ResponseJson { json: body.root(), has_additions: true };
        let data = body.root().get("data").unwrap().as_object().unwrap();
        facts(shown, data, &analysis.shape, &knowledge)
    };
    let facts = of("{ country { name } }");
    assert!(!facts.untyped && has(&facts, "Country:?"));
}

const CONTENT: &str = "
    type Query {
        contentNodes: ContentNodes, search: [Found], feed: FeedConnection, latest: ContentNode,
        posts: [Post], pages: Pages, site: Site, node(id: ID!): Node, nodes(ids: [ID!]): [Node]
    }
    interface Node { id: ID! }
    interface ContentNode implements Node { id: ID!, title: String }
    union Found = Page | Post
    type Page implements Node & ContentNode { id: ID!, title: String }
    type Post implements Node & ContentNode { id: ID!, title: String }
    type User implements Node { id: ID! }
    type ContentNodes { nodes: [ContentNode!]! }
    type Pages { nodes: [Page!]!, totalCount: Int }
    type FeedConnection { edges: [FeedEdge!], totalCount: Int }
    type FeedEdge { cursor: String, node: ContentNode }
    type Site { id: ID!, content: [ContentNode!] }";

/// Lists of interfaces and unions that happen to contain only pages.
fn lists_of_pages() -> Vec<(&'static str, Value)> {
    let page = json!({ "t": "Page", "id": 1, "title": "x" });
    let without_id = json!({ "t": "Page", "title": "x" });
    let edges = json!([{ "t": "FeedEdge", "cursor": "x", "node": page }]);
    vec![
        (
            "{ contentNodes { nodes { title } } }",
            json!({ "contentNodes": { "t": "ContentNodes", "nodes": [without_id] } }),
        ),
        (
            "{ contentNodes { nodes { id title } } }",
            json!({ "contentNodes": { "t": "ContentNodes", "nodes": [page] } }),
        ),
        (
            "{ contentNodes { nodes { id ... on Post { title } ... on Page { title } } } }",
            json!({ "contentNodes": { "t": "ContentNodes", "nodes": [page] } }),
        ),
        ("{ search { ... on Page { id title } ... on Post { id } } }", json!({ "search": [page] })),
        ("{ search { __typename ... on Page { id title } } }", json!({ "search": [page, page] })),
        ("{ search { __typename } }", json!({ "search": [{ "__typename": "Page" }] })),
        (
            "{ feed { edges { cursor node { id title } } } }",
            json!({ "feed": { "t": "FeedConnection", "edges": edges } }),
        ),
        (
            "{ feed { edges { node { ...A } } } } fragment A on ContentNode { id title }",
            json!({ "feed": { "t": "FeedConnection", "edges": [{ "t": "FeedEdge", "node": page }] } }),
        ),
        (
            "{ site { id content { id title } } }",
            json!({ "site": { "t": "Site", "id": 1, "content": [page] } }),
        ),
        ("{ pages: search { ... on Page { id title } } }", json!({ "pages": [page] })),
        (
            "{ latest { id ... on Page { title } ... on Post { title } } }",
            json!({ "latest": page }),
        ),
    ]
}

#[test]
fn a_list_of_an_interface_goes_with_every_possible_type() {
    let schema = Schema::from_sdl(CONTENT).unwrap();
    for (document, data) in lists_of_pages() {
        for schema in [None, Some(&schema)] {
            let facts = facts_of(document, &data, schema);
            let how = format!("{document} {} {:?}", schema.is_some(), facts.tags);
            assert!(!facts.contradicts_schema, "{how}");
            assert!(is_purged_by_each_policy(&facts, "Post"), "{how}");
            assert!(is_purged(&facts, &["Page"]), "{how}");
            // A schema says which types are impossible.
            assert_eq!(is_purged(&facts, &["User"]), schema.is_none(), "{how}");
        }
    }
}

#[test]
fn a_list_of_one_type_goes_with_that_alone() {
    let schema = Schema::from_sdl(CONTENT).unwrap();
    let page = json!({ "t": "Page", "id": 1 });
    for (document, data) in [
        ("{ posts { id } }", json!({ "posts": [{ "t": "Post", "id": 1 }] })),
        (
            "{ pages { nodes { ...P } totalCount } } fragment P on Page { id }",
            json!({ "pages": { "t": "Pages", "nodes": [page], "totalCount": 1 } }),
        ),
        ("{ node(id: 1) { id ... on Post { title } } }", json!({ "node": page })),
        ("{ nodes(ids: [1, 2]) { id } }", json!({ "nodes": [page] })),
    ] {
        for schema in [None, Some(&schema)] {
            let facts = facts_of(document, &data, schema);
            assert!(!is_purged(&facts, &["User"]), "{document} {:?}", facts.tags);
        }
    }
    // A list with several types is one of an interface or a union.
    let both = json!({ "posts": [{ "t": "Post", "id": 1 }, { "t": "Page", "id": 1 }] });
    assert!(facts_of("{ posts { id } }", &both, None).untyped);
}

const SHOP: &str = "
    type Query { shop: Shop, products: ProductConnection, dashboard: Dashboard, stats: Stats }
    type Shop { id: ID!, name: String, currency: Currency, owner: User, products: ProductConnection,
        stats: ShopStats }
    type ShopStats { best: String, sold: Int }
    type Currency { code: String }
    type ProductConnection { nodes: [Product!], totalCount: Int, pageInfo: PageInfo }
    type PageInfo { hasNextPage: Boolean }
    type Product { id: ID!, maker: User }
    type User { id: ID! }
    type Order { id: ID! }
    type Dashboard { users: Int, label: String, orders: [Order!] }
    type Stats { users: Int }";

#[test]
fn with_a_schema_a_total_goes_with_what_its_fields_lead_to() {
    let schema = Schema::from_sdl(SHOP).unwrap();
    let of = |document: &str, data: Value| {
        let facts = facts_of(document, &data, Some(&schema));
        let purged: Vec<&str> = ["Product", "User", "Order"]
            .into_iter()
            .filter(|name| is_purged_by_each_policy(&facts, name))
            .collect();
        let others = is_purged(&facts, &["Gadget"]);
        (purged, others)
    };
    let connection = |inner: Value| {
        let mut connection = json!({ "t": "ProductConnection" });
        connection.as_object_mut().unwrap().extend(inner.as_object().unwrap().clone());
        connection
    };
    let page = json!({ "pageInfo": { "t": "PageInfo", "hasNextPage": true } });
    for (document, data, purged) in [
        (
            "{ products { totalCount } }",
            json!({ "products": connection(json!({ "totalCount": 7 })) }),
            vec!["Product"],
        ),
        (
            "{ products { pageInfo { hasNextPage } } }",
            json!({ "products": connection(page.clone()) }),
            vec!["Product"],
        ),
        ("{ products { totalCount } }", json!({ "products": null }), vec!["Product"]),
        ("{ products { pageInfo { hasNextPage } } }", json!({ "products": null }), vec!["Product"]),
        (
            "{ shop { id products { totalCount } } }",
            json!({ "shop": { "t": "Shop", "id": 1, "products": connection(json!({ "totalCount": 7 })) } }),
            vec!["Product"],
        ),
        // A scalar of the shop, and a summary of one of its lists.
        (
            "{ shop { id stats { best } } }",
            json!({ "shop": { "t": "Shop", "id": 1, "stats": { "t": "ShopStats", "best": "x" } } }),
            vec!["Product"],
        ),
        ("{ shop { id stats { sold } } }", json!({ "shop": null }), vec!["Product"]),
        ("{ shop { id name } }", json!({ "shop": { "t": "Shop", "id": 1, "name": "x" } }), vec![]),
    ] {
        assert_eq!(of(document, data), (purged, false), "{document}");
    }
    // A number needs a name that says what it counts; a word does not.
    let orders = json!([{ "t": "Order", "id": 9 }]);
    let shown = |field: &str, value: Value| json!({ "dashboard": { "t": "Dashboard", field: value, "orders": orders } });
    let numbers = of("{ dashboard { users orders { id } } }", shown("users", json!(7)));
    assert_eq!(numbers, (vec!["Product", "User", "Order"], true));
    let words = of("{ dashboard { label orders { id } } }", shown("label", json!("x")));
    assert_eq!(words, (vec!["Order"], false));
    for data in [json!({ "stats": { "t": "Stats", "users": 7 } }), json!({ "stats": null })] {
        assert_eq!(of("{ stats { users } }", data), (vec!["Product", "User", "Order"], true));
    }
    assert!(of("{ dashboard { users } }", json!({ "dashboard": null })).1);
}

/// A schema in which any type is possible anywhere.
fn nested(types: usize) -> Schema {
    let mut sdl = "type Query { node(id: ID): Node } \
         interface Node { id: ID, parent: Node, children: [Node] }"
        .to_owned();
    for at in 0..types {
        sdl.push_str(&format!(
            " type T{at} implements Node {{ id: ID, parent: Node, children: [Node] }}"
        ));
    }
    Schema::from_sdl(&sdl).unwrap()
}

fn steps_of(document: &str, data: &Value, schema: &Schema) -> (usize, bool) {
    let knowledge = TypeKnowledge { schema: Some(schema), keys: &Default::default() };
    let analysis = analysed_for(document, &knowledge);
    let mut walk = Walk::new(true, &knowledge);
    walk.root(Index::from(data).root().as_object().unwrap(), &analysis.shape);
    (SCHEMA_STEPS - walk.steps_left, walk.facts.untyped)
}

#[test]
fn a_null_takes_as_many_steps_as_the_document_is_deep() {
    const DEPTH: usize = 46;
    let schema = nested(20);
    for names in [["parent", "parent"], ["children", "parent"]] {
        let inner = (0..DEPTH)
            .rev()
            .fold("id".to_owned(), |inner, level| format!("{} {{ {inner} }}", names[level % 2]));
        let document = format!("{{ node(id: 1) {{ {inner} }} }}");
        let (steps, untyped) = steps_of(&document, &json!({ "node": null }), &schema);
        // Two steps for each level and possible type: one for a field, and one for its type.
        assert!((DEPTH..=2 * 20 * (DEPTH + 1)).contains(&steps) && !untyped, "{steps}");
    }
}

#[test]
fn beyond_the_steps_an_answer_is_untyped() {
    let schema = nested(20);
    // Each alias has a shape of its own.
    let fields: Vec<String> =
        (0..300).map(|at| format!("a{at}: parent {{ id parent {{ id }} }}")).collect();
    let document = format!("{{ node(id: 1) {{ {} }} }}", fields.join(" "));
    let (steps, untyped) = steps_of(&document, &json!({ "node": null }), &schema);
    assert!(steps <= SCHEMA_STEPS && untyped);
    // More types than can get tags.
    let (_, untyped) = steps_of("{ node(id: 1) { id } }", &json!({ "node": null }), &nested(21));
    assert!(untyped);
}

/// Any response over a few names, without words, which may show an entity without an id.
fn any_data() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!(7)),
        Just(json!("7.5")),
        Just(json!([])),
        Just(json!({}))
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let names = prop_oneof![
            Just("nodes"),
            Just("node"),
            Just("products"),
            Just("id"),
            Just("total"),
            Just("count"),
            Just("shop")
        ];
        let types = prop_oneof![Just("Product"), Just("Shop"), Just("ProductConnection")];
        let object = (
            proptest::option::of(types),
            proptest::collection::btree_map(names, inner.clone(), 0..4),
        )
            .prop_map(|(of, members)| {
                let mut object: Map<String, Value> =
                    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                object.extend(of.map(|of| ("evergraph__typename".to_owned(), json!(of))));
                Value::Object(object)
            });
        prop_oneof![object, proptest::collection::vec(inner, 0..3).prop_map(Value::Array)]
    })
}

proptest! {
    /// An object without an id, and without entities next to it, leaves nothing certain.
    #[test]
    fn an_answer_without_entities_is_untyped(data in any_data()) {
        const FIELDS: &str = "nodes { id total } node { id total count { id } } products { id total \
             nodes { id total } node { id } } total count { id total } shop { id products { id total nodes { id } } }";
        let document = format!("{{ shop {{ {FIELDS} }} products {{ {FIELDS} }} }}");
        let data = json!({ "shop": data, "products": null });
        let facts = facts_of(&document, &data, None);
        prop_assert!(facts.untyped, "a null without a schema: {:?}", facts.tags);
        let without_null = json!({ "shop": data["shop"].clone() });
        let facts = facts_of(&document, &without_null, None);
        let shows_entity = facts.tags.iter().any(|tag| {
            tag.as_str().split_once(':').is_some_and(|(of, id)| of != "list" && id != "?")
        });
        prop_assert!(facts.untyped || shows_entity, "{data} {:?}", facts.tags);
    }
}

/// Objects of one kind in one position are attributed once, so that each further one costs nothing.
#[test]
fn a_long_list_of_objects_without_ids_is_judged_once() {
    let types: String = (0..20).map(|n| format!("type Product{n} {{ id: ID! }}")).collect();
    let links: String = (0..20).map(|n| format!("p{n}: Product{n} ")).collect();
    let schema = Schema::from_sdl(&format!(
        "type Query {{ products: Page }} type Page {{ edges: [Edge] }}
         type Edge {{ cursor: String n: Int {links} }} {types}"
    ))
    .unwrap();
    let knowledge = TypeKnowledge { schema: Some(&schema), keys: &Default::default() };
    let document = "{ products { t: __typename edges { t: __typename cursor n } } }";
    let analysis = analysed_for(document, &knowledge);
    let data = |count: usize| {
        let edge = |n| json!({ "t": "Edge", "cursor": "x", "n": n });
        let edges: Vec<_> = (0..count).map(edge).collect();
        json!({ "products": { "t": "Page", "edges": edges } })
    };
    let judged = |count| {
        let mut walk = Walk::new(false, &knowledge);
        walk.root(Index::from(&data(count)).root().as_object().unwrap(), &analysis.shape);
        assert!(has(&walk.facts, "list:Product7"));
        (walk.attributed.len(), walk.facts)
    };
    assert_eq!(judged(2), judged(5_000));
    assert_eq!(judged(2).0, 2);
}
