//! The section `mutations`: what a mutation purges.

use super::forms;
use super::key::{DefaultValue, Key, ValueType};
use super::names::{glob_name, parse_tag};
use super::section::{Section, strings};
use crate::tag::Tag;

/// `mutations`
#[derive(Debug, Clone, PartialEq)]
pub struct Mutations {
    /// What a successful mutation purges.
    pub policy: MutationPolicy,
    /// What replaces the policy for some mutation fields. The most specific rule counts.
    pub rules: Vec<MutationRule>,
}

/// `mutations.policy`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum MutationPolicy {
    /// The entities in the response.
    Entity,
    /// Those, and every entry that lists their types.
    List,
    /// Every entry that holds their types.
    #[default]
    Type,
    /// Everything of the service.
    All,
}

/// One of `mutations.rules`.
#[derive(Debug, Clone, PartialEq, Hash)]
pub struct MutationRule {
    /// A glob that matches names of mutation fields.
    pub field: String,
    /// The tags that are purged instead.
    pub tags: Vec<Tag>,
}

const RULE: ValueType = ValueType::List(&ValueType::Text(&forms::TAG));

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "policy",
        value: ValueType::Choice(&["entity", "list", "type", "all"]),
        default: DefaultValue::Text("type"),
        doc: "What a successful mutation purges.",
    },
    Key {
        name: "rules",
        value: ValueType::Map { names: &forms::GRAPHQL_GLOB, values: &RULE },
        default: DefaultValue::None,
        doc: "By name of a mutation field, `*` allowed, the tags that are purged instead.",
    },
];

pub(super) fn mutations(section: &Section<'_>) -> Mutations {
    use MutationPolicy::{All, Entity, List, Type};
    let policy = section.choice("policy", &[Entity, List, Type, All]);
    let path = section.path_of("rules");
    let rules = section.entries("rules").into_iter().map(|(field, value)| {
        let path = format!("{path}.{field}");
        if let Err(message) = glob_name(field) {
            section.faults().add(&path, message);
        }
        let tags = strings(value, &path, section.faults(), parse_tag);
        MutationRule { field: field.to_owned(), tags }
    });
    let mutations = Mutations { policy, rules: rules.collect() };
    section.report_unknown();
    mutations
}
