//! The explanation of a plan, or of why there is none.

use super::matched_types::{types_of_path, types_of_query};
use super::signals::explained_signals;
use super::terms::{graphql_terms, rest_terms};
use crate::admin::{ExplainedSignal, ExplainedTerms, MatchedType};
use crate::config::Config;
use crate::engine::graphql_plan::{QueryTerms, keyed_headers};
use crate::engine::identity::Credentials;
use crate::engine::merged_terms::merge_terms;
use crate::engine::rest_plan::signal_set;
use crate::engine::signals::{SignalCheck, SignalSet};
use crate::graphql::{Analysis, OperationRequest};
use crate::http::Request;
use crate::jwt::Claims;
use crate::rest::RestRead;

/// Where the values of a plan come from.
#[derive(Debug, Clone)]
pub struct PlanExplanation {
    /// The cache types.
    pub types: Vec<MatchedType>,
    /// The names of those that may match once the response is known.
    pub types_by_response: Vec<String>,
    /// The terms.
    pub terms: ExplainedTerms,
    /// The signals of the request.
    pub signals: Vec<ExplainedSignal>,
}

/// Explains the plan of a GraphQL query. `claims` are those with which it is planned.
pub fn explain_graphql(
    config: &Config,
    request: &Request,
    claims: &Claims,
    query: &OperationRequest,
    analysis: &Analysis,
) -> PlanExplanation {
    let found = QueryTerms::of(config, query, analysis);
    let unseen = config.types_by_answer_alone();
    let keyed = keyed_headers(config, &[found.applied.clone(), unseen.clone()].concat());
    let credentials = Credentials { headers: &request.headers, claims };
    let types = found.parts.covering.as_slice();
    let check =
        SignalCheck { config, credentials, types, keyed: &keyed, signal_set: SignalSet::All };
    let matched = |name: &str| found.parts.types.iter().any(|one| one.name == name);
    let by_response = unseen.iter().filter(|one| !matched(&one.name));
    PlanExplanation {
        types: types_of_query(config, query, analysis, &found.parts),
        types_by_response: by_response.map(|one| one.name.clone()).collect(),
        terms: graphql_terms(config, &found, &analysis.expected, &keyed),
        signals: explained_signals(&check),
    }
}

/// Explains the plan of a REST read.
pub fn explain_rest(config: &Config, request: &Request, claims: &Claims) -> PlanExplanation {
    let read = RestRead::of(config, &request.url);
    let credentials = Credentials { headers: &request.headers, claims };
    let check = SignalCheck {
        config,
        credentials,
        types: &read.types,
        keyed: &read.terms.vary,
        signal_set: signal_set(&read),
    };
    PlanExplanation {
        types: types_of_path(request, &read.types),
        types_by_response: Vec::new(),
        terms: rest_terms(config, &read, &merge_terms(&read.types)),
        signals: explained_signals(&check),
    }
}
