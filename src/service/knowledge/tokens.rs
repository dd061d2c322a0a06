//! What a request's JSON Web Token proves.
//!
//! A token that cannot be verified proves nothing: its request is passed through to the origin.
//!
//! In scope: when a token is verified. Not in scope: verifying it (`token_verifier.rs`), and where a
//! request has it (`engine`).

use crate::config::Config;
use crate::engine::{Bypass, Plan, SentToken, claim_paths, has_unreadable_key_header, sent_token};
use crate::jwt::Claims;
use crate::service::context::Context;
use crate::service::runtime::Runtime;
use crate::service::token_verifier::TokenVerifier;
use std::rc::Rc;

/// What an isolate knows of clients' tokens.
pub struct Tokens {
    config: Rc<Config>,
    /// `None` if no tokens are configured.
    verifier: Option<TokenVerifier>,
}

impl Tokens {
    /// Nothing is known yet.
    pub fn new(config: Rc<Config>) -> Self {
        let jwt = config.jwt.clone();
        let verifier = jwt.map(|jwt| TokenVerifier::new(jwt, claim_paths(&config)));
        Self { config, verifier }
    }

    /// Plans a read. The token is verified only if the plan depends on its claims.
    pub async fn plan_with_claims<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: impl Fn(&Claims) -> Result<Plan, Bypass>,
    ) -> Result<Plan, Bypass> {
        if has_unreadable_key_header(&self.config, &context.request.headers) {
            return Err(Bypass::HeaderBytes);
        }
        match plan(&Claims::NotChecked) {
            Err(Bypass::JwtUnverified) => plan(&self.claims(context).await),
            planned => planned,
        }
    }

    /// The claims with which a read is planned: they are not checked if its plan depends on none.
    pub async fn claims_for_plan<R: Runtime>(
        &self,
        context: &Context<R>,
        plan: impl Fn(&Claims) -> Result<Plan, Bypass>,
    ) -> Claims {
        match plan(&Claims::NotChecked) {
            Err(Bypass::JwtUnverified) => self.claims(context).await,
            _ => Claims::NotChecked,
        }
    }

    /// The verified claims of a request's token.
    async fn claims<R: Runtime>(&self, context: &Context<R>) -> Claims {
        let Some(verifier) = &self.verifier else { return Claims::NoToken };
        match sent_token(&verifier.jwt().place, &context.request.headers) {
            SentToken::Nothing => Claims::NoToken,
            SentToken::Several => Claims::Unverified,
            SentToken::Token(text) => {
                let claims = match context.is_explained() {
                    true => verifier.claims_to_explain(&context.runtime, text).await,
                    false => verifier.claims(&context.runtime, text).await,
                };
                claims.map_or(Claims::Unverified, Claims::Verified)
            }
        }
    }
}

#[cfg(test)]
mod tests;
