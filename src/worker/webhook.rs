//! Sends alerts to the webhook.

use crate::alerts::AlertMessage;
use crate::config::{Alerts, is_trustworthy, shown_host};
use futures_util::future::{Either, select};
use serde_json::json;
use std::pin::pin;
use std::time::Duration;
use worker::wasm_bindgen::JsValue;
use worker::{
    AbortController, Delay, Env, Fetch, Headers, Method, Request, RequestInit, RequestRedirect,
    console_log,
};

/// How long the receiver may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where alerts are sent.
pub struct Webhook {
    url: String,
    /// `ALERT_WEBHOOK_SECRET`
    secret: Option<String>,
}

impl Webhook {
    /// The webhook of the secret `ALERT_WEBHOOK`, or else of the configuration.
    pub fn of(env: &Env, config: &Alerts) -> Option<Self> {
        let secret = |name: &str| env.secret(name).ok().map(|secret| secret.to_string());
        let url = secret("ALERT_WEBHOOK").filter(|url| !url.is_empty());
        let url = url.or_else(|| config.webhook.clone())?;
        if !is_trustworthy(&url) {
            report("ALERT_WEBHOOK is not an address that begins with \"https://\"", &url);
            return None;
        }
        Some(Self { url, secret: secret("ALERT_WEBHOOK_SECRET") })
    }

    /// The address. It may contain a secret.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sends a message. Returns whether the receiver has accepted it. A failure is logged.
    pub async fn send(&self, message: &AlertMessage) -> bool {
        let fault = match self.status(message).await {
            Ok(200..=299) => return true,
            Ok(status) => format!("it answered {status}"),
            Err(fault) => fault,
        };
        report(&fault, &self.url);
        false
    }

    async fn status(&self, message: &AlertMessage) -> Result<u16, String> {
        let request = self.request(message).map_err(|error| error.to_string())?;
        let abort = AbortController::default();
        let signal = abort.signal();
        let fetch = Fetch::Request(request);
        let sending = pin!(fetch.send_with_signal(&signal));
        match select(sending, Delay::from(TIMEOUT)).await {
            Either::Left((response, _)) => {
                response.map(|response| response.status_code()).map_err(|error| error.to_string())
            }
            Either::Right(_) => {
                abort.abort();
                Err(format!("no answer within {} s", TIMEOUT.as_secs()))
            }
        }
    }

    fn request(&self, message: &AlertMessage) -> worker::Result<Request> {
        let headers = Headers::new();
        headers.set("content-type", "application/json")?;
        if let Some(secret) = &self.secret {
            headers.set("authorization", &format!("Bearer {secret}"))?;
        }
        let body = serde_json::to_string(message)?;
        let mut init = RequestInit::new();
        init.with_method(Method::Post)
            .with_headers(headers)
            .with_body(Some(JsValue::from_str(&body)))
            // A redirect could lead to a server that must not see the secret.
            .with_redirect(RequestRedirect::Manual);
        Request::new_with_init(&self.url, &init)
    }
}

/// A log line. The address may be a secret, so only its host is in the line.
fn report(fault: &str, url: &str) {
    let host = shown_host(url);
    let line = json!({ "event": "failure", "part": "alert-webhook", "host": host, "fault": fault.replace(url, host) });
    console_log!("{line}");
}
