use super::*;
use proptest::prelude::*;

const SECRET: &str = "a secret of some length";
const RECORD: Mark = Mark { epoch: 7_000_000_000_000_000_001, seq: 12 };

fn keys(secrets: &str) -> PurgeKeys {
    PurgeKeys::new(Some(secrets), "shop")
}

fn of(tokens: &[&str], keys: &PurgeKeys) -> Option<OwnWriteToken> {
    let tokens: Vec<String> = tokens.iter().map(|token| (*token).to_owned()).collect();
    OwnWriteToken::of_tokens(&tokens, keys)
}

/// A change here invalidates the tokens that clients have: raise the version.
#[test]
fn a_token_is_what_it_was() {
    let token = keys(SECRET).sign(RECORD);
    assert_eq!(token, "AWEk_umTvAABAAAAAAAAAAyvtlVaqMB9ua01QAnXeZm8");
    assert_eq!(keys(SECRET).verify(&token), Some(RECORD));
}

#[test]
fn secrets_are_replaced_one_after_the_other() {
    let (old, new) = (SECRET, "another secret of some length");
    let of_old = keys(old).sign(RECORD);
    let both = keys(&format!("{new}, {old}"));
    assert_eq!(both.verify(&of_old), Some(RECORD));
    assert_eq!(both.sign(RECORD), keys(new).sign(RECORD), "the first one signs");
    assert_eq!(keys(new).verify(&of_old), None);
    assert_eq!(keys(old).verify(&both.sign(RECORD)), None);
}

#[test]
fn a_token_is_good_for_its_own_service_alone() {
    let token = PurgeKeys::new(Some(SECRET), "other").sign(RECORD);
    assert_eq!(keys(SECRET).verify(&token), None);
}

#[test]
fn without_a_secret_that_is_long_enough_nothing_is_signed_and_nothing_believed() {
    for none in [PurgeKeys::new(None, "shop"), keys(""), keys("short, also short")] {
        let token = none.sign(RECORD);
        assert_eq!((token.len(), none.verify(&token)), (23, None));
        assert_eq!(none.verify(&keys(SECRET).sign(RECORD)), None);
        assert_eq!(of(&[&token], &none), Some(OwnWriteToken::Unverified));
    }
    assert_eq!(keys(&format!("short, {SECRET}")).sign(RECORD), keys(SECRET).sign(RECORD));
}

#[test]
fn the_secret_of_a_named_token_signs_unless_its_role_is_read() {
    let token = keys(SECRET).sign(RECORD);
    for role in ["purge", "admin"] {
        assert_eq!(keys(&format!("ci:{role}:{SECRET}")).sign(RECORD), token, "{role}");
    }
    for unusable in [format!("ci:read:{SECRET}"), format!("ci:{SECRET}"), format!("ci:x:{SECRET}")]
    {
        assert_eq!(keys(&unusable).verify(&token), None, "{unusable}");
    }
}

#[test]
fn several_tokens_are_believed_if_all_are_genuine_and_of_one_log() {
    use OwnWriteToken::{Unverified, Verified};
    let keys = keys(SECRET);
    let later = Mark { seq: 13, ..RECORD };
    let [one, two] = [RECORD, later].map(|record| keys.sign(record));
    let other_log = keys.sign(Mark { epoch: 1, seq: 99 });
    assert_eq!(of(&[], &keys), None);
    assert_eq!(of(&[&one, &one], &keys), Some(Verified(RECORD)));
    assert_eq!(of(&[&one, &two], &keys), Some(Verified(later)));
    assert_eq!(of(&[&two, &one], &keys), Some(Verified(later)));
    for tokens in [
        [&one, "12"],
        ["12", &one],
        [&one, &other_log],
        [&one, ""],
        ["", ""],
        ["18446744073709551615", "-1"],
    ] {
        assert_eq!(of(&tokens, &keys), Some(Unverified), "{tokens:?}");
    }
    assert_eq!(of(&[one.as_str(); MOST_TOKENS], &keys), Some(Verified(RECORD)));
    assert_eq!(of(&[one.as_str(); MOST_TOKENS + 1], &keys), Some(Unverified), "that is no client");
}

proptest! {
    #[test]
    fn what_was_signed_is_verified_and_nothing_else(
        (epoch, seq) in (any::<u64>(), any::<u64>()),
        (at, bit) in (0_usize..33, 0_u8..8),
    ) {
        let record = Mark { epoch, seq };
        let token = keys(SECRET).sign(record);
        prop_assert_eq!(token.len(), LETTERS);
        prop_assert_eq!(keys(SECRET).verify(&token), Some(record));
        let mut bytes = from_base64url(&token).unwrap();
        bytes[at] ^= 1 << bit;
        prop_assert_eq!(keys(SECRET).verify(&to_base64url(&bytes)), None);
    }

    #[test]
    fn any_text_is_no_token(text in "\\PC{0,50}|[A-Za-z0-9_-]{40,48}|[0-9]{1,400}") {
        prop_assert_eq!(keys(SECRET).verify(&text), None);
    }
}
