use super::*;
use crate::http::to_base64url;
use proptest::prelude::*;
use serde_json::json;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn jwt() -> Jwt {
    let config = crate::config::parse(&json!({ "jwt": {
        "algorithms": ["HS256", "ES256"], "jwks": "https://issuer.example/jwks",
        "issuer": "issuer", "audience": "shop", "leeway": 5,
    } }));
    config.unwrap().jwt.unwrap()
}

fn signed(header: &str, claims: &str, signature_bytes: usize) -> String {
    let part = |text: &str| to_base64url(text.as_bytes());
    format!("{}.{}.{}", part(header), part(claims), to_base64url(&vec![7; signature_bytes]))
}

fn until(header: &str, claims: &str) -> Result<u64, TokenError> {
    let text = signed(header, claims, 32);
    Token::read(&text)?.check(&jwt(), NOW).map(|until| until.as_millis() / 1000)
}

const HEADER: &str = r#"{"alg":"HS256"}"#;

/// Valid claims, except for this member.
fn with(name: &str, value: &str) -> Result<u64, TokenError> {
    let good = [("exp", "1700000060"), ("iss", "\"issuer\""), ("aud", "\"shop\"")];
    let mut members: Vec<_> = good.into_iter().filter(|(known, _)| *known != name).collect();
    if !value.is_empty() {
        members.push((name, value));
    }
    let members: Vec<_> =
        members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    until(HEADER, &format!("{{{}}}", members.join(",")))
}

const GOOD: Result<u64, TokenError> = Ok(1_700_000_065);

#[test]
fn reads_the_example_of_the_specification() {
    // RFC 7519 §3.1.
    let text = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkz\
                ODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1\
                r_wW1gFWFOEjXk";
    let token = Token::read(text).unwrap();
    assert_eq!((token.algorithm, &token.key_id), (Algorithm::Hs256, &None));
    assert_eq!(token.signed.len() + 1 + 43, text.len());
    let claims = token.claims(["iss", "http://example.com/is_root", "sub"].into_iter());
    assert_eq!(json!(claims), json!({ "iss": "joe", "http://example.com/is_root": true }));
    assert_eq!(token.check(&jwt(), NOW), Err(TokenError::Expired));
}

#[test]
fn three_parts_of_canonical_base64url_make_a_token() {
    let good = signed(HEADER, "{}", 32);
    assert!(Token::read(&good).is_ok());
    let parts: Vec<&str> = good.split('.').collect();
    for bad in [
        String::new(),
        ".".into(),
        "..".into(),
        "x.y.z".into(),
        parts[..2].join("."),
        format!("{good}.AAAA"),
        format!(".{good}"),
        format!("{good}="),
        format!("{good}A"),
        format!("{good} "),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good}, {good}"),
        good.replacen('.', "=.", 1),
        good.replacen('.', " .", 1),
        [parts[0], "", parts[2]].join("."),
        [parts[0], parts[1], ""].join("."),
        signed(HEADER, "[]", 32),
        signed(HEADER, "\"text\"", 32),
        signed("null", "{}", 32),
        signed(HEADER, "{}", 31),
        signed(HEADER, "{}", 64),
        signed(r#"{"alg":"ES256"}"#, "{}", 63),
        signed(r#"{"alg":"RS256"}"#, "{}", 0),
        signed(HEADER, &format!("{{\"a\":\"{}\"}}", "x".repeat(limits::TOKEN_BYTES)), 32),
    ] {
        assert_eq!(Token::read(&bad), Err(TokenError::Malformed), "{bad}");
    }
}

#[test]
fn only_a_configured_algorithm_counts() {
    let claims = r#"{"exp":1700000060,"iss":"issuer","aud":"shop"}"#;
    for (header, expected) in [
        (r#"{"alg":"HS256","typ":"anything","jku":"https://evil.example"}"#, GOOD),
        (r#"{"alg":"HS256","kid":"a"}"#, GOOD),
        (r#"{"alg":"none"}"#, Err(TokenError::Algorithm)),
        (r#"{"alg":"None"}"#, Err(TokenError::Algorithm)),
        (r#"{"alg":"hs256"}"#, Err(TokenError::Algorithm)),
        (r#"{"alg":"HS512"}"#, Err(TokenError::Algorithm)),
        (r#"{"alg":""}"#, Err(TokenError::Algorithm)),
        // Known, but not configured.
        (r#"{"alg":"RS256"}"#, Err(TokenError::Algorithm)),
        (r#"{"alg":["HS256"]}"#, Err(TokenError::Malformed)),
        (r#"{"alg":null}"#, Err(TokenError::Malformed)),
        ("{}", Err(TokenError::Malformed)),
        (r#"{"alg":"HS256","alg":"none"}"#, Err(TokenError::Malformed)),
        (r#"{"alg":"HS256","kid":1}"#, Err(TokenError::Malformed)),
        (r#"{"alg":"HS256","kid":null}"#, Err(TokenError::Malformed)),
        (r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, Err(TokenError::Critical)),
        (r#"{"alg":"HS256","crit":[]}"#, Err(TokenError::Critical)),
    ] {
        assert_eq!(until(header, claims), expected, "{header}");
    }
    // An empty signature, as tokens with `alg: none` have it.
    let text = signed(r#"{"alg":"none"}"#, claims, 0);
    assert_eq!(Token::read(&text), Err(TokenError::Algorithm));
}

#[test]
fn a_token_says_when_it_expires() {
    for (exp, expected) in [
        ("1700000060", GOOD),
        ("1.70000006e9", GOOD),
        ("1700000060.5", GOOD),
        ("1699999995.001", Ok(1_700_000_000)),
        ("1699999995", Err(TokenError::Expired)),
        ("0", Err(TokenError::Expired)),
        ("-1", Err(TokenError::Expired)),
        ("-1e300", Err(TokenError::Expired)),
        ("1e300", Ok(u64::MAX / 1000)),
        ("99999999999999999999999999", Ok(u64::MAX / 1000)),
        ("1e400", Err(TokenError::Malformed)),
        ("\"1700000060\"", Err(TokenError::Malformed)),
        ("null", Err(TokenError::Malformed)),
        ("true", Err(TokenError::Malformed)),
        ("[1700000060]", Err(TokenError::Malformed)),
        ("1700000060,\"exp\":1800000000", Err(TokenError::Malformed)),
        ("01700000060", Err(TokenError::Malformed)),
        ("0x7fffffff", Err(TokenError::Malformed)),
        ("NaN", Err(TokenError::Malformed)),
        ("", Err(TokenError::Expired)),
    ] {
        assert_eq!(with("exp", exp), expected, "{exp}");
    }
}

#[test]
fn a_token_of_the_future_is_refused() {
    for claim in ["nbf", "iat"] {
        assert_eq!(with(claim, "1699999999"), GOOD);
        assert_eq!(with(claim, "1700000005"), GOOD);
        assert_eq!(with(claim, "1700000005.5"), Err(TokenError::NotYet));
        assert_eq!(with(claim, "1e300"), Err(TokenError::NotYet));
        assert_eq!(with(claim, "\"1699999999\""), Err(TokenError::Malformed));
    }
}

#[test]
fn issuer_and_audience_are_compared_where_they_are_configured() {
    for (claim, value, expected) in [
        ("iss", "\"issuer\"", GOOD),
        ("iss", "\"issuer/\"", Err(TokenError::Issuer)),
        ("iss", "[\"issuer\"]", Err(TokenError::Issuer)),
        ("iss", "", Err(TokenError::Issuer)),
        ("aud", "\"shop\"", GOOD),
        ("aud", "[\"other\",\"shop\"]", GOOD),
        ("aud", "[\"shop\",7]", Err(TokenError::Audience)),
        ("aud", "[]", Err(TokenError::Audience)),
        ("aud", "\"sho\"", Err(TokenError::Audience)),
        ("aud", "{\"shop\":1}", Err(TokenError::Audience)),
        ("aud", "", Err(TokenError::Audience)),
    ] {
        assert_eq!(with(claim, value), expected, "{claim} {value}");
    }
    let text = signed(HEADER, r#"{"exp":1700000060,"aud":"anybody"}"#, 32);
    let anybody = Jwt { issuer: None, audience: None, ..jwt() };
    assert!(Token::read(&text).unwrap().check(&anybody, NOW).is_ok());
}

proptest! {
    #[test]
    fn no_text_breaks_it(text in ".{0,80}", dots in "[A-Za-z0-9_.=-]{0,80}") {
        prop_assert!(Token::read(&text).is_err());
        let _ = Token::read(&dots);
    }

    #[test]
    fn no_claims_break_it(header in "\\{\"alg\":\"HS256\"[^}]{0,10}\\}", claims in ".{0,40}") {
        if let Ok(token) = Token::read(&signed(&header, &claims, 32)) {
            let _ = token.check(&jwt(), NOW);
        }
    }
}
