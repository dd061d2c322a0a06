//! What a write purges, once the origin has responded.

use super::write_effect::{
    WriteEffect, WriteResponse, element_proves, graphql_effect, is_client_error, rest_effect,
};
use crate::config::Config;
use crate::graphql::{
    Analysis, ExecutedMutation, MutationPurge, Outcome, TypeKnowledge, TypeNameIndex, elements,
    outcome, purge_of_mutation,
};
use crate::http::{Headers, Request, Url, fields};
use crate::json::Index;
use crate::purge::{NewRecord, Record};
use crate::rest;
use crate::tag::TagSet;
use serde_json::{Map, Value};

/// A write that was sent to the origin.
#[derive(Debug, Clone, Copy)]
pub enum Write<'a> {
    /// A parsed mutation.
    Mutation {
        /// The mutation.
        analysis: &'a Analysis,
        /// Its variables.
        variables: Option<&'a Map<String, Value>>,
    },
    /// A GraphQL request that may be a mutation, or contain several.
    PossibleMutation,
    /// A parsed batch in which not all operations are queries.
    Batch(&'a [BatchOperation<'a>]),
    /// A REST request with an unsafe method.
    Rest(&'a Request),
}

/// One operation of a batch.
#[derive(Debug, Clone, Copy)]
pub enum BatchOperation<'a> {
    /// It changes nothing.
    Query,
    /// A parsed mutation.
    Mutation {
        /// The mutation.
        analysis: &'a Analysis,
        /// Its variables.
        variables: Option<&'a Map<String, Value>>,
    },
    /// It may be a mutation.
    PossibleMutation,
}

/// What a write purges.
#[derive(Debug, Clone, PartialEq)]
pub struct WritePurge {
    /// The record for the log.
    pub new: NewRecord,
    /// The mutation's root field that caused a purge of everything, if one did.
    pub field: Option<String>,
}

/// Determines what a write purges. `None` if the response proves that nothing ran
/// ([`graphql_effect`], [`rest_effect`]), or if nothing depends on the write. `response` is `None` if
/// the origin was asked and did not respond.
pub fn purge_of_write(
    config: &Config,
    write: Write<'_>,
    response: Option<WriteResponse<'_>>,
    knowledge: &TypeKnowledge<'_>,
    known: &TypeNameIndex,
) -> Option<WritePurge> {
    let effect = match write {
        Write::Rest(request) => {
            rest_effect(config, &request.url, response.map(|response| response.status))
        }
        Write::Batch(operations) => graphql_effect(response, Some(operations.len())),
        Write::Mutation { .. } | Write::PossibleMutation => graphql_effect(response, None),
    };
    if effect == WriteEffect::Nothing {
        return None;
    }
    let purge = named_by_write(config, write, response, knowledge, known)?;
    let (record, field) = match purge {
        MutationPurge::Everything { field } => (Record::everything(), field),
        MutationPurge::Tags(tags) => (Record::of_tags(&tags, &config.same, config.tagging), None),
    };
    let new = NewRecord::from(record);
    let new = if effect == WriteEffect::Unknown { new.with_unknown_outcome() } else { new };
    (!new.record.is_empty()).then_some(WritePurge { new, field })
}

/// What a write names, unless its response proves that nothing ran. `None` if every mutation of a batch
/// was refused.
pub fn named_by_write(
    config: &Config,
    write: Write<'_>,
    response: Option<WriteResponse<'_>>,
    knowledge: &TypeKnowledge<'_>,
    known: &TypeNameIndex,
) -> Option<MutationPurge> {
    let purge_context = PurgeContext { config, knowledge, known };
    Some(match write {
        Write::Rest(request) => MutationPurge::Tags(purge_context.rest(request, response)),
        Write::Batch(operations) => purge_context.batch(operations, response)?,
        Write::Mutation { analysis, variables } => {
            let body = response.and_then(|response| response.body);
            let json = body.and_then(Index::of);
            let outcome = json.as_ref().map_or(Outcome::Unknown, |json| outcome(json.root()));
            purge_context.mutation(analysis, variables, outcome)
        }
        Write::PossibleMutation => MutationPurge::everything(None),
    })
}

/// What is needed to determine the tags that a write purges.
struct PurgeContext<'a> {
    config: &'a Config,
    knowledge: &'a TypeKnowledge<'a>,
    known: &'a TypeNameIndex,
}

impl PurgeContext<'_> {
    fn mutation(
        &self,
        analysis: &Analysis,
        variables: Option<&Map<String, Value>>,
        outcome: Outcome<'_>,
    ) -> MutationPurge {
        let data = match outcome {
            Outcome::Data(data) | Outcome::Partial(Some(data)) => Some(data),
            _ => None,
        };
        let mutated = ExecutedMutation { analysis, variables, data };
        purge_of_mutation(self.config, mutated, self.knowledge, self.known)
    }

    /// What all mutations of a batch purge, each judged by its own element of the response. `None`
    /// if all were refused. A response without an element for each operation proves nothing.
    fn batch(
        &self,
        operations: &[BatchOperation<'_>],
        response: Option<WriteResponse<'_>>,
    ) -> Option<MutationPurge> {
        let response = response.filter(|response| response.status < 500);
        let refuses = response.is_some_and(|response| is_client_error(response.status));
        let body = response.and_then(|response| response.body);
        let responses = body.and_then(|body| elements(body, operations.len()));
        let Some(responses) = responses else { return Some(MutationPurge::everything(None)) };
        let mut all: Option<TagSet> = None;
        for (operation, response) in operations.iter().zip(responses) {
            let json = Index::of(response.as_bytes()).unwrap_or_default();
            let response = json.root();
            if matches!(operation, BatchOperation::Query) || element_proves(response, refuses) {
                continue;
            }
            let purge = match operation {
                BatchOperation::Mutation { analysis, variables } => {
                    self.mutation(analysis, *variables, outcome(response))
                }
                BatchOperation::Query | BatchOperation::PossibleMutation => {
                    MutationPurge::everything(None)
                }
            };
            let MutationPurge::Tags(tags) = purge else { return Some(purge) };
            all.get_or_insert_default().extend(tags);
        }
        all.map(MutationPurge::Tags)
    }

    /// What a REST write purges: by its path, by the URLs in the response's headers, and by the
    /// entities in its body.
    fn rest(&self, request: &Request, response: Option<WriteResponse<'_>>) -> TagSet {
        let config = self.config;
        let mut tags = rest::write_path_tags(config, &request.url);
        let headers = response.map(|response| response.headers);
        for url in
            headers.into_iter().flat_map(|headers| urls_pointed_at(config, &request.url, headers))
        {
            tags.extend(rest::write_path_tags(config, &url));
        }
        let body = response.and_then(|response| response.body);
        let json = body.and_then(|body| serde_json::from_slice(body).ok());
        tags.extend(rest::write_body_tags(config, &request.url, json.as_ref()));
        self.knowledge.extend_reach(&mut tags);
        tags
    }
}

/// The URLs of the same origin in `Location` and `Content-Location`, which the write changed as
/// well (RFC 9111 §4.4).
fn urls_pointed_at<'a>(
    config: &'a Config,
    asked: &'a Url,
    headers: &'a Headers,
) -> impl Iterator<Item = Url> + 'a {
    let values = fields::LOCATIONS.iter().flat_map(|name| headers.get_all(name));
    let urls = values.filter_map(|value| asked.joined(value));
    // The origin may use its own address.
    urls.filter(|url| {
        url.origin() == asked.origin() || config.origin.as_deref() == Some(url.origin().as_str())
    })
}

#[cfg(test)]
mod tests;
