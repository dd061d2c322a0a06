//! The Worker's admin routes.

use super::arguments::GlobalArguments;
use super::exit_status::ExitStatus;
use super::failure::Failure;
use super::settings::Target;
use serde_json::Value;
use std::time::Duration;
use ureq::Agent;
use ureq::http::StatusCode;

/// How long an answer may take. A part of a warming waits for the origin.
const TIMEOUT: Duration = Duration::from_secs(120);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer.
const ANSWER_BYTES: u64 = 64 << 20;

/// Asks a Worker.
pub(crate) struct Client {
    agent: Agent,
    target: Target,
}

impl Client {
    /// A client of the Worker that the arguments, the environment or the configuration names.
    pub fn new(arguments: &GlobalArguments) -> Result<Self, Failure> {
        let target = Target::find(arguments)?;
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            // A token is for one server.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(TIMEOUT))
            .user_agent(concat!("evergraph/", env!("CARGO_PKG_VERSION")));
        if target.is_local {
            config = config.proxy(None);
        }
        Ok(Self { agent: config.build().into(), target })
    }

    /// `GET`, with these parameters.
    pub fn get(&self, route: &str, query: &[(&str, String)]) -> Result<Value, Failure> {
        let (status, body) = self.send_get(route, query)?;
        self.json(route, status, &body)
    }

    /// `GET` of what need not be JSON.
    pub fn get_bytes(&self, route: &str, query: &[(&str, String)]) -> Result<Vec<u8>, Failure> {
        let (status, body) = self.send_get(route, query)?;
        match status {
            200..300 => Ok(body),
            _ => Err(self.failure(route, status, &body)),
        }
    }

    /// `GET` of a route that also answers with a 503 what it has to say.
    pub fn get_even_if_down(&self, route: &str) -> Result<Value, Failure> {
        let (status, body) = self.send_get(route, &[])?;
        match parsed(&body) {
            Some(state) if status == 503 && state.get("state").is_some() => Ok(state),
            _ => self.json(route, status, &body),
        }
    }

    /// `POST` of JSON.
    pub fn post(&self, route: &str, body: &Value) -> Result<Value, Failure> {
        self.post_bytes(route, body.to_string().as_bytes(), "application/json")
    }

    /// `POST` of anything.
    pub fn post_bytes(&self, route: &str, body: &[u8], kind: &str) -> Result<Value, Failure> {
        let mut request = self.agent.post(self.url(route)).header("content-type", kind);
        if let Some(authorization) = self.authorization() {
            request = request.header("authorization", authorization);
        }
        let (status, body) = self.read(request.send(body))?;
        self.json(route, status, &body)
    }

    fn send_get(&self, route: &str, query: &[(&str, String)]) -> Result<(u16, Vec<u8>), Failure> {
        let mut request = self.agent.get(self.url(route));
        request = request.query_pairs(query.iter().map(|(name, value)| (*name, value.as_str())));
        if let Some(authorization) = self.authorization() {
            request = request.header("authorization", authorization);
        }
        self.read(request.call())
    }

    fn url(&self, route: &str) -> String {
        format!("{}/{route}", self.target.admin_url)
    }

    fn authorization(&self) -> Option<String> {
        self.target.token.as_ref().map(|token| format!("Bearer {token}"))
    }

    fn read(
        &self,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<(u16, Vec<u8>), Failure> {
        let unreachable = |error: ureq::Error| {
            let url = &self.target.admin_url;
            let hint = if self.target.is_local {
                ". Is `npm start` or `npm run dev` running?"
            } else {
                ""
            };
            Failure::new(ExitStatus::Unreachable, format!("{url} cannot be reached: {error}{hint}"))
        };
        let mut response = response.map_err(unreachable)?;
        let status = response.status();
        let body = response.body_mut().with_config().limit(ANSWER_BYTES);
        let body = body.read_to_vec().map_err(|error| {
            let message =
                format!("the answer of {} cannot be read: {error}", self.target.admin_url);
            Failure::new(ExitStatus::Failed, message)
        })?;
        Ok((StatusCode::as_u16(&status), body))
    }

    fn json(&self, route: &str, status: u16, body: &[u8]) -> Result<Value, Failure> {
        match parsed(body) {
            Some(json) if (200..300).contains(&status) => Ok(json),
            _ => Err(self.failure(route, status, body)),
        }
    }

    /// What a status means, or a success without JSON.
    fn failure(&self, route: &str, status: u16, body: &[u8]) -> Failure {
        let body = parsed(body);
        let is_json = body.is_some();
        let said = body.as_ref().and_then(explanation);
        let url = self.url(route);
        let (exit, what) = match status {
            200..300 => (
                ExitStatus::Failed,
                "the answer is not JSON. Is this an Evergraph Worker?".to_owned(),
            ),
            401 if self.target.token.is_none() => {
                (ExitStatus::Refused, "no token. Set EVERGRAPH_TOKEN, or pass --token".to_owned())
            }
            // Evergraph's own refusals are JSON.
            401 | 403 if !is_json => (
                ExitStatus::Refused,
                "something before the Worker refuses, such as a firewall or Cloudflare Access"
                    .to_owned(),
            ),
            401 => (ExitStatus::Refused, "the token is wrong".to_owned()),
            403 => (
                ExitStatus::Refused,
                said.unwrap_or_else(|| "the token's role does not allow this".to_owned()),
            ),
            404 => (
                ExitStatus::Refused,
                said.unwrap_or_else(|| {
                    "no such route. Is ADMIN_TOKENS set, and the Worker of this version?".to_owned()
                }),
            ),
            429 => (
                ExitStatus::Refused,
                "too many attempts with a wrong token. Wait a minute".to_owned(),
            ),
            300..400 => (ExitStatus::Refused, "a redirect. Pass the Worker's own URL".to_owned()),
            400..500 => (
                ExitStatus::InvalidInput,
                said.unwrap_or_else(|| "the request is not accepted".to_owned()),
            ),
            _ => (ExitStatus::Failed, said.unwrap_or_else(|| "the Worker failed".to_owned())),
        };
        Failure::new(exit, format!("{url} answered {status}: {what}"))
    }
}

fn parsed(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok()
}

/// What an error of the Worker says.
fn explanation(body: &Value) -> Option<String> {
    let error = body.get("error")?.as_str()?;
    match body.get("path").and_then(Value::as_str).filter(|path| !path.is_empty()) {
        Some(path) => Some(format!("{path}: {error}")),
        None => Some(error.to_owned()),
    }
}
