//! `GET health`: how each part fares.

use super::context::Context;
use super::handle::{Reply, Service, json_response};
use super::runtime::{OriginRequest, OriginRequestKind, Runtime};
use crate::config::Config;
use crate::http::Headers;
use crate::purge::Lag;
use serde_json::{Value, json};

/// How long a part may take to show that it lives.
const PROBE_MILLIS: u64 = 1_000;

/// How a part fares.
enum Part {
    Works,
    Absent,
    Fails(String),
}

impl Part {
    fn of(outcome: Result<(), String>) -> Self {
        outcome.map_or_else(Part::Fails, |()| Part::Works)
    }

    fn fails(&self) -> bool {
        matches!(self, Part::Fails(_))
    }

    fn to_json(&self) -> Value {
        match self {
            Part::Works => json!({ "state": "ok" }),
            Part::Absent => json!({ "state": "absent", "reason": "not bound" }),
            Part::Fails(reason) => json!({ "state": "failing", "reason": reason }),
        }
    }
}

impl<W: Runtime> Service<W> {
    /// The state and, part by part, the reasons. 503 where it is `DOWN`.
    pub(super) async fn health_route(&self, config: &Config, context: &Context<W>) -> Reply {
        let (kv, log, origin) = futures_util::future::join3(
            self.probe_kv(),
            self.probe_log(context),
            self.probe_origin(config),
        )
        .await;
        let stores_fail = kv.fails() || log.fails();
        // It answers, and stores no GraphQL answer until it has the schema in force.
        let warms = !self.is_in_force(self.known_schema().fingerprint);
        let schema = match warms {
            true => json!({ "state": "loading", "reason": "the schema in force is not here yet" }),
            false => json!({ "state": "ok" }),
        };
        let state = match (stores_fail, origin.fails()) {
            (false, false) if warms => "WARMING",
            (false, false) => "HEALTHY",
            (true, true) => "DOWN",
            _ => "DEGRADED",
        };
        let edge = self.isolate.edge.breaker.reason().map_or(Part::Works, Part::Fails);
        let body = json!({
            "state": state,
            "service": config.service,
            "parts": {
                "kv": kv.to_json(),
                "purge_log": log.to_json(),
                "edge_cache": edge.to_json(),
                "origin": origin.to_json(),
                "schema": schema,
            },
        });
        Reply::Whole(json_response(if state == "DOWN" { 503 } else { 200 }, &body))
    }

    async fn probe_kv(&self) -> Part {
        if !self.runtime.kv_bound() {
            return Part::Absent;
        }
        let read = self.within(PROBE_MILLIS, self.runtime.kv_get("evergraph-health")).await;
        match &read {
            Ok(_) => self.isolate.kv.succeeded(),
            Err(fault) => self.isolate.kv.failed(self.runtime.now(), fault),
        }
        Part::of(read.map(|_| ()))
    }

    async fn probe_log(&self, context: &Context<W>) -> Part {
        self.isolate.purges.sync.sync_now(context).await;
        match self.isolate.purges.view.failure() {
            Some(reason) => Part::Fails(reason),
            None if !self.isolate.purges.takes_purges() => {
                Part::Fails("it can be read, and takes no purges".to_owned())
            }
            None if self.isolate.purges.view.lag(self.runtime.now(), None) != Lag::TooOld => {
                Part::Works
            }
            None => Part::Fails("not read yet".to_owned()),
        }
    }

    /// What the last request to the origin showed, or a HEAD for its root: any answer will do.
    async fn probe_origin(&self, config: &Config) -> Part {
        if let Some(recent) = self.isolate.origin.recent(self.runtime.now()) {
            return recent.map_or(Part::Works, Part::Fails);
        }
        let Some(origin) = &config.origin else { return Part::Works };
        let headers = Headers::new();
        let url = format!("{origin}/");
        let ask = OriginRequest {
            url: &url,
            headers: &headers,
            may_retry: true,
            kind: OriginRequestKind::Unchanged,
        };
        let context = self.within(PROBE_MILLIS, async {
            self.runtime.ask(&ask).await.map_err(|failure| failure.fault)
        });
        Part::of(context.await.map(|_| ()))
    }
}
