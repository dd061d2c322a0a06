//! The body of `POST purge`: `{"tags":["Product:42"],"paths":["/api/search"],"soft":true}`.

use super::members::{BodyError, bad, flag, members, texts};
use crate::config::Config;
use crate::http::Url;
use crate::key::{Pattern, digest_in};
use crate::purge::Record;
use crate::tag::{Tag, TagSet};

/// What a purge request asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PurgeCommand {
    /// The tags: those that are named, and those of the named types, operations, paths and keys.
    pub tags: TagSet,
    /// Patterns that keys match.
    pub patterns: Vec<Pattern>,
    /// Everything of the service.
    pub all: bool,
    /// Entries become stale instead of being gone.
    pub soft: bool,
    /// Nothing is purged: the response says what would be.
    pub preview: bool,
}

/// The members that are lists.
pub(super) const LISTS: [&str; 6] = ["tags", "types", "operations", "paths", "keys", "patterns"];
const FLAGS: [&str; 3] = ["all", "soft", "preview"];

impl PurgeCommand {
    /// Whether it names nothing.
    fn is_empty(&self) -> bool {
        !self.all && self.tags.is_empty() && self.patterns.is_empty()
    }

    /// The record for the log.
    pub fn record(&self, config: &Config) -> Record {
        Record {
            patterns: self.patterns.clone(),
            all: self.all,
            soft: self.soft,
            ..Record::of_tags(&self.tags, &config.same, config.tagging)
        }
    }
}

/// Reads a body. If any part of it is invalid, nothing is purged.
pub fn read_purge(config: &Config, body: &[u8]) -> Result<PurgeCommand, BodyError> {
    let members = members(body, &[LISTS.as_slice(), &FLAGS].concat())?;
    let mut command = PurgeCommand {
        all: flag(&members, "all")?,
        soft: flag(&members, "soft")?,
        preview: flag(&members, "preview")?,
        ..PurgeCommand::default()
    };
    for list in LISTS {
        for (index, text) in texts(&members, list)?.into_iter().enumerate() {
            let place = |message| bad(&format!("{list}[{index}]"), message);
            command.add(config, list, text).map_err(place)?;
        }
    }
    if command.is_empty() {
        return Err(bad("", format!("nothing to purge; name one of {}, or all", LISTS.join(", "))));
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
            "types" => {
                config.check_type_name(text)?;
                Tag::of("type:", text)
            }
            "operations" => Tag::of("op:", text),
            "paths" => {
                if !text.starts_with('/') || text.contains('*') {
                    return Err(format!(
                        "expected one path that begins with \"/\", found {text:?}"
                    ));
                }
                // Percent-encoded or not, it is the path that entries are tagged with.
                let url = Url::parse(&format!("http://path{text}"));
                let path = url.map(|url| url.comparable_path()).unwrap_or_default();
                Tag::of("path:", &config.tagged_path(&path))
            }
            "keys" => Tag::of("key:", digest_of(config, text)?),
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

/// The digest of a key as responses, logs and lists show it. A build that runs beside this one during a deploy may
/// show one of a former name of the service.
fn digest_of<'a>(config: &Config, key: &'a str) -> Result<&'a str, String> {
    let Config { service, formerly, .. } = config;
    let mut names = std::iter::once(service).chain(formerly);
    names.find_map(|name| digest_in(name, key)).ok_or_else(|| {
        format!("expected a key of the service {service:?}, or the 64 digits at the end of one")
    })
}

/// The tags that `scope:user:alice` names. The value is what clients send, so it may contain anything. One
/// that looks like a hash may be copied from an entry's tags, so it counts as a hash too.
fn scope_tags(config: &Config, text: &str) -> Result<TagSet, String> {
    let mut parts = text.splitn(3, ':').skip(1);
    let (scope, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    config.scope_or_message(scope)?;
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

#[cfg(test)]
mod tests;
