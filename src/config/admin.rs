//! The section `admin`: who may use admin routes besides those with a token.

use super::forms;
use super::jwt::{Algorithm, Jwt, TokenPlace};
use super::key::{DefaultValue, Key, ValueType};
use super::names::is_trustworthy;
use super::role::Role;
use super::section::Section;

/// The header in which Cloudflare Access sends its token.
const ACCESS_HEADER: &str = "cf-access-jwt-assertion";
/// Where a team's keys are
/// (<https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/>).
const ACCESS_KEYS: &str = "/cdn-cgi/access/certs";
/// By how many seconds the clock of Access may differ.
const ACCESS_LEEWAY: u64 = 5;

/// `admin`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AdminSettings {
    /// Cloudflare Access. `None`: only tokens open admin routes.
    pub access: Option<CloudflareAccess>,
}

/// Who signs in by Cloudflare Access, and what they may do.
#[derive(Debug, Clone, PartialEq)]
pub struct CloudflareAccess {
    /// How the tokens of Access are verified.
    pub jwt: Jwt,
    /// The role of everybody whom Access lets in.
    pub role: Role,
    /// The e-mail addresses of those who have the role `admin`, in lower case.
    pub admins: Vec<String>,
}

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "access_team",
        value: ValueType::Text(&forms::ACCESS_TEAM),
        default: DefaultValue::None,
        doc: "The address of your Cloudflare Access team. Its tokens then open admin routes.",
    },
    Key {
        name: "access_audience",
        value: ValueType::Text(&forms::NOT_EMPTY),
        default: DefaultValue::Described("required with `access_team`"),
        doc: "The audience tag of the Access application for the admin routes.",
    },
    Key {
        name: "access_role",
        value: ValueType::Choice(&["read", "purge", "admin"]),
        default: DefaultValue::Text("read"),
        doc: "The role of everybody whom Access lets in.",
    },
    Key {
        name: "access_admins",
        value: ValueType::List(&ValueType::Text(&forms::EMAIL)),
        default: DefaultValue::List(&[]),
        doc: "The e-mail addresses of those who have the role `admin`.",
    },
];

pub(super) fn admin(section: &Section<'_>) -> AdminSettings {
    let team = section.text("access_team");
    let audience = section.text("access_audience");
    let role = section.choice("access_role", &Role::ALL);
    let admins = section.list("access_admins", |text| match text.contains('@') {
        true => Ok(text.to_ascii_lowercase()),
        false => Err(format!("expected an e-mail address, found {text:?}")),
    });
    section.report_unknown();
    let Some(team) = team.map(|team| team.trim_end_matches('/')) else {
        let is_used = [
            ("access_audience", audience.is_some()),
            ("access_role", role != Role::default()),
            ("access_admins", !admins.is_empty()),
        ];
        let without_team = is_used.into_iter().filter(|_| !section.has("access_team"));
        for (key, _) in without_team.filter(|(_, is_used)| *is_used) {
            section.fault(key, "has no effect without access_team");
        }
        return AdminSettings::default();
    };
    let host = team.split_once("://").map_or("", |(_, host)| host);
    if !is_trustworthy(team) || host.contains(['/', '?', '#']) {
        let message = format!(
            "expected the address of a team, such as \"https://example.cloudflareaccess.com\", found {team:?}"
        );
        section.fault("access_team", message);
    }
    // Without an audience, a token for any other application of the team would open the admin routes.
    let audience = audience.filter(|audience| !audience.is_empty());
    if audience.is_none() {
        section.fault("access_audience", "access_team needs the audience tag of the application");
    }
    let jwt = Jwt {
        place: TokenPlace::Header(ACCESS_HEADER.to_owned()),
        algorithms: vec![Algorithm::Rs256, Algorithm::Es256],
        jwks: Some(format!("{team}{ACCESS_KEYS}")),
        issuer: Some(team.to_owned()),
        audience: audience.map(str::to_owned),
        leeway: ACCESS_LEEWAY,
    };
    AdminSettings { access: Some(CloudflareAccess { jwt, role, admins }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;
    use serde_json::{Value, json};

    fn read(admin: Value) -> Result<AdminSettings, Vec<String>> {
        let config = parse(&json!({ "admin": admin }));
        config
            .map(|config| config.admin)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_team_and_an_audience_open() {
        assert_eq!(read(json!({})), Ok(AdminSettings::default()));
        let access = read(json!({
            "access_team": "https://team.cloudflareaccess.com/", "access_audience": "4f0c",
            "access_admins": ["Ann@Example.com"],
        }));
        let access = access.unwrap().access.unwrap();
        assert_eq!((access.role, access.admins), (Role::Read, vec!["ann@example.com".to_owned()]));
        assert_eq!(access.jwt.issuer.as_deref(), Some("https://team.cloudflareaccess.com"));
        assert_eq!(access.jwt.audience.as_deref(), Some("4f0c"));
        let keys = "https://team.cloudflareaccess.com/cdn-cgi/access/certs";
        assert_eq!(access.jwt.jwks.as_deref(), Some(keys));
        assert!(access.jwt.algorithms.iter().all(|one| one.has_public_keys()));
    }

    #[test]
    fn names_what_is_wrong() {
        let team = "https://team.cloudflareaccess.com";
        for (admin, fault) in [
            (json!({ "access_team": team }), "admin.access_audience: access_team needs"),
            (
                json!({ "access_team": team, "access_audience": "" }),
                "admin.access_audience: access_team needs",
            ),
            (json!({ "access_audience": "a" }), "admin.access_audience: has no effect without"),
            (json!({ "access_role": "admin" }), "admin.access_role: has no effect without"),
            (json!({ "access_team": "team", "access_audience": "a" }), "admin.access_team: exp"),
            (
                json!({ "access_team": "http://team.example", "access_audience": "a" }),
                "admin.access_team: expected the address of a team",
            ),
            (
                json!({ "access_team": format!("{team}/path"), "access_audience": "a" }),
                "admin.access_team: expected the address of a team",
            ),
            (
                json!({ "access_team": team, "access_audience": "a", "access_role": "root" }),
                "admin.access_role: expected one of \"read\", \"purge\", \"admin\"",
            ),
            (
                json!({ "access_team": team, "access_audience": "a", "access_admins": ["ann"] }),
                "admin.access_admins[0]: expected an e-mail address, found \"ann\"",
            ),
            (json!({ "token": "x" }), "admin.token: unknown key"),
        ] {
            let faults = read(admin.clone()).unwrap_err();
            assert!(faults.iter().any(|found| found.starts_with(fault)), "{admin}: {faults:#?}");
        }
    }
}
