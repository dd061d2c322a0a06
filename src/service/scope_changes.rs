//! Responses that change a cookie by which a scope tells users apart: a login or a logout. What was
//! stored for the old value is purged.

use super::context::Context;
use super::purges::Purges;
use super::runtime::{OriginResponse, Runtime};
use crate::config::Config;
use crate::engine::scope_tags_changed_by;
use crate::purge::Record;
use std::rc::Rc;

/// Purges scopes when their cookies change.
pub struct ScopeChanges {
    config: Rc<Config>,
    purges: Purges,
}

impl ScopeChanges {
    /// The scopes of a configuration.
    pub fn new(config: Rc<Config>, purges: Purges) -> Rc<Self> {
        Rc::new(Self { config, purges })
    }

    /// Purges the scopes whose cookies a response of the origin changes.
    pub async fn purge<R: Runtime>(&self, context: &Context<R>, response: &OriginResponse) {
        let Self { config, purges } = self;
        let tags = scope_tags_changed_by(config, &context.request.headers, &response.headers);
        if !tags.is_empty() {
            // A purge that the log does not take stays pending; the client need not know.
            let record = Record::of_tags(&tags, &config.same, config.tagging);
            let _ = purges.recorder.record(&context.runtime, record, "cookie").await;
        }
    }
}
