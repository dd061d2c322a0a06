//! A command line split into words, as a POSIX shell does it (Shell Command Language §2.2), and with the
//! `$'…'` quotes by which browsers copy requests. Nothing is expanded.

/// Splits a command line, up to a `|`. The error says what is open at its end.
pub(crate) fn shell_words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => quoted(&mut letters, word.get_or_insert_default())?,
            '"' => double_quoted(&mut letters, word.get_or_insert_default())?,
            '$' if letters.peek() == Some(&'\'') => {
                letters.next();
                dollar_quoted(&mut letters, word.get_or_insert_default())?;
            }
            '\\' => match letters.next() {
                Some('\n') => {}
                // A line continuation of a file with CRLF.
                Some('\r') if letters.peek() == Some(&'\n') => {
                    letters.next();
                }
                Some(next) => word.get_or_insert_default().push(next),
                None => return Err("a backslash at the end".to_owned()),
            },
            blank if blank.is_whitespace() => words.extend(word.take()),
            // What another program does with the response is no part of the command.
            '|' => break,
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

type Letters<'t> = std::iter::Peekable<std::str::Chars<'t>>;

fn quoted(letters: &mut Letters<'_>, word: &mut String) -> Result<(), String> {
    for letter in letters {
        if letter == '\'' {
            return Ok(());
        }
        word.push(letter);
    }
    Err("a ' that is not closed".to_owned())
}

fn double_quoted(letters: &mut Letters<'_>, word: &mut String) -> Result<(), String> {
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return Ok(()),
            '\\' => match letters.next() {
                Some('\n') => {}
                Some(next @ ('$' | '`' | '"' | '\\')) => word.push(next),
                Some(other) => word.extend(['\\', other]),
                None => break,
            },
            other => word.push(other),
        }
    }
    Err("a \" that is not closed".to_owned())
}

/// `$'…'`: with the escapes of C.
fn dollar_quoted(letters: &mut Letters<'_>, word: &mut String) -> Result<(), String> {
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => return Ok(()),
            '\\' => match letters.next() {
                Some('n') => word.push('\n'),
                Some('r') => word.push('\r'),
                Some('t') => word.push('\t'),
                Some('a') => word.push('\u{7}'),
                Some('b') => word.push('\u{8}'),
                Some('e' | 'E') => word.push('\u{1b}'),
                Some('f') => word.push('\u{c}'),
                Some('v') => word.push('\u{b}'),
                Some('u') => {
                    let first = escape(letters, 4, 16)?;
                    word.push(letter_of_unit(first, letters));
                }
                Some('U') => word.push(letter_of_code(escape(letters, 8, 16)?)),
                Some('x') => word.push(letter_of_code(escape(letters, 2, 16)?)),
                Some(digit @ '0'..='7') => {
                    let first = digit.to_digit(8).unwrap_or(0);
                    word.push(
                        number(letters, 2, 8, first).and_then(char::from_u32).unwrap_or('\u{fffd}'),
                    );
                }
                Some(other) => word.push(other),
                None => break,
            },
            other => word.push(other),
        }
    }
    Err("a $' that is not closed".to_owned())
}

fn escape(letters: &mut Letters<'_>, digits: usize, radix: u32) -> Result<u32, String> {
    let first = letters.next().and_then(|letter| letter.to_digit(radix));
    let first = first.ok_or("an escape without digits")?;
    number(letters, digits - 1, radix, first)
        .ok_or_else(|| "an escape of too large a number".to_owned())
}

/// The letter of a UTF-16 code unit. Firefox writes a letter that needs two of them as two escapes.
fn letter_of_unit(unit: u32, letters: &mut Letters<'_>) -> char {
    let mut after = letters.clone();
    let is_high = (0xd800..0xdc00).contains(&unit);
    if is_high && after.next() == Some('\\') && after.next() == Some('u') {
        let low = escape(&mut after, 4, 16).ok().filter(|low| (0xdc00..0xe000).contains(low));
        if let Some(low) = low {
            *letters = after;
            return letter_of_code(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
        }
    }
    letter_of_code(unit)
}

/// Half of a surrogate pair stands for nothing by itself.
fn letter_of_code(code: u32) -> char {
    char::from_u32(code).unwrap_or('\u{fffd}')
}

fn number(letters: &mut Letters<'_>, digits: usize, radix: u32, first: u32) -> Option<u32> {
    let mut code = first;
    for _ in 0..digits {
        let Some(digit) = letters.peek().and_then(|letter| letter.to_digit(radix)) else { break };
        letters.next();
        code = code.checked_mul(radix)?.checked_add(digit)?;
    }
    Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn splits_like_a_shell() {
        for (text, words) in [
            ("curl  'a b' \"c\\\"d\" e\\ f", vec!["curl", "a b", "c\"d", "e f"]),
            ("a'b'\"c\" ''", vec!["abc", ""]),
            ("a \\\n  b \\\r\n c", vec!["a", "b", "c"]),
            (r"$'a\nb\'c\u0021\x41\101'", vec!["a\nb'c!AA"]),
            (r#""\$x \n""#, vec!["$x \\n"]),
            (r"$'\ud83d\ude00 \xe9 \ud83d \ud83d\u0041'", vec!["😀 é \u{fffd} \u{fffd}A"]),
            ("curl a 'b|c' d\\|e | jq .", vec!["curl", "a", "b|c", "d|e"]),
            ("", vec![]),
        ] {
            assert_eq!(shell_words(text).unwrap(), words, "{text}");
        }
        for text in ["'a", "\"a", "$'a", "a\\", "$'\\u'"] {
            assert!(shell_words(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn quoting_a_word_keeps_it(words in prop::collection::vec(any::<String>(), 0..5)) {
            let quote = |word: &String| format!("'{}'", word.replace('\'', "'\\''"));
            let line = words.iter().map(quote).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(shell_words(&line).unwrap(), words);
        }

        #[test]
        fn any_text_is_split_or_refused(text in any::<String>()) {
            let _ = shell_words(&text);
        }
    }
}
