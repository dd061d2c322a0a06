//! Reading a key that a store lists.

use super::cache_key::KEY_VERSION;

/// How long a digest is in a key.
const DIGEST_LETTERS: usize = 64;

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
        let mut segments = from_kind.split('/');
        let kind = segments.next().filter(|kind| ["gql", "rest"].contains(kind))?;
        let (type_name, name, scope) = (segments.next()?, segments.next()?, segments.next()?);
        let last = segments.next().filter(|_| segments.next().is_none())?;
        let digest = last.get(..DIGEST_LETTERS)?;
        let is_digest = digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        let end = from_kind.len() - (last.len() - DIGEST_LETTERS);
        let from_kind = from_kind.get(..end).filter(|_| is_digest)?;
        Some(Self { kind, type_name, name, scope, from_kind })
    }
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
