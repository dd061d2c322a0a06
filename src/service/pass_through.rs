//! Requests that go to the origin and back without a look-up.

use super::context::Context;
use super::origin::{FullRequest, OriginClient};
use super::respond::{Reply, Responder, forward_of};
use super::runtime::{OriginResponse, Runtime};
use super::scope_changes::ScopeChanges;
use crate::config::Config;
use crate::engine::{Bypass, may_write};
use std::rc::Rc;

/// Passes requests through.
pub(super) struct PassThrough {
    /// `None` if the configuration has a fault.
    config: Option<Rc<Config>>,
    origin: Rc<OriginClient>,
    respond: Rc<Responder>,
    scope_changes: Option<Rc<ScopeChanges>>,
}

impl PassThrough {
    /// Passes requests through to that origin. Without a configuration no cookie is known by which a
    /// scope tells users apart.
    pub fn new(
        config: Option<Rc<Config>>,
        origin: Rc<OriginClient>,
        respond: Rc<Responder>,
        scope_changes: Option<Rc<ScopeChanges>>,
    ) -> Rc<Self> {
        Rc::new(Self { config, origin, respond, scope_changes })
    }

    /// Forwards a request, or the same with the document that the origin may not know.
    pub async fn pass<R: Runtime>(
        &self,
        context: &Context<R>,
        reason: Bypass,
        full_request: Option<&FullRequest>,
    ) -> Reply {
        let may_retry = !may_write(self.config.as_deref(), &context.request);
        match self.origin.forward(context, full_request, may_retry).await {
            Ok(response) => self.reply(context, reason, &response).await,
            Err(failure) => self.respond.origin_failed(context, &failure, forward_of(reason), None),
        }
    }

    /// Passes a change of protocol on untouched. Any other response is passed on like all others.
    pub async fn upgrade<R: Runtime>(&self, context: &Context<R>) -> Reply {
        let reason = Bypass::Upgrade;
        match self.origin.upgrade(context).await {
            Ok(response) if response.status == 101 => Reply::Untouched { handle: response.handle },
            Ok(response) => self.reply(context, reason, &response).await,
            Err(failure) => self.respond.origin_failed(context, &failure, forward_of(reason), None),
        }
    }

    /// The same for a socket on which GraphQL is spoken. Its messages must be readable, so no extension
    /// may change their form.
    pub async fn open_socket<R: Runtime>(&self, context: &Context<R>) -> Reply {
        let mut request = (*context.request).clone();
        request.headers.remove("sec-websocket-extensions");
        let context = Context { request: Rc::new(request), ..context.clone() };
        match self.upgrade(&context).await {
            Reply::Untouched { handle } => Reply::Socket { handle },
            reply => reply,
        }
    }

    async fn reply<R: Runtime>(
        &self,
        context: &Context<R>,
        reason: Bypass,
        response: &OriginResponse,
    ) -> Reply {
        if let Some(scope_changes) = &self.scope_changes {
            scope_changes.purge(context, response).await;
        }
        self.respond.passed_through(context, response, reason)
    }
}
