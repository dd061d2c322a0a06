//! Path patterns: `*` within a segment, `**` across segments, `:name` for one segment.

/// A parsed path pattern, such as `/api/products/:id` or `/api/auth/**`.
///
/// `**` matches any number of segments, including none. A trailing slash of the path is ignored,
/// since frameworks treat both forms as the same route.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PathPattern(Vec<Segment>);

/// Whether the case of a path matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// It matters, as in RFC 3986 §6.2.2.1.
    Counts,
    /// It does not matter, for ASCII letters.
    Ignored,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Segment {
    Glob(String),
    Parameter(String),
    AnyDepth,
}

impl PathPattern {
    /// Parses a pattern. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix('/') else {
            return Err(format!("a path must begin with \"/\", found {text:?}"));
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.is_empty() {
            return Ok(Self(Vec::new()));
        }
        rest.split('/')
            .map(|segment| match segment.strip_prefix(':') {
                Some("") => Err(format!("a parameter has no name in {text:?}")),
                Some(name) => Ok(Segment::Parameter(name.to_owned())),
                None => glob_segment(segment),
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Parses a pattern without parameters. It may match any text that is divided by slashes.
    pub fn globs(text: &str) -> Result<Self, String> {
        text.split('/').map(glob_segment).collect::<Result<_, _>>().map(Self)
    }

    /// The values of the parameters, if the path matches.
    pub fn matches(&self, path: &str) -> Option<Vec<(String, String)>> {
        self.matches_with(path, Case::Counts)
    }

    /// The values of the parameters as they appear in the path, if it matches.
    pub fn matches_with(&self, path: &str, case: Case) -> Option<Vec<(String, String)>> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments: Vec<&str> =
            if path.is_empty() { Vec::new() } else { path.split('/').collect() };
        matches_from(&self.0, &segments, case)
    }

    /// The pattern as it is written in a configuration.
    pub fn to_text(&self) -> String {
        let segments = self.0.iter().map(|segment| match segment {
            Segment::Glob(glob) => glob.clone(),
            Segment::Parameter(name) => format!(":{name}"),
            Segment::AnyDepth => "**".to_owned(),
        });
        format!("/{}", segments.collect::<Vec<_>>().join("/"))
    }

    /// The names of the pattern's parameters.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Parameter(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

fn glob_segment(text: &str) -> Result<Segment, String> {
    match text {
        "**" => Ok(Segment::AnyDepth),
        text if text.contains("**") => {
            Err(format!("\"**\" must be a whole segment, found {text:?}"))
        }
        text => Ok(Segment::Glob(text.to_owned())),
    }
}

/// Matches by dynamic programming over pattern and path, so that many `**` against a long path cost
/// at most the product of their lengths.
fn matches_from(pattern: &[Segment], path: &[&str], case: Case) -> Option<Vec<(String, String)>> {
    // reachable[i]: the pattern's segments so far can match the path's first `i` segments.
    let mut reachable = vec![false; path.len() + 1];
    if let Some(start) = reachable.first_mut() {
        *start = true;
    }
    let mut history = Vec::with_capacity(pattern.len());
    for segment in pattern {
        let mut next = vec![false; path.len() + 1];
        let mut open = false;
        for (consumed, here) in reachable.iter().enumerate() {
            match segment {
                Segment::AnyDepth => {
                    open |= here;
                    if let Some(slot) = next.get_mut(consumed) {
                        *slot = open;
                    }
                }
                one => {
                    let fits = *here && path.get(consumed).is_some_and(|s| takes(one, s, case));
                    if let Some(slot) = next.get_mut(consumed + 1) {
                        *slot = fits;
                    }
                }
            }
        }
        history.push(std::mem::replace(&mut reachable, next));
    }
    reachable.last().filter(|whole| **whole)?;
    Some(parameters_of(pattern, path, &history))
}

/// Walks back through the reachable positions and collects the parameters.
fn parameters_of(
    pattern: &[Segment],
    path: &[&str],
    history: &[Vec<bool>],
) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut consumed = path.len();
    for (segment, before) in pattern.iter().zip(history).rev() {
        if *segment == Segment::AnyDepth {
            consumed = (0..=consumed).rev().find(|i| before.get(*i) == Some(&true)).unwrap_or(0);
            continue;
        }
        consumed = consumed.saturating_sub(1);
        if let (Segment::Parameter(name), Some(value)) = (segment, path.get(consumed)) {
            found.push((name.clone(), (*value).to_owned()));
        }
    }
    found.reverse();
    found
}

fn takes(segment: &Segment, text: &str, case: Case) -> bool {
    match segment {
        Segment::Glob(glob) if case == Case::Ignored => {
            self::glob(&glob.to_ascii_lowercase(), &text.to_ascii_lowercase())
        }
        Segment::Glob(glob) => self::glob(glob, text),
        Segment::Parameter(_) => !text.is_empty(),
        Segment::AnyDepth => true,
    }
}

/// Whether `text` matches `glob`, where `*` matches any number of characters.
pub fn glob(glob: &str, text: &str) -> bool {
    let mut parts = glob.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pattern: &str, path: &str) -> Option<Vec<String>> {
        let found = PathPattern::parse(pattern).unwrap().matches(path)?;
        Some(found.into_iter().map(|(_, value)| value).collect())
    }

    #[test]
    fn matches_segments_parameters_and_depths() {
        assert_eq!(values("/api/products/:id", "/api/products/42"), Some(vec!["42".into()]));
        assert_eq!(values("/api/products/:id", "/api/products/42/"), Some(vec!["42".into()]));
        assert_eq!(values("/api/products/:id", "/api/products"), None);
        assert_eq!(values("/api/**", "/api"), Some(vec![]));
        assert_eq!(values("/api/**", "/apix"), None);
        assert_eq!(
            values("/**/p/:a/**/q/:b", "/x/p/1/y/z/q/2"),
            Some(vec!["1".into(), "2".into()])
        );
        assert_eq!(values("/v*/x", "/v12/x"), Some(vec![]));
        assert_eq!(values("/", "/"), Some(vec![]));
        assert_eq!(values("/**", "/"), Some(vec![]));
    }

    #[test]
    fn case_counts_unless_it_is_ignored() {
        let pattern = PathPattern::parse("/Api/v*/:Id").unwrap();
        let path = "/aPI/V1/Abc";
        assert_eq!(pattern.matches(path), None);
        let found = pattern.matches_with(path, Case::Ignored);
        assert_eq!(found, Some(vec![("Id".into(), "Abc".into())]));
        assert_eq!(pattern.matches_with("/apis/v1/abc", Case::Ignored), None);
    }

    #[test]
    fn refuses_what_is_no_pattern() {
        assert!(PathPattern::parse("api").is_err());
        assert!(PathPattern::parse("/a**").is_err());
        assert!(PathPattern::parse("/:").is_err());
    }

    #[test]
    fn globs() {
        assert!(
            glob("_ga*", "_ga_X1") && glob("*", "") && glob("a*b*c", "aXbYc") && glob("a", "a")
        );
        assert!(!glob("a*b", "a") && !glob("a", "ab") && !glob("aa*aa", "aaa"));
    }
}
