use super::*;
use crate::purge::SchemaInForce;
use crate::tag::Tagging;
use proptest::prelude::*;

fn last() -> impl Strategy<Value = LastPurges> {
    (0_u64..9_000, 0_u64..9_000).prop_map(|(hard, soft)| LastPurges { hard, soft })
}

fn tagged() -> impl Strategy<Value = TaggedPurges> {
    let note = (1_u64..9_000, any::<u64>().prop_map(Tagging::from_number), any::<bool>());
    prop::collection::vec(note, 0..4).prop_map(|notes| {
        let mut tagged = TaggedPurges::default();
        notes.into_iter().for_each(|(seq, by, soft)| tagged.note(seq, by, soft));
        tagged
    })
}

fn rest() -> impl Strategy<Value = GlobalPage> {
    let pattern = prop::sample::select(vec!["gql/**", "rest/a/*", "**"])
        .prop_map(|text| Pattern::parse(text).unwrap());
    let patterns = prop::collection::vec((pattern, last()), 0..4);
    let at = || any::<u64>().prop_map(Timestamp::from_millis);
    let pause = prop_oneof![Just(0), Just(1), any::<u64>()].prop_map(Pause::from_number);
    let period =
        (at(), 0_u64..9_000, at()).prop_map(|(began, seq, at)| AppendPeriod { began, seq, at });
    let periods = prop::collection::vec(period, 0..5);
    let schema = || any::<u64>().prop_map(SchemaInForce::from_number);
    let schemas =
        (schema(), schema()).prop_map(|(in_force, distrusted)| Schemas { in_force, distrusted });
    (0_u64..=9_000, last(), tagged(), patterns, schemas, pause, periods).prop_map(
        |(floor, all, tagged, patterns, schemas, pause, periods)| {
            let times = AppendTimes::from_periods(periods.into_iter());
            GlobalPage { up_to: 9_000, floor, all, tagged, patterns, schemas, pause, times }
        },
    )
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(
        tags in prop::collection::vec((any::<u64>(), last()), 0..20),
        rest in rest(),
    ) {
        let page = TagPage { up_to: 9_000, floor: 7, tags };
        prop_assert_eq!(TagPage::decode(&page.encode()), Some(page));
        prop_assert_eq!(GlobalPage::decode(&rest.encode()), Some(rest));
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        bytes in prop::collection::vec(prop_oneof![0_u8..4, any::<u8>()], 0..80),
    ) {
        if let Some(page) = TagPage::decode(&bytes) {
            prop_assert_eq!(page.encode(), bytes.clone());
        }
        if let Some(rest) = GlobalPage::decode(&bytes) {
            prop_assert_eq!(rest.encode(), bytes.clone());
        }
    }
}

#[test]
fn a_page_of_another_layout_or_cut_off_counts_as_missing() {
    let tags = vec![(u64::MAX, LastPurges { hard: 3, soft: 0 })];
    let mut bytes = TagPage { up_to: 3, floor: 0, tags }.encode();
    assert_eq!(TagPage::decode(&bytes[..bytes.len() - 1]), None);
    bytes[0] = LAYOUT + 1;
    assert_eq!(TagPage::decode(&bytes), None);
    assert_eq!(TagPage::decode(&[]), None);
}

/// A row has at most 2 MB.
#[test]
fn the_longest_page_fits_into_a_row() {
    let highest = LastPurges { hard: 1 << 53, soft: 1 << 53 };
    let tags = (0..=crate::limits::LOG_PAGE_TAGS as u64).map(|tag| (tag, highest)).collect();
    let page = TagPage { up_to: 1 << 53, floor: 0, tags };
    assert!(page.encode().len() <= 2_000_000);
}

/// A build that knows only layout 2 takes a page with a pause for missing, and any other page for what
/// it is.
#[test]
fn only_a_page_with_a_pause_has_another_layout() {
    let page = |pause| GlobalPage {
        up_to: 1,
        floor: 0,
        all: LastPurges::default(),
        tagged: TaggedPurges::default(),
        patterns: Vec::new(),
        schemas: Schemas::default(),
        pause,
        times: AppendTimes::default(),
    };
    assert_eq!(page(Pause::NONE).encode()[0], 2);
    let paused = page(Pause::UNTIL_RESUMED).encode();
    assert_eq!((paused[0], GlobalPage::decode(&paused)), (3, Some(page(Pause::UNTIL_RESUMED))));
}
