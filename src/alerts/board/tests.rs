use super::*;
use proptest::prelude::*;

fn at(level: Level) -> Measure {
    Measure { alert: Alert::Kv, level, value: None, threshold: None }
}

fn run(levels: &[Level], needed: u32) -> Vec<(usize, Firing)> {
    let mut board = Board::default();
    let mut changes = Vec::new();
    for (n, level) in levels.iter().enumerate() {
        let now = Timestamp::from_millis(n as u64);
        for change in board.evaluate(now, &[at(*level)], needed) {
            changes.push((n, change.state));
        }
    }
    changes
}

use Level::{Bad, Between, Good};

#[test]
fn two_bad_evaluations_in_a_row_begin_an_alert_and_two_good_ones_end_it() {
    assert_eq!(run(&[Bad, Good, Bad, Between, Bad], 2), []);
    let levels = [Bad, Bad, Bad, Good, Bad, Between, Good, Between, Good, Good, Good];
    assert_eq!(run(&levels, 2), [(1, Firing::Firing), (9, Firing::Ok)]);
    assert_eq!(run(&[Good, Bad, Between, Good], 1), [(1, Firing::Firing), (3, Firing::Ok)]);
}

#[test]
fn the_report_has_every_alert_and_since_when() {
    let mut board = Board::default();
    let measure =
        Measure { alert: Alert::HitRate, level: Bad, value: Some(0.41), threshold: Some(0.5) };
    board.evaluate(Timestamp::from_millis(7), &[measure], 1);
    let reports = board.reports();
    let words: Vec<_> = reports.iter().map(|report| report.alert.as_str()).collect();
    assert_eq!(words, ["hit-rate", "errors", "kv", "purge-log"]);
    assert_eq!(
        serde_json::to_string(&reports[0]).unwrap(),
        r#"{"alert":"hit-rate","state":"firing","value":0.41,"threshold":0.5,"since":7}"#
    );
    assert_eq!((reports[2].state, reports[2].since), (Firing::Ok, None));
    let stored = serde_json::to_string(&board).unwrap();
    assert_eq!(crate::record::read::<Board>(&stored).unwrap(), board);
}

proptest! {
    /// Changes alternate, each is preceded by as many evaluations against the state before as are needed, and
    /// levels between never cause one.
    #[test]
    fn changes_alternate_and_need_evaluations_in_a_row(
        levels in prop::collection::vec(prop::sample::select(vec![Bad, Between, Good]), 0..60),
        needed in 1_u32..4,
    ) {
        let changes = run(&levels, needed);
        for (index, (n, state)) in changes.iter().enumerate() {
            let expected = if index % 2 == 0 { Firing::Firing } else { Firing::Ok };
            prop_assert_eq!(*state, expected);
            let against = if *state == Firing::Firing { Bad } else { Good };
            let first = n + 1 - needed as usize;
            prop_assert!(levels[first..=*n].iter().all(|level| *level == against));
        }
        // After the last change no such row is left.
        let rest = changes.last().map_or(&levels[..], |(n, _)| &levels[n + 1..]);
        let against = if changes.len().is_multiple_of(2) { Bad } else { Good };
        let mut rows = rest.windows(needed as usize);
        prop_assert!(!rows.any(|row| row.iter().all(|level| *level == against)));
    }
}
