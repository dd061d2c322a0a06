//! The schema that an isolate goes by: uploaded, or asked of the origin, and kept in KV.
//!
//! Which schema is in force is a record of the purge log, so that all isolates agree on it within
//! `max_lag`. An isolate that does not have that one yet goes by none, and stores no GraphQL answer
//! meanwhile: what it would store could lack a tag or a prohibition. A schema only makes things
//! sharper. An answer that contradicts it ends it for all, and everything is purged.

use super::context::Context;
use super::handle::Service;
use super::runtime::{BodyRead, Fault, OriginRequest, OriginRequestKind, Runtime};
use crate::config::{Config, SchemaSource};
use crate::graphql::{INTROSPECTION_QUERY, Schema, TypeKnowledge, changed_types, touched_types};
use crate::http::Headers;
use crate::limits;
use crate::purge::{Mark, Record, SchemaInForce};
use crate::tag::{Tag, TagSet, UNTYPED};
use crate::time::Timestamp;
use serde_json::json;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// After so many milliseconds an isolate that lacks the schema in force looks for it again.
const RELOAD_MILLIS: u64 = 2_000;
/// After so many seconds of looking in vain the schema in force counts as lost.
const LOST_SECONDS: u64 = 300;
/// After so many seconds the origin is asked for its schema again.
const INTROSPECT_SECONDS: u64 = 3_600;
/// How long KV may take for a schema, which nobody waits for.
const KV_MILLIS: u64 = 5_000;

/// The schema of one isolate.
#[derive(Debug, Default)]
pub(super) struct SchemaState {
    current: RefCell<Option<Rc<Stored>>>,
    looked_at: Cell<Option<Timestamp>>,
    /// Since when the schema in force is looked for.
    missed_since: Cell<Option<Timestamp>>,
    introspected_at: Cell<Option<Timestamp>>,
}

/// A schema as KV has it: `source:u8 fetched_at_millis:u64` and the encoded schema.
#[derive(Debug)]
struct Stored {
    schema: Schema,
    source: Source,
    fetched_at: Timestamp,
    /// Tells it from others.
    fingerprint: SchemaInForce,
}

/// Where a schema came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Upload = 1,
    Origin = 2,
}

/// What became of an upload.
#[derive(Debug)]
pub(super) enum Uploaded {
    /// It is in force.
    Stored {
        /// How many types it has.
        types: usize,
        /// The types that are not what they were; none where there was no schema before.
        changed: Option<Vec<String>>,
    },
    /// KV did not take it.
    NotStored(String),
}

/// The schema that a request goes by.
pub(super) struct Known {
    stored: Option<Rc<Stored>>,
    /// Which it is.
    pub fingerprint: SchemaInForce,
}

impl Known {
    /// What is known of types and their keys.
    pub fn knowledge<'k>(&'k self, config: &'k Config) -> TypeKnowledge<'k> {
        let schema = self.stored.as_ref().map(|stored| &stored.schema);
        TypeKnowledge { schema, keys: &config.graphql.keys }
    }
}

impl Stored {
    fn new(schema: Schema, source: Source, fetched_at: Timestamp) -> Self {
        let fingerprint = fingerprint(&schema.encode());
        Self { schema, source, fetched_at, fingerprint }
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.source as u8];
        bytes.extend_from_slice(&self.fetched_at.as_millis().to_le_bytes());
        bytes.extend_from_slice(&self.schema.encode());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (source, rest) = bytes.split_first()?;
        let (fetched_at, encoded) = rest.split_first_chunk::<8>()?;
        let source = match source {
            1 => Source::Upload,
            2 => Source::Origin,
            _ => return None,
        };
        let schema = Schema::decode(encoded)?;
        Some(Self {
            schema,
            source,
            fetched_at: Timestamp::from_millis(u64::from_le_bytes(*fetched_at)),
            fingerprint: fingerprint(encoded),
        })
    }
}

fn fingerprint(encoded: &[u8]) -> SchemaInForce {
    SchemaInForce::of(xxhash_rust::xxh3::xxh3_64(encoded))
}

impl<W: Runtime> Service<W> {
    /// The schema in force, if this isolate has it.
    pub(super) fn known_schema(&self) -> Known {
        let in_force = self.isolate.purges.view.schemas().in_force;
        let current = self.isolate.schema.current.borrow().clone();
        let stored = current.filter(|stored| stored.fingerprint == in_force);
        let fingerprint = stored.as_ref().map_or(SchemaInForce::NONE, |stored| stored.fingerprint);
        Known { stored, fingerprint }
    }

    /// Whether an answer to a document that was understood by this schema may be stored.
    pub(super) fn is_in_force(&self, fingerprint: SchemaInForce) -> bool {
        self.isolate.purges.view.schemas().in_force == fingerprint
    }

    /// The same as [`Service::known_schema`], for a GraphQL request: what is missing is looked for
    /// in the background.
    pub(super) fn schema(&self, config: &Config, context: &Context<W>) -> Known {
        let known = self.known_schema();
        let state = &self.isolate.schema;
        let now = self.runtime.now();
        let lacks = !self.is_in_force(known.fingerprint);
        if !lacks {
            state.missed_since.set(None);
        }
        let introspects = config.graphql.schema == SchemaSource::Introspect
            && self.isolate.purges.view.mark().is_some()
            && match &known.stored {
                Some(stored) => {
                    stored.source == Source::Origin
                        && now.seconds_since(stored.fetched_at) >= INTROSPECT_SECONDS
                }
                None => true,
            };
        let looked = state.looked_at.get();
        let due = looked.is_none_or(|at| now.millis_since(at) >= RELOAD_MILLIS);
        if due && (lacks || introspects) {
            state.looked_at.set(Some(now));
            let service = self.clone();
            let context = context.clone();
            self.runtime
                .spawn(async move { service.look_for_schema(lacks, introspects, &context).await });
        }
        known
    }

    async fn look_for_schema(&self, lacks: bool, introspects: bool, context: &Context<W>) {
        let state = &self.isolate.schema;
        let now = self.runtime.now();
        let in_kv = self.stored_schema().await;
        if let Some(stored) = in_kv.as_ref().ok().and_then(Option::as_ref) {
            self.follow(stored.clone());
            if self.is_in_force(stored.fingerprint)
                && (stored.source == Source::Upload
                    || now.seconds_since(stored.fetched_at) < INTROSPECT_SECONDS)
            {
                return;
            }
        }
        let asked_lately = state
            .introspected_at
            .get()
            .is_some_and(|at| now.seconds_since(at) < INTROSPECT_SECONDS);
        if introspects && !asked_lately {
            state.introspected_at.set(Some(now));
            self.introspect(context).await;
        }
        let lacks = lacks && !self.is_in_force(self.known_schema().fingerprint);
        // KV shows a new value late, and a place that fails is no proof.
        if lacks && in_kv.is_ok() {
            let since = state.missed_since.get().unwrap_or(now);
            state.missed_since.set(Some(since));
            if now.seconds_since(since) >= LOST_SECONDS {
                self.report_failure("schema", "the one in force is lost; upload it again");
                let _ = self.end_schema().await;
            }
        }
    }

    /// The schema in force, if KV has it.
    async fn stored_schema(&self) -> Result<Option<Rc<Stored>>, Fault> {
        let in_force = self.isolate.purges.view.schemas().in_force;
        if !self.runtime.kv_bound() || !in_force.is_some() {
            return Ok(None);
        }
        match self.within(KV_MILLIS, self.runtime.kv_get(&self.schema_key(in_force))).await {
            Ok(bytes) => {
                let stored = bytes.and_then(|bytes| Stored::decode(&bytes)).map(Rc::new);
                Ok(stored.filter(|stored| stored.fingerprint == in_force))
            }
            Err(fault) => {
                self.report_failure("kv-read", &fault);
                Err(fault)
            }
        }
    }

    /// Each schema has a key of its own: one that the log then refuses takes no other's place.
    fn schema_key(&self, fingerprint: SchemaInForce) -> String {
        format!("{}/schema/{:016x}", self.isolate.log_name(), fingerprint.number())
    }

    /// Takes a schema out of KV that is not in force any more.
    fn drop_schema(&self, fingerprint: SchemaInForce) {
        if !self.runtime.kv_bound() || !fingerprint.is_some() {
            return;
        }
        let service = self.clone();
        self.runtime.spawn(async move {
            let key = service.schema_key(fingerprint);
            let deleting = service.within(KV_MILLIS, service.runtime.kv_delete(&key));
            if let Err(fault) = deleting.await {
                service.report_failure("kv-write", &fault);
            }
        });
    }

    /// Keeps a schema at hand. It counts once it is in force.
    fn follow(&self, stored: Rc<Stored>) {
        let schema = &stored.schema;
        let composite = schema.types().filter(|of| schema.kind(*of).is_composite());
        self.isolate.learn_types(composite.map(|of| schema.name(of).to_owned()).collect());
        self.isolate.schema.current.replace(Some(stored));
    }

    /// Asks the origin for its schema, as nobody in particular.
    async fn introspect(&self, context: &Context<W>) {
        let mut headers = Headers::new();
        headers.set("content-type", "application/json");
        headers.set("accept", "application/json");
        let headers = self.forwarded_headers(&context.request, headers);
        let body = json!({ "query": INTROSPECTION_QUERY }).to_string();
        let url = self.origin_url(&context.request);
        let url = url.split('?').next().unwrap_or_default();
        let kind = OriginRequestKind::Post(body.as_bytes());
        let answer = self
            .runtime
            .ask(&OriginRequest { url, headers: &headers, may_retry: true, kind })
            .await;
        let body = match &answer {
            Ok(answer) if answer.status == 200 => {
                self.runtime.answer_body(answer.handle, limits::SCHEMA_BYTES).await
            }
            Ok(answer) => {
                self.report_failure("introspection", &format!("answered {}", answer.status));
                return;
            }
            Err(failure) => return self.report_failure("introspection", &failure.fault),
        };
        let BodyRead::Whole(body) = body else {
            return self.report_failure("introspection", "the answer is too large, or broke off");
        };
        match Schema::from_introspection(&body) {
            Ok(schema) => {
                let stored = Rc::new(Stored::new(schema, Source::Origin, self.runtime.now()));
                if self.isolate.purges.view.schemas().distrusted == stored.fingerprint {
                    return self.report_failure("introspection", "answers have contradicted it");
                }
                if let Uploaded::NotStored(fault) = self.adopt(context, stored).await {
                    self.report_failure("introspection", &fault);
                }
            }
            Err(fault) => self.report_failure("introspection", &fault.to_string()),
        }
    }

    /// Puts an uploaded schema in force.
    pub(super) async fn upload_schema(&self, context: &Context<W>, schema: Schema) -> Uploaded {
        self.adopt(context, Rc::new(Stored::new(schema, Source::Upload, self.runtime.now()))).await
    }

    /// Puts a schema in force, in KV and in the log, and purges what was stored by another.
    async fn adopt(&self, context: &Context<W>, stored: Rc<Stored>) -> Uploaded {
        // What is in force is what the log says now.
        self.isolate.purges.sync.sync_now(context).await;
        let before = match self.known_schema().stored {
            Some(stored) => Some(stored),
            None => {
                let in_kv = self.stored_schema().await.ok().flatten();
                in_kv.filter(|stored| self.is_in_force(stored.fingerprint))
            }
        };
        let uploaded = before.as_ref().is_some_and(|before| before.source == Source::Upload);
        if uploaded && stored.source == Source::Origin {
            // Somebody uploaded one while the origin was asked.
            return Uploaded::Stored { types: 0, changed: None };
        }
        if self.runtime.kv_bound() {
            let (key, bytes) = (self.schema_key(stored.fingerprint), stored.encode());
            let put = self.within(KV_MILLIS, self.runtime.kv_put_without_expiry(&key, &bytes));
            if let Err(fault) = put.await {
                return Uploaded::NotStored(fault);
            }
        } else if stored.source == Source::Upload {
            return Uploaded::NotStored("no KV namespace is bound".to_owned());
        }
        let types = stored.schema.types().count();
        let changed = before.as_ref().map(|before| changed_types(&before.schema, &stored.schema));
        self.follow(stored.clone());
        if self.is_in_force(stored.fingerprint) {
            return Uploaded::Stored { types, changed: Some(Vec::new()) };
        }
        let replaced = self.isolate.purges.view.schemas().in_force;
        let tagging = self.isolate.tagging();
        let record = match &before {
            Some(before) => {
                let touched = touched_types(&before.schema, &stored.schema);
                let mut tags: TagSet = touched.iter().map(|name| Tag::of("", name)).collect();
                tags.insert(Tag::of("type:", "introspection"));
                // A leaf of the query itself has no type by which it could be purged.
                tags.insert(Tag::of("", UNTYPED));
                Record::of_tags(&tags, &Vec::new(), tagging)
            }
            // The first one has no hints where it comes from the origin, and forbids nothing.
            None if !replaced.is_some() && stored.source == Source::Origin => {
                let introspection = [Tag::of("type:", "introspection")];
                Record::of_tags(&introspection.into_iter().collect(), &Vec::new(), tagging)
            }
            None => Record::everything(),
        };
        let record = Record { schema: Some(stored.fingerprint), ..record };
        match self.isolate.purges.recorder.record(&self.runtime, record, "schema").await {
            Ok(_) => {
                self.drop_schema(replaced);
                let changed = changed.map(|names| names.into_iter().collect());
                Uploaded::Stored { types, changed }
            }
            Err(fault) => {
                // What was in force still is.
                self.isolate.schema.current.replace(before);
                Uploaded::NotStored(fault)
            }
        }
    }

    /// An answer has something that the schema says cannot be there.
    pub(super) async fn distrust_schema(&self) {
        self.report_failure("schema", "an answer contradicts it; it is not used any more");
        let _ = self.end_schema().await;
    }

    /// Without a schema from here on, for all isolates. What the log does not take is kept
    /// pending.
    pub(super) async fn end_schema(&self) -> Result<Mark, Fault> {
        self.isolate.schema.current.replace(None);
        let ended = self.isolate.purges.view.schemas().in_force;
        let record = Record { schema: Some(SchemaInForce::NONE), ..Record::everything() };
        let recorded = self.isolate.purges.recorder.record(&self.runtime, record, "schema").await;
        if recorded.is_ok() {
            self.drop_schema(ended);
        }
        recorded
    }

    /// What the schema in force is, for who may ask.
    pub(super) fn schema_summary(&self) -> serde_json::Value {
        match self.known_schema().stored {
            Some(stored) => json!({
                "source": match stored.source {
                    Source::Upload => "upload",
                    Source::Origin => "origin",
                },
                "types": stored.schema.types().count(),
            }),
            None if self.is_in_force(SchemaInForce::NONE) => {
                json!({ "source": "none", "types": 0 })
            }
            None => json!({ "source": "loading", "types": 0 }),
        }
    }
}
