//! What the audit says about a change that an administrator made.

use super::token::Administrator;
use crate::http::Response;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The longest detail, in bytes.
const DETAIL_BYTES: usize = 200;
/// A larger response is not read for the detail.
const RESPONSE_BYTES: usize = 64 << 10;

/// A change that an administrator made, or may have made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Change {
    /// Its number in the audit. Later changes have higher ones.
    #[serde(default)]
    pub id: u64,
    /// When it was answered, in milliseconds since 1970.
    pub at: u64,
    /// The token's name, or the e-mail address of who was signed in by Cloudflare Access.
    pub token: String,
    /// The role: `purge` or `admin`.
    pub role: String,
    /// The route, as in `POST purge`.
    pub route: String,
    /// What was changed, as in `seq=17 tags=3 patterns=0`: the numbers of the response.
    pub detail: String,
    /// The client's address, if Cloudflare says which.
    pub address: Option<String>,
    /// The status of the response.
    pub status: u16,
}

/// What `GET audit` answers.
#[derive(Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Audit {
    /// The changes, the latest first.
    pub changes: Vec<Change>,
    /// The requests that this isolate has refused.
    pub denied: DeniedRequests,
}

/// How many admin requests an isolate has refused, by status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct DeniedRequests {
    /// 401: the token was missing or wrong.
    pub unauthorized: u64,
    /// 403: the role did not suffice.
    pub forbidden: u64,
    /// 429: too many attempts of the address had failed.
    pub limited: u64,
}

impl Change {
    /// The change that a response reports. `None` if nothing was changed: the request was refused (4xx), or
    /// was a preview. A 5xx does not say that nothing was done: a purge that the log did not take is tried
    /// again. `words` come first in the detail.
    pub fn of(
        administrator: &Administrator,
        route: String,
        words: &str,
        response: &Response,
        now: Timestamp,
    ) -> Option<Self> {
        let status = response.status;
        let body = Some(&*response.body).filter(|body| body.len() <= RESPONSE_BYTES);
        let body: Value =
            body.and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
        if (400..500).contains(&status) || body.get("preview") == Some(&Value::Bool(true)) {
            return None;
        }
        Some(Self {
            id: 0,
            at: now.as_millis(),
            token: administrator.name.clone(),
            role: administrator.role.as_str().to_owned(),
            route,
            detail: detail(words, &body),
            address: None,
            status,
        })
    }
}

/// The numbers and flags of a response. Its texts are left out: they may be what must not be logged.
fn detail(words: &str, body: &Value) -> String {
    let mut detail = words.to_owned();
    for (name, value) in body.as_object().into_iter().flatten() {
        if !(value.is_number() || value.is_boolean()) {
            continue;
        }
        let member = [name, "=", &value.to_string()].concat();
        if detail.len() + 1 + member.len() > DETAIL_BYTES {
            break;
        }
        if !detail.is_empty() {
            detail.push(' ');
        }
        detail.push_str(&member);
    }
    detail
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::{Credential, Role};
    use serde_json::json;

    fn change(status: u16, body: &str, words: &str) -> Option<Change> {
        let (name, credential) = ("ci".to_owned(), Credential::Token);
        let administrator = Administrator { name, role: Role::Purge, credential };
        let body = body.as_bytes().into();
        let response = Response { status, headers: Default::default(), body };
        let now = Timestamp::from_millis(1_700_000_000_123);
        Change::of(&administrator, "POST purge".to_owned(), words, &response, now)
    }

    #[test]
    fn the_detail_has_the_numbers_of_the_response_and_none_of_its_texts() {
        let body =
            r#"{"seq":17,"tags":3,"all":true,"key":"a secret","results":[{"ms":1}],"x":null}"#;
        let change = change(200, body, "everything").unwrap();
        assert_eq!(
            serde_json::to_value(&change).unwrap(),
            json!({
                "id": 0, "at": 1_700_000_000_123_u64, "token": "ci", "role": "purge",
                "route": "POST purge", "detail": "everything all=true seq=17 tags=3",
                "address": null, "status": 200,
            })
        );
    }

    #[test]
    fn what_changed_nothing_is_no_change() {
        for (status, body, is_change) in [
            (200, "{}", true),
            (200, "", true),
            (503, r#"{"error":"later"}"#, true),
            (400, r#"{"error":"what"}"#, false),
            (413, "{}", false),
            (200, r#"{"preview":true,"tags":1}"#, false),
            (200, r#"{"preview":false,"tags":1}"#, true),
        ] {
            assert_eq!(change(status, body, "").is_some(), is_change, "{status} {body}");
        }
    }

    #[test]
    fn the_detail_is_bounded() {
        let members: Vec<String> = (0..1_000).map(|n| format!("\"member{n}\":{n}")).collect();
        let change = change(200, &format!("{{{}}}", members.join(",")), "").unwrap();
        assert!(change.detail.len() <= DETAIL_BYTES && change.detail.starts_with("member0=0 "));
        assert_eq!(self::change(200, &" ".repeat(100_000), "").unwrap().detail, "");
    }
}
