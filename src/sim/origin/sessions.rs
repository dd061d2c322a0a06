//! Sessions and accounts: who asks, as the origin sees it.

use super::entities::{ApiResponse, Entities, session_of};
use crate::http::{Headers, from_base64url};
use crate::sim::environment::Environment;
use serde_json::{Value, json};

/// Who sent a token, as an origin believes that verifies nothing.
pub fn account_of(headers: &Headers) -> String {
    let claims = headers.get("x-token").and_then(|token| token.split('.').nth(1));
    let claims = claims.and_then(from_base64url).unwrap_or_default();
    let claims: Value = serde_json::from_slice(&claims).unwrap_or_default();
    claims["sub"].as_str().unwrap_or_default().to_owned()
}

/// What the origin answers about a session; none for another path.
pub fn session(
    entities: &Entities,
    environment: &Environment,
    method: &str,
    path: &str,
    headers: &Headers,
) -> Option<ApiResponse> {
    let cookies = headers.get("cookie").unwrap_or_default();
    let sid = cookies.split("; ").find_map(|cookie| cookie.strip_prefix("sid="));
    let sid = sid.unwrap_or_default();
    let mut fields: Headers = [("content-type", "application/json")].into_iter().collect();
    let version = match (method, path) {
        ("GET", "/api/session") => entities.version(&session_of(sid), environment.now()),
        ("POST", "/api/sign-out") => {
            fields.append("set-cookie", "sid=; Max-Age=0");
            entities.change(environment, &session_of(sid))
        }
        _ => return None,
    };
    let object = json!({ "__typename": "Session", "id": sid, "v": version, "who": sid });
    Some((200, fields, object.to_string().into_bytes()))
}
