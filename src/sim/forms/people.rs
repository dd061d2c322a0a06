//! People who are known by a token or by a session's cookie.

use super::{SECRET, Times, somewhere};
use crate::http::{Headers, from_base64url};
use crate::key::sha256_hex;
use crate::sim::clients::{Fleet, Got, graphql, request};
use crate::sim::judging::BY_QUERY;
use crate::sim::origin::{Api, ApiResponse, user};
use crate::sim::universe::Universe;
use crate::sim::world::EPOCH_MILLIS;
use serde_json::{Value, json};
use std::rc::Rc;

/// How long a token is good, in seconds: a run sees some expire.
const TOKEN_SECONDS: u64 = 40;
const SESSIONS: u64 = 3;
const ACCOUNT: &str = "query A { account { __typename id v who service } }";

/// Who sent a token, as an origin believes that verifies nothing.
pub fn account_of(headers: &Headers) -> String {
    let claims = headers.get("x-token").and_then(|token| token.split('.').nth(1));
    let claims = claims.and_then(from_base64url).unwrap_or_default();
    let claims: Value = serde_json::from_slice(&claims).unwrap_or_default();
    claims["sub"].as_str().unwrap_or_default().to_owned()
}

/// Whether a signature is what this world signs with.
pub fn verified(key: &str, signed: &str, signature: &[u8]) -> bool {
    signature == signed_by(key, signed).as_bytes()
}

/// 32 bytes that only this key makes of this text.
fn signed_by(key: &str, signed: &str) -> String {
    sha256_hex(format!("{key} {signed}").as_bytes()).chars().take(32).collect()
}

fn base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let whole = [group[0], *group.get(1).unwrap_or(&0), *group.get(2).unwrap_or(&0)];
        let bits = u32::from_be_bytes([0, whole[0], whole[1], whole[2]]);
        for n in 0..=group.len() {
            text.push(char::from(LETTERS[(bits >> (18 - 6 * n)) as usize & 63]));
        }
    }
    text
}

fn token(who: &str, until: u64, key: &str) -> String {
    let header = base64url(br#"{"alg":"HS256"}"#);
    let claims = base64url(json!({ "sub": who, "exp": until }).to_string().as_bytes());
    let signed = format!("{header}.{claims}");
    let signature = base64url(signed_by(key, &signed).as_bytes());
    format!("{signed}.{signature}")
}

/// What the origin answers about a session; none for another path.
pub fn session(
    api: &Api,
    universe: &Universe,
    method: &str,
    path: &str,
    headers: &Headers,
) -> Option<ApiResponse> {
    let cookies = headers.get("cookie").unwrap_or_default();
    let sid = cookies.split("; ").find_map(|cookie| cookie.strip_prefix("sid="));
    let sid = sid.unwrap_or_default();
    let mut fields: Headers = [("content-type", "application/json")].into_iter().collect();
    let version = match (method, path) {
        ("GET", "/api/session") => api.version(&of_session(sid), universe.now()),
        ("POST", "/api/sign-out") => {
            fields.append("set-cookie", "sid=; Max-Age=0");
            api.change(universe, &of_session(sid))
        }
        _ => return None,
    };
    let object = json!({ "__typename": "Session", "id": sid, "v": version, "who": sid });
    Some((200, fields, object.to_string().into_bytes()))
}

fn of_session(sid: &str) -> String {
    format!("session {sid}")
}

pub(super) async fn live(fleet: Rc<Fleet>, name: String, times: Times) {
    let mut own = String::new();
    let mut until = 0;
    while times.pass(&fleet).await {
        let universe = &fleet.universe;
        let which = somewhere(&fleet);
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
        fleet.universe.laws.broken(format!("a forged token counts: for {name} ({how})"));
    }
    fleet.judge_body(&reading, &got, BY_QUERY, None);
}

async fn read_session(fleet: &Rc<Fleet>, name: &str, which: usize) {
    let sid = format!("s{}", fleet.universe.random.below(SESSIONS));
    let mut asked = request("GET", "/api/session");
    asked.headers.set("cookie", format!("sid={sid}"));
    let reading = fleet.reading(name, which, &of_session(&sid));
    let got = fleet.ask(which, asked, Vec::new()).await.filter(|got| got.status == 200);
    let Some(got) = got else { return };
    let shown: Value = serde_json::from_slice(&got.body).unwrap_or_default();
    if shown["id"] != json!(sid) {
        let how = reading.how(&got);
        fleet.universe.laws.broken(format!("another person's answer: {shown} for {sid} ({how})"));
    }
    let version = shown["v"].as_u64().unwrap_or(0);
    fleet.judge_version(&reading, &got, &of_session(&sid), version);
}

/// A sign-out ends what the session had stored, in the isolate at once.
async fn sign_out(fleet: &Rc<Fleet>, name: &str, which: usize) {
    let universe = &fleet.universe;
    let sid = format!("s{}", universe.random.below(SESSIONS));
    let (_, _, isolate) = fleet.where_is(which);
    let mut asked = request("POST", "/api/sign-out");
    asked.headers.set("cookie", format!("sid={sid}"));
    universe.tell(|| format!("{name}: ends session {sid} by isolate{isolate}"));
    let got = fleet.ask(which, asked, Vec::new()).await;
    let Some(Got { status: 200, body, .. }) = got else { return };
    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
    let version = said["v"].as_u64().unwrap_or(0);
    universe.laws.written(isolate, &of_session(&sid), version, universe.now() + fleet.settles);
}
