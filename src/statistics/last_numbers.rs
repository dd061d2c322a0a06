//! Up to which number the object has stored what each isolate sent.
//!
//! Isolates number what they send, and send it again if they get no reply. The object looks here, and stores
//! it once. It forgets this when it is restarted.

/// How many isolates are remembered.
const ISOLATES: usize = 10_000;

/// The last number of each isolate.
#[derive(Debug, Default)]
pub(super) struct LastNumbers(Vec<(u64, u64)>);

impl LastNumbers {
    /// The last number of an isolate; 0 if there is none.
    pub fn of(&self, isolate: u64) -> u64 {
        self.0.iter().find(|(known, _)| *known == isolate).map_or(0, |(_, last)| *last)
    }

    /// Notes that all numbers of an isolate up to this one are stored.
    pub fn note(&mut self, isolate: u64, number: u64) {
        if let Some((_, last)) = self.0.iter_mut().find(|(known, _)| *known == isolate) {
            *last = number.max(*last);
            return;
        }
        if self.0.len() >= ISOLATES {
            self.0.clear();
        }
        self.0.push((isolate, number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_only_rise_and_so_many_isolates_are_remembered() {
        let mut numbers = LastNumbers::default();
        numbers.note(7, 3);
        numbers.note(7, 2);
        assert_eq!((numbers.of(7), numbers.of(8)), (3, 0));
        for isolate in 0..2 * ISOLATES as u64 {
            numbers.note(isolate, 1);
            assert!(numbers.0.len() <= ISOLATES);
            assert_eq!(numbers.of(isolate), if isolate == 7 { 3 } else { 1 });
        }
    }
}
