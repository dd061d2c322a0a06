//! A command line of Windows split into words, as browsers copy it for `cmd.exe`.
//!
//! Two programs read such a line. `cmd.exe` takes out each `^`, which stands before a character that would mean
//! something to it. The called program then splits the rest by the rules of Microsoft's C runtime: a backslash
//! counts only before a quotation mark, and two quotation marks within a quoted part are one. Browsers double every
//! backslash nevertheless, so within quotation marks two are one here.

/// Whether a command line is written for `cmd.exe`.
pub(crate) fn is_for_cmd(text: &str) -> bool {
    let first_line = text.trim_start().lines().next().unwrap_or_default().trim_end();
    let first_argument = first_line.split_whitespace().nth(1).unwrap_or_default();
    first_argument.starts_with("^\"") || first_line.ends_with(" ^")
}

/// Splits a command line. The error says what is open at its end.
pub(crate) fn cmd_words(text: &str) -> Result<Vec<String>, String> {
    let line = without_carets(text);
    let (mut words, mut word, mut is_quoted) = (Vec::new(), None::<String>, false);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                let mut backslashes = 1;
                while letters.next_if_eq(&'\\').is_some() {
                    backslashes += 1;
                }
                let is_before_quote = letters.peek() == Some(&'"');
                let kept = match (is_before_quote, is_quoted) {
                    (true, _) => backslashes / 2,
                    (false, true) => backslashes - backslashes / 2,
                    (false, false) => backslashes,
                };
                let word = word.get_or_insert_default();
                word.extend(std::iter::repeat_n('\\', kept));
                if is_before_quote && backslashes % 2 == 1 {
                    word.extend(letters.next());
                }
            }
            '"' if is_quoted && letters.next_if_eq(&'"').is_some() => {
                word.get_or_insert_default().push('"');
            }
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            blank if blank.is_whitespace() && !is_quoted => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    if is_quoted { Err("a \" that is not closed".to_owned()) } else { Ok(words) }
}

/// What `cmd.exe` passes on. A caret before a line break takes it out, and stands for the character after that.
/// Within quotation marks that have no caret, it is a character like others.
fn without_carets(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut is_quoted = false;
    let text = text.replace("\r\n", "\n");
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '^' if !is_quoted => {
                let next = letters.next();
                line.extend(if next == Some('\n') { letters.next() } else { next });
            }
            '"' => {
                is_quoted = !is_quoted;
                line.push(letter);
            }
            other => line.push(other),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A word in quotation marks, with a caret before everything that might mean something to `cmd.exe`.
    fn quoted(word: &str) -> String {
        let mut text = "^\"".to_owned();
        for letter in word.chars() {
            match letter {
                '\n' => text.push_str("^\n\n"),
                '\\' => text.push_str("^\\^\\"),
                '"' => text.push_str("^\\^\""),
                plain if plain.is_alphanumeric() || " ,.:;/-_".contains(plain) => text.push(plain),
                other => text.extend(['^', other]),
            }
        }
        text.push_str("^\"");
        text
    }

    #[test]
    fn splits_like_windows() {
        for (text, words) in [
            (r#"curl "a b" c\d "e\"f" "g""h" i"#, vec!["curl", "a b", "c\\d", "e\"f", "g\"h", "i"]),
            ("a ^\r\n  b ^\n c", vec!["a", "b", "c"]),
            (r#"\\host "C:\x" ^"{ a^\^\n}^""#, vec![r"\\host", r"C:\x", r"{ a\n}"]),
            (r#"^"^{^\^"q^\^":^\^"a^&b^\^"^}^" ""#, vec![]),
            (r#"^"^{^\^"q^\^":^\^"a^&b^\^"^}^""#, vec![r#"{"q":"a&b"}"#]),
            (r#"^"%^41 \\^" "x^y" """#, vec!["%41 \\", "x^y", ""]),
        ] {
            assert_eq!(cmd_words(text).unwrap_or_default(), words, "{text}");
        }
    }

    #[test]
    fn lines_for_cmd_are_told_from_lines_for_a_shell() {
        for (text, expected) in [
            ("curl ^\"https://h^\"", true),
            ("curl https://h ^\r\n -X POST", true),
            ("curl https://h \\\n -X POST", false),
            ("curl 'https://h' --data-raw '{\"re\":\"^\"}'", false),
            ("curl", false),
        ] {
            assert_eq!(is_for_cmd(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn quoting_a_word_keeps_it(words in prop::collection::vec("[^\r]*", 1..5)) {
            let line = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(cmd_words(&line).unwrap(), words);
        }

        #[test]
        fn any_text_is_split_or_refused(text in any::<String>()) {
            let _ = cmd_words(&text);
        }
    }
}
