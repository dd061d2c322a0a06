//! Purges by every name that `POST purge` takes, hard and soft, after the data was changed behind
//! Evergraph's back; and the other routes of an operator.

use super::schedule::{Schedule, any_isolate};
use crate::sim::fleet::Fleet;
use crate::sim::judging::{BY_LIST, BY_OTHER_FORM, BY_QUERY, BY_REST};
use crate::sim::laws::Reach;
use crate::sim::origin::product;
use crate::sim::plan::TOKEN;
use crate::sim::requests::{PRODUCT, admin, graphql};
use serde_json::{Value, json};
use std::rc::Rc;

pub(super) async fn live(fleet: Rc<Fleet>, name: String, times: Schedule) {
    while times.pass(&fleet).await {
        match fleet.universe.random.happens(850) {
            true => change_and_purge(&fleet, &name).await,
            false => look(&fleet).await,
        }
    }
}

async fn change_and_purge(fleet: &Rc<Fleet>, name: &str) {
    let universe = &fleet.universe;
    let which = any_isolate(fleet);
    let (service, _, _) = fleet.where_is(which);
    let id = universe.random.below(fleet.products).to_string();
    // A key is to be known before what it names changes.
    let key = key_of(fleet, which, &id).await;
    let (mut body, view) = match universe.random.below(9) {
        0 => (json!({ "types": ["product"] }), None),
        1 => (json!({ "operations": ["P"] }), Some(BY_QUERY)),
        2 => (json!({ "operations": ["L"] }), Some(BY_LIST)),
        3 => (json!({ "paths": [format!("/api/products/{id}")] }), Some(BY_REST)),
        4 => (json!({ "patterns": ["rest/product/**"] }), Some(BY_REST)),
        5 => (json!({ "patterns": ["gql/product/P/**", "gql/*/L/**"] }), Some(BY_QUERY)),
        6 => (json!({ "all": true }), None),
        7 if key.is_some() => (json!({ "keys": [key] }), Some(BY_QUERY)),
        _ => (json!({ "tags": [format!("Product:{id}")] }), None),
    };
    let also = (view == Some(BY_QUERY) && body.get("keys").is_none()).then_some(BY_OTHER_FORM);
    let soft = universe.random.happens(400);
    body["soft"] = json!(soft);
    let version = universe.apis[service].entities.change(universe, &product(&id));
    universe.trace(|| format!("{name}: product {id} becomes version {version}, and {body} goes"));
    let got = fleet.ask(which, admin("POST", "purge"), body.to_string().into_bytes()).await;
    if got.is_some_and(|got| got.status == 200) {
        for view in [Some(view), also.map(Some)].into_iter().flatten() {
            let reach = Reach { view, soft };
            universe.laws.note_recorded_for(service, &product(&id), version, universe.now(), reach);
        }
    }
}

/// The key of a product's query, which an administrator may see.
async fn key_of(fleet: &Rc<Fleet>, which: usize, id: &str) -> Option<String> {
    let mut request = graphql(None);
    request.headers.set("evergraph-debug", "1");
    request.headers.set("authorization", format!("Bearer {TOKEN}"));
    let body = json!({ "query": PRODUCT, "variables": { "id": id } });
    let got = fleet.ask(which, request, body.to_string().into_bytes()).await?;
    got.headers.get("evergraph-key").map(str::to_owned)
}

/// What an operator looks at now and then.
async fn look(fleet: &Rc<Fleet>) {
    let routes =
        ["stats", "stats?window=60", "health", "documents", "schema", "nothing", "stats?window=x"];
    let route = *fleet.universe.random.of(&routes);
    let got = fleet.ask(any_isolate(fleet), admin("GET", route), Vec::new()).await;
    let Some(got) = got.filter(|got| got.status != 503) else { return };
    if serde_json::from_slice::<Value>(&got.body).is_err() {
        fleet.universe.laws.report(format!("no JSON of {route}: {}", got.status));
    }
}
