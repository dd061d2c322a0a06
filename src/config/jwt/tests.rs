use super::*;
use crate::config::{Config, parse};
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
