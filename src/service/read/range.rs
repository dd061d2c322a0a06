//! REST requests for a range of a response that is not stored whole and fresh (RFC 9110 §14).
//!
//! The range comes from a stored part, or else from the origin. Such requests neither wait for others
//! nor validate.

use super::response::ReadResponse;
use super::rest::RestResponses;
use super::serving::Serving;
use super::validation::Validation;
use crate::engine::{MissDetail, Plan, covers_range};
use crate::http::fields;
use crate::policy::Forward;
use crate::service::cache::{LookupResult, StoreTarget};
use crate::service::context::Context;
use crate::service::purges::Purges;
use crate::service::respond::{ForwardReason, Reply, error};
use crate::service::runtime::Runtime;
use std::rc::Rc;

/// Reads ranges.
pub struct RangeReads {
    purges: Purges,
    validation: Rc<Validation>,
    serving: Rc<Serving>,
    responses: Rc<RestResponses>,
}

impl RangeReads {
    /// Reads ranges with these components.
    pub fn new(
        purges: Purges,
        validation: Rc<Validation>,
        serving: Rc<Serving>,
        responses: Rc<RestResponses>,
    ) -> Self {
        Self { purges, validation, serving, responses }
    }

    /// Answers a request for a range, after a look-up that found no response to cut it from.
    pub async fn read<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        found: LookupResult<'_>,
    ) -> Reply {
        let part = self.validation.stored_part(context, plan).await;
        if let Some(part) = part.filter(|part| covers_range(&part.cached.entry, &context.request)) {
            return self.serving.serve(context, plan, &part);
        }
        let headers = &context.request.headers;
        if plan.client_directives(headers).only_if_cached {
            return nothing_stored();
        }
        // Taken before the origin is asked: what is purged from here on is newer than the response.
        let mark = self.purges.view.mark();
        let fields: Vec<_> = fields::RANGE_REQUEST
            .iter()
            .filter_map(|name| Some((*name, headers.joined(name)?)))
            .collect();
        let reason =
            ForwardReason { forward: Forward::Miss, detail: Some(MissDetail::Range.as_str()) };
        let response = self.validation.fetch_with(context, plan, &fields).await;
        let response = response.map(ReadResponse::unread);
        let stale = found.candidate;
        let response =
            match self.serving.unless_failed(context, plan, response, stale.as_ref(), reason).await
            {
                Ok(response) => response,
                Err(reply) => return reply,
            };
        let (other_variant, replaces) = (found.other_variant.as_deref(), stale.is_some());
        let target = StoreTarget { plan, mark, other_variant, replaces };
        self.responses.store_and_reply(context, response, target, reason, None).await
    }
}

/// 504 for a request with `only-if-cached` (RFC 9111 §5.2.1.7).
pub fn nothing_stored() -> Reply {
    error(504, "only-if-cached, and nothing usable is stored")
}
