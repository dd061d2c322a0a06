//! The schema that an isolate goes by: uploaded, or asked of the origin, and kept in KV.
//!
//! It only makes tags sharper. An answer that contradicts it ends it: then everything is purged,
//! for entries may have lacked a tag, and the same schema is not believed again here.

use super::handle::{Asked, Service};
use super::world::{Ask, BodyRead, What, World};
use crate::config::{Config, SchemaSource};
use crate::graphql::{INTROSPECTION_QUERY, Knowledge, Schema, changed_types, touched_types};
use crate::http::Headers;
use crate::limits;
use crate::purge::Record;
use crate::tag::{Tag, TagSet};
use crate::time::Timestamp;
use serde_json::json;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// After so many seconds an isolate looks in KV whether there is another schema.
const RELOAD_SECONDS: u64 = 60;
/// After so many seconds the origin is asked for its schema again.
const INTROSPECT_SECONDS: u64 = 3_600;
/// How long KV may take for a schema, which nobody waits for.
const KV_MILLIS: u64 = 5_000;
/// How long KV keeps a schema: as good as for ever.
const KV_SECONDS: u64 = 10 * 365 * 86_400;

/// The schema of one isolate.
#[derive(Debug, Default)]
pub(super) struct SchemaState {
    current: RefCell<Option<Rc<Stored>>>,
    looked_at: Cell<Option<Timestamp>>,
    /// The one that an answer has contradicted.
    distrusted: Cell<Option<u64>>,
}

/// A schema as KV has it: `source:u8 fetched_at_millis:u64` and the encoded schema.
#[derive(Debug)]
struct Stored {
    schema: Schema,
    source: Source,
    fetched_at: Timestamp,
    /// Tells it from others.
    fingerprint: u64,
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
}

impl Known {
    /// What is known of types and their keys.
    pub fn knowledge<'k>(&'k self, config: &'k Config) -> Knowledge<'k> {
        let schema = self.stored.as_ref().map(|stored| &stored.schema);
        Knowledge { schema, keys: &config.graphql.keys }
    }
}

impl Stored {
    fn new(schema: Schema, source: Source, fetched_at: Timestamp) -> Self {
        let fingerprint = xxhash_rust::xxh3::xxh3_64(&schema.encode());
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
            fingerprint: xxhash_rust::xxh3::xxh3_64(encoded),
        })
    }
}

impl<W: World> Service<W> {
    /// The schema of this isolate. Whether there is another is looked up in the background.
    pub(super) fn schema(&self, config: &Config, asked: &Asked) -> Known {
        let state = &self.isolate.schema;
        let now = self.world.now();
        let introspects = config.graphql.schema == SchemaSource::Introspect;
        // The origin is asked where the request goes, and that has to speak GraphQL.
        let speaks = config.is_graphql(&asked.request.url.comparable_path());
        let due = state.looked_at.get().is_none_or(|at| now.seconds_since(at) >= RELOAD_SECONDS);
        if due && speaks && (self.world.kv_bound() || introspects) {
            state.looked_at.set(Some(now));
            let service = self.clone();
            let asked = Asked { request: asked.request.clone(), ..*asked };
            self.world.spawn(async move { service.look_for_schema(introspects, &asked).await });
        }
        Known { stored: state.current.borrow().clone() }
    }

    async fn look_for_schema(&self, introspects: bool, asked: &Asked) {
        let in_kv = self.stored_schema().await;
        let current = self.isolate.schema.current.borrow().clone();
        if let Some(stored) = &in_kv
            // KV may show for a while what was there before.
            && current.is_none_or(|current| current.fetched_at <= stored.fetched_at)
        {
            self.follow(stored.clone());
        }
        let current = self.isolate.schema.current.borrow().clone();
        let distrusted = self.isolate.schema.distrusted.get();
        let now = self.world.now();
        let good_enough = [in_kv, current].into_iter().flatten().any(|stored| {
            let recent = now.seconds_since(stored.fetched_at) < INTROSPECT_SECONDS;
            let trusted = distrusted != Some(stored.fingerprint);
            trusted && (stored.source == Source::Upload || recent)
        });
        if introspects && !good_enough {
            self.introspect(asked).await;
        }
    }

    async fn stored_schema(&self) -> Option<Rc<Stored>> {
        if !self.world.kv_bound() {
            return None;
        }
        let found = self.within(KV_MILLIS, self.world.kv_get(&self.schema_key())).await;
        match found {
            Ok(bytes) => bytes.and_then(|bytes| Stored::decode(&bytes)).map(Rc::new),
            Err(fault) => {
                self.report_failure("kv-read", &fault);
                None
            }
        }
    }

    fn schema_key(&self) -> String {
        format!("{}/schema", self.isolate.service_name())
    }

    /// Goes by a schema from now on, unless it was found to be wrong.
    fn follow(&self, stored: Rc<Stored>) {
        let state = &self.isolate.schema;
        let same = state.current.borrow().as_ref().map(|one| one.fingerprint);
        if state.distrusted.get() == Some(stored.fingerprint) {
            return;
        }
        if same != Some(stored.fingerprint) {
            self.isolate.forget_documents();
            let schema = &stored.schema;
            let composite = schema.types().filter(|of| schema.kind(*of).is_composite());
            self.isolate.learn_types(composite.map(|of| schema.name(of).to_owned()).collect());
        }
        state.current.replace(Some(stored));
    }

    /// Asks the origin for its schema, as nobody in particular.
    async fn introspect(&self, asked: &Asked) {
        let mut headers = Headers::new();
        headers.set("content-type", "application/json");
        headers.set("accept", "application/json");
        let headers = self.forwarded_headers(&asked.request, headers);
        let body = json!({ "query": INTROSPECTION_QUERY }).to_string();
        let url = self.origin_url(&asked.request);
        let url = url.split('?').next().unwrap_or_default();
        let what = What::Post(body.as_bytes());
        let answer = self.world.ask(&Ask { url, headers: &headers, again: true, what }).await;
        let body = match &answer {
            Ok(answer) if answer.status == 200 => {
                self.world.answer_body(answer.handle, limits::SCHEMA_BYTES).await
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
            Ok(schema) => self.follow_the_origin(schema).await,
            Err(fault) => self.report_failure("introspection", &fault.to_string()),
        }
    }

    /// Puts the origin's schema in force, unless it was found to be wrong, or somebody uploaded
    /// one while the origin was asked.
    async fn follow_the_origin(&self, schema: Schema) {
        let stored = Stored::new(schema, Source::Origin, self.world.now());
        let distrusted = self.isolate.schema.distrusted.get();
        if distrusted == Some(stored.fingerprint) {
            let fault = "the origin still says what an answer has contradicted";
            return self.report_failure("introspection", fault);
        }
        let before = self.schema_before().await;
        let current = self.isolate.schema.current.borrow().clone();
        let uploaded = [&before, &current]
            .into_iter()
            .flatten()
            .any(|one| one.source == Source::Upload && distrusted != Some(one.fingerprint));
        if uploaded {
            return;
        }
        if let Uploaded::NotStored(fault) = self.adopt(stored, before).await {
            self.report_failure("kv-write", &fault);
        }
    }

    /// Puts an uploaded schema in force.
    pub(super) async fn upload_schema(&self, schema: Schema) -> Uploaded {
        let stored = Stored::new(schema, Source::Upload, self.world.now());
        let before = self.schema_before().await;
        self.adopt(stored, before).await
    }

    /// The schema that others went by so far.
    async fn schema_before(&self) -> Option<Rc<Stored>> {
        match self.stored_schema().await {
            Some(stored) => Some(stored),
            None => self.isolate.schema.current.borrow().clone(),
        }
    }

    /// Puts a schema in force, in KV and here, and purges what was stored by the one before.
    async fn adopt(&self, stored: Stored, before: Option<Rc<Stored>>) -> Uploaded {
        let stored = Rc::new(stored);
        let source = stored.source;
        let put = match self.world.kv_bound() {
            true => {
                let (key, bytes) = (self.schema_key(), stored.encode());
                self.within(KV_MILLIS, self.world.kv_put(&key, &bytes, KV_SECONDS)).await
            }
            // Each isolate asks the origin for itself then.
            false if source == Source::Origin => Ok(()),
            false => Err("no KV namespace is bound".to_owned()),
        };
        if source == Source::Upload {
            if let Err(fault) = put {
                return Uploaded::NotStored(fault);
            }
            // Whoever uploads it again vouches for it.
            self.isolate.schema.distrusted.set(None);
        }
        self.follow(stored.clone());
        let record = match (&before, source) {
            (Some(before), _) => {
                let touched = touched_types(&before.schema, &stored.schema);
                let mut tags: TagSet = touched.iter().map(|name| Tag::of("", name)).collect();
                tags.insert(Tag::of("type:", "introspection"));
                Record::of_tags(&tags, &Vec::new())
            }
            // The first one may say of anything that it is one person's.
            (None, Source::Upload) => Record::everything(),
            (None, Source::Origin) => {
                let introspection = [Tag::of("type:", "introspection")];
                Record::of_tags(&introspection.into_iter().collect(), &Vec::new())
            }
        };
        // What the log does not take is kept pending.
        let _ = self.record(record, "schema").await;
        let changed = before.map(|before| changed_types(&before.schema, &stored.schema));
        match put {
            Ok(()) => Uploaded::Stored {
                types: stored.schema.types().count(),
                changed: changed.map(|names| names.into_iter().collect()),
            },
            Err(fault) => Uploaded::NotStored(fault),
        }
    }

    /// An answer has something that the schema says cannot be there.
    pub(super) async fn distrust_schema(&self) {
        let state = &self.isolate.schema;
        let Some(stored) = state.current.take() else { return };
        state.distrusted.set(Some(stored.fingerprint));
        // The origin may have a newer one.
        state.looked_at.set(None);
        self.isolate.forget_documents();
        self.report_failure("schema", "an answer contradicts it; it is not used any more");
        let _ = self.record(Record::everything(), "schema").await;
    }

    /// What the schema in force is, for who may ask.
    pub(super) fn schema_summary(&self) -> serde_json::Value {
        match self.isolate.schema.current.borrow().as_ref() {
            None => json!({ "source": "none", "types": 0 }),
            Some(stored) => json!({
                "source": match stored.source {
                    Source::Upload => "upload",
                    Source::Origin => "origin",
                },
                "types": stored.schema.types().count(),
            }),
        }
    }
}
