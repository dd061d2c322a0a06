//! Numbers and texts for people.

/// A text of the documentation without its Markdown.
pub(crate) fn plain(markdown: &str) -> String {
    let mut plain = String::with_capacity(markdown.len());
    let mut rest = markdown;
    while let Some((before, link)) = rest.split_once('[') {
        plain.push_str(before);
        match link.split_once("](").and_then(|(text, after)| Some((text, after.split_once(')')?.1)))
        {
            Some((text, after)) if !text.contains('[') => {
                plain.push_str(text);
                rest = after;
            }
            _ => {
                plain.push('[');
                rest = link;
            }
        }
    }
    plain.push_str(rest);
    plain.replace("**", "").replace('`', "")
}

/// A text without what would control a terminal: names in recordings and in a Worker's answers may come from
/// whoever sent a request. Lines stay apart.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

/// A number with its thousands apart: `12,345`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 tag`, `2 tags`. `thing` is one of them.
pub(crate) fn counted(number: u64, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {thing}{ending}", count(number))
}

/// A share in percent: `87.5 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A size: `1.2 MB`.
pub(crate) fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        b if b < 1_000.0 => format!("{b:.0} B"),
        b if b < 1_000_000.0 => format!("{:.1} KB", b / 1e3),
        b if b < 1_000_000_000.0 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.1} GB", b / 1e9),
    }
}

/// A time span: `850 ms`, `12.3 s`, `4 min`, `3 h`, `2 days`.
pub(crate) fn span(millis: u64) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..120_000 => format!("{:.1} s", millis as f64 / 1e3),
        120_000..7_200_000 => format!("{} min", millis / 60_000),
        7_200_000..172_800_000 => format!("{} h", millis / 3_600_000),
        _ => format!("{} days", millis / 86_400_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_markdown_out() {
        assert_eq!(
            plain("list it in `vary` ([signals](signals.md)), **or** not"),
            "list it in vary (signals), or not"
        );
        assert_eq!(plain("[`POST purge`](#post-purge)"), "POST purge");
        assert_eq!(plain("a[0] and [b"), "a[0] and [b");
    }

    #[test]
    fn writes_numbers() {
        assert_eq!(
            [count(0), count(999), count(1_000), count(1_234_567)],
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [percent(0.8754), size(12), size(1_250), size(2_500_000_000)],
            ["87.5 %", "12 B", "1.2 KB", "2.5 GB"]
        );
        assert_eq!(
            [span(12), span(1_200), span(300_000), span(7_200_000)],
            ["12 ms", "1.2 s", "5 min", "2 h"]
        );
    }
}
