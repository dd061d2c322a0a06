//! GraphQL in other forms than one query in a body: lists of operations, documents by their hashes and
//! ids, and queries in a URL.

use super::schedule::{Schedule, any_isolate};
use crate::key::sha256_hex;
use crate::sim::fleet::{ClientResponse, Fleet};
use crate::sim::judging::{BY_LIST, BY_OTHER_FORM, BY_QUERY};
use crate::sim::requests::{PRODUCT, PRODUCTS_QUERY, UPDATE, admin, documents, graphql, request};
use serde_json::{Value, json};
use std::rc::Rc;

pub(super) async fn live(fleet: Rc<Fleet>, name: String, times: Schedule) {
    let upload = documents().to_string().into_bytes();
    fleet.ask(any_isolate(&fleet), admin("POST", "documents"), upload).await;
    while times.pass(&fleet).await {
        let universe = &fleet.universe;
        let id = universe.random.below(fleet.products).to_string();
        match universe.random.below(100) {
            0..35 => list(&fleet, &name, &id, false).await,
            35..42 => list(&fleet, &name, &id, true).await,
            42..65 => by_hash(&fleet, &name, &id).await,
            65..80 => by_id(&fleet, &name, &id).await,
            80..98 => by_url(&fleet, &name, &id).await,
            _ => {
                let upload = documents().to_string().into_bytes();
                let route = *universe.random.of(&["documents", "documents?replace=1"]);
                fleet.ask(any_isolate(&fleet), admin("POST", route), upload).await;
            }
        }
    }
}

/// A list of operations in one request, at times with a write among them.
async fn list(fleet: &Rc<Fleet>, name: &str, id: &str, writes: bool) {
    let universe = &fleet.universe;
    let which = any_isolate(fleet);
    let other = universe.random.below(fleet.products).to_string();
    let query = |id: &str| json!({ "query": PRODUCT, "variables": { "id": id } });
    let mut asked = vec![query(id), json!({ "query": PRODUCTS_QUERY }), query(&other)];
    let write = fleet.write_number();
    if writes {
        asked.push(json!({ "query": UPDATE, "variables": { "id": id, "write": write } }));
    }
    let body = Value::Array(asked).to_string().into_bytes();
    let reading = fleet.reading(name, which, "a list of operations");
    let got = match writes {
        false => fleet.ask(which, graphql(None), body).await,
        true => {
            let sent = fleet.sent(which, write);
            let of_write = name.to_owned();
            let look = move |fleet: &Rc<Fleet>, got: &ClientResponse| {
                // The write's answer is the last of the list.
                let last = serde_json::from_slice::<Value>(&got.body).ok();
                let last = last.and_then(|all| all.as_array()?.last().cloned());
                let body = last.unwrap_or_default().to_string().into_bytes();
                let alone =
                    ClientResponse { status: got.status, headers: got.headers.clone(), body };
                fleet.judge_write(&of_write, sent, &alone);
            };
            fleet.ask_and(which, graphql(None), body, Some(sent), look).await
        }
    };
    let Some(got) = got.filter(|got| got.status == 200) else { return };
    let all = serde_json::from_slice::<Value>(&got.body).ok();
    let Some(Value::Array(all)) = all else {
        return universe.laws.report(format!("no list: {}", reading.how(&got)));
    };
    if all.len() != 3 + usize::from(writes) {
        universe.laws.report(format!("a list of {} answers ({})", all.len(), reading.how(&got)));
    }
    // A list is a hit where all of it is.
    for (answer, (view, id)) in
        all.iter().zip([(BY_QUERY, Some(id)), (BY_LIST, None), (BY_QUERY, Some(&*other))])
    {
        fleet.judge_answer(&reading, &got, answer, view, id);
    }
}

/// A query by its hash, and with its document where that is not known.
async fn by_hash(fleet: &Rc<Fleet>, name: &str, id: &str) {
    let which = any_isolate(fleet);
    let hash = sha256_hex(PRODUCT.as_bytes());
    let mut asked = json!({
        "variables": { "id": id },
        "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } },
    });
    let reading = fleet.reading(name, which, &format!("product {id} by its hash"));
    let Some(got) = fleet.ask(which, graphql(None), asked.to_string().into_bytes()).await else {
        return;
    };
    if !String::from_utf8_lossy(&got.body).contains("PersistedQueryNotFound") {
        return fleet.judge_body(&reading, &got, BY_QUERY, Some(id));
    }
    asked["query"] = json!(PRODUCT);
    let reading = fleet.reading(name, which, &format!("product {id} by its document and hash"));
    if let Some(got) = fleet.ask(which, graphql(None), asked.to_string().into_bytes()).await {
        fleet.judge_body(&reading, &got, BY_QUERY, Some(id));
    }
}

/// A query by the id of its document.
async fn by_id(fleet: &Rc<Fleet>, name: &str, id: &str) {
    let which = any_isolate(fleet);
    let asked = json!({ "documentId": "d-product", "variables": { "id": id } });
    let reading = fleet.reading(name, which, &format!("product {id} by the id of a document"));
    if let Some(got) = fleet.ask(which, graphql(None), asked.to_string().into_bytes()).await {
        fleet.judge_body(&reading, &got, BY_OTHER_FORM, Some(id));
    }
}

/// A query in the URL.
async fn by_url(fleet: &Rc<Fleet>, name: &str, id: &str) {
    let which = any_isolate(fleet);
    let escaped = |text: &str| {
        let bytes = text.bytes().map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        });
        bytes.collect::<String>()
    };
    let variables = escaped(&json!({ "id": id }).to_string());
    let path = format!("/graphql?query={}&variables={variables}", escaped(PRODUCT));
    let mut asked = request("GET", &path);
    asked.headers.set("content-type", "application/json");
    let reading = fleet.reading(name, which, &format!("product {id} by a URL"));
    if let Some(got) = fleet.ask(which, asked, Vec::new()).await {
        fleet.judge_body(&reading, &got, BY_OTHER_FORM, Some(id));
    }
}
