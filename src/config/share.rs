//! A share of events, such as the share of hits that are logged.

/// A share of events, from none of them to all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share(f64);

impl Share {
    /// No event.
    pub const NONE: Self = Self(0.0);
    /// Every event.
    pub const ALL: Self = Self(1.0);

    /// A number from 0 to 1.
    pub(super) fn of(number: f64) -> Option<Self> {
        (0.0..=1.0).contains(&number).then_some(Self(number))
    }

    /// So many hundredths, at most all.
    pub(super) fn of_hundredths(number: u64) -> Self {
        Self(number.min(100) as f64 / 100.0)
    }

    /// The number from 0 to 1.
    pub fn as_f64(self) -> f64 {
        self.0
    }

    /// Whether an event is in the share. Events with the same hash are all in it, or none of them is.
    /// The hash is computed only if it decides.
    pub fn includes(self, hash: impl FnOnce() -> u64) -> bool {
        if self == Self::NONE || self == Self::ALL {
            return self == Self::ALL;
        }
        // The upper 53 bits, as many as the number has, as a fraction from 0 to below 1.
        let fraction = (hash() >> 11) as f64 / (1_u64 << 53) as f64;
        fraction < self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_64;

    #[test]
    fn a_share_includes_as_many_as_it_says() {
        for share in [0.0, 0.01, 0.25, 0.9, 1.0] {
            let one = Share::of(share).unwrap();
            let included = |n: &u64| one.includes(|| xxh3_64(&n.to_le_bytes()));
            let count = (0..20_000_u64).filter(included).count() as f64;
            assert!((count / 20_000.0 - share).abs() < 0.01, "{count} for {share}");
        }
    }

    #[test]
    fn none_and_all_need_no_hash() {
        let unused = || -> u64 { panic!("it decides nothing") };
        assert!(!Share::NONE.includes(unused) && Share::ALL.includes(unused));
        let half = Share::of(0.5).unwrap();
        assert!(half.includes(|| 0) && !half.includes(|| u64::MAX));
    }

    #[test]
    fn only_numbers_from_0_to_1_are_shares() {
        for number in [-0.1, 1.01, f64::NAN, f64::INFINITY] {
            assert_eq!(Share::of(number), None, "{number}");
        }
    }
}
