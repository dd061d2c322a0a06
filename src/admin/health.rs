//! What `GET health` says: the state of the service and of each part that it depends on.
//!
//! In scope: the states, and what follows from those of the parts. Not in scope: asking the parts
//! (`service/admin/parts.rs`).

use super::deployment::Deployment;
use crate::alerts::AlertReport;
use serde::Serialize;
use std::collections::BTreeMap;

/// The state of a part, or of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum HealthState {
    /// It works.
    Healthy,
    /// It works, and does not have all of it yet.
    Warming,
    /// It works in part.
    Degraded,
    /// It does not work.
    Down,
    /// It is not bound. Only parts that are optional can be absent.
    Absent,
}

impl HealthState {
    /// All of them, with what each means for a part.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Healthy, "works"),
        (Self::Warming, "works, and does not have all of it yet; `reason` says what"),
        (Self::Degraded, "works in part; `reason` says what does not"),
        (Self::Down, "does not work; `reason` says why"),
        (Self::Absent, "is not bound, which is allowed for this part"),
    ];

    /// The word in `GET health` and in the docs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "HEALTHY",
            Self::Warming => "WARMING",
            Self::Degraded => "DEGRADED",
            Self::Down => "DOWN",
            Self::Absent => "ABSENT",
        }
    }

    /// The number in `evergraph_health`. The higher, the better; `None`: an absent part is not exported.
    pub fn number(self) -> Option<u8> {
        match self {
            Self::Healthy => Some(3),
            Self::Warming => Some(2),
            Self::Degraded => Some(1),
            Self::Down => Some(0),
            Self::Absent => None,
        }
    }
}

/// The state of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct PartHealth {
    /// Whether it works.
    pub state: HealthState,
    /// Why it does not, if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl PartHealth {
    /// A part that works.
    pub const HEALTHY: Self = Self { state: HealthState::Healthy, reason: None };

    /// A part that does not work, or only in part.
    pub fn with_reason(state: HealthState, reason: impl Into<String>) -> Self {
        Self { state, reason: Some(reason.into()) }
    }
}

/// The body of `GET health`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct HealthReport {
    /// The state of the service. It is never `ABSENT`.
    pub state: HealthState,
    /// The name of the service.
    pub service: String,
    /// The parts that the service depends on, by name.
    pub parts: BTreeMap<&'static str, PartHealth>,
    /// Every alert, and whether it fires.
    pub alerts: Vec<AlertReport>,
    /// Whether the cache is paused, so that every request passes through; null if it is not.
    pub paused: Option<Paused>,
    /// What can be seen of the deployment. Only with a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<Deployment>,
}

/// A pause of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Paused {
    /// When it ends by itself, in milliseconds since 1970; null if it lasts until it is ended.
    pub until: Option<u64>,
}

/// The state of the service, by those of the stores with the purge log, of the origin, and of what it has to
/// know or to warm.
///
/// ```
/// use evergraph::admin::HealthState::{Degraded, Down, Healthy, Warming};
/// use evergraph::admin::service_state;
///
/// assert_eq!(service_state([Healthy], Healthy, Healthy), Healthy);
/// assert_eq!(service_state([Healthy], Healthy, Warming), Warming);
/// assert_eq!(service_state([Healthy, Down], Healthy, Healthy), Degraded);
/// assert_eq!(service_state([Healthy, Down], Down, Healthy), Down);
/// ```
pub fn service_state(
    stores: impl IntoIterator<Item = HealthState>,
    origin: HealthState,
    knowledge: HealthState,
) -> HealthState {
    let fails = |state: HealthState| matches!(state, HealthState::Degraded | HealthState::Down);
    match (stores.into_iter().any(fails), fails(origin)) {
        (false, false) => knowledge,
        (true, true) => HealthState::Down,
        _ => HealthState::Degraded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_json_and_numbers_are_in_order() {
        for (state, _) in HealthState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        let numbers: Vec<_> = HealthState::ALL.iter().filter_map(|(one, _)| one.number()).collect();
        assert_eq!(numbers, [3, 2, 1, 0]);
    }
}
