//! The GraphQL schema that requests go by: uploaded by an administrator or fetched from the origin by
//! introspection, and kept in KV.
//!
//! Which schema is in force is a record of the purge log, so all isolates agree on it within `max_lag`.
//! An isolate that does not have that schema yet goes by none, and stores no GraphQL response meanwhile:
//! the response might lack a tag, or be one that must not be stored. No client's response depends on the
//! schema. A response that contradicts it ends it for all isolates, and everything is purged.
//!
//! In scope: finding the schema in force, putting one in force, ending it. Not in scope: what a schema
//! is used for (`graphql`).

use super::stored_schema::{SchemaOrigin, StoredSchema};
use super::type_names::TypeNames;
use crate::admin::{SchemaProvenance, SchemaSummary};
use crate::config::{Config, SchemaSource};
use crate::graphql::{INTROSPECTION_QUERY, Schema, TypeKnowledge, affected_types, changed_types};
use crate::limits;
use crate::purge::{Mark, Record, SchemaInForce};
use crate::service::backoff::Backoff;
use crate::service::context::Context;
use crate::service::origin::OriginClient;
use crate::service::purges::{LogSync, LogView, Recorder};
use crate::service::report::report_failure;
use crate::service::runtime::{BodyRead, Fault, Runtime};
use crate::service::tiers::KvClient;
use crate::service::timeout::within;
use crate::tag::{Tag, TagSet, UNTYPED};
use crate::time::Timestamp;
use serde_json::json;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// How long an isolate waits before it looks again for a schema that it lacks.
const RELOAD_MILLIS: u64 = 2_000;
/// After looking for so long without success, the schema in force counts as lost.
const LOST_SECONDS: u64 = 300;
/// How long a schema from the origin is used before the origin is asked again.
const INTROSPECT_SECONDS: u64 = 3_600;
/// How long KV may take. No request waits for it.
const KV_MILLIS: u64 = 5_000;
/// How long an attempt to end a schema that this deployment cannot use may take.
const ENDING_MILLIS: u64 = 5_000;
/// The longest pause after such attempts have failed.
const LONGEST_PAUSE_MILLIS: u64 = 60_000;

/// The schema of one isolate.
pub struct SchemaRegistry {
    config: Rc<Config>,
    /// The name of the purge log: the keys in KV begin with it.
    log_name: String,
    log: Rc<LogView>,
    log_sync: Rc<LogSync>,
    recorder: Rc<Recorder>,
    origin: Rc<OriginClient>,
    kv: Rc<KvClient>,
    type_names: Rc<TypeNames>,
    /// The schema that was found last. It is used while it is in force.
    current: RefCell<Option<Rc<StoredSchema>>>,
    looked_at: Cell<Option<Timestamp>>,
    /// Since when the schema in force has been looked for.
    missed_since: Cell<Option<Timestamp>>,
    introspected_at: Cell<Option<Timestamp>>,
    /// Attempts to end a schema that this deployment cannot use.
    ending: Backoff<LONGEST_PAUSE_MILLIS>,
}

/// What the registry needs of other components.
pub struct SchemaParts {
    /// What is known of the purge log.
    pub log: Rc<LogView>,
    /// Reads the purge log.
    pub log_sync: Rc<LogSync>,
    /// Records purges, and which schema is in force.
    pub recorder: Rc<Recorder>,
    /// The API.
    pub origin: Rc<OriginClient>,
    /// Where the schema is stored.
    pub kv: Rc<KvClient>,
    /// Learns the names of the schema's types.
    pub type_names: Rc<TypeNames>,
}

/// The schema that a request goes by.
pub struct RequestSchema {
    config: Rc<Config>,
    stored: Option<Rc<StoredSchema>>,
}

impl RequestSchema {
    /// Which schema it is; [`SchemaInForce::NONE`] if there is none.
    pub fn fingerprint(&self) -> SchemaInForce {
        self.stored.as_ref().map_or(SchemaInForce::NONE, |stored| stored.fingerprint)
    }

    /// What is known of types, and of the fields that identify objects.
    pub fn knowledge(&self) -> TypeKnowledge<'_> {
        let schema = self.stored.as_ref().map(|stored| &stored.schema);
        TypeKnowledge { schema, keys: &self.config.graphql.keys }
    }
}

/// What putting a schema in force changed.
#[derive(Debug, PartialEq, Eq)]
pub struct SchemaChange {
    /// How many types the schema has.
    pub types: usize,
    /// The names of the types that differ from the schema before; `None` if there was none.
    pub changed: Option<Vec<String>>,
}

impl SchemaRegistry {
    /// No schema yet. `log_name` is the name of the purge log.
    pub fn new(config: Rc<Config>, log_name: &str, parts: SchemaParts) -> Rc<Self> {
        let SchemaParts { log, log_sync, recorder, origin, kv, type_names } = parts;
        Rc::new(Self {
            config,
            log_name: log_name.to_owned(),
            log,
            log_sync,
            recorder,
            origin,
            kv,
            type_names,
            current: RefCell::default(),
            looked_at: Cell::default(),
            missed_since: Cell::default(),
            introspected_at: Cell::default(),
            ending: Backoff::default(),
        })
    }

    /// The schema in force, if this isolate has it.
    pub fn current(&self) -> RequestSchema {
        let current = self.current.borrow().clone();
        let stored = current.filter(|stored| self.is_in_force(stored.fingerprint));
        RequestSchema { config: self.config.clone(), stored }
    }

    /// Whether a response may be stored whose document was analyzed by this schema.
    pub fn is_in_force(&self, fingerprint: SchemaInForce) -> bool {
        self.log.schemas().in_force == fingerprint
    }

    /// Whether this isolate has the schema in force, or none is in force.
    pub fn is_loaded(&self) -> bool {
        self.is_in_force(self.current().fingerprint())
    }

    /// The schema in force, if this isolate has it. If it does not, or if the origin is to be asked
    /// again, that is done in the background.
    pub fn for_request<R: Runtime>(self: &Rc<Self>, context: &Context<R>) -> RequestSchema {
        let schema = self.current();
        if context.is_explained() {
            return schema;
        }
        let now = context.runtime.now();
        let lacks = !self.is_in_force(schema.fingerprint());
        if !lacks {
            self.missed_since.set(None);
        }
        let introspects = self.is_introspection_due(&schema, now);
        let looked_at = self.looked_at.get();
        let is_due = looked_at.is_none_or(|at| now.millis_since(at) >= RELOAD_MILLIS);
        // What this isolate has ended is not used again, though the log does not know of the end yet.
        if is_due && (lacks || introspects) && !self.log.schema_end_is_pending() {
            self.looked_at.set(Some(now));
            let (registry, background) = (self.clone(), context.clone());
            context.runtime.spawn(async move {
                registry.look_for_schema(&background, lacks, introspects).await;
            });
        }
        schema
    }

    fn is_introspection_due(&self, schema: &RequestSchema, now: Timestamp) -> bool {
        self.config.graphql.schema == SchemaSource::Introspect
            && self.log.mark().is_some()
            && schema.stored.as_ref().is_none_or(|stored| {
                stored.source == SchemaOrigin::Introspection
                    && now.seconds_since(stored.fetched_at) >= INTROSPECT_SECONDS
            })
    }

    async fn look_for_schema<R: Runtime>(
        &self,
        context: &Context<R>,
        lacks: bool,
        introspects: bool,
    ) {
        let now = context.runtime.now();
        let in_kv = self.read_kv(&context.runtime).await;
        if let Some(stored) = in_kv.as_ref().ok().and_then(Option::as_ref) {
            if !self.is_wanted(stored) {
                return self.end_unusable(context, stored.fingerprint).await;
            }
            self.use_schema(stored.clone());
            if self.is_in_force(stored.fingerprint)
                && (stored.source == SchemaOrigin::Upload
                    || now.seconds_since(stored.fetched_at) < INTROSPECT_SECONDS)
            {
                return;
            }
        }
        let introspected_at = self.introspected_at.get();
        let is_recent =
            introspected_at.is_some_and(|at| now.seconds_since(at) < INTROSPECT_SECONDS);
        if introspects && !is_recent {
            self.introspected_at.set(Some(now));
            self.introspect(context).await;
        }
        // KV shows a new value late. A failure of KV says nothing about the value.
        if lacks && !self.is_loaded() && in_kv.is_ok() {
            let since = self.missed_since.get().unwrap_or(now);
            self.missed_since.set(Some(since));
            if now.seconds_since(since) >= LOST_SECONDS && self.ending.allows(now) {
                let fault = "the one in force is lost; upload it again";
                report_failure(&context.runtime, "schema", fault);
                self.end_unusable(context, self.log.schemas().in_force).await;
            }
        }
    }

    /// Whether the configuration permits a schema from where this one came. An upload is always
    /// permitted.
    fn is_wanted(&self, stored: &StoredSchema) -> bool {
        stored.source == SchemaOrigin::Upload
            || self.config.graphql.schema == SchemaSource::Introspect
    }

    /// Ends a schema that this deployment cannot use, if it is in force. It may be put in force again.
    ///
    /// This is never recorded later than now: by then another one may be in force. If it fails, it is
    /// tried again after a pause.
    async fn end_unusable<R: Runtime>(&self, context: &Context<R>, unusable: SchemaInForce) {
        let runtime = &context.runtime;
        if !self.ending.allows(runtime.now()) {
            return;
        }
        self.ending.is_asked(runtime.now(), ENDING_MILLIS);
        // Another isolate may have ended it, or put another one in force.
        if !self.log_sync.sync_now(context).await {
            return self.ending.failed(runtime.now());
        }
        if !self.is_in_force(unusable) {
            return self.ending.succeeded();
        }
        let record = Record { schema: Some(SchemaInForce::ENDED), ..Record::everything() };
        if self.recorder.record_now(runtime, record, "schema").await.is_err() {
            return self.ending.failed(runtime.now());
        }
        self.ending.succeeded();
        self.delete_from_kv(runtime, unusable);
    }

    /// Asks the origin for its schema, with no header of any client.
    async fn introspect<R: Runtime>(&self, context: &Context<R>) {
        let runtime = &context.runtime;
        let schema = match self.fetch_schema(context).await {
            Ok(schema) => schema,
            Err(fault) => return report_failure(runtime, "introspection", &fault),
        };
        let source = SchemaOrigin::Introspection;
        let stored = Rc::new(StoredSchema::new(schema, source, runtime.now()));
        if self.log.schemas().distrusted == stored.fingerprint {
            let fault = "a response has contradicted the origin's schema, or it was deleted";
            return report_failure(runtime, "introspection", fault);
        }
        if let Err(fault) = self.put_in_force(context, stored).await {
            report_failure(runtime, "introspection", &fault);
        }
    }

    async fn fetch_schema<R: Runtime>(&self, context: &Context<R>) -> Result<Schema, Fault> {
        let query = json!({ "query": INTROSPECTION_QUERY }).to_string();
        let response = self.origin.post_json(context, &query).await;
        let response = response.map_err(|failure| failure.fault)?;
        if response.status != 200 {
            return Err(format!("answered {}", response.status));
        }
        let body = context.runtime.response_body(response.handle, limits::SCHEMA_BYTES).await;
        let BodyRead::Whole(body) = body else {
            return Err("the response is too large, or broke off".to_owned());
        };
        Schema::from_introspection(&body).map_err(|fault| fault.to_string())
    }

    /// Puts an uploaded schema in force.
    pub async fn upload<R: Runtime>(
        &self,
        context: &Context<R>,
        schema: Schema,
    ) -> Result<SchemaChange, Fault> {
        let stored = StoredSchema::new(schema, SchemaOrigin::Upload, context.runtime.now());
        self.put_in_force(context, Rc::new(stored)).await
    }

    /// Puts a schema in force, in KV and in the log, and purges what the schema before allowed to be
    /// stored.
    async fn put_in_force<R: Runtime>(
        &self,
        context: &Context<R>,
        stored: Rc<StoredSchema>,
    ) -> Result<SchemaChange, Fault> {
        let runtime = &context.runtime;
        // Another isolate may have put one in force just now.
        self.log_sync.sync_now(context).await;
        let before = self.schema_in_force(runtime).await;
        if stored.source == SchemaOrigin::Introspection
            && before.as_ref().is_some_and(|before| before.source == SchemaOrigin::Upload)
        {
            // It was uploaded while the origin was asked.
            return Ok(SchemaChange { types: 0, changed: None });
        }
        self.write_kv(runtime, &stored).await?;
        let types = stored.schema.types().count();
        self.use_schema(stored.clone());
        if self.is_in_force(stored.fingerprint) {
            return Ok(SchemaChange { types, changed: Some(Vec::new()) });
        }
        let replaced = self.log.schemas().in_force;
        let purge = self.purge_for(&stored, before.as_deref(), replaced);
        let record = Record { schema: Some(stored.fingerprint), ..purge };
        if let Err(fault) = self.recorder.record(runtime, record, "schema").await {
            // The schema before stays in force.
            self.replace_current(before);
            return Err(fault);
        }
        self.delete_from_kv(runtime, replaced);
        let changed = before.map(|before| changed_types(&before.schema, &stored.schema));
        Ok(SchemaChange { types, changed: changed.map(|names| names.into_iter().collect()) })
    }

    /// The schema in force, in this isolate or in KV.
    async fn schema_in_force<R: Runtime>(&self, runtime: &R) -> Option<Rc<StoredSchema>> {
        match self.current().stored {
            Some(stored) => Some(stored),
            None => {
                let in_kv = self.read_kv(runtime).await.ok().flatten();
                in_kv.filter(|stored| self.is_in_force(stored.fingerprint))
            }
        }
    }

    /// What a new schema purges. `before` is the schema before it, and `replaced` what is in force by
    /// the log, whether this isolate has that or not.
    fn purge_for(
        &self,
        stored: &StoredSchema,
        before: Option<&StoredSchema>,
        replaced: SchemaInForce,
    ) -> Record {
        let introspection = Tag::of("type:", "introspection");
        let tags = match before {
            Some(before) => {
                let touched = affected_types(&before.schema, &stored.schema);
                let mut tags: TagSet = touched.iter().map(|name| Tag::of("", name)).collect();
                tags.insert(introspection);
                // A scalar field of the query itself has no type by which it could be purged.
                tags.insert(Tag::of("", UNTYPED));
                tags
            }
            // The first schema from the origin has no cache hints, so it forbids nothing.
            None if !replaced.is_some() && stored.source == SchemaOrigin::Introspection => {
                [introspection].into_iter().collect()
            }
            None => return Record::everything(),
        };
        Record::of_tags(&tags, &Vec::new(), self.config.tagging)
    }

    /// Ends the schema in force because a response contradicts it.
    pub async fn distrust<R: Runtime>(&self, runtime: &R) {
        report_failure(runtime, "schema", "a response contradicts it; it is not used any more");
        let _ = self.end(runtime).await;
    }

    /// Ends the schema in force for all isolates, purges everything, and distrusts that schema. If the log
    /// does not take this, it is kept and recorded later.
    pub async fn end<R: Runtime>(&self, runtime: &R) -> Result<Mark, Fault> {
        self.replace_current(None);
        let ended = self.log.schemas().in_force;
        let record = Record { schema: Some(SchemaInForce::NONE), ..Record::everything() };
        let recorded = self.recorder.record(runtime, record, "schema").await;
        if recorded.is_ok() {
            self.delete_from_kv(runtime, ended);
        }
        recorded
    }

    /// A summary of the schema in force: `{"source":"upload","types":14}`.
    pub fn summary(&self) -> SchemaSummary {
        let (source, types) = match self.current().stored {
            Some(stored) => {
                let source = match stored.source {
                    SchemaOrigin::Upload => SchemaProvenance::Upload,
                    SchemaOrigin::Introspection => SchemaProvenance::Origin,
                };
                (source, stored.schema.types().count())
            }
            None if self.is_loaded() => (SchemaProvenance::None, 0),
            None => (SchemaProvenance::Loading, 0),
        };
        SchemaSummary { source, types }
    }

    /// Holds a schema ready. It is used once it is in force.
    fn use_schema(&self, stored: Rc<StoredSchema>) {
        let schema = &stored.schema;
        let composite = schema.types().filter(|of| schema.kind(*of).is_composite());
        self.type_names.learn(composite.map(|of| schema.name(of).to_owned()));
        self.replace_current(Some(stored));
    }

    fn replace_current(&self, schema: Option<Rc<StoredSchema>>) {
        self.current.replace(schema);
        self.log.stamps().everything_changed();
    }

    /// Each schema has a key of its own, so that one which the log then does not take overwrites no
    /// other.
    fn kv_key(&self, fingerprint: SchemaInForce) -> String {
        format!("{}/schema/{:016x}", self.log_name, fingerprint.number())
    }

    /// The schema in force, if KV has it.
    async fn read_kv<R: Runtime>(&self, runtime: &R) -> Result<Option<Rc<StoredSchema>>, Fault> {
        let in_force = self.log.schemas().in_force;
        if !runtime.kv_bound() || !in_force.is_some() {
            return Ok(None);
        }
        let read = within(runtime, KV_MILLIS, runtime.kv_get(&self.kv_key(in_force))).await;
        let bytes = read.inspect_err(|fault| report_failure(runtime, "kv-read", fault))?;
        let stored = bytes.and_then(|bytes| StoredSchema::decode(&bytes));
        Ok(stored.filter(|stored| stored.fingerprint == in_force).map(Rc::new))
    }

    /// Writes a schema to KV. Without KV only a schema from the origin can be used.
    async fn write_kv<R: Runtime>(&self, runtime: &R, stored: &StoredSchema) -> Result<(), Fault> {
        if !runtime.kv_bound() {
            return match stored.source {
                SchemaOrigin::Upload => Err("no KV namespace is bound".to_owned()),
                SchemaOrigin::Introspection => Ok(()),
            };
        }
        let (key, bytes) = (self.kv_key(stored.fingerprint), stored.encode());
        let putting = self.kv.write_necessary(runtime, &key, &bytes, None);
        within(runtime, KV_MILLIS, putting).await
    }

    /// Deletes a schema that is no longer in force, in the background.
    fn delete_from_kv<R: Runtime>(&self, runtime: &R, fingerprint: SchemaInForce) {
        if !runtime.kv_bound() || !fingerprint.is_some() {
            return;
        }
        let (key, background) = (self.kv_key(fingerprint), runtime.clone());
        runtime.spawn(async move {
            let deleting = within(&background, KV_MILLIS, background.kv_delete(&key));
            if let Err(fault) = deleting.await {
                report_failure(&background, "kv-write", &fault);
            }
        });
    }
}

#[cfg(test)]
mod tests;
