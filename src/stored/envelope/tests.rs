use super::super::entry::LifetimeSource;
use super::*;
use crate::http::Headers;
use crate::purge::Mark;
use crate::tag::Tagging;
use crate::time::{Timestamp, Ttl};
use proptest::prelude::*;

fn entry(body: Vec<u8>, tags: Vec<String>) -> Entry {
    Entry {
        meta: Meta {
            key: "shop/1/gql/default/anonymous/public/00".into(),
            mark: Mark { epoch: u64::MAX, seq: 7 },
            stored_at: Timestamp::from_millis(1_700_000_000_000),
            initial_age: 3,
            ttl: Ttl::from_seconds(300),
            swr: Ttl::ZERO,
            sie: Ttl::MAX,
            status: 200,
            headers: [("content-type", "application/json")].into_iter().collect::<Headers>(),
            tags,
            tagging: Tagging::of(&"rules"),
            vary: vec!["origin".into()],
            variant: "v".into(),
            type_name: "default".into(),
            must_revalidate: true,
            kept: Ttl::from_seconds(60),
            etag_is_ours: false,
            shares_authorized: true,
            lifetime_source: LifetimeSource {
                heuristic: true,
                types: vec!["default".into()],
                types_unknown: true,
                configured: true,
                overridden: false,
            },
            origin_ms: 250,
        },
        body: body.into(),
    }
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(
        body in prop::collection::vec(any::<u8>(), 0..4000),
        repeat in 1_usize..4,
        tags in prop::collection::vec("[!-~]{1,20}", 0..5),
    ) {
        let entry = entry(body.repeat(repeat), tags);
        let plain = [&encode_head(&entry), &*entry.body].concat();
        prop_assert_eq!(decode(&plain), Ok(entry.clone()));
        prop_assert_eq!(decode_meta(&plain), Ok(entry.meta.clone()));
        prop_assert_eq!(decode_meta(&encode(&entry)), Ok(entry.meta.clone()));
        prop_assert_eq!(decode(&encode(&entry)), Ok(entry));
    }

    #[test]
    fn any_one_changed_byte_is_refused_in_a_plain_body_too(
        at in any::<prop::sample::Index>(),
        by in 1_u8..,
    ) {
        let entry = entry(b"{\"data\":1}".repeat(200), vec!["a".into()]);
        let mut bytes = [&encode_head(&entry), &*entry.body].concat();
        let at = at.index(bytes.len());
        bytes[at] = bytes[at].wrapping_add(by);
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn any_one_changed_byte_is_refused(at in any::<prop::sample::Index>(), by in 1_u8..) {
        let mut bytes = encode(&entry(b"{\"data\":1}".repeat(200), vec!["a".into()]));
        let at = at.index(bytes.len());
        bytes[at] = bytes[at].wrapping_add(by);
        prop_assert!(decode(&bytes).is_err());
        prop_assert!(decode_meta(&bytes).is_err());
    }

    #[test]
    fn whatever_is_cut_off_is_refused(at in any::<prop::sample::Index>()) {
        let bytes = encode(&entry(b"{\"data\":1}".repeat(200), vec![]));
        prop_assert!(decode(&bytes[..at.index(bytes.len())]).is_err());
    }

    #[test]
    fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(decode(&bytes).is_err());
    }
}

#[test]
fn a_body_above_one_kilobyte_is_deflated() {
    let large = entry(b"{\"data\":1}".repeat(1000), vec![]);
    assert!(encode(&large).len() < 1000);
}
