//! Batches with operations that name their documents by hash: what the origin is sent, and the
//! responses to hashes that are not known.

use super::item::{BatchItem, BatchItemKind};
use crate::engine::is_purge_cookie;
use crate::graphql::{RewrittenRequest, array_of, elements};
use crate::http::{Headers, Response};
use crate::limits;
use crate::service::context::Context;
use crate::service::origin::FullRequest;
use crate::service::read::response::remove_content_fields;
use crate::service::respond::{Reply, document_not_found, json_response};
use crate::service::runtime::{BodyRead, Runtime};
use serde_json::json;
use std::rc::Rc;

/// Completes batches, and their responses.
pub struct BatchCompletion {
    log_name: String,
}

impl BatchCompletion {
    /// For the purge log of that name.
    pub fn new(log_name: &str) -> Rc<Self> {
        Rc::new(Self { log_name: log_name.to_owned() })
    }

    /// The batch without the operations that are not known, and with the documents that the origin may
    /// not know. `None` if that is the batch as the client sent it.
    pub fn request(&self, items: &[BatchItem]) -> Option<FullRequest> {
        let (mut is_other, mut answers_client) = (false, true);
        let mut elements = Vec::with_capacity(items.len());
        for item in items {
            let full_request = match &item.kind {
                BatchItemKind::Unknown => {
                    (is_other, answers_client) = (true, false);
                    continue;
                }
                BatchItemKind::Query { operation, .. } => operation.full_request(),
                BatchItemKind::Mutation(operation) | BatchItemKind::Other { operation, .. } => {
                    operation.full_request()
                }
                BatchItemKind::Unread(_) => None,
            };
            match full_request.map(|full_request| full_request.rewritten) {
                Some(RewrittenRequest::Json(element)) => {
                    is_other = true;
                    elements.push(element);
                }
                _ => elements.push(item.sent.clone()),
            }
        }
        let rewritten = RewrittenRequest::Json(format!("[{}]", elements.join(",")));
        is_other.then_some(FullRequest { rewritten, answers_client })
    }

    /// The origin's response to such a batch, with an error in the place of each operation that is not
    /// known. An array of another length is refused: it would give one operation the response to
    /// another.
    pub async fn reply<R: Runtime>(
        &self,
        context: &Context<R>,
        items: &[BatchItem],
        reply: Reply,
    ) -> Reply {
        let sent = items.iter().filter(|item| !item.is_unknown()).count();
        let Reply::Origin { handle, status, mut headers } = reply else { return reply };
        if sent == items.len() {
            return Reply::Origin { handle, status, headers };
        }
        match context.runtime.response_body(handle, limits::GRAPHQL_RESPONSE_BYTES).await {
            BodyRead::Whole(body) => match elements(&body, sent) {
                Some(found) => {
                    let unknown = document_not_found().to_string();
                    let mut found = found.into_iter();
                    let all = items.iter().map(|item| match item.is_unknown() {
                        true => unknown.as_str(),
                        false => found.next().unwrap_or("null"),
                    });
                    let body = array_of(all).into();
                    remove_content_fields(&mut headers);
                    return Reply::Whole(Response { status, headers, body });
                }
                None if !body.trim_ascii_start().starts_with(b"[") => {
                    return Reply::Origin { handle, status, headers };
                }
                None => {}
            },
            BodyRead::Broken => return Reply::Origin { handle, status, headers },
            BodyRead::TooLarge | BodyRead::NoRoom => {}
        }
        self.does_not_fit(&headers)
    }

    /// 502 with what Evergraph said about the response that does not fit.
    fn does_not_fit(&self, headers: &Headers) -> Reply {
        let error = json!({ "error": "the origin's answer does not fit the batch" });
        let mut response = json_response(502, &error);
        for name in ["x-cache", "cache-status", "evergraph-purge"] {
            if let Some(value) = headers.get(name) {
                response.headers.set(name, value);
            }
        }
        let mut cookies = headers.get_all("set-cookie");
        if let Some(cookie) = cookies.find(|cookie| is_purge_cookie(&self.log_name, cookie)) {
            response.headers.set("set-cookie", cookie);
        }
        Reply::Whole(response)
    }
}
