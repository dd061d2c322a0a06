//! Who may use admin routes.
//!
//! In scope: tokens, Cloudflare Access, and limits for failed attempts. Not in scope: which role a route
//! needs (`routes.rs`).

use super::access_tokens::AccessTokens;
use crate::admin::{
    Access, Administrator, Credential, TokenForm, access, admin_tokens, has_token, token_form,
};
use crate::config::Config;
use crate::http::{Method, Request};
use crate::service::context::Context;
use crate::service::failed_attempts::FailedAttempts;
use crate::service::report::report_failure;
use crate::service::runtime::Runtime;
use std::cell::Cell;
use std::rc::Rc;

/// The header that shows that a request was not made by a form of another site.
const DELIBERATE: &str = "evergraph-admin";

/// Decides who may use the admin routes of one isolate.
pub struct Guard {
    access: Option<AccessTokens>,
    attempts: Rc<FailedAttempts>,
    has_reported: Cell<bool>,
}

/// The decision about a request.
pub struct Admission {
    /// Whether its credentials are right.
    pub access: Access,
    /// For how many seconds requests of its address are refused, whatever they send.
    pub limited: Option<u64>,
}

impl Guard {
    /// The guard of an isolate that has seen no requests.
    pub fn new(config: &Config, attempts: Rc<FailedAttempts>) -> Self {
        let access = config.admin.access.as_ref().map(AccessTokens::new);
        Self { access, attempts, has_reported: Cell::default() }
    }

    /// Whether a request's credentials are right. If too many attempts of its address have failed, they
    /// are not looked at, so that no response tells whether a guess is right.
    pub async fn admit<R: Runtime>(&self, context: &Context<R>) -> Admission {
        let (runtime, request) = (&context.runtime, &context.request);
        let limited = self.attempts.limit(&request.headers, runtime.now());
        let access = match limited {
            Some(_) => Access::Denied,
            None => self.access(runtime, request).await,
        };
        Admission { access, limited }
    }

    /// Counts a request whose credentials are not right, if it sends an admin token. Without one it guesses
    /// nothing: any page can make a browser send it, so if it counted, a stranger could lock out an office.
    /// A wrong token of Access does not count either: nobody guesses a signature, and sessions end.
    pub fn count_failure<R: Runtime>(&self, context: &Context<R>) {
        if sends_token(&context.request) {
            self.attempts.count(&context.request.headers, context.runtime.now());
        }
    }

    async fn access<R: Runtime>(&self, runtime: &R, request: &Request) -> Access {
        let configured = runtime.admin_tokens();
        self.report_unusable_tokens(runtime, configured.as_deref());
        let headers = &request.headers;
        let by_token = access(configured.as_deref(), headers, form_of(request));
        let Some(by_access) = &self.access else { return by_token };
        // A request with a token is judged by it.
        if matches!(by_token, Access::Granted(_)) || sends_token(request) {
            return if by_token == Access::Closed { Access::Denied } else { by_token };
        }
        match by_access.administrator(runtime, headers).await {
            Some(administrator) => Access::Granted(administrator),
            None => Access::Denied,
        }
    }

    fn report_unusable_tokens<R: Runtime>(&self, runtime: &R, configured: Option<&str>) {
        if self.has_reported.replace(true) {
            return;
        }
        for unusable in admin_tokens(configured).filter_map(Result::err) {
            let fault = format!(
                "entry {} opens nothing: expected a token without a colon, or name:role:token with a \
                 role of read, purge or admin",
                unusable.0
            );
            report_failure(runtime, "admin-tokens", &fault);
        }
    }
}

/// Whether a request sends an admin token, right or wrong, in a form that its route accepts.
pub fn sends_token(request: &Request) -> bool {
    has_token(&request.headers, form_of(request))
}

fn form_of(request: &Request) -> TokenForm {
    token_form(&request.method, &request.url.comparable_path())
}

/// Whether a request may be what its sender meant. Browsers send the session of Cloudflare Access with
/// requests of any site. Such a site can submit a form, or its equivalent, but cannot set a header or send
/// JSON without asking first (<https://fetch.spec.whatwg.org/#cors-safelisted-request-header>), and nothing
/// here permits that.
pub fn is_deliberate(administrator: &Administrator, request: &Request) -> bool {
    administrator.credential == Credential::Token
        || matches!(request.method, Method::Get | Method::Head)
        || request.headers.get(DELIBERATE) == Some("1")
        || request.headers.get("content-type").is_some_and(is_json)
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}
