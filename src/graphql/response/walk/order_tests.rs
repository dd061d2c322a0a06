//! The facts do not depend on how a response is written: on the order of members, on members that a later one of the
//! same name overrides, and on escapes. Objects of one list then have many layouts.

use crate::graphql::{ResponseFacts, ResponseJson, Schema, TypeKnowledge, analyze, facts};
use crate::json::Index;
use crate::limits::Amounts;
use proptest::prelude::*;

const DOCUMENT: &str = "{ products { __typename id name price seller { id name } parts { name seller { id } } } \
     search { ... on Product { id name } ... on User { t: __typename id name } } total: count page { total } }";

const SDL: &str = "
    type Query { products: [Product], search: [Result], count: Int, page: Page }
    union Result = Product | User
    type Page { total: Int, products: [Product] }
    type Product { id: ID, name: String, price: Float, seller: User, parts: [Part] }
    type User { id: ID, name: String }
    type Part { name: String, seller: User }";

fn choose(choices: &mut impl Iterator<Item = u8>, of: u8) -> u8 {
    choices.next().unwrap_or(0) % of
}

/// A value of a response: text, or members.
#[derive(Debug, Clone)]
enum Shown {
    Leaf(&'static str),
    List(Vec<Shown>),
    Object(Vec<(&'static str, Shown)>),
}

impl Shown {
    /// The JSON text. `choices` decide how it is written; without any it is written plainly.
    fn write(&self, choices: &mut impl Iterator<Item = u8>, out: &mut String) {
        match self {
            Self::Leaf(text) => out.push_str(text),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    item.write(choices, out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                let mut order: Vec<usize> = (0..members.len()).collect();
                order.rotate_left(usize::from(choose(choices, 4)) % members.len().max(1));
                if choose(choices, 2) == 1 {
                    order.reverse();
                }
                let overridden = choose(choices, 3);
                out.push('{');
                if let Some((name, _)) = members.first().filter(|_| overridden > 0) {
                    let value = if overridden == 1 { "\"9\"" } else { "{\"id\":9}" };
                    out.push_str(&format!("\"{name}\":{value},"));
                }
                for (at, place) in order.into_iter().enumerate() {
                    let (name, value) = &members[place];
                    out.push_str(if at == 0 { "\"" } else { ",\"" });
                    match choose(choices, 5) {
                        1 => name
                            .chars()
                            .for_each(|one| out.push_str(&format!("\\u{:04x}", u32::from(one)))),
                        _ => out.push_str(name),
                    }
                    out.push_str("\":");
                    value.write(choices, out);
                }
                out.push('}');
            }
        }
    }

    fn facts(&self, choices: &[u8], schema: Option<&Schema>) -> ResponseFacts {
        let mut text = "{\"data\":".to_owned();
        self.write(&mut choices.iter().copied(), &mut text);
        text.push('}');
        let index = Index::of(text.as_bytes()).unwrap();
        let knowledge = TypeKnowledge { schema, keys: &Default::default() };
        let analysis = analyze(DOCUMENT, None, &Amounts::default_limits(), &knowledge).unwrap();
        let shown = ResponseJson { json: index.root(), has_additions: true };
        let data = index.root().get("data").unwrap().as_object().unwrap();
        facts(shown, data, &analysis.shape, &knowledge)
    }
}

fn shown() -> impl Strategy<Value = Shown> {
    let leaves = prop::sample::select(vec![
        "null",
        "7",
        "\"7.5\"",
        "\"x\"",
        "true",
        "\"Product\"",
        "\"User\"",
    ]);
    let leaf = prop_oneof![4 => leaves.prop_map(Shown::Leaf), 1 => Just(Shown::List(Vec::new()))];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let names = vec![
            "evergraph__typename",
            "evergraph__key_id__User",
            "__typename",
            "t",
            "id",
            "name",
            "price",
            "seller",
            "parts",
            "products",
            "search",
            "total",
            "page",
            "unknown",
        ];
        let members = prop::sample::subsequence(names, 0..6);
        prop_oneof![
            2 => prop::collection::vec(inner.clone(), 0..4).prop_map(Shown::List),
            3 => (members, prop::collection::vec(inner, 6)).prop_map(|(names, values)| {
                Shown::Object(names.into_iter().zip(values).collect())
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn the_facts_do_not_depend_on_how_a_response_is_written(
        products in prop::collection::vec(shown(), 0..5),
        search in shown(),
        page in shown(),
        choices in prop::collection::vec(any::<u8>(), 0..200),
        has_schema in any::<bool>(),
    ) {
        let schema = Schema::from_sdl(SDL).unwrap();
        let schema = has_schema.then_some(&schema);
        let data = Shown::Object(vec![("products", Shown::List(products)), ("search", search), ("page", page)]);
        prop_assert_eq!(data.facts(&choices, schema), data.facts(&[], schema));
    }
}
