//! Reasons and warnings with their documentation, as plain text.

use crate::admin::{ExplainedReason, ExplainedWarning};
use crate::engine::{Bypass, MissDetail, Warning};
use crate::policy::{NotStored, Reason};

/// Why a request is not looked up.
pub fn bypass_reason(bypass: Bypass) -> ExplainedReason {
    explained(bypass.documentation(), bypass.as_str(), bypass.detail().into_owned())
}

/// Why what is stored is not used.
pub fn miss_reason(word: &'static str) -> ExplainedReason {
    explained(find(MissDetail::REASONS, word), word, word.to_owned())
}

/// Why the last response was not stored.
pub fn not_stored_reason(reason: NotStored) -> ExplainedReason {
    let word = reason.as_str();
    explained(find(NotStored::REASONS, word), word, word.to_owned())
}

/// A warning, with what it is about here.
pub fn warning(warning: Warning, message: String) -> ExplainedWarning {
    let word = warning.as_str();
    let remedy = find(Warning::REASONS, word).map(|of| plain_text(of.remedy)).unwrap_or_default();
    ExplainedWarning { word, message, remedy }
}

fn find(reasons: &[Reason], word: &str) -> Option<Reason> {
    reasons.iter().find(|reason| reason.word == word).copied()
}

fn explained(of: Option<Reason>, word: &'static str, detail: String) -> ExplainedReason {
    let text = |part: fn(&Reason) -> &'static str| of.as_ref().map(part).map(plain_text);
    ExplainedReason {
        word,
        detail,
        meaning: text(|of| of.meaning).unwrap_or_default(),
        remedy: text(|of| of.remedy).unwrap_or_default(),
    }
}

/// A text of the documentation without its Markdown. The target of a link follows its text:
/// `[signals](signals.md)` becomes `signals (docs/signals.md)`.
fn plain_text(markdown: &str) -> String {
    let mut plain = String::with_capacity(markdown.len() + 40);
    let mut rest = markdown;
    while let Some((before, after)) = rest.split_once('[') {
        plain.push_str(before);
        let link = after.split_once("](").and_then(|(text, rest)| {
            let (target, rest) = rest.split_once(')')?;
            Some((text, target, rest))
        });
        let Some((text, target, after)) = link else {
            plain.push('[');
            rest = after;
            continue;
        };
        plain.push_str(text);
        plain.push_str(" (docs/");
        plain.push_str(target);
        plain.push(')');
        rest = after;
    }
    plain.push_str(rest);
    plain.replace("**", "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::bypass_reasons;

    #[test]
    fn the_texts_of_the_documentation_become_plain() {
        let markdown = "the path has `..`, [spelled](rest.md#path-spellings) `a[1]`. **Counts**";
        let plain = "the path has `..`, spelled (docs/rest.md#path-spellings) `a[1]`. Counts";
        assert_eq!(plain_text(markdown), plain);
        let tables = [NotStored::REASONS, MissDetail::REASONS, Warning::REASONS];
        let all = tables.concat().into_iter().chain(bypass_reasons());
        for text in all.flat_map(|reason| [reason.meaning, reason.remedy]) {
            let plain = plain_text(text);
            assert!(!plain.contains("](") && !plain.contains("**"), "{plain}");
            assert!(
                !plain.contains("docs/#"),
                "links need their page, since reasons are shown elsewhere too: {text}"
            );
        }
    }
}
