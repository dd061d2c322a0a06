//! Which GraphQL schema is in force, according to the log.

use serde::{Deserialize, Serialize};

/// The fingerprint of the schema in force, [`SchemaInForce::NONE`], or in a record
/// [`SchemaInForce::ENDED`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SchemaInForce(u64);

impl SchemaInForce {
    /// No schema. In a record: the one in force ends, and is distrusted from here on.
    pub const NONE: Self = Self(0);
    /// Only in a record: the schema in force ends, and may be put in force again.
    ///
    /// Builds that do not know this number take it for a schema that they lack. They store no GraphQL
    /// response, and end it after a few minutes.
    pub const ENDED: Self = Self(1);

    /// The schema with that fingerprint.
    pub fn of(fingerprint: u64) -> Self {
        // 0 and 1 have other meanings.
        Self(fingerprint.max(2))
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

/// The schema in force, and one that is distrusted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schemas {
    /// The schema in force.
    pub in_force: SchemaInForce,
    /// The schema that was in force when a response contradicted it, or an administrator deleted it.
    /// It is not accepted from the origin again.
    pub distrusted: SchemaInForce,
}

impl Schemas {
    /// Applies a record that puts a schema in force, or ends the one in force.
    pub(super) fn apply(&mut self, next: SchemaInForce) {
        let Self { in_force, distrusted } = *self;
        *self = match next {
            // Nothing ends, so the one that is distrusted stays so.
            SchemaInForce::NONE | SchemaInForce::ENDED if !in_force.is_some() => {
                Self { in_force, distrusted }
            }
            SchemaInForce::NONE => Self { in_force: SchemaInForce::NONE, distrusted: in_force },
            SchemaInForce::ENDED => Self::default(),
            next => Self { in_force: next, distrusted: SchemaInForce::NONE },
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(records: &[SchemaInForce]) -> Schemas {
        let mut schemas = Schemas::default();
        records.iter().for_each(|next| schemas.apply(*next));
        schemas
    }

    #[test]
    fn a_schema_that_has_just_ended_is_not_distrusted() {
        let (a, b) = (SchemaInForce::of(7), SchemaInForce::of(8));
        let (none, ended) = (SchemaInForce::NONE, SchemaInForce::ENDED);
        assert_eq!(after(&[a, ended]), Schemas::default());
        let distrusting = Schemas { in_force: none, distrusted: a };
        assert_eq!(after(&[a, none]), distrusting);
        assert_eq!(after(&[a, none, ended]), distrusting, "what comes late changes nothing");
        assert_eq!(after(&[a, none, none]), distrusting);
        assert_eq!(after(&[a, none, b]), Schemas { in_force: b, distrusted: none });
        assert!([0, 1].iter().all(|number| ![none, ended].contains(&SchemaInForce::of(*number))));
    }
}
