//! Reading a key that a store lists, or that an administrator sends.

use super::cache_key::KEY_VERSION;

/// How long a digest is in a key.
const DIGEST_LETTERS: usize = 64;
/// How many letters of a variant's digest follow that of the key, behind a dot.
const VARIANT_LETTERS: usize = 16;
/// What follows the digest in the key of a part.
const PART: &str = "~part";

/// The parts of a listed key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedKey<'a> {
    /// `gql` or `rest`.
    pub kind: &'a str,
    /// The cache type's name.
    pub type_name: &'a str,
    /// The operation's name or the path, as keys have it.
    pub name: &'a str,
    /// `public`, or the names of the scopes with hashes of their values.
    pub scope: &'a str,
    /// The key from its kind on, without what tells variants and parts apart: patterns match this.
    pub from_kind: &'a str,
}

impl<'a> ListedKey<'a> {
    /// The key of an entry of a service. `None` if it is of another service, of an earlier version of
    /// keys, or no entry's key.
    pub fn parse(service: &str, key: &'a str) -> Option<Self> {
        let from_kind = key.strip_prefix(&entries_prefix(service))?;
        let [kind, type_name, name, scope, last] = segments(from_kind)?;
        let digest = last.get(..DIGEST_LETTERS)?;
        let is_digest = digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        let end = from_kind.len() - (last.len() - DIGEST_LETTERS);
        let from_kind = from_kind.get(..end).filter(|_| is_digest)?;
        Some(Self { kind, type_name, name, scope, from_kind })
    }
}

/// The digest in a key of a service, or in the end of one. The key may be that of a variant or of a part, and of
/// another version, as another build shows it. `None` if the text is no such key.
pub fn digest_in<'a>(service: &str, text: &'a str) -> Option<&'a str> {
    let last = match text.rsplit_once('/') {
        None => text,
        Some(_) => {
            let rest = text.strip_prefix(service)?.strip_prefix('/')?;
            let (version, from_kind) = rest.split_once('/')?;
            let is_version = !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit());
            let [.., last] = segments(from_kind).filter(|_| is_version)?;
            last
        }
    };
    let (digest, more) = last.split_at_checked(DIGEST_LETTERS)?;
    let is_variant = |digits: &str| digits.len() == VARIANT_LETTERS && is_lower_hex(digits);
    let is_known = ["", PART].contains(&more) || more.strip_prefix('.').is_some_and(is_variant);
    (is_known && is_lower_hex(digest)).then_some(digest)
}

/// The segments of a key from its kind on.
fn segments(from_kind: &str) -> Option<[&str; 5]> {
    let mut segments = from_kind.split('/');
    let kind = segments.next().filter(|kind| ["gql", "rest"].contains(kind))?;
    let (type_name, name, scope) = (segments.next()?, segments.next()?, segments.next()?);
    let last = segments.next().filter(|_| segments.next().is_none())?;
    Some([kind, type_name, name, scope, last])
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// What the keys of a service's entries begin with.
pub fn entries_prefix(service: &str) -> String {
    format!("{service}/{KEY_VERSION}/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{DigestBuilder, Key, KeyParts, Kind};

    #[test]
    fn a_key_is_read_as_it_was_made() {
        let digest = DigestBuilder::new("test").finish();
        let key = Key::new(&KeyParts {
            service: "shop",
            kind: Kind::Rest,
            type_name: "product",
            name: "/api/products/1",
            scope: "public",
            digest: &digest,
        });
        let read = ListedKey::parse("shop", key.as_str()).unwrap();
        assert_eq!(read.from_kind, key.from_kind());
        let ListedKey { kind, type_name, name, scope, .. } = read;
        assert_eq!([kind, type_name, name, scope], ["rest", "product", "api~products~1", "public"]);
        for more in [".0123abcd", "~part"] {
            let key_of_variant = format!("{}{more}", key.as_str());
            assert_eq!(ListedKey::parse("shop", &key_of_variant), Some(read));
        }
    }

    #[test]
    fn a_digest_is_read_alone_and_at_the_end_of_a_key() {
        let digest = DigestBuilder::new("test").finish().to_hex();
        for key in ["", "shop/2/rest/product/api~products~1/public/", "shop/1/gql/a/b/user-00/"] {
            for more in ["", ".0123456789abcdef", "~part"] {
                let text = format!("{key}{digest}{more}");
                assert_eq!(digest_in("shop", &text), Some(digest.as_str()), "{text}");
            }
        }
        let key = format!("shop/2/gql/product/Get/public/{digest}");
        let shorter: String = digest.chars().skip(1).collect();
        for bad in [
            String::new(),
            "typo".to_owned(),
            format!("key:{digest}"),
            shorter.clone(),
            format!("{digest}0"),
            format!("/{digest}"),
            digest.to_uppercase(),
            format!("{shorter}é"),
            format!("{digest}.0123456789abcde"),
            format!("{digest}.0123456789abcdeg"),
            format!("{digest}."),
            format!("{digest}~"),
            format!("{digest} "),
            key.replacen("shop", "sho", 1),
            key.replacen("shop", "shop2", 1),
            key.replacen("shop/2/", "", 1),
            key.replacen("/2/", "/+2/", 1),
            key.replacen("/2/", "//", 1),
            key.replacen("/gql/", "/sql/", 1),
            key.replacen("/Get/", "/", 1),
            key.replacen("/Get/", "/Get/Get/", 1),
            format!("{key}/"),
        ] {
            assert_eq!(digest_in("shop", &bad), None, "{bad}");
        }
    }

    #[test]
    fn other_keys_are_none() {
        let digest = "0".repeat(DIGEST_LETTERS);
        let good = format!("shop/2/gql/product/Get/public/{digest}");
        assert!(ListedKey::parse("shop", &good).is_some());
        assert_eq!(ListedKey::parse("sho", &good), None);
        assert_eq!(ListedKey::parse("shop/2", &good), None);
        for bad in [
            format!("shop/1/gql/product/Get/public/{digest}"),
            format!("shop/2/sql/product/Get/public/{digest}"),
            format!("shop/2/gql/product/Get/public/x/{digest}"),
            format!("shop/2/gql/product/Get/{digest}"),
            "shop/2/gql/product/Get/public/00".to_owned(),
            format!("shop/2/gql/product/Get/public/{}", "z".repeat(DIGEST_LETTERS)),
            format!("shop/documents/{digest}"),
            format!("outbox/shop/{digest}"),
            "shop/2/".to_owned(),
        ] {
            assert_eq!(ListedKey::parse("shop", &bad), None, "{bad}");
        }
    }
}
