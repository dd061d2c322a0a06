//! Serving stored responses, also stale ones if the origin fails (`stale-if-error`, RFC 5861 §4).

use super::response::{ReadResponse, is_origin_failure};
use crate::engine::Plan;
use crate::service::cache::{Candidate, Judge, is_servable_stale};
use crate::service::context::Context;
use crate::service::report::report_failure;
use crate::service::respond::{ForwardReason, Reply, Responder};
use crate::service::runtime::{OriginFailure, Runtime};
use crate::service::tiers::Tiers;
use std::rc::Rc;

/// Serves what is stored.
pub struct Serving {
    tiers: Rc<Tiers>,
    judge: Rc<Judge>,
    respond: Rc<Responder>,
}

impl Serving {
    /// Serves from these tiers.
    pub fn new(tiers: Rc<Tiers>, judge: Rc<Judge>, respond: Rc<Responder>) -> Rc<Self> {
        Rc::new(Self { tiers, judge, respond })
    }

    /// Serves a stored response.
    pub fn serve<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        candidate: &Candidate,
    ) -> Reply {
        let Candidate { cached, tier, .. } = candidate;
        let reply = self.respond.stored(context, plan, cached, tier, !candidate.is_fresh());
        match context.is_warming() {
            true => context.note_entry(cached),
            false => self.tiers.put_used(&context.runtime, cached),
        }
        reply
    }

    /// Serves a response of a far tier that arrived late.
    pub fn serve_late<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        late: &Candidate,
    ) -> Reply {
        self.tiers.memory.insert(&late.cached);
        self.serve(context, plan, late)
    }

    /// The origin's response; or, if the origin failed, the client's: a stale one if it may be served,
    /// else an error.
    pub async fn unless_failed<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        response: Result<ReadResponse, OriginFailure>,
        stale: Option<&Candidate>,
        reason: ForwardReason,
    ) -> Result<ReadResponse, Reply> {
        let stale = stale.filter(|_| is_origin_failure(&response));
        if let Some(stale) = stale.filter(|one| is_servable_stale(one.freshness))
            && self.judge.may_serve_stale(context, plan, stale).await
        {
            let fault = match response {
                Ok(response) => format!("answered {}", response.head.status),
                Err(failure) => failure.fault,
            };
            report_failure(&context.runtime, "origin", &fault);
            return Err(self.serve(context, plan, stale));
        }
        response.map_err(|failure| {
            self.respond.origin_failed(context, &failure, reason.forward, Some(plan))
        })
    }
}
