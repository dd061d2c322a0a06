//! Durations as arguments: `90`, `90s`, `10m`, `2h`, `1d`.

/// Seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seconds(pub u64);

impl std::str::FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let unit = text.strip_prefix(digits).unwrap_or_default();
        let factor = match unit {
            "" | "s" => Some(1),
            "m" | "min" => Some(60),
            "h" => Some(3_600),
            "d" => Some(86_400),
            _ => None,
        };
        let number: Option<u64> = digits.parse().ok();
        let seconds = number.zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
        let advice = || format!("expected a duration such as 90s, 10m, 2h or 1d, found {text:?}");
        seconds.filter(|seconds| *seconds > 0).map(Self).ok_or_else(advice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations() {
        let seconds = |text: &str| text.parse::<Seconds>().ok().map(|seconds| seconds.0);
        let texts = [
            "90",
            "90s",
            "10m",
            "2h",
            "1d",
            "0",
            "",
            "m",
            "1x",
            "-1",
            "1.5h",
            "999999999999999999d",
        ];
        let expected = [Some(90), Some(90), Some(600), Some(7_200), Some(86_400)];
        let expected: Vec<_> = expected.into_iter().chain([None; 7]).collect();
        assert_eq!(texts.map(seconds).to_vec(), expected);
    }
}
