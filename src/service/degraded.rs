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
use crate::admin;
use crate::config::ConfigError;
use crate::engine::{Bypass, is_websocket_upgrade, may_write};
use serde_json::json;
use std::cell::Cell;
use std::rc::Rc;

/// The service without a configuration.
pub(super) struct Degraded {
    faults: Vec<ConfigError>,
    has_reported: Cell<bool>,
    origin: Rc<OriginClient>,
    pass_through: Rc<PassThrough>,
    writes: UnreadWrites,
}

impl Degraded {
    /// The service of a configuration with these faults.
    pub fn new(faults: Vec<ConfigError>, base: &BaseComponents) -> Self {
        let BaseComponents { origin, respond, purges, .. } = base;
        let pass_through = PassThrough::new(None, origin.clone(), respond.clone(), None);
        let writes = UnreadWrites::new(purges.clone(), pass_through.clone());
        let (has_reported, origin) = (Cell::new(false), origin.clone());
        Self { faults, has_reported, origin, pass_through, writes }
    }

    /// Answers a request. The first one has the faults logged.
    pub async fn answer<R: Runtime>(&self, context: &Context<R>) -> Reply {
        if !self.has_reported.replace(true) {
            let faults: Vec<_> = self.faults.iter().map(ToString::to_string).collect();
            report(&context.runtime, &json!({ "event": "config-error", "faults": faults }));
        }
        let request = &context.request;
        // An admin request has a token that is not for the origin.
        if request.url.comparable_path().starts_with(admin::PREFIX) {
            return error(503, "the configuration has faults; the log names them");
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
}
