use super::*;
use proptest::prelude::*;

fn given(configured: Option<&str>, authorization: &str) -> Access {
    let headers = [("authorization", authorization)].into_iter().collect();
    access(configured, &headers, TokenForm::Bearer)
}

fn granted(name: &str, role: Role) -> Access {
    Access::Granted(Administrator { name: name.to_owned(), role, credential: Credential::Token })
}

#[test]
fn only_a_configured_token_opens() {
    let tokens = Some("one, two,");
    assert_eq!(given(tokens, "Bearer one"), granted("token-1", Role::Admin));
    assert_eq!(given(tokens, "bearer  two "), granted("token-2", Role::Admin));
    for wrong in ["Bearer", "Bearer ", "Bearer three", "Bearer one,", "Basic one", "one", ""] {
        assert_eq!(given(tokens, wrong), Access::Denied, "{wrong:?}");
    }
    assert_eq!(access(tokens, &Headers::new(), TokenForm::FastlyKey), Access::Denied);
}

#[test]
fn without_tokens_there_is_nothing_to_open() {
    for none in [None, Some(""), Some(" , ")] {
        assert_eq!(given(none, "Bearer "), Access::Closed);
    }
}

#[test]
fn a_token_has_the_name_and_the_role_of_its_entry() {
    let tokens = Some("plain, ci:purge:abc ,grafana.com_1-x:read:def,x:admin:ghi");
    for (secret, name, role) in [
        ("plain", "token-1", Role::Admin),
        ("abc", "ci", Role::Purge),
        ("def", "grafana.com_1-x", Role::Read),
        ("ghi", "x", Role::Admin),
    ] {
        assert_eq!(given(tokens, &format!("Bearer {secret}")), granted(name, role));
    }
    assert_eq!(given(tokens, "Bearer ci:purge:abc"), Access::Denied);
}

#[test]
fn an_entry_with_a_colon_that_is_not_complete_opens_nothing() {
    let long = format!("{}:read:abc", "n".repeat(33));
    for entry in [
        "ci:purge",
        "read:abc",
        "ci:reed:abc",
        "ci:READ:abc",
        "ci: read:abc",
        "ci:read:",
        ":read:abc",
        "c i:read:abc",
        "a@b:read:abc",
        "ci:read:a:abc",
        "::",
        ":",
        &long,
    ] {
        let tokens = format!("ok:read:fine,{entry}");
        let read: Vec<_> = admin_tokens(Some(&tokens)).collect();
        assert_eq!(read[1], Err(UnusableEntry(2)), "{entry:?}");
        let parts = entry.split(':').chain([entry]).map(str::trim);
        for part in parts.filter(|part| !part.is_empty()) {
            assert_eq!(given(Some(&tokens), &format!("Bearer {part}")), Access::Denied, "{part:?}");
            assert_eq!(given(Some(entry), &format!("Bearer {part}")), Access::Denied, "{part:?}");
        }
    }
}

#[test]
fn a_token_that_is_configured_twice_has_the_lower_role() {
    for tokens in ["abc,ci:read:abc", "ci:read:abc,abc", "ci:read:abc,x:purge:abc,y:read:abc"] {
        assert_eq!(given(Some(tokens), "Bearer abc"), granted("ci", Role::Read), "{tokens}");
    }
}

fn entry() -> impl Strategy<Value = (Option<String>, Role, String)> {
    let name = prop::option::of("[A-Za-z0-9_.-]{1,32}");
    let role = prop::sample::select(Role::ALL.to_vec());
    (name, role, "[A-Za-z0-9._~+/=-]{1,40}")
}

proptest! {
    /// Written and read again, entries are the same.
    #[test]
    fn entries_are_read_as_they_are_written(entries in prop::collection::vec(entry(), 1..6)) {
        let written: Vec<String> = entries.iter().map(|(name, role, secret)| match name {
            Some(name) => format!("{name}:{}:{secret}", role.as_str()),
            None => secret.clone(),
        }).collect();
        let text = written.join(",");
        let read: Vec<_> = admin_tokens(Some(&text)).map(Result::unwrap).collect();
        prop_assert_eq!(read.len(), entries.len());
        for (index, (token, (name, role, secret))) in read.iter().zip(&entries).enumerate() {
            let unnamed = format!("token-{}", index + 1);
            prop_assert_eq!(&token.name, name.as_ref().unwrap_or(&unnamed));
            prop_assert_eq!(token.role, if name.is_some() { *role } else { Role::Admin });
            prop_assert_eq!(token.secret, secret);
        }
    }

    /// Whatever is configured and sent: only an entry's own secret opens, with no higher role than the
    /// entry has.
    #[test]
    fn nothing_opens_but_a_secret(text in "[a-c:, ]{0,20}|([ab]:(read|purge|admin|x):[ab],?){0,3}", sent in "[a-c:,]{1,4}") {
        let tokens: Vec<_> = admin_tokens(Some(&text)).flatten().collect();
        let of_secret = tokens.iter().filter(|token| token.secret == sent);
        let lowest = of_secret.map(|token| token.role).min();
        let role = match given(Some(&text), &format!("Bearer {sent}")) {
            Access::Granted(identity) => Some(identity.role),
            Access::Denied | Access::Closed => None,
        };
        prop_assert_eq!(role, lowest);
    }
}

#[test]
fn a_form_that_is_not_accepted_opens_nothing_and_counts_as_no_token() {
    use TokenForm::{Bearer, FastlyKey, WithoutScheme};
    let all = [Bearer, WithoutScheme, FastlyKey];
    for (fields, accepting) in [
        (&[("authorization", "Bearer two")][..], &all[..]),
        (&[("authorization", "Bearer two"), ("fastly-key", "no")], &all),
        (&[("authorization", "two")], &[WithoutScheme]),
        (&[("authorization", " two ")], &[WithoutScheme]),
        (&[("fastly-key", "two")], &[FastlyKey]),
        (&[("fastly-key", " two ")], &[FastlyKey]),
        (&[("authorization", "Basic two"), ("fastly-key", "two")], &[]),
    ] {
        let headers = fields.iter().copied().collect();
        for form in all {
            let is_accepted = accepting.contains(&form);
            let expected = if is_accepted { granted("ci", Role::Purge) } else { Access::Denied };
            assert_eq!(access(Some("one,ci:purge:two"), &headers, form), expected, "{fields:?}");
            assert_eq!(has_token(&headers, form), is_accepted, "{fields:?}");
        }
    }
}
