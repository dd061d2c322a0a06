//! Explains requests.

use super::by_numbers::warnings_by_numbers;
use super::documented::{bypass_reason, miss_reason, not_stored_reason, warning};
use super::entry::explained_entry;
use super::form::{form_of, understood_operation, understood_request};
use super::parts::{explanation, not_looked_up, with_plan, with_plan_explanation};
use super::recent_numbers::RecentNumbers;
use super::write::explained_purge;
use crate::admin::{DecisionWord, ExplainRequest, Explanation, UnderstoodRequest};
use crate::config::Config;
use crate::engine::{
    BatchOperation, Bypass, Plan, TokenCheck, Warning, Write, XCache, browser_keeps_copy,
};
use crate::graphql::RequestError;
use crate::limits::Limit;
use crate::service::cache::{Candidate, HitForMiss, Judge, Lookup};
use crate::service::context::{Context, Purpose};
use crate::service::decision::{BatchDecision, Decider, Decision, PassedRequest};
use crate::service::incoming::incoming_context;
use crate::service::knowledge::Operation;
use crate::service::planning::Planning;
use crate::service::purges::Purges;
use crate::service::read::{BatchItem, BatchItemKind, LATE_MILLIS, ReadKind, forward_reason};
use crate::service::runtime::Runtime;
use crate::service::timeout::within;
use crate::service::write::WriteEffects;
use std::rc::Rc;

/// Explains requests.
pub struct Explainer {
    /// The configuration.
    pub config: Rc<Config>,
    /// The name of the purge log.
    pub log_name: Rc<str>,
    /// The purge log.
    pub purges: Purges,
    /// Decides what is done with requests.
    pub decider: Rc<Decider>,
    /// Explains plans.
    pub planning: Rc<Planning>,
    /// Finds stored responses.
    pub lookup: Rc<Lookup>,
    /// Judges stored responses.
    pub judge: Rc<Judge>,
    /// Why responses were not stored.
    pub hit_for_miss: Rc<HitForMiss>,
    /// What writes purge.
    pub effects: Rc<WriteEffects>,
    /// The numbers of the service.
    pub numbers: RecentNumbers,
}

impl Explainer {
    /// Explains what would be done with a request.
    pub async fn explain<R: Runtime>(&self, runtime: &R, described: ExplainRequest) -> Explanation {
        let ExplainRequest { request, body } = described;
        let purpose = Purpose::Explain { body: body.into() };
        // Its token is not judged: otherwise whoever may explain could guess the tokens of others.
        let log = (&*self.log_name, &self.purges);
        let context = incoming_context(runtime, log, request, TokenCheck::Absent, purpose);
        let decision = self.decider.decide(&context).await;
        let mut explanation = self.explain_decision(&context, decision).await;
        let sums = self.numbers.sums(runtime).await;
        explanation.warnings.extend(warnings_by_numbers(&self.config, &sums));
        explanation
    }

    async fn explain_decision<R: Runtime>(
        &self,
        context: &Context<R>,
        decision: Decision,
    ) -> Explanation {
        let form = form_of(&self.config, &context.request);
        let form = || form.clone();
        let unread = |decision, reason| {
            let request = understood_request(form());
            not_looked_up(decision, request, bypass_reason(reason))
        };
        match decision {
            Decision::Admin => explanation(DecisionWord::Admin, understood_request(form())),
            Decision::Upgrade => unread(DecisionWord::Bypass, Bypass::Upgrade),
            Decision::Socket => unread(DecisionWord::Socket, Bypass::Upgrade),
            Decision::LookUp { plan, kind: ReadKind::Rest } => {
                let explained = self.planning.explain_rest(context).await;
                let request = understood_request(form());
                let base = explanation(DecisionWord::Lookup, request);
                let base = with_plan_explanation(base, explained);
                self.explain_lookup(context, base, &plan).await
            }
            Decision::LookUp { plan, kind: ReadKind::GraphQl(operation) } => {
                self.explain_query(context, &form(), &operation, &plan).await
            }
            Decision::PassThrough { reason, request: PassedRequest::Operation(operation) } => {
                self.explain_passed(context, &form(), &operation, reason).await
            }
            Decision::PassThrough { reason, request: PassedRequest::Rest } => {
                let base = unread(DecisionWord::Bypass, reason);
                with_plan_explanation(base, self.planning.explain_rest(context).await)
            }
            Decision::PassThrough { reason, request: PassedRequest::Unread } => {
                unread(DecisionWord::Bypass, reason)
            }
            Decision::RestWrite => {
                let base = unread(DecisionWord::Write, Bypass::Method);
                self.with_purge(base, Write::Rest(&context.request))
            }
            Decision::Mutation(operation) => self.explain_mutation(&form(), &operation),
            Decision::PossibleMutation(reason) => {
                self.with_purge(unread(DecisionWord::Write, reason), Write::PossibleMutation)
            }
            Decision::Batch(items) => self.explain_batch(context, &form(), &items).await,
            Decision::Refused(limit) => unread(DecisionWord::Refused, over(limit)),
            Decision::UnknownDocument => unread(DecisionWord::Refused, Bypass::PersistedUnknown),
            Decision::BrokenBody => explanation(DecisionWord::Refused, understood_request(form())),
        }
    }

    async fn explain_query<R: Runtime>(
        &self,
        context: &Context<R>,
        form: &str,
        operation: &Operation,
        plan: &Plan,
    ) -> Explanation {
        let request = self.understood(form, operation);
        let base = explanation(DecisionWord::Lookup, request);
        let explained = self.planning.explain_operation(context, operation).await;
        self.explain_lookup(context, with_plan_explanation(base, explained), plan).await
    }

    async fn explain_passed<R: Runtime>(
        &self,
        context: &Context<R>,
        form: &str,
        operation: &Operation,
        reason: Bypass,
    ) -> Explanation {
        let request = self.understood(form, operation);
        let base = not_looked_up(DecisionWord::Bypass, request, bypass_reason(reason));
        match reason {
            Bypass::Subscription => base,
            _ => {
                let explained = self.planning.explain_operation(context, operation).await;
                with_plan_explanation(base, explained)
            }
        }
    }

    fn explain_mutation(&self, form: &str, operation: &Operation) -> Explanation {
        let request = self.understood(form, operation);
        let reason = bypass_reason(Bypass::Mutation);
        let analysis = &operation.known.analysis;
        let variables = operation.query.variables.as_ref();
        let base = not_looked_up(DecisionWord::Write, request, reason);
        self.with_purge(base, Write::Mutation { analysis, variables })
    }

    async fn explain_batch<R: Runtime>(
        &self,
        context: &Context<R>,
        form: &str,
        items: &[BatchItem],
    ) -> Explanation {
        let request = understood_request(format!("{form}, {} operations", items.len()));
        let not =
            |decision, request, reason| not_looked_up(decision, request, bypass_reason(reason));
        let base = match BatchDecision::of(&self.config, items) {
            BatchDecision::LookUp => explanation(DecisionWord::Batch, request),
            BatchDecision::Refused(limit) => not(DecisionWord::Refused, request, over(limit)),
            BatchDecision::PassThrough(reason) => not(DecisionWord::Bypass, request, reason),
            BatchDecision::Write(reason) => {
                let written: Vec<BatchOperation<'_>> =
                    items.iter().filter_map(BatchItem::write).collect();
                self.with_purge(not(DecisionWord::Write, request, reason), Write::Batch(&written))
            }
        };
        let mut operations = Vec::with_capacity(items.len());
        for item in items {
            operations.push(match &item.kind {
                BatchItemKind::Query { operation, plan } => {
                    self.explain_query(context, "operation of a batch", operation, plan).await
                }
                BatchItemKind::Mutation(operation) => {
                    self.explain_mutation("operation of a batch", operation)
                }
                BatchItemKind::Other { operation, reason } => {
                    self.explain_passed(context, "operation of a batch", operation, *reason).await
                }
                BatchItemKind::Unknown => {
                    let request = understood_request("operation of a batch");
                    not(DecisionWord::Refused, request, Bypass::PersistedUnknown)
                }
                BatchItemKind::Unread(uncacheable) => {
                    let request = understood_request("operation of a batch, not understood");
                    not(DecisionWord::Bypass, request, uncacheable.reason)
                }
            });
        }
        Explanation { operations: Some(operations), ..base }
    }

    /// Looks the request up, and stops before the origin would be asked.
    async fn explain_lookup<R: Runtime>(
        &self,
        context: &Context<R>,
        base: Explanation,
        plan: &Plan,
    ) -> Explanation {
        let mut found = self.lookup.find(context, plan).await;
        if let Some(late) = found.late.take() {
            let late = within(&context.runtime, LATE_MILLIS, async { Ok(late.await) }).await;
            found.candidate = late.ok().flatten().or(found.candidate);
        }
        let now = context.runtime.now();
        let directives = plan.client_directives(&context.request.headers);
        let candidate = found.candidate.as_ref();
        let x_cache = match candidate {
            Some(candidate) if candidate.is_fresh() => Some(XCache::Hit),
            Some(candidate) if candidate.answers() => Some(XCache::Stale),
            // The answer is a 504 without the header.
            _ if directives.only_if_cached => None,
            _ => Some(XCache::Miss),
        };
        let not_stored = self.hit_for_miss.last_reason(plan, now).map(not_stored_reason);
        let reason = match candidate.is_some_and(Candidate::answers) {
            true => None,
            false => {
                let detail = forward_reason(&found, directives.no_cache).detail;
                not_stored.or_else(|| detail.map(miss_reason))
            }
        };
        let mut warnings = base.warnings.clone();
        if let Some(candidate) = candidate {
            let headers = &candidate.cached.entry.meta.headers;
            let message = browser_keeps_copy(headers);
            warnings.extend(message.map(|text| warning(Warning::BrowserKeepsCopy, text)));
        }
        Explanation {
            x_cache: x_cache.map(XCache::as_str),
            reason,
            entry: candidate.map(|found| explained_entry(&self.judge, plan, found, now)),
            warnings,
            ..with_plan(base, plan)
        }
    }

    fn with_purge(&self, base: Explanation, write: Write<'_>) -> Explanation {
        let (purges, warnings) = explained_purge(&self.config, &self.effects, write);
        Explanation { purges, warnings, ..base }
    }

    fn understood(&self, form: &str, operation: &Operation) -> UnderstoodRequest {
        understood_operation(form, &self.config, operation)
    }
}

/// The reason of a request that is over a limit.
fn over(limit: Limit) -> Bypass {
    Bypass::Unread(RequestError::OverLimit(limit))
}
