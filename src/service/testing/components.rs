//! The components of one isolate that has seen nothing yet.

use crate::config::Config;
use crate::service::admin::Admin;
use crate::service::isolate::Isolate;
use crate::service::knowledge::Knowledge;
use crate::service::purges::Purges;
use serde_json::Value;
use std::rc::Rc;

/// The components of one isolate.
pub struct Components {
    pub config: Rc<Config>,
    pub purges: Purges,
    pub knowledge: Knowledge,
    pub isolate: Rc<Isolate>,
}

impl Components {
    /// Components with a configuration that has no faults.
    pub fn new(json: &Value) -> Self {
        let isolate = Isolate::new(json);
        let Ok(service) = &isolate.service else { panic!("{json} has faults") };
        let Admin { config, purges, knowledge, .. } = &service.admin;
        let (config, purges, knowledge) = (config.clone(), purges.clone(), knowledge.clone());
        Self { config, purges, knowledge, isolate }
    }

    /// The admin routes.
    pub fn admin(&self) -> &Admin {
        let Ok(service) = &self.isolate.service else { panic!() };
        &service.admin
    }
}
