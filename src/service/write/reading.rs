//! How much of the body of a write's response is read before the client gets any of it.

use crate::config::Config;
use crate::engine::{BodyFormat, Write, WriteEffect, rest_effect};
use crate::limits;
use crate::rest;
use crate::service::runtime::OriginResponse;
use std::rc::Rc;

/// A body of at most so many bytes is read whole, if the response says how long it is, or if it ends
/// soon after its head: then the write is known to be over before its purge is recorded.
pub const SHORT_BODY_BYTES: usize = 64 << 10;
/// How soon that is.
pub const SHORT_BODY_MILLIS: u64 = 100;

/// What was read of the body of a write's response.
pub enum WriteBody {
    /// All of it.
    Whole(Rc<[u8]>),
    /// It broke off.
    Broken,
    /// The client gets it as it arrives.
    Streamed,
}

/// What is to be read of it.
pub enum Reading {
    /// Nothing.
    Nothing,
    /// All of it, if it is short.
    IfShort,
    /// All of it up to so many bytes, however long that takes.
    Whole {
        /// The most bytes.
        bytes: usize,
    },
}

impl Reading {
    /// What is to be read of a response's body: all of it if it says what ran.
    pub fn of(config: &Config, write: Write<'_>, response: &OriginResponse) -> Self {
        let format = BodyFormat::of(&response.headers);
        if format == BodyFormat::Parts {
            return Self::Nothing;
        }
        let says_what_ran = match write {
            Write::Rest(request) => {
                let effect = rest_effect(config, &request.url, Some(response.status));
                if effect == WriteEffect::Nothing {
                    return Self::Nothing;
                }
                format == BodyFormat::Json && rest::needs_body(config, &request.url)
            }
            _ => format == BodyFormat::Json,
        };
        // Whether a refusal is a GraphQL response shows in its body alone.
        let is_refusal = !matches!(write, Write::Rest(_)) && (400..500).contains(&response.status);
        let length = response.headers.get("content-length").and_then(|length| length.parse().ok());
        let is_short = length.is_some_and(|length: usize| length <= SHORT_BODY_BYTES);
        if says_what_ran {
            Self::Whole { bytes: limits::GRAPHQL_RESPONSE_BYTES }
        } else if is_refusal || is_short {
            Self::Whole { bytes: SHORT_BODY_BYTES }
        } else {
            Self::IfShort
        }
    }
}
