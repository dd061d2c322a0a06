use super::*;
use serde_json::json;

fn config() -> Config {
    crate::config::parse(&json!({
        "types": { "i": { "match": ["rest:/i/**"], "ttl": 1, "ignore_case": true } },
        "resources": [
            { "path": "/p/:id", "tags": ["P:{id}", "Q"] },
            { "path": "/list", "tags": ["Product", "Product:{$.items[*].id}"] },
            { "path": "/cart/:id", "tags": ["Item:{id}:{$.sku}", "Product:{$.items[*].id}"] },
            { "path": "/I/:kind/:id", "tags": ["{kind}", "R:{id}", "type:{id}", "S:{id}:{$.x}"] },
        ],
    }))
    .unwrap()
}

fn texts(tags: TagSet) -> Vec<String> {
    tags.into_iter().map(|tag| tag.as_str().to_owned()).collect()
}

fn url(path: &str) -> Url {
    Url::parse(&format!("http://h{path}")).unwrap()
}

fn of_entry(path: &str, json: Option<&Value>) -> Vec<String> {
    let mut tags = entry_path_tags(&config(), &url(path));
    tags.extend(entry_body_tags(&config(), &url(path), json));
    texts(tags)
}

fn of_write(path: &str, json: Option<&Value>) -> Vec<String> {
    let mut tags = write_path_tags(&config(), &url(path));
    tags.extend(write_body_tags(&config(), &url(path), json));
    texts(tags)
}

#[test]
fn equivalent_spellings_share_tags() {
    assert_eq!(of_entry("/p/7?x=1", None), of_entry("/%70/7", None));
    assert_eq!(of_entry("/p/7", None), ["P", "P:7", "Q", "Q:?", "path:/p/7"]);
}

#[test]
fn an_entry_and_a_write_share_a_tag_of_their_folded_path() {
    let entry = entry_path_tags(&config(), &url("/p/7"));
    assert!(entry.contains("path:/p/7"));
    for path in [
        "/p/7",
        "/P/7",
        "//p/7",
        "/p//7",
        "/p/7/",
        "/p/7%2f",
        "/p%2f7",
        "/%70/7",
        "/p/7;x=1",
        "/p/x/..%2f7",
        "/p/7%00",
        "/i/..;/p/7",
    ] {
        let written = write_path_tags(&config(), &url(path));
        for tag in ["path:/p/7", "P:7", "Q"] {
            assert!(written.contains(tag), "{path}: {written:?}");
        }
        assert!(written.contains(&format!("path:{}", url(path).comparable_path())), "{path}");
        let stored = entry_path_tags(&config(), &url(path));
        for tag in ["path:/p/7", "P:7", "P", "Q", "Q:?"] {
            assert!(stored.contains(tag), "{path}: {stored:?}");
        }
    }
    let other = write_path_tags(&config(), &url("/p/8"));
    assert!(!other.iter().any(|tag| entry.contains(tag.as_str()) && tag.as_str() != "Q"));
}

#[test]
fn a_spelled_path_names_ids_in_its_own_case_and_in_lower_case() {
    let written = of_write("/P//UHJv", None);
    for tag in ["P:UHJv", "P:uhjv", "path:/P//UHJv"] {
        assert!(written.contains(&tag.to_owned()), "{tag} not in {written:?}");
    }
    assert!(of_entry("/P/UHJv", None).contains(&"P:UHJv".to_owned()));
    // Tags from a body require the body.
    assert!(needs_body(&config(), &url("/Cart/7;x")) && needs_body(&config(), &url("//list")));
    let shown = json!({ "sku": "x", "items": [{ "id": 2 }] });
    let written = of_write("/Cart/7;x", Some(&shown));
    assert_eq!(written, ["Item:7:x", "Item:7;x:x", "Product:2", "path:/Cart/7;x", "path:/cart/7"]);
}

#[test]
fn an_id_in_a_path_is_the_id_that_a_body_has() {
    assert!(of_entry("/p/UHJv%3D%2F%2b", None).contains(&"P:UHJv=/+".to_owned()));
    assert!(of_write("/p/a%20b", None).contains(&"P:a%20b".to_owned()));
    assert!(of_write("/p/%ff", None).contains(&"P:%FF".to_owned()));
}

#[test]
fn what_a_body_shows_is_a_tag() {
    let shown = json!({ "items": [{ "id": 1 }, { "id": "b c" }] });
    assert_eq!(
        of_entry("/list", Some(&shown)),
        ["Product", "Product:1", "Product:b%20c", "path:/list"]
    );
    assert_eq!(
        of_entry("/cart/7", Some(&json!({ "sku": "x", "items": [{ "id": 1 }] }))),
        ["Item", "Item:7:x", "Product", "Product:1", "path:/cart/7"]
    );
    assert!(needs_body(&config(), &url("/list")) && needs_body(&config(), &url("/cart/7")));
    assert!(!needs_body(&config(), &url("/p/7")) && !needs_body(&config(), &url("/x")));
}

#[test]
fn what_a_body_does_not_show_is_reached_by_every_purge_of_its_type() {
    let without = ["Product", "Product:?", "path:/list"];
    for json in [
        None,
        Some(json!({})),
        Some(json!([])),
        Some(json!({ "items": [] })),
        Some(json!({ "items": [{ "id": null }] })),
        Some(json!({ "items": [{ "id": { "a": 1 } }] })),
    ] {
        assert_eq!(of_entry("/list", json.as_ref()), without, "{json:?}");
    }
    let some = json!({ "items": [{ "id": 1 }, { "name": "x" }] });
    assert_eq!(of_entry("/list", Some(&some)), ["Product", "Product:1", "Product:?", "path:/list"]);
}

#[test]
fn more_values_than_the_limit_count_as_none() {
    let items: Vec<Value> = (0..BODY_VALUES).map(|id| json!({ "id": id })).collect();
    let most = json!({ "items": items, "sku": "x" });
    let tags = of_entry("/list", Some(&most));
    assert!(tags.len() == BODY_VALUES + 2 && !tags.contains(&"Product:?".to_owned()));
    // One value was used up before.
    assert_eq!(
        of_entry("/cart/7", Some(&most)),
        ["Item", "Item:7:x", "Product", "Product:?", "path:/cart/7"]
    );
    assert_eq!(of_write("/cart/7", Some(&most)), ["Item:7:x", "Product", "path:/cart/7"]);
    let items: Vec<Value> = (0..=BODY_VALUES).map(|id| json!({ "id": id })).collect();
    let more = json!({ "items": items });
    assert_eq!(of_entry("/list", Some(&more)), ["Product", "Product:?", "path:/list"]);
}

#[test]
fn a_write_purges_what_its_answer_shows_and_its_path_tells() {
    assert_eq!(of_write("/p/7", None), ["P:7", "Q", "path:/p/7"]);
    assert_eq!(of_write("/cart/7", None), ["Item", "Product", "path:/cart/7"]);
    for json in [json!(null), json!({ "items": [] }), json!({ "items": [{}] })] {
        assert_eq!(of_write("/cart/7", Some(&json)), ["Item", "Product", "path:/cart/7"], "{json}");
    }
    let shown = json!({ "sku": 1, "items": [{ "id": 2 }] });
    assert_eq!(of_write("/cart/7", Some(&shown)), ["Item:7:1", "Product:2", "path:/cart/7"]);
    let some = json!({ "sku": 1, "items": [{ "id": 2 }, {}] });
    let written = of_write("/cart/7", Some(&some));
    assert_eq!(written, ["Item:7:1", "Product", "Product:2", "path:/cart/7"]);
}

#[test]
fn a_path_whose_case_does_not_matter_has_one_set_of_tags() {
    let of = |path: &str| of_entry(path, Some(&json!({ "x": 1 })));
    assert_eq!(of("/I/shop/42"), of("/i/SHOP/42"));
    assert_eq!(
        of("/i/Shop/42"),
        ["R", "R:42", "S", "S:42:1", "path:/i/shop/42", "shop", "shop:?", "type:42"]
    );
    // It is unknown how others write the ID, so a purge of any entity of the type reaches the
    // entry.
    let with_letters = of("/i/Shop/Ab");
    for tag in ["R:ab", "R:?", "S:ab:1", "S:?"] {
        assert!(with_letters.contains(&tag.to_owned()), "{tag} not in {with_letters:?}");
    }
    assert!(!with_letters.contains(&"type:?".to_owned()));
    assert_eq!(
        of_write("/I/Shop/42", None),
        ["R:42", "S", "Shop", "path:/i/shop/42", "shop", "type:42"]
    );
    let written = of_write("/I/Shop/Ab", None);
    for tag in ["R:ab", "R:Ab", "R", "S", "path:/i/shop/ab"] {
        assert!(written.contains(&tag.to_owned()), "{tag} not in {written:?}");
    }
}
