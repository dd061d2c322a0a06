//! Which Worker is meant, and the token for it.

use super::arguments::GlobalArguments;
use super::failure::Failure;
use crate::config_file;
use serde_json::Value;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// The name of the configuration file if none is named.
const DEFAULT_CONFIG: &str = "evergraph.toml";

/// A Worker, and what is needed to ask it.
pub(crate) struct Target {
    /// Where its admin routes begin, without a trailing slash.
    pub admin_url: String,
    pub token: Option<String>,
    /// Whether it runs on this machine.
    pub is_local: bool,
}

impl Target {
    /// From arguments, then the environment, then `evergraph.toml`; a local Worker's token also from
    /// `.dev.vars`.
    pub fn find(arguments: &GlobalArguments) -> Result<Self, Failure> {
        let given = arguments.url.clone().filter(|url| !url.is_empty());
        let url = match given {
            Some(url) => Some(url),
            None => configured_url(arguments)?,
        };
        let url = url.ok_or_else(|| {
            Failure::usage(
                "which Worker? Pass --url, set EVERGRAPH_URL, or write `[operator] url = \"https://…\"` into evergraph.toml",
            )
        })?;
        let (base, host) = base_and_host(&url)?;
        let is_local = matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]");
        let token = arguments.token.clone().filter(|token| !token.is_empty());
        let token = match token.is_none() && is_local {
            true => local_token(Path::new(".dev.vars")),
            false => token,
        };
        match &token {
            Some(token) if !token.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Err(Failure::usage(
                    "the token has a character that no token has, such as a space or a line break at its end",
                ))
            }
            Some(_) if base.starts_with("http://") && !is_private(&host) => Err(Failure::usage(
                format!("over http, everyone on the way to {host} could read the token. Use https"),
            )),
            _ => Ok(Self { admin_url: format!("{base}/__evergraph"), token, is_local }),
        }
    }
}

/// Where a Worker's routes begin, without a trailing slash, and its host. The page's own URL is understood.
fn base_and_host(url: &str) -> Result<(String, String), Failure> {
    let expected = "expected a URL such as https://api.example.com";
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err(Failure::usage(format!("{expected}, found one with a name and a password")));
    }
    let (scheme, authority) = (scheme.to_ascii_lowercase(), authority.to_ascii_lowercase());
    let host = match authority.starts_with('[') {
        true => authority.split_inclusive(']').next(),
        false => authority.split(':').next(),
    };
    match host.filter(|host| !host.is_empty() && matches!(scheme.as_str(), "http" | "https")) {
        Some(host) => {
            let path = path.trim_end_matches('/');
            let path = path.strip_suffix("/__evergraph").unwrap_or(path);
            Ok((format!("{scheme}://{authority}{path}"), host.to_owned()))
        }
        None => Err(Failure::usage(format!("{expected}, found {url:?}"))),
    }
}

/// Whether a host is on this machine or in a network of one's own.
fn is_private(host: &str) -> bool {
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => {
            ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()
        }
        Err(_) => {
            let inner = ["localhost", "local", "internal", "test"];
            host.rsplit_once('.').is_none_or(|(_, last)| inner.contains(&last))
        }
    }
}

/// The configuration file that a command uses.
pub(crate) fn config_files(arguments: &GlobalArguments) -> Result<Vec<String>, Failure> {
    let mut files = match arguments.config.as_slice() {
        [] => vec![DEFAULT_CONFIG.to_owned()],
        [one] => vec![one.display().to_string()],
        _ => return Err(Failure::usage("only replay takes several --config")),
    };
    if let Some(name) = &arguments.env {
        let base = PathBuf::from(files.first().map_or(DEFAULT_CONFIG, String::as_str));
        files.push(base.with_extension(format!("{name}.toml")).display().to_string());
    }
    Ok(files)
}

/// `operator.url` of the configuration. A file that is missing, and was not named, has none.
fn configured_url(arguments: &GlobalArguments) -> Result<Option<String>, Failure> {
    let files = config_files(arguments)?;
    let is_named = !arguments.config.is_empty() || arguments.env.is_some();
    if !is_named && !Path::new(DEFAULT_CONFIG).exists() {
        return Ok(None);
    }
    match config_file::read_files(&files, None) {
        Ok(config) => {
            Ok(config.pointer("/operator/url").and_then(Value::as_str).map(str::to_owned))
        }
        Err(faults) => Err(Failure::input(faults.join("\n"))),
    }
}

/// The first token of `ADMIN_TOKENS` in a file of `NAME=value` lines that has every right.
fn local_token(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let value = text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == "ADMIN_TOKENS").then(|| value.trim().trim_matches(['"', '\'']).to_owned())
    })?;
    let secret = |entry: &str| match entry.trim().splitn(3, ':').collect::<Vec<_>>().as_slice() {
        [_, "admin", token] => Some((*token).to_owned()),
        [_, "read" | "purge", _] => None,
        _ => Some(entry.trim().to_owned()),
    };
    value.split(',').find_map(secret).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_base_and_the_host() {
        for (url, found) in [
            ("http://localhost:8787/x/", Some(("http://localhost:8787/x", "localhost"))),
            ("http://[::1]:8787", Some(("http://[::1]:8787", "[::1]"))),
            ("HTTPS://API.example.com?x", Some(("https://api.example.com", "api.example.com"))),
            ("https://a.example/__evergraph/#stats", Some(("https://a.example", "a.example"))),
            ("https://user:secret@127.0.0.1", None),
            ("api.example.com", None),
            ("ftp://api.example.com", None),
            ("https:///x", None),
            ("", None),
        ] {
            let found = found.map(|(base, host)| (base.to_owned(), host.to_owned()));
            assert_eq!(base_and_host(url).ok(), found, "{url}");
        }
        let refused = base_and_host("https://user:secret@a.example").unwrap_err();
        assert!(!refused.message.contains("secret"), "{}", refused.message);
    }

    #[test]
    fn a_token_is_encrypted_on_its_way_through_the_internet() {
        let find = |url: &str, token: &str| {
            let arguments = GlobalArguments {
                url: Some(url.to_owned()),
                token: Some(token.to_owned()),
                json: false,
                color: crate::cli::output::ColorChoice::Never,
                config: Vec::new(),
                env: None,
            };
            Target::find(&arguments).map(|target| target.token.is_some())
        };
        for url in [
            "https://a.example",
            "http://127.0.0.1:1",
            "http://[::1]",
            "http://10.1.2.3",
            "http://[fd00::1]:80",
            "http://worker:8787",
            "http://host.docker.internal",
        ] {
            assert!(find(url, "secret").unwrap(), "{url}");
        }
        for url in ["http://a.example", "http://8.8.8.8", "http://[2001:db8::1]", "HTTP://a.b"] {
            let refused = find(url, "secret").unwrap_err();
            assert!(refused.message.contains("Use https"), "{url}: {}", refused.message);
            assert!(!find(url, "").unwrap(), "{url}");
        }
        for token in ["secret\n", "two words", "é"] {
            assert!(find("https://a.example", token).is_err(), "{token:?}");
        }
    }

    #[test]
    fn a_local_token_is_one_with_every_right() {
        let folder =
            std::env::temp_dir().join(format!("evergraph-settings-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(".dev.vars");
        for (text, token) in [
            ("ADMIN_TOKENS=abc\n", Some("abc")),
            ("# x\nJWT_SECRET=1\nADMIN_TOKENS = \"page:read:aaa, ci:admin:b:b\"", Some("b:b")),
            ("ADMIN_TOKENS=ci:purge:aaa,old", Some("old")),
            ("ADMIN_TOKENS=", None),
            ("OTHER=1", None),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(local_token(&file).as_deref(), token, "{text}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
