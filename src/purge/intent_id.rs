//! Ids of intents.

/// The id of an intent: a slow write that was announced to the log.
///
/// The log draws it at random. So no client can close an intent that it did not open, and an id of
/// one log names nothing in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntentId(u64);

impl IntentId {
    /// How many bits an id has. Rows reach Rust as JavaScript numbers, which have 53 bits.
    const BITS: u32 = 53;

    /// The id made from a random number.
    pub fn of(number: u64) -> Self {
        // 0 is reserved for no intent.
        Self((number & ((1 << Self::BITS) - 1)).max(1))
    }

    /// The id that is written as this number. `None` if the number is not an id.
    pub(super) fn from_number(number: u64) -> Option<Self> {
        (Self::of(number).0 == number).then_some(Self(number))
    }

    /// The number that stands for it in messages and rows. Never 0.
    pub fn number(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_fits_into_a_row_and_is_never_none() {
        assert_eq!(IntentId::of(0).number(), 1);
        assert_eq!(IntentId::of(u64::MAX).number(), (1 << 53) - 1);
    }
}
