//! The context of a request that has just arrived.

use super::context::{Context, Purpose};
use super::failed_attempts::AttemptLimits;
use super::purges::Purges;
use super::runtime::Runtime;
use crate::admin::is_purge_method;
use crate::engine::{
    TokenCheck, check_debug_token, check_purge_token, replace_token, take_evergraph_headers,
};
use crate::http::Request;

/// The context of a request, without the headers that are for Evergraph alone. `log_name` is the name of
/// the purge log.
pub(super) fn incoming_context<R: Runtime>(
    runtime: &R,
    (log_name, purges): (&str, &Purges),
    mut request: Request,
    debug: TokenCheck,
    purpose: Purpose,
) -> Context<R> {
    let purge_tokens = take_evergraph_headers(&mut request, log_name, debug);
    let own_write = match purpose {
        Purpose::Answer => purges.own_writes.required_by(runtime, &purge_tokens),
        _ => purges.own_writes.read(runtime, &purge_tokens),
    };
    let debug = debug == TokenCheck::Right;
    let context = Context::new(runtime.clone(), request);
    Context { own_write, debug, purpose, ..context }
}

/// What an admin token is sent for with a request that is not for the admin routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenUse {
    /// None is sent, or it is wrong, or it is not judged.
    None,
    /// To see keys and tags.
    Debug,
    /// To purge by the request's method, though `purge.methods` is off.
    PurgeMethod,
}

/// Judges the admin token of a request that is not for the admin routes, if it says by
/// `Evergraph-Debug: 1` or by a method that purges that it may have one. A right one is not for the origin.
///
/// A wrong token counts as a failed attempt: otherwise tokens could be guessed here without limit. While an
/// address is limited, its requests are handled as if their tokens were the client's own, so that no response
/// tells whether a guess is right. The origin then gets a stand-in for a right one.
pub(super) fn judge_token<R: Runtime>(
    runtime: &R,
    attempts: &AttemptLimits,
    request: &mut Request,
) -> TokenUse {
    let admin_tokens = || runtime.admin_tokens();
    let (attempts, token_use, check) = match is_purge_method(&request.method) {
        true => {
            let check = check_purge_token(request, admin_tokens);
            (&attempts.purge_methods, TokenUse::PurgeMethod, check)
        }
        false => (&*attempts.tokens, TokenUse::Debug, check_debug_token(request, admin_tokens)),
    };
    let now = runtime.now();
    let is_limited = attempts.limit(&request.headers, now).is_some();
    match check {
        TokenCheck::Right if is_limited => {
            let admin_tokens = admin_tokens().unwrap_or_default();
            replace_token(&mut request.headers, runtime.isolate_number(), &admin_tokens);
        }
        TokenCheck::Right => return token_use,
        TokenCheck::Wrong if !is_limited => attempts.count(&request.headers, now),
        TokenCheck::Wrong | TokenCheck::Absent => {}
    }
    TokenUse::None
}

#[cfg(test)]
mod tests;
