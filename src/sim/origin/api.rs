//! The API behind Evergraph: products and users, in GraphQL and in REST. Everything has a version,
//! the number of the write that made it, and every answer says whose it is.

use super::echo::echo;
use super::entities::{ApiResponse, Entities, product, user};
use super::schema::introspected;
use super::sessions::{account_of, session};
use super::shown::brief;
use super::texts::text_answer;
use crate::http::Headers;
use crate::sim::environment::{EPOCH_MILLIS, Environment};
use crate::sim::plan::Validators;
use crate::sim::requests::documents;
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};

/// By when a write's own answer sees what is written: it does not come from the copy.
const WRITTEN: u64 = u64::MAX;

/// The API of one service.
pub struct Api {
    /// What there is, and what was written.
    pub entities: Entities,
    products: u64,
    pub validators: Validators,
}

impl Api {
    pub fn new(service: usize, products: u64, validators: Validators) -> Self {
        Self { entities: Entities::new(service), products, validators }
    }

    /// Responds to a request. `None` if the connection breaks.
    pub async fn answer(
        &self,
        environment: &Environment,
        method: &str,
        path: &str,
        headers: &Headers,
        body: &[u8],
    ) -> Option<ApiResponse> {
        environment.takes(5, 60).await;
        if environment.fails(|faults| faults.origin_slow) {
            environment.takes(500, 8_000).await;
        }
        let writes = method != "GET" && (path != "/graphql" || mutates(body));
        if writes && environment.fails(|faults| faults.origin_crawls) {
            environment.takes(8_000, 50_000).await;
        }
        if environment.fails(|faults| faults.origin_refuses) {
            return Some((503, json_type(), b"{\"error\":\"busy\"}".to_vec()));
        }
        let cookies = headers.get("cookie").unwrap_or_default();
        if headers.get("evergraph-purge").is_some() || cookies.contains("evergraph-purge") {
            environment
                .laws
                .report(format!("the origin was told a purge's number: {method} {path}"));
        }
        let said = self.handle(environment, method, path, headers, body);
        environment.trace(|| {
            format!("origin{}: {method} {path} shows {}", self.entities.service, brief(&said.2))
        });
        environment.takes(1, 60).await;
        if environment.fails(|faults| faults.origin_slow) {
            environment.takes(500, 8_000).await;
        }
        if environment.fails(|faults| faults.origin_breaks) {
            environment.trace(|| format!("origin{}: the answer is lost", self.entities.service));
            return None;
        }
        Some(said)
    }

    /// Does what a request asks, and answers it.
    pub fn handle(
        &self,
        environment: &Environment,
        method: &str,
        path: &str,
        headers: &Headers,
        body: &[u8],
    ) -> ApiResponse {
        if let Some((fields, answer)) = echo(path, headers, body) {
            return (200, fields, answer.to_string().into_bytes());
        }
        let who = headers.get("authorization").unwrap_or_default().to_owned();
        if let Some(said) = text_answer(&self.entities, environment, method, path, headers)
            .or_else(|| session(&self.entities, environment, method, path, headers))
        {
            return said;
        }
        if path != "/graphql" {
            return self.rest(environment, method, path, headers);
        }
        let now = environment.now();
        let Ok(request) = serde_json::from_slice::<Value>(body) else {
            return (400, json_type(), b"{\"errors\":[{\"message\":\"no JSON\"}]}".to_vec());
        };
        if let Value::Array(several) = &request {
            let answers = several.iter().map(|one| {
                let one = one.to_string();
                let said = self.handle(environment, method, path, headers, one.as_bytes());
                serde_json::from_slice::<Value>(&said.2).unwrap()
            });
            let answers = Value::Array(answers.collect());
            return (200, json_type(), answers.to_string().into_bytes());
        }
        let documents = documents();
        let named = request["documentId"].as_str().and_then(|id| documents[id].as_str());
        let query = named.or(request["query"].as_str()).unwrap_or_default();
        if query.contains("__schema") {
            return (200, json_type(), introspected().to_string().into_bytes());
        }
        let id = request["variables"]["id"].as_str().unwrap_or("0").to_owned();
        let data = if query.contains("updateProduct") {
            self.entities.write(environment, &request["variables"]["write"], &product(&id));
            json!({ "updateProduct": self.object("Product", &id, &who, WRITTEN) })
        } else if query.contains("touch") {
            self.entities.write(environment, &request["variables"]["write"], &product(&id));
            let mut touched = self.object("Product", &id, &who, WRITTEN);
            touched.as_object_mut().unwrap().remove("__typename");
            json!({ "touch": touched })
        } else if query.contains("updateMe") {
            self.entities.write(environment, &request["variables"]["write"], &user(&who));
            json!({ "updateMe": self.object("User", &who, &who, WRITTEN) })
        } else if query.contains("products") {
            let all = (0..self.products).map(|n| n.to_string());
            let all = all.map(|id| self.object("Product", &id, &who, now));
            json!({ "products": all.collect::<Vec<_>>() })
        } else if query.contains("account") {
            let who = account_of(headers);
            json!({ "account": self.object("User", &who, &who, now) })
        } else if query.contains("me") && query.contains("Me") {
            json!({ "me": self.object("User", &who, &who, now) })
        } else {
            json!({ "product": self.object("Product", &id, &who, now) })
        };
        let mut answer = json!({ "data": data });
        let mutates = query.starts_with("mutation");
        if mutates && environment.fails(|faults| faults.origin_objects) {
            answer["errors"] = json!([{ "message": "and yet it ran", "path": ["x"] }]);
            return (422, json_type(), answer.to_string().into_bytes());
        }
        (200, json_type(), answer.to_string().into_bytes())
    }

    fn rest(
        &self,
        environment: &Environment,
        method: &str,
        path: &str,
        headers: &Headers,
    ) -> ApiResponse {
        let id = path.rsplit('/').next().unwrap_or_default();
        let mut by = environment.now();
        if method == "PUT" {
            let write = headers.get("x-write").and_then(|number| number.parse::<u64>().ok());
            self.entities.write(environment, &json!(write), &product(id));
            by = WRITTEN;
        }
        let body = self.object("Product", id, "", by).to_string();
        let mut said = json_type();
        let version = self.entities.version(&product(id), by);
        let changed = (EPOCH_MILLIS + self.entities.changed_at(version)) / 60_000 * 60;
        let known = match self.validators {
            Validators::None => false,
            Validators::Tag => {
                let tag = format!("\"{version}\"");
                said.set("etag", tag.as_str());
                headers.get("if-none-match").is_some_and(|asked| asked == tag)
            }
            Validators::Date => {
                let date = UNIX_EPOCH + Duration::from_secs(changed);
                said.set("last-modified", httpdate::fmt_http_date(date));
                let asked = headers.get("if-modified-since");
                asked
                    .and_then(|asked| httpdate::parse_http_date(asked).ok())
                    .is_some_and(|asked| date <= asked)
            }
        };
        match method {
            "GET" if known => (304, said, Vec::new()),
            "HEAD" => (200, said, Vec::new()),
            _ => (200, said, body.into_bytes()),
        }
    }

    /// An object as reads see it by then.
    fn object(&self, type_name: &str, id: &str, who: &str, by: u64) -> Value {
        let entity = if type_name == "Product" { product(id) } else { user(id) };
        let who = if type_name == "Product" { "" } else { who };
        json!({
            "__typename": type_name,
            "id": id,
            "v": self.entities.version(&entity, by),
            "who": who,
            "service": self.entities.service,
        })
    }
}

fn mutates(body: &[u8]) -> bool {
    body.windows(8).any(|words| words == b"mutation")
}

fn json_type() -> Headers {
    [("content-type", "application/json")].into_iter().collect()
}
