//! Which GraphQL schema is in force, according to the log.

use serde::{Deserialize, Serialize};

/// The fingerprint of the schema in force, or [`SchemaInForce::NONE`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SchemaInForce(u64);

impl SchemaInForce {
    /// No schema.
    pub const NONE: Self = Self(0);

    /// The schema with that fingerprint.
    pub fn of(fingerprint: u64) -> Self {
        // 0 is reserved for no schema.
        Self(fingerprint.max(1))
    }

    pub(super) fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// The number that stands for it in messages and rows. 0: no schema.
    pub fn number(self) -> u64 {
        self.0
    }

    /// Whether there is a schema.
    pub fn is_some(self) -> bool {
        self.0 != 0
    }
}

/// The schema in force, and the last one that a response contradicted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schemas {
    /// The schema in force.
    pub in_force: SchemaInForce,
    /// The schema that was in force when a response contradicted it. It is not accepted again.
    pub distrusted: SchemaInForce,
}

impl Schemas {
    /// Applies a record that puts a schema in force, or ends the one in force.
    pub(super) fn apply(&mut self, next: SchemaInForce) {
        self.distrusted = match next.is_some() {
            true => SchemaInForce::NONE,
            false if self.in_force.is_some() => self.in_force,
            false => self.distrusted,
        };
        self.in_force = next;
    }
}
