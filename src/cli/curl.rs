//! A command line of curl, as browsers copy it, for a shell or for Windows, and as people write it.

use super::cmd_words::{cmd_words, is_for_cmd};
use super::curl_flags::{IGNORED, IGNORED_WITH_VALUE, SHORT_WITH_VALUE};
use super::request_spec::RequestSpec;
use super::shell_words::shell_words;
use crate::http::form_encoded;

/// What the flags have said so far.
#[derive(Default)]
struct Parsed {
    method: Option<String>,
    url: Option<String>,
    headers: Vec<(String, String)>,
    data: Vec<String>,
    json: Option<String>,
    query: Vec<String>,
    data_in_url: bool,
    is_head: bool,
}

/// Reads a command line of curl. The error names what is not understood.
pub(crate) fn parse_curl(text: &str) -> Result<RequestSpec, String> {
    let words = if is_for_cmd(text) { cmd_words(text)? } else { shell_words(text)? };
    let mut words = words.into_iter();
    if !matches!(words.next().as_deref(), Some("curl" | "curl.exe")) {
        return Err("the command line begins with `curl`".to_owned());
    }
    let mut parsed = Parsed::default();
    let mut only_urls = false;
    while let Some(word) = words.next() {
        if only_urls || !word.starts_with('-') || word == "-" {
            parsed.take_url(word)?;
        } else if word == "--" {
            only_urls = true;
        } else {
            for (flag, attached) in flags(&word) {
                parsed.take_flag(&flag, attached, &mut words)?;
            }
        }
    }
    parsed.finish()
}

/// The flags of a word, which may be several short ones (`-sS`), each with the value that is attached to it
/// (`-XPOST`, `--request=POST`).
fn flags(word: &str) -> Vec<(String, Option<String>)> {
    if word.starts_with("--") {
        return match word.split_once('=') {
            Some((flag, value)) => vec![(flag.to_owned(), Some(value.to_owned()))],
            None => vec![(word.to_owned(), None)],
        };
    }
    let mut flags = Vec::new();
    let mut letters = word.chars().skip(1);
    while let Some(letter) = letters.next() {
        let takes_value = SHORT_WITH_VALUE.contains(letter);
        let rest: String = if takes_value { letters.by_ref().collect() } else { String::new() };
        flags.push((format!("-{letter}"), (!rest.is_empty()).then_some(rest)));
    }
    flags
}

impl Parsed {
    fn take_url(&mut self, word: String) -> Result<(), String> {
        match &self.url {
            None => self.url = Some(word),
            Some(first) => return Err(format!("two URLs: {first} and {word}")),
        }
        Ok(())
    }

    fn take_flag(
        &mut self,
        flag: &str,
        attached: Option<String>,
        words: &mut impl Iterator<Item = String>,
    ) -> Result<(), String> {
        if IGNORED.contains(&flag) {
            return Ok(());
        }
        let mut value =
            || attached.clone().or_else(|| words.next()).ok_or(format!("{flag} needs a value"));
        match flag {
            "-X" | "--request" => self.method = Some(value()?),
            "-H" | "--header" => {
                let header = value()?;
                self.take_header(&not_a_file(flag, header)?);
            }
            "-d" | "--data" | "--data-ascii" | "--data-binary" => {
                let data = value()?;
                // curl takes line breaks out only of files.
                self.data.push(not_a_file(flag, data)?);
            }
            "--data-raw" => self.data.push(value()?),
            "--data-urlencode" => {
                let data = value()?;
                self.data.push(url_encoded(flag, data)?);
            }
            "--url-query" => {
                let query = value()?;
                self.query.push(match query.strip_prefix('+') {
                    Some(encoded) => encoded.to_owned(),
                    None => url_encoded(flag, query)?,
                });
            }
            "--json" => {
                let more = value()?;
                // Unlike those of -d, the parts are one text.
                self.json.get_or_insert_default().push_str(&not_a_file(flag, more)?);
            }
            "-r" | "--range" => {
                self.headers.push(("range".to_owned(), format!("bytes={}", value()?)))
            }
            "-b" | "--cookie" => {
                let value = value()?;
                if !value.contains('=') {
                    return Err(format!(
                        "{flag} {value}: cookie files are not read; write name=value"
                    ));
                }
                self.headers.push(("cookie".to_owned(), value));
            }
            "-u" | "--user" => {
                let user = value()?;
                self.headers.push((
                    "authorization".to_owned(),
                    format!("Basic {}", to_base64(user.as_bytes())),
                ));
            }
            "-A" | "--user-agent" => self.headers.push(("user-agent".to_owned(), value()?)),
            "-e" | "--referer" => self.headers.push(("referer".to_owned(), value()?)),
            "--oauth2-bearer" => {
                self.headers.push(("authorization".to_owned(), format!("Bearer {}", value()?)))
            }
            "--url" => {
                let url = value()?;
                self.take_url(url)?;
            }
            "-G" | "--get" => self.data_in_url = true,
            "-I" | "--head" => self.is_head = true,
            _ if IGNORED_WITH_VALUE.contains(&flag) => {
                value()?;
            }
            _ => return Err(format!("{flag} is not understood")),
        }
        Ok(())
    }

    fn take_header(&mut self, header: &str) {
        // `Name;` is a header without a value, and `Name:` removes one that curl would send by itself.
        if let Some((name, value)) = header.split_once(':') {
            if !value.trim().is_empty() {
                self.headers.push((name.trim().to_owned(), value.trim().to_owned()));
            }
        } else if let Some(name) = header.strip_suffix(';') {
            self.headers.push((name.trim().to_owned(), String::new()));
        }
    }

    fn finish(self) -> Result<RequestSpec, String> {
        let mut url = self.url.ok_or("no URL")?;
        if !url.contains("://") && !url.starts_with('/') {
            url = format!("http://{url}");
        }
        let is_json = self.json.is_some();
        let has_data = is_json || !self.data.is_empty();
        let data = match self.json {
            Some(json) => json,
            None => self.data.join("&"),
        };
        let mut query = self.query;
        if has_data && self.data_in_url {
            query.push(data.clone());
        }
        if !query.is_empty() {
            let separator = if url.contains('?') { '&' } else { '?' };
            url = format!("{url}{separator}{}", query.join("&"));
        }
        let mut headers = self.headers;
        let mut add = |name: &str, value: &str| {
            if !headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                headers.push((name.to_owned(), value.to_owned()));
            }
        };
        let mut body = None;
        if has_data && !self.data_in_url {
            if is_json {
                add("content-type", "application/json");
                add("accept", "application/json");
            } else {
                add("content-type", "application/x-www-form-urlencoded");
            }
            body = Some(data);
        }
        let method = match (self.method, self.is_head, &body) {
            (Some(method), _, _) => method,
            (None, true, _) => "HEAD".to_owned(),
            (None, false, Some(_)) => "POST".to_owned(),
            (None, false, None) => "GET".to_owned(),
        };
        Ok(RequestSpec { method, url, headers, body })
    }
}

/// A value that would be the name of a file to curl is refused: files are not read.
fn not_a_file(flag: &str, value: String) -> Result<String, String> {
    match value.starts_with('@') {
        true => Err(format!("{flag} {value}: files are not read; paste what it holds")),
        false => Ok(value),
    }
}

/// `name=content`, with the content encoded; or content alone.
fn url_encoded(flag: &str, value: String) -> Result<String, String> {
    match value.split_once('=') {
        Some(("", content)) => Ok(form_encoded(content)),
        Some((name, content)) => Ok(format!("{name}={}", form_encoded(content))),
        None if value.contains('@') => {
            Err(format!("{flag} {value}: files are not read; paste what it holds"))
        }
        None => Ok(form_encoded(&value)),
    }
}

/// Base64 with padding (RFC 4648 §4).
fn to_base64(bytes: &[u8]) -> String {
    let mut text: String = crate::http::to_base64url(bytes)
        .chars()
        .map(|letter| match letter {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> RequestSpec {
        parse_curl(text).unwrap()
    }

    #[test]
    fn reads_what_a_browser_copies() {
        let spec = parsed(
            "curl 'https://shop.example/graphql' \\\n  -H 'content-type: application/json' \\\n  -b 'sid=1; theme=dark' \\\n  --data-raw $'{\"query\":\"{ a(b: \\'c\\') }\"}' \\\n  --compressed",
        );
        assert_eq!(
            (spec.method.as_str(), spec.url.as_str()),
            ("POST", "https://shop.example/graphql")
        );
        assert_eq!(spec.body.as_deref(), Some("{\"query\":\"{ a(b: 'c') }\"}"));
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            spec.headers,
            [pair("content-type", "application/json"), pair("cookie", "sid=1; theme=dark")]
        );
    }

    #[test]
    fn reads_what_a_browser_copies_for_windows() {
        let spec = parsed(
            "curl ^\"https://shop.example/graphql?a=1^&b=2^\" ^\r\n  -H ^\"content-type: application/json^\" ^\r\n  --data-raw ^\"^{^\\^\"query^\\^\":^\\^\"^{ a ^}^\\^\"^}^\"",
        );
        assert_eq!(
            (spec.method.as_str(), spec.url.as_str()),
            ("POST", "https://shop.example/graphql?a=1&b=2")
        );
        assert_eq!(spec.body.as_deref(), Some("{\"query\":\"{ a }\"}"));
        assert_eq!(spec.headers[0].1, "application/json");
    }

    #[test]
    fn reads_what_people_write() {
        for (text, method, url, body) in [
            ("curl -sSXPUT host/x -dA -d b", "PUT", "http://host/x", Some("A&b")),
            (
                "curl -G http://h/s --data-urlencode 'q=a b' -d x=1",
                "GET",
                "http://h/s?q=a%20b&x=1",
                None,
            ),
            ("curl -I http://h/", "HEAD", "http://h/", None),
            ("curl --request=DELETE --url=http://h/1", "DELETE", "http://h/1", None),
            ("curl --json '{}' /graphql", "POST", "/graphql", Some("{}")),
            ("curl -o /dev/null -- http://h", "GET", "http://h", None),
            ("curl -sN4 -w '%{http_code}' --retry 3 http://h | jq .", "GET", "http://h", None),
            ("curl -xproxy:1 -cjar --proxy p:2 http://h", "GET", "http://h", None),
            (
                "curl.exe --url-query 'a=b c' --url-query +d=%41 h",
                "GET",
                "http://h?a=b%20c&d=%41",
                None,
            ),
            ("curl --json '{' --json '}' http://h", "POST", "http://h", Some("{}")),
            ("curl -X PATCH --data-raw @x http://h", "PATCH", "http://h", Some("@x")),
        ] {
            let spec = parsed(text);
            assert_eq!((spec.method.as_str(), spec.url.as_str()), (method, url), "{text}");
            assert_eq!(spec.body.as_deref(), body, "{text}");
        }
        let user = parsed("curl -u ada:pässword http://h");
        assert_eq!(
            user.headers,
            [("authorization".to_owned(), "Basic YWRhOnDDpHNzd29yZA==".to_owned())]
        );
        let json = parsed("curl --json '{}' http://h -H 'Accept: x'").headers;
        assert_eq!(
            json,
            [
                ("Accept".to_owned(), "x".to_owned()),
                ("content-type".to_owned(), "application/json".to_owned())
            ]
        );
    }

    #[test]
    fn names_what_it_does_not_understand() {
        for (text, message) in [
            ("wget http://h", "the command line begins with `curl`"),
            ("curl --form a=b http://h", "--form is not understood"),
            ("curl -sF a=b http://h", "-F is not understood"),
            ("curl -X", "-X needs a value"),
            ("curl -d @file http://h", "-d @file: files are not read; paste what it holds"),
            ("curl --json @- h", "--json @-: files are not read; paste what it holds"),
            ("curl -H @file h", "-H @file: files are not read; paste what it holds"),
            (
                "curl --data-urlencode q@file h",
                "--data-urlencode q@file: files are not read; paste what it holds",
            ),
            ("curl --next http://h", "--next is not understood"),
            ("curl -b jar http://h", "-b jar: cookie files are not read; write name=value"),
            ("curl", "no URL"),
            ("curl a b", "two URLs: a and b"),
            ("curl 'a", "a ' that is not closed"),
        ] {
            assert_eq!(parse_curl(text).unwrap_err(), message, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>(), word in "-{0,2}[a-zA-Z=]{0,8}") {
            let _ = parse_curl(&text);
            let _ = parse_curl(&format!("curl {word} {text}"));
        }

        #[test]
        fn a_body_arrives_as_it_was_quoted(body in "[^@].*") {
            let quoted = body.replace('\'', "'\\''");
            let spec = parse_curl(&format!("curl http://h --data-raw '{quoted}'")).unwrap();
            prop_assert_eq!(spec.body, Some(body));
        }
    }
}
