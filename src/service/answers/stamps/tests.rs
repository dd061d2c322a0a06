use super::*;
use crate::key::Pattern;
use crate::purge::{Pause, SchemaInForce};
use proptest::prelude::*;

const KEYS: [&str; 2] = ["shop/2/gql/a", "shop/2/gql/a"];

fn rules(number: u64) -> Tagging {
    Tagging::from_number(number)
}

fn stamps() -> Stamps {
    let stamps = Stamps::default();
    stamps.may_judge(0, 10);
    stamps.due_at(10);
    stamps
}

fn holds(stamps: &Stamps, stamp: &Stamp) -> bool {
    stamps.holds(stamp, Timestamp::from_millis(1))
}

fn told(stamps: &Stamps, tags: &[u64]) -> Stamp {
    stamps.of_entry(tags, KEYS, (5, rules(1))).unwrap()
}

fn purge_of(tags: &[u64]) -> Record {
    Record { tags: tags.to_vec(), tagging: rules(1), ..Record::default() }
}

#[test]
fn a_purge_of_other_tags_changes_nothing() {
    let stamps = stamps();
    let stamp = told(&stamps, &[1, 2]);
    stamps.purged(&purge_of(&[3, 4]));
    stamps.entry_changed("shop/2/gql/b");
    stamps.floor_rose(5);
    assert!(holds(&stamps, &stamp));
    stamps.purged(&Record { soft: true, ..purge_of(&[9, 2]) });
    assert!(!holds(&stamps, &stamp));
}

#[test]
fn what_may_concern_every_answer_ends_all() {
    let general: [fn(&Stamps); 7] = [
        |stamps| stamps.purged(&Record::everything()),
        |stamps| stamps.purged(&Record::of_pause(Pause::UNTIL_RESUMED)),
        |stamps| {
            let schema = Some(SchemaInForce::NONE);
            stamps.purged(&Record { schema, ..Record::default() });
        },
        |stamps| {
            let patterns = vec![Pattern::parse("gql/**").unwrap()];
            stamps.purged(&Record { patterns, ..Record::default() });
        },
        |stamps| stamps.purged(&Record { tagging: rules(2), ..purge_of(&[7]) }),
        |stamps| stamps.purged(&Record { tagging: Tagging::UNKNOWN, ..purge_of(&[7]) }),
        |stamps| stamps.floor_rose(6),
    ];
    for (number, change) in general.iter().enumerate() {
        let stamps = stamps();
        let stamp = told(&stamps, &[1]);
        change(&stamps);
        assert!(!holds(&stamps, &stamp), "{number}");
        assert!(holds(&stamps, &told(&stamps, &[1])), "{number}");
    }
}

#[test]
fn another_entry_under_its_key_ends_an_answer() {
    let stamps = stamps();
    let stamp = told(&stamps, &[]);
    stamps.entry_changed(KEYS[0]);
    assert!(!holds(&stamps, &stamp));
}

#[test]
fn times_are_not_included() {
    let stamps = stamps();
    let stamp = told(&stamps, &[]);
    let at = |millis| stamps.holds(&stamp, Timestamp::from_millis(millis));
    assert!(at(9) && !at(10));
    stamps.may_judge(0, 20);
    assert!(!at(10));
    stamps.due_at(20);
    assert!(at(10));
    stamps.may_judge(9, 20);
    assert!(
        !at(8) && at(9),
        "of a clock that was set back nobody knows how long ago the log was read"
    );
    stamps.may_judge(0, 0);
    assert!(!at(9));
}

#[test]
fn tags_of_other_rules_are_not_told_at_the_same_time() {
    let stamps = stamps();
    told(&stamps, &[1]);
    assert!(stamps.of_entry(&[1], KEYS, (5, rules(2))).is_none());
    stamps.everything_changed();
    assert!(stamps.of_entry(&[1], KEYS, (5, rules(2))).is_some());
    assert!(stamps.of_entry(&[1], KEYS, (5, Tagging::UNKNOWN)).is_none());
}

proptest! {
    /// However many tags an answer has, and whichever records come: it does not hold after one of its tags.
    #[test]
    fn no_answer_outlives_a_purge_of_its_tags(
        tags in prop::collection::vec(any::<u64>(), 1..300),
        others in prop::collection::vec(prop::collection::vec(any::<u64>(), 0..4), 0..20),
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
    ) {
        let stamps = stamps();
        let stamp = told(&stamps, &tags);
        let mut records: Vec<Vec<u64>> = others;
        records.insert(at.index(records.len() + 1), vec![tags[which.index(tags.len())]]);
        records.iter().for_each(|tags| stamps.purged(&purge_of(tags)));
        prop_assert!(!holds(&stamps, &stamp));
        prop_assert!(stamp.places.len() <= MOST_TAGS + 2);
    }
}
