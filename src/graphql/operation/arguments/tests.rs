use super::*;
use crate::graphql::{
    Outcome, ResponseJson, Schema, analysis_of, analysis_with_schema, outcome, types_of_root_field,
};
use crate::json::Index;
use serde_json::json;

fn match_arguments(document: &str, variables: Json, wanted: Json) -> ArgumentMatch {
    let analysis = analysis_of(document);
    let Json::Object(wanted) = wanted else { panic!() };
    let wanted: Vec<_> = wanted.into_iter().collect();
    let [arguments] = &analysis.roots["entries"].occurrences[..] else { panic!() };
    analysis.match_arguments(arguments, &wanted, variables.as_object())
}

#[test]
fn literals_and_variables_are_compared_alike() {
    use ArgumentMatch::*;
    let drafts = json!({ "drafts": true });
    for (document, variables, agrees) in [
        ("{ entries { id } }", json!({}), No),
        ("{ entries(drafts: true) { id } }", json!({}), Yes),
        ("{ entries(drafts: false) { id } }", json!({}), No),
        ("{ entries(drafts: null) { id } }", json!({}), No),
        ("query ($d: Boolean) { entries(drafts: $d) { id } }", json!({ "d": true }), Yes),
        ("query ($d: Boolean) { entries(drafts: $d) { id } }", json!({ "d": false }), No),
        ("query ($d: Boolean) { entries(drafts: $d) { id } }", json!({}), No),
        ("query ($d: Boolean = true) { entries(drafts: $d) { id } }", json!({}), Yes),
        ("query ($d: Boolean = true) { entries(drafts: $d) { id } }", json!({ "d": false }), No),
        ("query ($d: Boolean = true) { entries(drafts: $d) { id } }", json!({ "d": null }), No),
        ("query ($d: Float = 1.5) { entries(drafts: $d) { id } }", json!({}), Perhaps),
        ("{ entries(drafts: $undeclared) { id } }", json!({}), Perhaps),
        ("{ entries(drafts: \"true\") { id } }", json!({}), Perhaps),
        ("{ entries(drafts: [true]) { id } }", json!({}), Perhaps),
        ("{ entries(drafts: 1) { id } }", json!({}), Perhaps),
        ("{ entries(drafts: {a: 1}) { id } }", json!({}), Perhaps),
        ("query ($d: Boolean) { entries(drafts: $d) { id } }", json!({ "d": 1 }), Perhaps),
        ("query ($d: Boolean) { entries(drafts: $d) { id } }", json!({ "d": "yes" }), Perhaps),
        ("{ entries(drafts: false, drafts: true) { id } }", json!({}), Perhaps),
        ("{ entries(drafts: true, drafts: true) { id } }", json!({}), Perhaps),
    ] {
        assert_eq!(
            match_arguments(document, variables.clone(), drafts.clone()),
            agrees,
            "{document}"
        );
    }
}

#[test]
fn every_wanted_argument_has_to_agree() {
    use ArgumentMatch::*;
    let wanted = json!({ "kind": "PRODUCT", "first": 10, "where": { "ids": ["1"] } });
    for (arguments, agrees) in [
        ("kind: PRODUCT, first: 10, where: {ids: [\"1\"]}", Yes),
        ("where: {ids: [\"1\"]}, first: 10, kind: PRODUCT, more: 1", Yes),
        ("kind: PRODUCT, first: 10", No),
        ("kind: USER, first: 10, where: {ids: [\"1\"]}", No),
        ("kind: PRODUCT, first: 10.0, where: {ids: [\"1\"]}", Perhaps),
        ("kind: PRODUCT, first: 10, where: {ids: \"1\"}", Perhaps),
        ("kind: PRODUCT, first: 10, where: {ids: [1], not: null}", Perhaps),
        ("kind: PRODUCT, first: 10, where: {ids: [\"1\", \"2\"]}", No),
        ("kind: PRODUCT, first: 10, where: {ids: [1.5, 2]}", Perhaps),
        ("kind: PRODUCT, first: \" 10 \", where: {ids: [\"1\"]}", Perhaps),
        ("kind: PRODUCT, first: \"11\", where: {ids: [\"1\"]}", No),
        ("kind: PRODUCT, first: true, where: {ids: [\"1\"]}", Perhaps),
        ("kind: PRODUCT, first: 10, where: {ids: [\"1\"], ids: [\"2\"]}", Perhaps),
    ] {
        let document = format!("{{ entries({arguments}) {{ id }} }}");
        assert_eq!(match_arguments(&document, json!({}), wanted.clone()), agrees, "{arguments}");
    }
}

#[test]
fn a_server_may_cut_a_number_to_an_integer() {
    use ArgumentMatch::*;
    let first = |given: Json| {
        let document = "query ($n: Int) { entries(first: $n) { id } }";
        match_arguments(document, json!({ "n": given }), json!({ "first": 10 }))
    };
    let given = [json!(10), json!(10.9), json!("10.9"), json!(11), json!(9.9), json!(true)];
    assert_eq!(given.map(first), [Yes, Perhaps, Perhaps, No, No, Perhaps]);
}

#[test]
fn root_fields_are_found_in_fragments_and_under_every_alias() {
    let analysis = analysis_of(
        "{ a: entries(x: 1) b: entries(x: 2) ... { me } ...F } fragment F on Query { now }",
    );
    let names: Vec<_> = analysis.roots.keys().map(String::as_str).collect();
    assert_eq!(names, ["entries", "me", "now"]);
    assert_eq!(analysis.roots["entries"].occurrences.len(), 2);
}

#[test]
fn a_schema_tells_the_object_types_of_root_fields() {
    let schema = Schema::from_sdl(
        "type Query { me: User! all: [User] node: Node now: Int }
         interface Node { id: ID } type User implements Node { id: ID }",
    );
    let analysis =
        analysis_with_schema("{ me { id } all { id } node { id } now other }", &schema.unwrap());
    let object_type = |name: &str| analysis.roots[name].object_type.as_deref();
    assert_eq!(
        ["me", "all", "node", "now", "other"].map(object_type),
        [Some("User"), Some("User"), None, None, None]
    );
}

#[test]
fn an_answer_shows_the_types_of_a_root_fields_objects() {
    let analysis =
        analysis_of("{ a: list { __typename } b: list { t: __typename } one { id } leaf }");
    let types = |data: Json| {
        let answer = Index::from(&json!({ "data": data }));
        let Outcome::Data(data) = outcome(answer.root()) else { panic!() };
        let shown = ResponseJson { json: answer.root(), has_additions: false };
        let of = |name| {
            let types = types_of_root_field(shown, data, &analysis.shape, name)?;
            Some(types.into_iter().collect::<Vec<_>>().join(" "))
        };
        ["list", "one", "leaf"].map(of)
    };
    let (x, y) = (json!({ "__typename": "X" }), json!({ "t": "Y" }));
    assert_eq!(types(json!({ "a": [x, x], "b": y })), [Some("X Y".into()), None, None]);
    assert_eq!(types(json!({ "a": [x], "b": [] })), [None, None, None]);
    assert_eq!(types(json!({ "a": x, "b": null })), [None, None, None]);
    assert_eq!(types(json!({ "a": x, "b": [y, null] })), [None, None, None]);
    assert_eq!(
        types(json!({ "a": x, "one": { "id": 1 }, "leaf": 1 })),
        [Some("X".into()), None, None]
    );
}
