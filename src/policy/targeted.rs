//! `CDN-Cache-Control` (RFC 9213): a structured dictionary (RFC 9651 §3.2) of directives.

use super::directives::Directive;
use sfv::{BareItem, Dictionary, ListEntry, Parser};

/// Parses the header. `None` if it is empty, malformed, or has a directive whose argument has the
/// wrong type. The header is ignored then (§2.1).
pub(super) fn members_of(value: &str) -> Option<Vec<Directive>> {
    let members: Dictionary = Parser::new(value).parse().ok()?;
    if members.is_empty() {
        return None;
    }
    let mut directives = Vec::new();
    for (name, member) in &members {
        let argument = match member {
            ListEntry::Item(item) => Some(&item.bare_item),
            ListEntry::InnerList(_) => None,
        };
        if let Some(directive) = directive(name.as_str(), argument)? {
            directives.push(directive);
        }
    }
    Some(directives)
}

/// Converts one member. `None` if its argument has the wrong type; `Some(None)` if the directive is
/// unknown or explicitly false.
fn directive(name: &str, argument: Option<&BareItem>) -> Option<Option<Directive>> {
    let named = |argument| Some(Some((name.to_owned(), argument)));
    match (name, argument) {
        (
            "max-age" | "s-maxage" | "stale-while-revalidate" | "stale-if-error",
            Some(BareItem::Integer(seconds)),
        ) => named(Some(i64::from(*seconds).to_string())),
        ("private" | "no-cache", Some(BareItem::String(fields))) => {
            named(Some(fields.as_str().to_owned()))
        }
        (
            "private" | "no-cache" | "no-store" | "public" | "must-revalidate" | "proxy-revalidate"
            | "must-understand",
            Some(BareItem::Boolean(holds)),
        ) => match holds {
            true => named(None),
            false => Some(None),
        },
        (
            "max-age"
            | "s-maxage"
            | "stale-while-revalidate"
            | "stale-if-error"
            | "private"
            | "no-cache"
            | "no-store"
            | "public"
            | "must-revalidate"
            | "proxy-revalidate"
            | "must-understand",
            _,
        ) => None,
        _ => Some(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(value: &str) -> Option<Vec<Directive>> {
        members_of(value)
    }

    #[test]
    fn reads_what_is_known_and_skips_what_is_not() {
        let one =
            |name: &str, argument: Option<&str>| (name.to_owned(), argument.map(str::to_owned));
        assert_eq!(
            members("max-age=60, foo=(1 2);x, private=\"a, b\", no-store=?0, no-cache"),
            Some(vec![
                one("max-age", Some("60")),
                one("private", Some("a, b")),
                one("no-cache", None)
            ])
        );
        assert_eq!(members("max-age=1, max-age=2"), Some(vec![one("max-age", Some("2"))]));
        assert_eq!(members("foo"), Some(vec![]));
    }

    #[test]
    fn a_field_with_a_fault_is_as_good_as_absent() {
        for value in [
            "",
            "max-age=60, &&&",
            "max-age=\"60\"",
            "max-age=60.5",
            "max-age",
            "no-store=1",
            "Max-Age=60",
            "max-age =60",
            "no-store=(1)",
            "max-age=1000000000000000",
            "no-store,",
        ] {
            assert_eq!(members(value), None, "{value}");
        }
    }
}
