//! The known name that somebody probably meant, for messages about an unknown one.

/// The known name that is nearest to `word`, if one is near enough to be a slip of the fingers or a
/// part of the name: `ttl` for `tll`, `timeout_ms` for `timeout`.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = folded(word);
    let distances = known.map(|name| (strsim::osa_distance(&word, &folded(name)), name));
    let (distance, name) = distances.min_by_key(|(distance, _)| *distance)?;
    let longest = word.len().max(name.len());
    (distance <= (longest / 3).max(1)).then_some(name)
}

/// Without what people mix up: case, and the separators of words.
fn folded(text: &str) -> String {
    let letters = text.chars().filter(|c| !matches!(c, '-' | '_' | ' ' | '.'));
    letters.map(|c| c.to_ascii_lowercase()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 6] = ["ttl", "swr", "match", "client_ttl", "timeout_ms", "by"];

    #[test]
    fn a_slip_of_the_fingers_has_a_nearest_name() {
        for (word, name) in [
            ("tll", "ttl"),
            ("TTL", "ttl"),
            ("matches", "match"),
            ("clientTtl", "client_ttl"),
            ("client-ttl", "client_ttl"),
            ("timeout", "timeout_ms"),
            ("yb", "by"),
        ] {
            assert_eq!(nearest(word, KNOWN.into_iter()), Some(name), "{word}");
        }
    }

    #[test]
    fn another_word_has_none() {
        for word in ["", "x", "lifetime", "scope", "é"] {
            assert_eq!(nearest(word, KNOWN.into_iter()), None, "{word}");
        }
        assert_eq!(nearest("ttl", [].into_iter()), None);
    }
}
