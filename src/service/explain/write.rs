//! What a write would purge, judged by its request alone.

use super::documented::warning;
use crate::admin::{ExplainedPurge, ExplainedWarning};
use crate::config::{Config, MutationPolicy};
use crate::engine::{Warning, Write};
use crate::graphql::MutationPurge;
use crate::service::write::WriteEffects;

/// What a write would purge, and a warning if that is everything for lack of a rule.
pub fn explained_purge(
    config: &Config,
    effects: &WriteEffects,
    write: Write<'_>,
) -> (Option<ExplainedPurge>, Vec<ExplainedWarning>) {
    let mut warnings = Vec::new();
    let purge = match effects.named(write) {
        Some(MutationPurge::Everything { field }) => {
            if let Some(field) = field.filter(|_| config.mutations.policy != MutationPolicy::All) {
                let message = format!(
                    "unless the response of {field} names what has changed, everything is purged"
                );
                warnings.push(warning(Warning::PurgesEverything, message));
            }
            Some(ExplainedPurge { all: true, tags: Vec::new() })
        }
        Some(MutationPurge::Tags(tags)) => {
            let tags = tags.iter().map(|tag| tag.as_str().to_owned());
            Some(ExplainedPurge { all: false, tags: tags.collect() })
        }
        None => None,
    };
    (purge, warnings)
}
