//! A request that Wasm failed at, in an instance of Wasm that knows nothing of it: what the origin is
//! asked, and what of its answer the client gets. Both as for any request that is passed through.

use super::isolate::Isolate;
use crate::admin;
use crate::engine::{
    BypassOutcome, XCache, forwarded_headers, headers_to_client, may_write, origin_url,
    rewrite_location, take_evergraph_headers,
};
use crate::http::{Headers, Request};
use crate::policy::{CacheStatus, Forward};
use crate::tag::gather_tags;

impl Isolate {
    /// Whether a request may write.
    pub fn may_write(&self, request: &Request) -> bool {
        may_write(self.config.as_ref().ok(), request)
    }

    /// Where the origin is asked what the client asked, and with which headers. None where there is
    /// nobody to ask: Evergraph's own routes are its own, and their tokens are not the origin's.
    pub fn rescued_request(
        &self,
        mut request: Request,
        admin_tokens: impl FnOnce() -> Option<String>,
    ) -> Option<(String, Headers)> {
        if request.url.comparable_path().starts_with(admin::PREFIX) || self.origin_is_faulty {
            return None;
        }
        take_evergraph_headers(&mut request, self.log_name(), admin_tokens);
        let origin = self.origin_url.as_deref();
        let url = origin_url(origin, &request, &request.url.target());
        let headers = forwarded_headers(origin, &request, request.headers.clone());
        Some((url, headers))
    }

    /// The headers of the origin's answer as the client gets them.
    pub fn rescued_answer(&self, request: &Request, status: u16, headers: &Headers) -> Headers {
        let status = CacheStatus::Forwarded {
            forward: Forward::Bypass,
            status: Some(status),
            stored: false,
            detail: Some(BypassOutcome::WorkerFailed.as_str()),
        };
        let mut headers = headers.clone();
        if let Ok(config) = &self.config {
            gather_tags(&mut headers, &config.tag_headers);
        }
        let keeps_cdn = self.keeps_cdn_cache_control();
        let mut headers = headers_to_client(&headers, XCache::Bypass, &status, keeps_cdn);
        rewrite_location(self.origin_url.as_deref(), request, &mut headers);
        headers
    }
}
