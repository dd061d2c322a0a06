//! The body of `POST purge`.

use crate::config::Config;
use crate::http::Url;
use crate::key::Pattern;
use crate::limits;
use crate::purge::Record;
use crate::tag::{Tag, TagSet};
use serde_json::{Map, Value};

/// A parsed purge request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PurgeCommand {
    /// The tags, including those that stand for a type, an operation, a path or a key.
    pub tags: TagSet,
    /// The key patterns.
    pub patterns: Vec<Pattern>,
    /// Whether to purge everything of the service.
    pub all: bool,
    /// Whether entries become stale instead of unusable (soft purge).
    pub soft: bool,
}

/// What is wrong with a request body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurgeCommandError {
    /// The path of the wrong value, such as `tags[1]`. Empty for the body as a whole.
    pub path: String,
    /// What is wrong, and what was expected.
    pub message: String,
}

const LISTS: [&str; 6] = ["tags", "types", "operations", "paths", "keys", "patterns"];

impl PurgeCommand {
    /// The record for the purge log.
    pub fn record(&self, config: &Config) -> Record {
        Record {
            patterns: self.patterns.clone(),
            all: self.all,
            soft: self.soft,
            ..Record::of_tags(&self.tags, &config.same, config.tagging)
        }
    }
}

/// Parses a request body. Nothing is purged if any part of it is wrong.
pub fn read_purge(config: &Config, body: &[u8]) -> Result<PurgeCommand, PurgeCommandError> {
    let members = match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => members,
        Ok(other) => return Err(bad("", format!("expected an object, found {}", brief(&other)))),
        Err(error) => return Err(bad("", format!("expected JSON: {error}"))),
    };
    if let Some(unknown) = members
        .keys()
        .find(|key| !LISTS.contains(&key.as_str()) && !["all", "soft"].contains(&key.as_str()))
    {
        return Err(bad(
            unknown,
            format!("unknown member; expected one of {}, all, soft", LISTS.join(", ")),
        ));
    }
    let mut command = PurgeCommand {
        all: flag(&members, "all")?,
        soft: flag(&members, "soft")?,
        ..PurgeCommand::default()
    };
    for list in LISTS {
        for (index, text) in texts(&members, list)?.into_iter().enumerate() {
            let place = |message| bad(&format!("{list}[{index}]"), message);
            command.add(config, list, text).map_err(place)?;
        }
    }
    if !command.all && !LISTS.iter().any(|list| members.contains_key(*list)) {
        return Err(bad(
            "",
            format!("nothing to purge; expected one of {}, or all", LISTS.join(", ")),
        ));
    }
    Ok(command)
}

impl PurgeCommand {
    fn add(&mut self, config: &Config, list: &str, text: &str) -> Result<(), String> {
        let tag = match list {
            "patterns" => {
                let pattern = Pattern::parse(text)?;
                if !self.patterns.contains(&pattern) {
                    self.patterns.push(pattern);
                }
                return Ok(());
            }
            _ if text.is_empty() => return Err("expected a name, found \"\"".into()),
            "types" => Tag::of("type:", text),
            "operations" => Tag::of("op:", text),
            "paths" => {
                if !text.starts_with('/') || text.contains('*') {
                    return Err(format!("expected a path that begins with \"/\", found {text:?}"));
                }
                // In the form in which paths of URLs are compared, however it is spelled.
                let url = Url::parse(&format!("http://path{text}"));
                let path = url.map(|url| url.comparable_path()).unwrap_or_default();
                Tag::of("path:", &config.tagged_path(&path))
            }
            "keys" => {
                // A key ends with its digest. For a variant, a dot and the variant's digest follow.
                let digest = text.rsplit('/').next().unwrap_or(text);
                Tag::of("key:", digest.split('.').next().unwrap_or(digest))
            }
            _ if text.starts_with("scope:") => {
                self.tags.extend(scope_tags(config, text)?);
                return Ok(());
            }
            _ => Tag::parse(text).map_err(|fault| format!("{fault}, found {text:?}"))?,
        };
        self.tags.insert(tag);
        Ok(())
    }
}

/// `scope:user:alice` names a value as clients send it, so it may contain any character. A value
/// that looks like a hash may also have been copied from an entry's tags.
fn scope_tags(config: &Config, text: &str) -> Result<TagSet, String> {
    let mut parts = text.splitn(3, ':').skip(1);
    let (scope, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if config.scope(scope).is_none() {
        return Err(format!("there is no scope {scope:?}"));
    }
    if value.is_empty() {
        return Err(format!("expected \"scope:{scope}:<value>\", found no value"));
    }
    let mut tags = TagSet::new();
    tags.insert(Tag::of_scope(scope, value));
    if value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        tags.extend(Tag::parse(text));
    }
    Ok(tags)
}

fn flag(members: &Map<String, Value>, key: &str) -> Result<bool, PurgeCommandError> {
    match members.get(key) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(other) => Err(bad(key, format!("expected true or false, found {}", brief(other)))),
    }
}

fn texts<'a>(
    members: &'a Map<String, Value>,
    key: &str,
) -> Result<Vec<&'a str>, PurgeCommandError> {
    let items = match members.get(key) {
        None => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(other) => {
            return Err(bad(key, format!("expected a list of strings, found {}", brief(other))));
        }
    };
    if items.len() > limits::PURGE_ITEMS {
        return Err(bad(key, format!("expected at most {} items", limits::PURGE_ITEMS)));
    }
    items
        .iter()
        .enumerate()
        .map(|(index, item)| {
            item.as_str().ok_or_else(|| {
                bad(&format!("{key}[{index}]"), format!("expected a string, found {}", brief(item)))
            })
        })
        .collect()
}

fn bad(path: &str, message: String) -> PurgeCommandError {
    PurgeCommandError { path: path.to_owned(), message }
}

/// The kind of a value. The value itself may be of any size.
fn brief(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        let scopes = serde_json::json!({ "user": { "by": ["header:authorization"] } });
        crate::config::parse(&serde_json::json!({ "scopes": scopes })).unwrap()
    }

    #[test]
    fn reads_everything_together() {
        let command = read_purge(
            &config(),
            br#"{"tags":["Product:42"],"types":["product"],"operations":["GetProduct"],
                "paths":["/api/%70roducts/42?x=1"],"keys":["shop/1/gql/a/b/public/00ff.7a"],
                "patterns":["gql/product/**"],"all":false,"soft":true}"#,
        )
        .unwrap();
        let tags: Vec<_> = command.tags.iter().map(Tag::as_str).collect();
        assert_eq!(
            tags,
            ["Product:42", "key:00ff", "op:GetProduct", "path:/api/products/42", "type:product"]
        );
        assert_eq!((command.patterns.len(), command.all, command.soft), (1, false, true));
    }

    #[test]
    fn names_what_is_wrong() {
        for (body, path) in [
            ("", ""),
            ("[]", ""),
            ("{}", ""),
            ("{\"soft\":true}", ""),
            ("{\"all\":1}", "all"),
            ("{\"tag\":[\"x\"]}", "tag"),
            ("{\"tags\":\"x\"}", "tags"),
            ("{\"tags\":[\"ok\",\"a b\"]}", "tags[1]"),
            ("{\"tags\":[\"ok\",7]}", "tags[1]"),
            ("{\"tags\":[\"ok\",\"scope:nobody:x\"]}", "tags[1]"),
            ("{\"tags\":[\"scope:user\"]}", "tags[0]"),
            ("{\"tags\":[\"scope:user:\"]}", "tags[0]"),
            ("{\"tags\":[\"scope:\"]}", "tags[0]"),
            ("{\"patterns\":[\"product/**\"]}", "patterns[0]"),
            ("{\"paths\":[\"api\"]}", "paths[0]"),
            ("{\"paths\":[\"/api/**\"]}", "paths[0]"),
            ("{\"types\":[\"\"]}", "types[0]"),
        ] {
            assert_eq!(read_purge(&config(), body.as_bytes()).unwrap_err().path, path, "{body}");
        }
    }

    #[test]
    fn a_path_is_purged_as_its_entries_are_tagged() {
        let types = serde_json::json!({
            "i": { "match": ["rest:/i/**"], "ttl": 1, "ignore_case": true },
        });
        let config = crate::config::parse(&serde_json::json!({ "types": types })).unwrap();
        let command = read_purge(&config, br#"{"paths":["/I/Aa","/Other/%41"]}"#).unwrap();
        let tags: Vec<_> = command.tags.iter().map(Tag::as_str).collect();
        assert_eq!(tags, ["path:/Other/A", "path:/i/aa"]);
    }

    #[test]
    fn a_scope_is_purged_by_the_value_that_clients_send() {
        let tags = |text: &str| {
            let body = serde_json::json!({ "tags": [text] }).to_string();
            read_purge(&config(), body.as_bytes()).unwrap().tags
        };
        for value in ["alice", "Bearer a, b", "a:b", "é\n"] {
            let named = tags(&format!("scope:user:{value}"));
            assert_eq!(named, [Tag::of_scope("user", value)].into_iter().collect());
            assert!(!format!("{named:?}").contains(value));
        }
        let copied = Tag::of_scope("user", "alice");
        assert!(tags(copied.as_str()).contains(copied.as_str()));
    }
}
