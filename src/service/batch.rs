//! Several GraphQL operations in one request.

use super::handle::{Asked, Reply, Service};
use super::world::World;
use crate::config::Config;
use crate::engine::{Bypass, Unwritten};
use crate::graphql::{Query, Unread};

impl<W: World> Service<W> {
    /// Answers a batch.
    pub(super) async fn batch(
        &self,
        config: &Config,
        asked: &Asked,
        _queries: Vec<Query>,
    ) -> Reply {
        let reason = Bypass::Unread(Unread::Batch);
        let unwritten = Unwritten { reason, may_be_mutation: true, batch: true };
        self.not_looked_up(config, asked, unwritten).await
    }
}
