//! The readable key of an entry, such as `shop/2/gql/product/GetProduct/public/4f0c…`.

use super::digest::Digest;

/// The version segment of every key. Raise it whenever a digest covers something else than before.
pub const KEY_VERSION: &str = "2";

/// The maximum length of the name segment, in bytes. The digest covers the whole name.
const NAME_BYTES: usize = 120;

/// The kind of API that a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// GraphQL.
    GraphQl,
    /// REST.
    Rest,
}

impl Kind {
    /// The text of the kind segment.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GraphQl => "gql",
            Self::Rest => "rest",
        }
    }
}

/// The parts of a key.
#[derive(Debug, Clone, Copy)]
pub struct KeyParts<'a> {
    /// The configured name of the service.
    pub service: &'a str,
    /// The kind of API.
    pub kind: Kind,
    /// The name of the cache type, `default` or `introspection`.
    pub type_name: &'a str,
    /// The operation's name or the path.
    pub name: &'a str,
    /// `public`, or the names of the scopes with hashes of their values.
    pub scope: &'a str,
    /// The digest that tells this response from every other.
    pub digest: &'a Digest,
}

/// A cache key: at most 512 bytes of printable ASCII, the limit of KV.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    text: String,
    kind_at: usize,
}

impl Key {
    /// Builds the key. The name is shortened and encoded as needed; the digest distinguishes names
    /// that then look alike.
    pub fn new(parts: &KeyParts<'_>) -> Self {
        let mut text = format!("{}/{KEY_VERSION}/", parts.service);
        let kind_at = text.len();
        text.push_str(parts.kind.as_str());
        text.push('/');
        text.push_str(parts.type_name);
        text.push('/');
        push_name(&mut text, parts.name);
        text.push('/');
        text.push_str(parts.scope);
        text.push('/');
        text.push_str(&parts.digest.to_hex());
        Self { text, kind_at }
    }

    /// The whole key.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The key from its kind segment on. Patterns match this part.
    pub fn from_kind(&self) -> &str {
        self.text.get(self.kind_at..).unwrap_or_default()
    }
}

/// The segment of keys that stands for a name, such as `api~products` for `/api/products`. That of a name
/// with this one as its beginning begins with this segment too.
pub fn name_segment(name: &str) -> String {
    let mut text = String::new();
    push_name(&mut text, name);
    text
}

/// Appends a name as one segment: the leading slash of a path is dropped, other slashes become `~`,
/// and special characters are percent-encoded.
fn push_name(text: &mut String, name: &str) {
    let name = name.strip_prefix('/').unwrap_or(name);
    if name.is_empty() {
        text.push('~');
        return;
    }
    let start = text.len();
    for byte in name.bytes() {
        if text.len() - start + 3 > NAME_BYTES {
            break;
        }
        match byte {
            b'/' => text.push('~'),
            b if b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'~' | b':') => {
                text.push(char::from(b));
            }
            b => text.push_str(&format!("%{b:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::digest::DigestBuilder;
    use super::*;

    fn key(name: &str) -> String {
        let digest = DigestBuilder::new("t").finish();
        Key::new(&KeyParts {
            service: "shop",
            kind: Kind::Rest,
            type_name: "dashboard",
            name,
            scope: "public",
            digest: &digest,
        })
        .as_str()
        .to_owned()
    }

    #[test]
    fn is_readable() {
        assert!(key("/api/dashboard").starts_with("shop/2/rest/dashboard/api~dashboard/public/"));
        assert!(key("/").contains("/~/public/"));
        assert!(key("a*b é").contains("/a%2Ab%20%C3%A9/"));
    }

    #[test]
    fn stays_within_the_limit_of_kv() {
        assert!(key(&"/ü".repeat(4_000)).len() <= 512);
    }
}
