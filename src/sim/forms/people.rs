//! People who are known by a token or by a session's cookie.

use super::schedule::{Schedule, any_isolate};
use crate::sim::environment::EPOCH_MILLIS;
use crate::sim::fleet::{ClientResponse, Fleet};
use crate::sim::judging::BY_QUERY;
use crate::sim::origin::{session_of, user};
use crate::sim::requests::{graphql, request};
use crate::sim::tokens::{SECRET, token};
use serde_json::{Value, json};
use std::rc::Rc;

/// How long a token is good, in seconds: a run sees some expire.
const TOKEN_SECONDS: u64 = 40;
const SESSIONS: u64 = 3;
const ACCOUNT: &str = "query A { account { __typename id v who service } }";

pub(super) async fn live(fleet: Rc<Fleet>, name: String, times: Schedule) {
    let mut own = String::new();
    let mut until = 0;
    while times.pass(&fleet).await {
        let universe = &fleet.universe;
        let which = any_isolate(&fleet);
        let now = (EPOCH_MILLIS + universe.now()) / 1_000;
        // Some go on with a token that is no longer good.
        if own.is_empty() || (now >= until && universe.random.happens(300)) {
            until = now + TOKEN_SECONDS;
            own = token(&name, until, SECRET);
        }
        match universe.random.below(100) {
            0..50 => account(&fleet, &name, which, &own, true).await,
            50..60 => {
                let forged = token(&name, now + TOKEN_SECONDS, "a guess");
                account(&fleet, &name, which, &forged, false).await;
            }
            60..65 => fleet.update_me(&name, which).await,
            65..92 => read_session(&fleet, &name, which).await,
            _ => sign_out(&fleet, &name, which).await,
        }
    }
}

async fn account(fleet: &Rc<Fleet>, name: &str, which: usize, token: &str, genuine: bool) {
    let mut asked = graphql(None);
    asked.headers.set("x-token", token);
    let reading = fleet.reading(name, which, &user(name));
    let body = json!({ "query": ACCOUNT }).to_string().into_bytes();
    let Some(got) = fleet.ask(which, asked, body).await else { return };
    if !genuine && matches!(got.headers.get("x-cache"), Some("HIT" | "STALE" | "MISS")) {
        let how = reading.how(&got);
        fleet.universe.laws.report(format!("a forged token counts: for {name} ({how})"));
    }
    fleet.judge_body(&reading, &got, BY_QUERY, None);
}

async fn read_session(fleet: &Rc<Fleet>, name: &str, which: usize) {
    let sid = format!("s{}", fleet.universe.random.below(SESSIONS));
    let mut asked = request("GET", "/api/session");
    asked.headers.set("cookie", format!("sid={sid}"));
    let reading = fleet.reading(name, which, &session_of(&sid));
    let got = fleet.ask(which, asked, Vec::new()).await.filter(|got| got.status == 200);
    let Some(got) = got else { return };
    let shown: Value = serde_json::from_slice(&got.body).unwrap_or_default();
    if shown["id"] != json!(sid) {
        let how = reading.how(&got);
        fleet.universe.laws.report(format!("another person's answer: {shown} for {sid} ({how})"));
    }
    let version = shown["v"].as_u64().unwrap_or(0);
    fleet.judge_version(&reading, &got, &session_of(&sid), version);
}

/// A sign-out ends what the session had stored, in the isolate at once.
async fn sign_out(fleet: &Rc<Fleet>, name: &str, which: usize) {
    let universe = &fleet.universe;
    let sid = format!("s{}", universe.random.below(SESSIONS));
    let (_, _, isolate) = fleet.where_is(which);
    let mut asked = request("POST", "/api/sign-out");
    asked.headers.set("cookie", format!("sid={sid}"));
    universe.trace(|| format!("{name}: ends session {sid} by isolate{isolate}"));
    let got = fleet.ask(which, asked, Vec::new()).await;
    let Some(ClientResponse { status: 200, body, .. }) = got else { return };
    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
    let version = said["v"].as_u64().unwrap_or(0);
    universe.laws.note_written(isolate, &session_of(&sid), version, universe.now() + fleet.settles);
}
