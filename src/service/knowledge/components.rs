//! The components of this folder in one isolate.

use super::analyses::Analyses;
use super::documents::Documents;
use super::hashed::HashedDocuments;
use super::schema::{SchemaParts, SchemaRegistry};
use super::tokens::Tokens;
use super::type_names::TypeNames;
use super::uploaded::UploadedDocuments;
use crate::config::Config;
use crate::service::limit_usage::LimitUsage;
use crate::service::origin::OriginClient;
use crate::service::purges::Purges;
use crate::service::tiers::KvClient;
use std::rc::Rc;

/// What the rest of the service uses of this folder. Created once per isolate.
#[derive(Clone)]
pub struct Knowledge {
    /// The schema in force.
    pub schemas: Rc<SchemaRegistry>,
    /// Finds and analyzes documents.
    pub documents: Rc<Documents>,
    /// Documents that administrators upload.
    pub uploaded: Rc<UploadedDocuments>,
    /// Verifies clients' tokens.
    pub tokens: Rc<Tokens>,
    /// The names of types seen so far.
    pub type_names: Rc<TypeNames>,
}

impl Knowledge {
    /// The components of an isolate that knows nothing yet. `log_name` is the name of the purge log.
    pub fn new(
        config: &Rc<Config>,
        log_name: &str,
        purges: &Purges,
        (origin, kv): (Rc<OriginClient>, Rc<KvClient>),
        usage: Rc<LimitUsage>,
    ) -> Self {
        let type_names = Rc::new(TypeNames::default());
        let parts = SchemaParts {
            log: purges.view.clone(),
            log_sync: purges.sync.clone(),
            recorder: purges.recorder.clone(),
            origin,
            kv: kv.clone(),
            type_names: type_names.clone(),
        };
        let hashed = HashedDocuments::new(config.clone(), kv.clone());
        let uploaded = UploadedDocuments::new(config.clone(), kv, purges.view.stamps().clone());
        let documents =
            Documents::new(config.clone(), Analyses::new(usage), hashed, uploaded.clone());
        Self {
            schemas: SchemaRegistry::new(config.clone(), log_name, parts),
            documents: Rc::new(documents),
            uploaded,
            tokens: Rc::new(Tokens::new(config.clone())),
            type_names,
        }
    }
}
