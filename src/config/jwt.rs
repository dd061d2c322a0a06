//! The table `jwt`: where tokens are, and what makes one good.

use super::kinds::{Algorithm, Jwt, TokenPlace};
use super::section::Section;

/// How far clocks may differ where nothing says otherwise.
const LEEWAY_SECONDS: u64 = 5;

/// Reads the table, if there is one.
pub(super) fn jwt(root: &Section<'_>) -> Option<Jwt> {
    let value = root.value("jwt")?;
    let section = Section::new("jwt".to_owned(), Some(value), root.faults());
    let algorithms = algorithms(&section);
    let jwt = Jwt {
        place: place(&section),
        jwks: jwks(&section, &algorithms),
        algorithms,
        issuer: named(&section, "issuer"),
        audience: named(&section, "audience"),
        leeway: section.number("leeway", "seconds", 0..=300).unwrap_or(LEEWAY_SECONDS),
    };
    section.report_unknown();
    Some(jwt)
}

fn place(section: &Section<'_>) -> TokenPlace {
    match (named(section, "header"), named(section, "cookie")) {
        (header, None) => {
            TokenPlace::Header(header.unwrap_or("authorization".to_owned()).to_ascii_lowercase())
        }
        (None, Some(cookie)) => TokenPlace::Cookie(cookie),
        (Some(_), Some(cookie)) => {
            // Of two tokens the origin may heed the other one.
            let message = "a token is in a header or in a cookie; name one of them";
            section.faults().add(&section.path_of("cookie"), message);
            TokenPlace::Cookie(cookie)
        }
    }
}

fn algorithms(section: &Section<'_>) -> Vec<Algorithm> {
    let expected = Algorithm::ALL.map(|one| format!("{:?}", one.as_str())).join(", ");
    let given = section.value("algorithms");
    let nothing = given.is_none_or(|value| value.as_array().is_some_and(Vec::is_empty));
    if nothing {
        let message = format!("a token is signed with one of {expected}; list those that you use");
        section.faults().add(&section.path_of("algorithms"), message);
    }
    section.list("algorithms", |text| {
        Algorithm::named(text).ok_or_else(|| format!("expected one of {expected}, found {text:?}"))
    })
}

fn jwks(section: &Section<'_>, algorithms: &[Algorithm]) -> Option<String> {
    let path = section.path_of("jwks");
    let public = algorithms.iter().any(|one| one.has_public_keys());
    let Some(url) = section.text("jwks") else {
        if public && !section.has("jwks") {
            let message = "RS256 and ES256 need the address of the issuer's keys";
            section.faults().add(&path, message);
        }
        return None;
    };
    if !is_trustworthy(url) {
        let message = format!("expected an address that begins with \"https://\", found {url:?}");
        section.faults().add(&path, message);
    } else if !public && !algorithms.is_empty() {
        section.faults().add(&path, "none of the algorithms has published keys");
    }
    Some(url.to_owned())
}

/// Who can change the keys on their way can sign any token. To the machine itself there is no way.
fn is_trustworthy(url: &str) -> bool {
    let host = |rest: &str| rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
    let plain = |host: &str| !host.is_empty() && !host.contains([' ', '@', '\\']);
    if let Some(rest) = url.strip_prefix("https://") {
        return plain(&host(rest));
    }
    let Some(host) = url.strip_prefix("http://").map(host) else { return false };
    let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
    plain(&host) && ["127.0.0.1", "localhost", "[::1]"].contains(&name)
}

fn named(section: &Section<'_>, key: &'static str) -> Option<String> {
    let text = section.text(key)?;
    if text.is_empty() {
        section.faults().add(&section.path_of(key), "expected a name, found \"\"");
    }
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::{Config, parse};
    use super::*;
    use serde_json::{Value, json};

    fn read(jwt: Value) -> Result<Config, Vec<String>> {
        let value = json!({ "scopes": { "user": { "by": ["jwt:realm.sub"] } }, "jwt": jwt });
        parse(&value).map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn reads_a_whole_table_and_its_defaults() {
        let jwt = read(json!({
            "cookie": "token", "algorithms": ["HS256", "RS256", "ES256"],
            "jwks": "https://issuer.example/.well-known/jwks.json", "issuer": "https://issuer.example/",
            "audience": "shop", "leeway": 0,
        }));
        let jwt = jwt.unwrap().jwt.unwrap();
        assert_eq!(jwt.place, TokenPlace::Cookie("token".into()));
        assert_eq!((jwt.algorithms.as_slice(), jwt.leeway), (Algorithm::ALL.as_slice(), 0));
        let config = read(json!({ "algorithms": ["HS256"] })).unwrap();
        let jwt = config.jwt.unwrap();
        assert_eq!(jwt.place, TokenPlace::Header("authorization".into()));
        assert_eq!((jwt.jwks, jwt.issuer, jwt.audience, jwt.leeway), (None, None, None, 5));
    }

    #[test]
    fn names_what_is_wrong() {
        let rs = json!(["RS256"]);
        for (jwt, fault) in [
            (json!({}), "jwt.algorithms: a token is signed with one of"),
            (json!({ "algorithms": [] }), "jwt.algorithms: a token is signed with one of"),
            (json!({ "algorithms": "HS256" }), "jwt.algorithms: expected a list"),
            (json!({ "algorithms": ["none"] }), "jwt.algorithms[0]: expected one of \"HS256\""),
            (json!({ "algorithms": ["hs256"] }), "jwt.algorithms[0]: expected one of"),
            (json!({ "algorithms": rs }), "jwt.jwks: RS256 and ES256 need"),
            (json!({ "algorithms": rs, "jwks": 1 }), "jwt.jwks: expected a string"),
            (json!({ "algorithms": rs, "jwks": "/keys" }), "jwt.jwks: expected an address"),
            (json!({ "algorithms": rs, "jwks": "https://" }), "jwt.jwks: expected an address"),
            (json!({ "algorithms": rs, "jwks": "http://a.example" }), "jwt.jwks: expected an"),
            (json!({ "algorithms": rs, "jwks": "http://localhost@a.example" }), "jwt.jwks: exp"),
            (json!({ "algorithms": rs, "jwks": "http://127.0.0.1.example" }), "jwt.jwks: exp"),
            (
                json!({ "algorithms": ["HS256"], "jwks": "https://a.example/" }),
                "jwt.jwks: none of the algorithms",
            ),
            (
                json!({ "algorithms": ["HS256"], "header": "x", "cookie": "y" }),
                "jwt.cookie: a token is in a header or in a cookie",
            ),
            (json!({ "algorithms": ["HS256"], "leeway": -1 }), "jwt.leeway: expected a whole"),
            (json!({ "algorithms": ["HS256"], "leeway": 301 }), "jwt.leeway: expected a whole"),
            (json!({ "algorithms": ["HS256"], "issuer": "" }), "jwt.issuer: expected a name"),
            (json!({ "algorithms": ["HS256"], "audience": [] }), "jwt.audience: expected a str"),
            (json!({ "algorithms": ["HS256"], "secret": "x" }), "jwt.secret: unknown key"),
            (json!([]), "jwt: expected a table, found []"),
        ] {
            let faults = read(jwt.clone()).unwrap_err();
            assert!(faults.iter().any(|found| found.starts_with(fault)), "{jwt}: {faults:#?}");
        }
        let local = json!({ "algorithms": rs, "jwks": "http://127.0.0.1:4001/jwks" });
        assert!(read(local).is_ok());
    }

    #[test]
    fn a_claim_needs_the_table_and_a_name() {
        let faults = |by: &str| {
            let faults = parse(&json!({ "scopes": { "user": { "by": [by] } } })).unwrap_err();
            faults.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let [without] = &faults("jwt:sub")[..] else { panic!() };
        assert!(without.starts_with("scopes.user.by[0]: \"jwt:sub\" needs the table jwt"));
        for by in ["jwt:", "jwt:.sub", "jwt:a..b", "jwt:a."] {
            let [found] = &faults(by)[..] else { panic!() };
            assert!(found.starts_with("scopes.user.by[0]: expected \"header:<name>\""), "{found}");
        }
    }
}
