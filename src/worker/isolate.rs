//! The state of this isolate.

use super::configuration::configuration;
use crate::service::Isolate;
use std::cell::RefCell;
use std::rc::Rc;
use worker::Env;

thread_local! {
    static ISOLATE: RefCell<Option<Rc<Isolate>>> = const { RefCell::new(None) };
}

/// The state of this isolate, created at its first request.
pub fn isolate(env: &Env) -> Rc<Isolate> {
    ISOLATE.with(|slot| {
        slot.borrow_mut().get_or_insert_with(|| Isolate::new(&configuration(env))).clone()
    })
}
