//! The messages of GraphQL over WebSocket: the subprotocols `graphql-transport-ws` and the older
//! `graphql-ws`.
//!
//! In scope: which messages of a client execute an operation, and the response in a server's
//! message. Not in scope: reading the operation, and passing messages on (`worker/js/socket_relay.js`).

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// A message from a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientMessage {
    /// Executes an operation. Holds the GraphQL request as JSON.
    Operation(String),
    /// Does not execute an operation.
    Control,
    /// Not a message of either subprotocol. It is not known what a server does with it.
    Unclear,
}

/// The types of client messages that do not execute an operation, in either subprotocol.
const CONTROL_TYPES: [&str; 6] =
    ["connection_init", "ping", "pong", "complete", "stop", "connection_terminate"];

/// The members of a message that matter here.
const MEMBERS: [&str; 3] = ["id", "type", "payload"];

/// Reads a client's message.
pub fn read_client_message(text: &str) -> ClientMessage {
    let Ok(message) = serde_json::from_slice::<Message<'_>>(text.as_bytes()) else {
        return ClientMessage::Unclear;
    };
    match (message.kind.as_deref(), message.payload) {
        (Some("subscribe" | "start"), Some(payload)) if payload.get().starts_with('{') => {
            ClientMessage::Operation(payload.get().to_owned())
        }
        (Some(kind), _) if CONTROL_TYPES.contains(&kind) => ClientMessage::Control,
        _ => ClientMessage::Unclear,
    }
}

/// The GraphQL response in a server's message: a result, or errors. `None` if it holds neither.
pub fn read_server_message(text: &str) -> Option<String> {
    let message: Message<'_> = serde_json::from_slice(text.as_bytes()).ok()?;
    let payload = message.payload?.get();
    match message.kind.as_deref() {
        Some("next" | "data") => Some(payload.to_owned()),
        // The newer subprotocol sends a list, the older one a single error.
        Some("error") if payload.starts_with('[') => Some(format!("{{\"errors\":{payload}}}")),
        Some("error") => Some(format!("{{\"errors\":[{payload}]}}")),
        _ => None,
    }
}

/// The members of a message. Duplicates and names in another case are rejected, because servers
/// differ in which one counts.
#[derive(Default)]
struct Message<'a> {
    kind: Option<String>,
    payload: Option<&'a RawValue>,
}

impl<'de> Deserialize<'de> for Message<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MessageVisitor;
        impl<'de> Visitor<'de> for MessageVisitor {
            type Value = Message<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Message<'de>, A::Error> {
                let mut message = Message::default();
                let mut seen: Vec<&str> = Vec::with_capacity(MEMBERS.len());
                while let Some((name, raw)) = map.next_entry::<String, &'de RawValue>()? {
                    let known = MEMBERS.iter().find(|known| name.eq_ignore_ascii_case(known));
                    let Some(known) = known else { continue };
                    if seen.contains(known) || name != *known {
                        return Err(A::Error::custom("two members may have one name"));
                    }
                    seen.push(known);
                    match *known {
                        "type" => message.kind = serde_json::from_slice(raw.get().as_bytes()).ok(),
                        "payload" => message.payload = Some(raw),
                        _ => {}
                    }
                }
                Ok(message)
            }
        }
        deserializer.deserialize_map(MessageVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_runs_no_operation_is_a_control_message() {
        for kind in CONTROL_TYPES {
            let plain = format!(r#"{{"id":"1","type":"{kind}","payload":{{"query":"x"}}}}"#);
            assert_eq!(read_client_message(&plain), ClientMessage::Control, "{kind}");
        }
        for kind in ["subscribe", "start"] {
            let text = format!(r#"{{"payload": {{"query" : "{{a}}"}},"type":"{kind}","id":1}}"#);
            let payload = r#"{"query" : "{a}"}"#.to_owned();
            assert_eq!(read_client_message(&text), ClientMessage::Operation(payload));
        }
        let escaped = r#"{"\u0074ype":"subs\u0063ribe","id":"1","payload":{}}"#;
        assert_eq!(read_client_message(escaped), ClientMessage::Operation("{}".to_owned()));
        for text in [
            "",
            "ping",
            "[]",
            "null",
            r#"{"type":"subscribe"}"#,
            r#"{"type":"subscribe","payload":[{"query":"mutation{a}"}]}"#,
            r#"{"type":"start","payload":"{}"}"#,
            r#"{"type":"Subscribe","payload":{}}"#,
            r#"{"type":"ping","type":"subscribe","payload":{}}"#,
            r#"{"type":"ping","\u0074ype":"subscribe","payload":{}}"#,
            r#"{"type":"ping","Type":"subscribe","payload":{}}"#,
            r#"{"type":"subscribe","payload":{},"payload":{"query":"mutation{a}"}}"#,
            r#"{"type":"subscribe","payload":{"variables":{"a":NaN}}}"#,
            r#"{"type":"subscribe","payload":{}} {"#,
            r#"{"type":["ping"]}"#,
            r#"{"type":"subscription_start","query":"mutation{a}"}"#,
            r#"{"command":"message","data":"{}"}"#,
            r#"{"payload":{}}"#,
        ] {
            assert_eq!(read_client_message(text), ClientMessage::Unclear, "{text}");
        }
    }

    #[test]
    fn a_servers_message_holds_a_result_or_errors() {
        let of = |text: &str| read_server_message(text);
        let next = r#"{"id":"1","type":"next","payload":{"data":{"id":9007199254740993}}}"#;
        assert_eq!(of(next).as_deref(), Some(r#"{"data":{"id":9007199254740993}}"#));
        let data = r#"{"id":"1","type":"data","payload":{"data":null}}"#;
        assert_eq!(of(data).as_deref(), Some(r#"{"data":null}"#));
        let list = r#"{"id":"1","type":"error","payload":[{"message":"a"}]}"#;
        assert_eq!(of(list).as_deref(), Some(r#"{"errors":[{"message":"a"}]}"#));
        let one = r#"{"id":"1","type":"error","payload":{"message":"a"}}"#;
        assert_eq!(of(one).as_deref(), Some(r#"{"errors":[{"message":"a"}]}"#));
        for text in [r#"{"id":"1","type":"complete"}"#, "", "7", r#"{"type":"pong","payload":{}}"#]
        {
            assert_eq!(of(text), None, "{text}");
        }
    }

    proptest! {
        /// Nothing that a lenient server could take for an operation counts as a control message.
        #[test]
        fn a_control_message_names_no_operation(text in "[{}\":,a-z\\[\\] 0-1]{0,60}|\\PC{0,60}") {
            let _ = read_server_message(&text);
            if read_client_message(&text) == ClientMessage::Control {
                let json: serde_json::Value = serde_json::from_str(&text).unwrap();
                prop_assert!(CONTROL_TYPES.contains(&json["type"].as_str().unwrap()));
            }
        }
    }
}
