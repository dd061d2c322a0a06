//! Which public reads are frequent, so that they can be fetched again before anybody asks.

use crate::config::Config;
use crate::engine::{Plan, is_public, key_headers};
use crate::http::Method;
use crate::service::context::Context;
use crate::service::knowledge::Operation;
use crate::service::runtime::Runtime;
use crate::service::stats::Stats;
use crate::statistics::PopularRequest;
use serde_json::{Map, Value, json};
use std::cell::Cell;
use std::rc::Rc;

/// So many hits and so many misses of an isolate are noted one by one.
const NOTED_ALL: u64 = 200;
/// Of further ones, one of so many is noted, and counts for all of them.
const NOTED_EACH: u64 = 32;

/// Notes frequent public reads.
pub struct PopularReads {
    config: Rc<Config>,
    stats: Rc<Stats>,
    hits: Cell<u64>,
    misses: Cell<u64>,
}

impl PopularReads {
    /// Notes them in these statistics.
    pub fn new(config: Rc<Config>, stats: Rc<Stats>) -> Rc<Self> {
        Rc::new(Self { config, stats, hits: Cell::new(0), misses: Cell::new(0) })
    }

    /// A stored response was served, perhaps after the platform has given it again.
    pub fn hit<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        operation: Option<&Operation>,
    ) {
        let repeated = context.runtime.repeated();
        if let Some(request) = self.noted(context, plan, operation, &self.hits, repeated) {
            self.stats.popular(request);
        }
    }

    /// The platform has given a stored response again, and no longer may: what answers now is another one.
    pub fn repeated_before<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        operation: Option<&Operation>,
    ) {
        let count = context.runtime.repeated();
        if count == 0 || context.is_warming() {
            return;
        }
        if let Some(request) = self.request(context, plan, operation) {
            self.stats.popular(PopularRequest { count, ..request });
        }
    }

    /// The origin's response was stored.
    pub fn miss<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        operation: Option<&Operation>,
    ) {
        if let Some(request) = self.noted(context, plan, operation, &self.misses, 0) {
            let ms = context.runtime.now().millis_since(context.started);
            let (misses, ms) = (request.count, ms.saturating_mul(request.count));
            self.stats.popular(PopularRequest { misses, ms, ..request });
        }
    }

    /// The request with the number of those for which it is noted, if it is: by `counter`, and for as many
    /// as the platform has answered again.
    fn noted<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        operation: Option<&Operation>,
        counter: &Cell<u64>,
        repeated: u64,
    ) -> Option<PopularRequest> {
        if context.is_warming() {
            return None;
        }
        let count = noted_for(counter).unwrap_or(0).saturating_add(repeated);
        if count == 0 {
            return None;
        }
        Some(PopularRequest { count, ..self.request(context, plan, operation)? })
    }

    /// The request, if nothing in it says who is asking.
    fn request<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: &Plan,
        operation: Option<&Operation>,
    ) -> Option<PopularRequest> {
        let request = &context.request;
        let is_read = matches!(request.method, Method::Get | Method::Post);
        // Other members of a GraphQL request belong to the key as well.
        let is_plain = operation.is_none_or(|one| one.query.other_members == "{}");
        if !is_read || !is_plain || !is_public(&self.config, plan, request) {
            return None;
        }
        let is_post = request.method == Method::Post;
        let url = match (&plan.rest.target, is_post) {
            (Some(target), _) => target.clone(),
            (None, false) => request.url.target(),
            (None, true) => request.url.path.clone(),
        };
        Some(PopularRequest {
            method: request.method.as_str().to_owned(),
            url,
            headers: key_headers(plan, &request.headers),
            body: operation.filter(|_| is_post).map(body_of),
            operation: operation.and_then(|operation| operation.known.analysis.name.clone()),
            ..PopularRequest::default()
        })
    }
}

/// The body of a request for the operation.
fn body_of(operation: &Operation) -> String {
    let query = &operation.query;
    let mut body = Map::new();
    body.insert("query".to_owned(), Value::from(&*operation.document));
    if let Some(name) = &query.operation_name {
        body.insert("operationName".to_owned(), json!(name));
    }
    if let Some(variables) = &query.variables {
        body.insert("variables".to_owned(), Value::Object(variables.clone()));
    }
    Value::Object(body).to_string()
}

/// For how many requests the next one is noted, if it is.
fn noted_for(counter: &Cell<u64>) -> Option<u64> {
    let number = counter.get() + 1;
    counter.set(number);
    match (number <= NOTED_ALL, number % NOTED_EACH) {
        (true, _) => Some(1),
        (false, 0) => Some(NOTED_EACH),
        (false, _) => None,
    }
}

#[cfg(test)]
mod tests;
