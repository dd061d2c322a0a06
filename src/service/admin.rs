//! Carrying out the admin routes.

use super::context::Context;
use super::handle::{Reply, Service, json_response};
use super::purges::ADMIN;
use super::runtime::{BodyRead, Runtime};
use super::schema::Uploaded;
use crate::admin::{Access, Route, RouteError, access, read_purge, route};
use crate::config::Config;
use crate::graphql::Schema;
use crate::http::{Method, Request, form_pairs};
use crate::limits::{self, Limit};
use serde_json::{Value, json};

impl<W: Runtime> Service<W> {
    /// Answers a request for Evergraph itself.
    pub(super) async fn admin(&self, config: &Config, context: &Context<W>) -> Reply {
        let request = &context.request;
        let granted = access(self.runtime.admin_tokens().as_deref(), &request.headers);
        let (found, error) = route(&request.method, &request.url.path);
        let Some(found) = found.filter(|_| granted != Access::Closed) else {
            let routes = "purge, documents, schema, stats and health";
            return self.failed(404, &format!("no such route; there are {routes}"));
        };
        if granted == Access::Denied && found != Route::Health {
            let error = json!({ "error": "send Authorization: Bearer <one of ADMIN_TOKENS>" });
            let mut response = json_response(401, &error);
            response.headers.set("www-authenticate", "Bearer realm=\"evergraph\"");
            return Reply::Whole(response);
        }
        if let Some(RouteError::Method { allow }) = error {
            let mut response = json_response(405, &json!({ "error": format!("use {allow}") }));
            response.headers.set("allow", allow);
            return Reply::Whole(response);
        }
        match found {
            Route::Purge => self.purge_route(config).await,
            Route::Schema if request.method == Method::Post => self.schema_route(context).await,
            Route::Schema if !request.method.is_safe() => self.end_schema_route().await,
            Route::Schema => Reply::Whole(json_response(200, &self.schema_summary())),
            Route::Stats => self.stats_route(config, request),
            Route::Health => self.health_route(config, context).await,
            Route::Documents => self.documents_route(config).await,
            Route::Upload => self.upload_route(config, request).await,
        }
    }

    async fn purge_route(&self, config: &Config) -> Reply {
        let body = match self.runtime.request_body(limits::ADMIN_BODY_BYTES, 0).await {
            BodyRead::Whole(body) => body,
            BodyRead::TooLarge | BodyRead::NoRoom => {
                return self.failed(413, "a purge has at most 1 MiB; send several");
            }
            BodyRead::Broken => return self.failed(400, "the request's body broke off"),
        };
        let mut command = match read_purge(config, &body) {
            Ok(command) => command,
            Err(bad) => {
                let error = json!({ "error": bad.message, "path": bad.path });
                return Reply::Whole(json_response(400, &error));
            }
        };
        let (tags, patterns) = (command.tags.len(), command.patterns.len());
        self.known_schema().knowledge(config).reach(&mut command.tags);
        match self
            .isolate
            .purges
            .recorder
            .record(&self.runtime, command.record(config), ADMIN)
            .await
        {
            Ok(record) => {
                let answer = json!({ "seq": record.seq, "tags": tags, "patterns": patterns });
                let mut response = json_response(200, &answer);
                response.headers.set(
                    "evergraph-purge",
                    self.isolate.purges.own_writes.token_of(&self.runtime, record),
                );
                Reply::Whole(response)
            }
            Err(_) => self.failed(
                503,
                "the purge log did not take it; it will be tried again, and so should you",
            ),
        }
    }

    /// Without a schema from here on, for all isolates.
    async fn end_schema_route(&self) -> Reply {
        match self.end_schema().await {
            Ok(record) => Reply::Whole(json_response(200, &json!({ "seq": record.seq }))),
            Err(_) => self.failed(503, "the purge log did not take it; it will be tried again"),
        }
    }

    /// A schema as SDL, or as the answer to the introspection query.
    async fn schema_route(&self, context: &Context<W>) -> Reply {
        let body = match self.runtime.request_body(limits::SCHEMA_BYTES, 0).await {
            BodyRead::Whole(body) => body,
            BodyRead::TooLarge | BodyRead::NoRoom => {
                return self.failed(413, "a schema has at most 8 MiB");
            }
            BodyRead::Broken => return self.failed(400, "the request's body broke off"),
        };
        let read = match std::str::from_utf8(&body) {
            Ok(text) if text.trim_start_matches('\u{FEFF}').trim_start().starts_with('{') => {
                Schema::from_introspection(&body)
            }
            Ok(text) => Schema::from_sdl(text),
            Err(_) => return self.failed(400, "expected SDL or JSON in UTF-8"),
        };
        let schema = match read {
            Ok(schema) => schema,
            Err(fault) => {
                let path = fault.line.map(|line| format!("line {line}")).unwrap_or_default();
                let error = json!({ "error": fault.message, "path": path });
                return Reply::Whole(json_response(400, &error));
            }
        };
        match self.upload_schema(context, schema).await {
            Uploaded::Stored { types, changed } => {
                Reply::Whole(json_response(200, &json!({ "types": types, "changed": changed })))
            }
            Uploaded::NotStored(fault) => {
                self.report_failure("kv-write", &fault);
                self.failed(503, "KV did not take the schema; it is not in force; try again")
            }
        }
    }

    fn stats_route(&self, config: &Config, request: &Request) -> Reply {
        let pairs = form_pairs(request.url.query.as_deref().unwrap_or_default());
        let context = pairs.into_iter().flatten().find(|(name, _)| name == "window");
        let window = match context.map(|(_, seconds)| seconds.parse::<u64>()) {
            None => None,
            Some(Ok(seconds)) if (1..=3600).contains(&seconds) => Some(seconds),
            Some(_) => {
                let error = json!({ "error": "expected 1 to 3600 seconds", "path": "window" });
                return Reply::Whole(json_response(400, &error));
            }
        };
        let now = self.runtime.now();
        let available = self.runtime.kv_bound() && self.isolate.kv.reason().is_none();
        let mut stats = self.isolate.stats.to_json(now, window, available);
        let high = self.isolate.high_water.get();
        let limits = Limit::ALL.into_iter().map(|limit| {
            let most = config.limits.amounts.of(limit);
            (limit.as_str().to_owned(), json!({ "limit": most, "highest": high.of(limit) }))
        });
        let word = |open: bool| if open { "open" } else { "closed" };
        let breakers = json!({
            "kv": word(self.isolate.kv.is_open()),
            "edge_cache": word(self.isolate.edge.breaker.is_open()),
            "purge_log": word(self.isolate.purges.view.failure().is_some() || !self.isolate.purges.takes_purges()),
        });
        if let Some(stats) = stats.as_object_mut() {
            stats.insert("breakers".into(), breakers);
            stats.insert("limits".into(), Value::Object(limits.collect()));
        }
        Reply::Whole(json_response(200, &stats))
    }
}
