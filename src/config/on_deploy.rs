//! The section `on_deploy`: what each deployed version purges once.

use super::forms;
use super::key::{DefaultValue, Key, ValueType};
use super::names::parse_tag;
use super::section::Section;
use crate::tag::{Tag, TagSet};

/// `on_deploy`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OnDeploy {
    /// The tags that each version of the Worker purges once. Empty: nothing is purged.
    pub purge: TagSet,
}

pub(super) const KEYS: &[Key] = &[Key {
    name: "purge",
    value: ValueType::List(&ValueType::Text(&forms::TAG)),
    default: DefaultValue::List(&[]),
    doc: "Tags that are purged once for each deployed version.",
}];

pub(super) fn on_deploy(section: &Section<'_>) -> OnDeploy {
    let tags: Vec<Tag> = section.list("purge", parse_tag);
    section.report_unknown();
    OnDeploy { purge: tags.into_iter().collect() }
}

#[cfg(test)]
mod tests {
    use crate::config::parse;
    use serde_json::json;

    #[test]
    fn reads_tags_and_refuses_a_type_that_is_not_there() {
        let types = json!({ "product": { "match": ["rest:/p"], "ttl": 1 } });
        let of = |tags: &[&str]| parse(&json!({ "types": types, "on_deploy": { "purge": tags } }));
        let config = of(&["type:introspection", "type:product", "catalog"]).unwrap();
        assert_eq!(config.on_deploy.purge.len(), 3);
        let faults = of(&["type:prodct"]).unwrap_err();
        let message = "on_deploy.purge: no type is named \"prodct\"; did you mean \"product\"?";
        assert_eq!(faults.iter().map(ToString::to_string).collect::<Vec<_>>(), [message]);
        assert_eq!(of(&["a b"]).unwrap_err()[0].path, "on_deploy.purge[0]");
    }
}
