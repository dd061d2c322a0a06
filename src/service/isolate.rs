//! What one isolate keeps between requests. All of it may be lost at any moment.

use super::breaker::Breaker;
use super::byte_lru::ByteLru;
use super::collapse::Fetching;
use super::edge_store::EdgeStore;
use super::expiring_map::ExpiringMap;
use super::fetch::REVALIDATION_MILLIS;
use super::hashed::Hashed;
use super::manifest::Uploaded;
use super::memory::Memory;
use super::purges::{PurgeSettings, Purges};
use super::schema::SchemaState;
use super::stats::Stats;
use super::token::Tokens;
use crate::config::{self, CdnCacheControl, Config, ConfigError};
use crate::graphql::{Analysis, Refusal, SeenTypes, TypeKnowledge, analyse};
use crate::limits::{self, Amounts};
use crate::purge::SchemaInForce;
use crate::tag::Tagging;
use crate::time::Timestamp;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

/// An isolate's state.
pub struct Isolate {
    pub(super) config: Result<Config, Vec<ConfigError>>,
    log_name: String,
    /// Where requests go, known even where the configuration has other faults.
    pub(super) origin_url: Option<String>,
    /// Whether there is an origin that cannot be used: the request's own URL would lead back here.
    pub(super) origin_is_faulty: bool,
    pub(super) config_reported: Cell<bool>,
    pub(super) memory: RefCell<Memory>,
    pub(super) purges: Purges,
    pub(super) kv: Rc<Breaker>,
    pub(super) edge: Rc<EdgeStore>,
    pub(super) origin: OriginHealth,
    pub(super) stats: Rc<Stats>,
    pub(super) known_types: RefCell<SeenTypes>,
    /// The keys whose stale entries are being fetched.
    pub(super) revalidating: RefCell<ExpiringMap<()>>,
    pub(super) tokens: Tokens,
    /// The keys that are being fetched, for others to wait.
    pub(super) fetching: Fetching,
    /// The most that any request needed of the limits.
    pub(super) high_water: Cell<Amounts>,
    documents: RefCell<ByteLru<(Rc<str>, Option<String>), Understood>>,
    /// Documents that clients name by their hashes.
    pub(super) hashed: RefCell<Hashed>,
    /// Documents that clients name by ids.
    pub(super) uploaded: Uploaded,
    /// The schema, and how old it is.
    pub(super) schema: SchemaState,
}

impl Isolate {
    /// An isolate that has seen nothing yet, with its configuration as JSON.
    pub fn new(config: &Value) -> Rc<Self> {
        let log_name = config::log_name_of(config);
        let parsed = config::parse(config);
        let (edge, kv, stats) = (Rc::default(), Rc::default(), Rc::default());
        let settings = PurgeSettings::new(log_name.clone(), parsed.as_ref().ok());
        let purges = Purges::new(&settings, Rc::clone(&edge), Rc::clone(&kv), Rc::clone(&stats));
        Rc::new(Self {
            config: parsed,
            log_name,
            origin_is_faulty: config.get("origin").is_some() && config::origin_of(config).is_none(),
            origin_url: config::origin_of(config),
            config_reported: Cell::new(false),
            memory: RefCell::new(Memory::new()),
            purges,
            kv,
            edge,
            origin: OriginHealth::default(),
            stats,
            known_types: RefCell::default(),
            revalidating: RefCell::new(ExpiringMap::new(
                REVALIDATION_MILLIS,
                limits::KEYS_UNDER_WAY,
            )),
            fetching: Fetching::default(),
            tokens: Tokens::default(),
            high_water: Cell::new(Amounts::ZERO),
            schema: SchemaState::default(),
            documents: RefCell::new(ByteLru::new(limits::ANALYSIS_BYTES, limits::ANALYSIS_BYTES)),
            hashed: RefCell::new(Hashed::new()),
            uploaded: Uploaded::default(),
        })
    }

    /// The name of the purge log: the service's own, or the first that it had.
    pub fn log_name(&self) -> &str {
        &self.log_name
    }

    /// By which rules this isolate makes tags.
    pub(super) fn tagging(&self) -> Tagging {
        self.config.as_ref().map_or(Tagging::UNKNOWN, |config| config.tagging)
    }

    /// Bytes that the bodies in flight may take, all copies counted.
    pub fn memory_in_flight(&self) -> usize {
        let limits = self.config.as_ref().map(|config| &config.limits);
        limits.map_or(limits::MEMORY_IN_FLIGHT, |limits| limits.memory_in_flight)
    }

    /// Whether clients get the field that is for caches on the way.
    pub(super) fn keeps_cdn_cache_control(&self) -> bool {
        let config = self.config.as_ref();
        config.is_ok_and(|config| config.rest.cdn_cache_control == CdnCacheControl::Keep)
    }

    /// What is known of a document, found once.
    pub(super) fn document(
        &self,
        document: &Rc<str>,
        operation: Option<&str>,
        limits: &Amounts,
        knowledge: &TypeKnowledge<'_>,
        schema: SchemaInForce,
    ) -> Understood {
        let understand = || {
            let understood = analyse(document, operation, limits, knowledge)
                .map(|analysis| KnownDocument::new(analysis, schema));
            if let Ok(known) = &understood {
                self.needed(&known.analysis.needed);
            }
            understood.map(Rc::new)
        };
        // Names of any length would fill the table; what is so long is understood anew.
        if operation.is_some_and(|name| name.len() > limits::OPERATION_NAME_BYTES) {
            return understand();
        }
        let key = (document.clone(), operation.map(str::to_owned));
        if let Some(known) = self.documents.borrow_mut().get(&key) {
            // By another schema it is understood otherwise.
            if known.as_ref().map_or(true, |known| known.schema == schema) {
                return known.clone();
            }
        }
        let understood = understand();
        let bytes = bytes_of(document, &understood);
        self.documents.borrow_mut().put(key, understood.clone(), bytes);
        understood
    }

    /// Notes what a request needed of the limits.
    pub(super) fn needed(&self, needed: &Amounts) {
        let mut high = self.high_water.get();
        high.raise_all(needed);
        self.high_water.set(high);
    }

    /// Learns the types that an answer showed.
    pub(super) fn learn_types(&self, types: BTreeSet<String>) {
        let mut known = self.known_types.borrow_mut();
        for name in types {
            if known.len() >= limits::KNOWN_TYPES {
                return;
            }
            let plain = name.to_lowercase().replace('_', "");
            known.entry(plain).or_default().insert(name);
        }
    }
}

/// A document that was understood, and how the origin takes it.
#[derive(Debug)]
pub(super) struct KnownDocument {
    pub analysis: Analysis,
    /// The schema by which it was understood.
    pub schema: SchemaInForce,
    pub standing: Cell<Standing>,
}

/// Whether the origin is asked with what Evergraph adds to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Standing {
    /// It is, until the origin refuses it.
    #[default]
    Added,
    /// The origin refused it with and without: the next time it is asked as it came, and if that
    /// runs the addition gets another chance.
    Refused,
    /// It is left alone: the origin ran it only as it came.
    LeftAlone,
}

impl KnownDocument {
    fn new(analysis: Analysis, schema: SchemaInForce) -> Self {
        Self { analysis, schema, standing: Cell::default() }
    }
}

pub(super) type Understood = Result<Rc<KnownDocument>, Refusal>;

/// About how many bytes an analysis takes: few fragments can spread to many fields.
fn bytes_of(document: &str, understood: &Understood) -> usize {
    // The text, the text with additions, and where its lines and tokens begin.
    const DOCUMENT_COPIES: usize = 7;
    const LEAST_BYTES: usize = 8_000;
    const FIELD_BYTES: usize = 300;
    let fields = understood.as_ref().map_or(0, |known| known.analysis.shape.size());
    document.len() * DOCUMENT_COPIES + LEAST_BYTES + fields * FIELD_BYTES
}

/// How the origin fared last.
#[derive(Debug, Default)]
pub(super) struct OriginHealth {
    last: RefCell<Option<(Timestamp, Option<String>)>>,
}

impl OriginHealth {
    /// The origin answered, or why it did not.
    pub fn note(&self, now: Timestamp, fault: Option<String>) {
        self.last.replace(Some((now, fault)));
    }

    /// What was noted in the last ten seconds: that it answered, or why not.
    pub fn recent(&self, now: Timestamp) -> Option<Option<String>> {
        let last = self.last.borrow();
        let (at, fault) = last.as_ref()?;
        (now.millis_since(*at) < 10_000).then(|| fault.clone())
    }
}
