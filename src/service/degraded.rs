//! The service while its configuration has a fault: everything goes to the origin, and every write
//! purges everything, for stored responses outlive the fault.

use super::base::BaseComponents;
use super::context::Context;
use super::origin::OriginClient;
use super::pass_through::PassThrough;
use super::report::report;
use super::respond::{Reply, error};
use super::runtime::Runtime;
use super::write::UnreadWrites;
use crate::admin::is_purge_method;
use crate::config::ConfigError;
use crate::engine::{Bypass, has_admin_path, is_websocket_upgrade, may_write};
use crate::http::Request;
use serde_json::{Value, json};
use std::cell::Cell;
use std::rc::Rc;

/// What an administrator is told.
const FAULTS: &str = "the configuration has faults; the log names them";

/// The service without a configuration.
pub(super) struct Degraded {
    faults: Vec<ConfigError>,
    has_purge_methods: bool,
    has_reported: Cell<bool>,
    origin: Rc<OriginClient>,
    pass_through: Rc<PassThrough>,
    writes: UnreadWrites,
}

impl Degraded {
    /// The service of a configuration, as JSON, with these faults.
    pub fn new(faults: Vec<ConfigError>, json: &Value, base: &BaseComponents) -> Self {
        let BaseComponents { origin, respond, purges, .. } = base;
        // A value that is not valid was meant to switch them on, too.
        let methods = json.pointer("/purge/methods");
        let has_purge_methods = methods.is_some_and(|value| *value != Value::Bool(false));
        let pass_through = PassThrough::new(None, origin.clone(), respond.clone(), None);
        let writes = UnreadWrites::new(purges.clone(), pass_through.clone());
        let (has_reported, origin) = (Cell::new(false), origin.clone());
        Self { faults, has_purge_methods, has_reported, origin, pass_through, writes }
    }

    /// Whether a request is for Evergraph itself, as far as the configuration can be read.
    pub fn is_admin(&self, request: &Request) -> bool {
        has_admin_path(request) || self.has_purge_methods && is_purge_method(&request.method)
    }

    /// Answers a request. The first one has the faults logged.
    pub async fn answer<R: Runtime>(&self, context: &Context<R>) -> Reply {
        self.report_faults(&context.runtime);
        let request = &context.request;
        // An admin request has a token that is not for the origin.
        if self.is_admin(request) {
            return error(503, FAULTS);
        }
        if self.origin.is_faulty() {
            return error(502, "the configured origin is no URL; the log says why");
        }
        if is_websocket_upgrade(request) {
            return self.pass_through.open_socket(context).await;
        }
        if may_write(None, request) {
            return self.writes.write(context, Bypass::ConfigError, "config-error").await;
        }
        self.pass_through.pass(context, Bypass::ConfigError, None).await
    }

    /// Refuses a request that has an admin token, which is not for the origin.
    pub fn refuse<R: Runtime>(&self, runtime: &R) -> Reply {
        self.report_faults(runtime);
        error(503, FAULTS)
    }

    fn report_faults<R: Runtime>(&self, runtime: &R) {
        if !self.has_reported.replace(true) {
            let faults: Vec<_> = self.faults.iter().map(ToString::to_string).collect();
            report(runtime, &json!({ "event": "config-error", "faults": faults }));
        }
    }
}
