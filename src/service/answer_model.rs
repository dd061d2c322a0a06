//! A model of the table that JavaScript keeps (`worker/js/answers.js`), for tests and the simulated world: the
//! same comparisons, over what the service tells.

use super::answers::{Memo, is_repeatable};
use super::isolate::Isolate;
use crate::engine::HeaderUse;
use crate::http::{Request, Response};
use crate::time::Timestamp;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// What counts of a request: its head as text, and its body.
type RequestKey = (String, Vec<u8>);

/// The answers of one isolate that may be given again.
#[derive(Debug, Default)]
pub struct AnswerModel {
    answers: RefCell<BTreeMap<RequestKey, (Memo, Response)>>,
    /// The headers that entries depend on by their `Vary`.
    varied: RefCell<BTreeSet<String>>,
}

impl AnswerModel {
    /// The answer to a request, if it may be given now.
    pub fn find(
        &self,
        isolate: &Isolate,
        request: &Request,
        body: &[u8],
        now: Timestamp,
    ) -> Option<Response> {
        let head = self.head(isolate, request)?;
        let answers = self.answers.borrow();
        let (memo, response) = answers.get(&(head, body.to_vec()))?;
        memo.holds(isolate.stamps(), now).then(|| {
            let mut response = response.clone();
            memo.write_seconds(&mut response.headers, now);
            response
        })
    }

    /// Remembers an answer, as it was told.
    pub fn remember(
        &self,
        isolate: &Isolate,
        request: &Request,
        body: &[u8],
        memo: Memo,
        response: &Response,
    ) {
        if !is_repeatable(response) {
            return;
        }
        for name in &memo.vary {
            if isolate.header_use(name) == HeaderUse::More {
                return;
            }
            if isolate.header_use(name) == HeaderUse::None
                && self.varied.borrow_mut().insert(name.clone())
            {
                self.answers.borrow_mut().clear();
            }
        }
        if let Some(head) = self.head(isolate, request) {
            self.answers.borrow_mut().insert((head, body.to_vec()), (memo, response.clone()));
        }
    }

    fn head(&self, isolate: &Isolate, request: &Request) -> Option<String> {
        let Request { method, url, headers } = request;
        let mut head = format!("{} {}{}", method.as_str(), url.origin(), url.target());
        let names: BTreeSet<&str> = headers.iter().map(|(name, _)| name).collect();
        for name in names {
            let of = isolate.header_use(name);
            if of == HeaderUse::More {
                return None;
            }
            if of == HeaderUse::Value || self.varied.borrow().contains(name) {
                head += &format!("\n{name}:{}", headers.joined(name).unwrap_or_default());
            }
        }
        Some(head)
    }
}
