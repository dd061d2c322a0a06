//! What one isolate keeps between requests. All of it may be lost at any moment.

use super::answers::Stamps;
use super::base::BaseComponents;
use super::configured::Configured;
use super::degraded::Degraded;
use super::failed_attempts::AttemptLimits;
use super::origin::OriginClient;
use super::purges::{PurgeSettings, Purges};
use super::respond::Responder;
use super::stats::Stats;
use super::stats_reports::StatsReports;
use super::tiers::{EdgeCacheTier, KvClient};
use crate::config;
use crate::engine::{
    HeaderUse, TokenCheck, check_debug_token, check_purge_token, forwarded_headers, header_use,
    is_admin, may_write, origin_url, take_evergraph_headers,
};
use crate::http::{Headers, Request};
use crate::limits;
use crate::tag::{Tagging, gather_tags};
use crate::time::Timestamp;
use serde_json::Value;
use std::rc::Rc;

/// An isolate's state.
pub struct Isolate {
    pub(super) base: BaseComponents,
    /// The service; without a configuration if that has a fault.
    pub(super) service: Result<Configured, Degraded>,
}

impl Isolate {
    /// An isolate that has seen nothing yet, with its configuration as JSON.
    pub fn new(json: &Value) -> Rc<Self> {
        let log_name: Rc<str> = config::log_name_of(json).into();
        let config = config::parse(json).map(Rc::new);
        let known = config.as_ref().ok();
        let rules = known.map_or(Tagging::UNKNOWN, |config| config.tagging);
        let stats = Rc::new(Stats::of_rules(rules));
        let edge_cache = Rc::new(EdgeCacheTier::default());
        let writes_per_day = known.and_then(|config| config.kv.writes_per_day);
        let kv = Rc::new(KvClient::new(writes_per_day, stats.clone()));
        let settings = PurgeSettings::new(log_name.to_string(), known.map(|config| &**config));
        let purges = Purges::new(&settings, edge_cache.clone(), kv.clone(), stats.clone());
        let reports = StatsReports::new(
            stats.clone(),
            kv.clone(),
            purges.clone(),
            &log_name,
            known.map(|config| &**config),
        );
        let origin = OriginClient::new(json, known.cloned());
        let respond =
            Responder::new(origin.clone(), stats.clone(), &log_name, known.map(|config| &**config));
        let attempts = AttemptLimits::default();
        let base = BaseComponents {
            log_name,
            stats,
            reports,
            edge_cache,
            kv,
            purges,
            origin,
            respond,
            attempts,
        };
        let service = match config {
            Ok(config) => Ok(Configured::new(&config, json, &base)),
            Err(faults) => Err(Degraded::new(faults, json, &base)),
        };
        Rc::new(Self { base, service })
    }

    /// The name of the purge log: the service's own, or the first that it had.
    pub fn log_name(&self) -> &Rc<str> {
        &self.base.log_name
    }

    /// Whether a request is for Evergraph itself, as far as the configuration can be read.
    pub(super) fn is_admin(&self, request: &Request) -> bool {
        match &self.service {
            Ok(service) => is_admin(&service.config, request),
            Err(degraded) => degraded.is_admin(request),
        }
    }

    /// By what JavaScript decides whether it may give an answer again.
    pub fn stamps(&self) -> &Stamps {
        self.base.purges.view.stamps()
    }

    /// What the value of a request header may change. Without a configuration that is not known.
    pub fn header_use(&self, name: &str) -> HeaderUse {
        let service = self.service.as_ref();
        service.map_or(HeaderUse::More, |service| header_use(&service.config, name))
    }

    /// Counts the hits that JavaScript has given.
    pub fn count_answers(&self, now: Timestamp, lines: &str) {
        self.base.stats.repeated(now, lines);
    }

    /// How many bytes the bodies in flight may take, all copies counted.
    pub fn memory_in_flight(&self) -> usize {
        let service = self.service.as_ref();
        service.map_or(limits::MEMORY_IN_FLIGHT, |service| service.config.limits.memory_in_flight)
    }
}

/// Requests that Wasm failed at: what the origin is asked, and what of its response the client gets. An
/// instance of Wasm that knows nothing else of the request decides both, as for any request that is
/// passed through.
impl Isolate {
    /// `true` if a request may write.
    pub fn may_write(&self, request: &Request) -> bool {
        may_write(self.service.as_ref().ok().map(|service| &*service.config), request)
    }

    /// The URL and the headers with which the origin is asked. `None` if it is not to be asked: admin
    /// requests have tokens that are not for the origin.
    pub fn rescued_request(
        &self,
        mut request: Request,
        admin_tokens: impl FnOnce() -> Option<String>,
    ) -> Option<(String, Headers)> {
        let origin = &self.base.origin;
        let admin_tokens = admin_tokens();
        let purge_token = check_purge_token(&request, || admin_tokens.clone());
        if self.is_admin(&request) || purge_token == TokenCheck::Right || origin.is_faulty() {
            return None;
        }
        let debug = check_debug_token(&request, || admin_tokens);
        take_evergraph_headers(&mut request, self.log_name(), debug);
        let url = origin_url(origin.url(), &request, &request.url.target());
        let headers = forwarded_headers(origin.url(), &request, request.headers.clone());
        Some((url, headers))
    }

    /// The headers of the origin's response as the client gets them.
    pub fn rescued_answer(&self, request: &Request, status: u16, headers: &Headers) -> Headers {
        let mut headers = headers.clone();
        if let Ok(service) = &self.service {
            gather_tags(&mut headers, &service.config.tag_headers);
        }
        self.base.respond.rescued(request, status, &headers)
    }
}
