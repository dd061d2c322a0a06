//! The OpenAPI 3.1 document of the admin routes, from their table, their descriptions, and the types of
//! their bodies. Native only.
//!
//! `UPDATE_DOCS=1 cargo test --test reference` writes it to `openapi.json`, which the build puts next to
//! the Worker.

use super::described::{Content, RouteDescription};
use super::descriptions::descriptions;
use super::routes::ROUTES;
use crate::admin::{PREFIX, Problem, Route};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The errors that every route with a token has.
const TOKEN_ERRORS: [(u16, &str); 3] = [
    (401, "The token is missing or wrong."),
    (403, "The token's role does not suffice."),
    (429, "Too many wrong tokens came from this address. `Retry-After` says when to try again."),
];

/// The errors that every route has.
const ERRORS: [(u16, &str); 3] = [
    (404, "`ADMIN_TOKENS` is not set, so there are no admin routes."),
    (405, "The method is wrong. `Allow` lists the right ones."),
    (503, "The configuration is invalid; the log names its faults."),
];

/// The document. A route without a description is missing in it, as [`undescribed`] says.
pub fn openapi() -> Value {
    let mut document = Document::new();
    let descriptions = descriptions();
    for (route, described) in ROUTES.iter().filter_map(|route| {
        descriptions.iter().find(|one| is_of(one, route)).map(|described| (route, described))
    }) {
        document.add(route, described);
    }
    document.finish()
}

/// The routes that lack a description, and the descriptions that lack a route, as in `POST purge`.
pub fn undescribed() -> Vec<String> {
    let descriptions = descriptions();
    let lacks = |route: &&Route| descriptions.iter().filter(|one| is_of(one, route)).count() != 1;
    let routes = ROUTES.iter().filter(|route| has_operation(route)).filter(lacks);
    let unknown = descriptions.iter().filter(|one| !ROUTES.iter().any(|route| is_of(one, route)));
    let name = |method: &str, path: &str| format!("{method} {path}");
    routes
        .map(|route| name(route.method, route.path))
        .chain(unknown.map(|one| name(one.method, one.path)))
        .collect()
}

/// Whether OpenAPI 3.1 has a name for the route's method. It has none for `PURGE` and `BAN`.
fn has_operation(route: &Route) -> bool {
    ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&route.method)
}

/// The names in a path, such as `key` for the segment `:key`.
fn names_in(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|segment| segment.strip_prefix(':'))
}

/// The path as OpenAPI writes it: `/purge/{key}` for `purge/:key`.
fn template(path: &str) -> String {
    path.split('/').fold(String::new(), |text, segment| match segment.strip_prefix(':') {
        Some(name) => text + "/{" + name + "}",
        None => text + "/" + segment,
    })
}

fn is_of(described: &RouteDescription, route: &Route) -> bool {
    (described.method, described.path) == (route.method, route.path)
}

struct Document {
    requests: SchemaGenerator,
    responses: SchemaGenerator,
    paths: Map<String, Value>,
}

impl Document {
    fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        Self {
            requests: settings.clone().for_deserialize().into_generator(),
            responses: settings.for_serialize().into_generator(),
            paths: Map::new(),
        }
    }

    fn add(&mut self, route: &Route, described: &RouteDescription) {
        let operation = self.operation(route, described);
        let path = self.paths.entry(template(route.path)).or_insert_with(|| json!({}));
        if let Value::Object(path) = path {
            path.insert(route.method.to_lowercase(), operation);
        }
    }

    fn operation(&mut self, route: &Route, described: &RouteDescription) -> Value {
        let description = match route.role {
            Some(role) => {
                format!("Needs a token with the role `{}` or a higher one.", role.as_str())
            }
            None => "Needs no token.".to_owned(),
        };
        let mut operation = Map::from_iter([
            ("operationId".to_owned(), json!(operation_id(route))),
            ("summary".to_owned(), json!(route.doc)),
            ("description".to_owned(), json!(description)),
            (
                "security".to_owned(),
                match route.role {
                    Some(role) => json!([{ "token": [role.as_str()] }]),
                    None => json!([]),
                },
            ),
        ]);
        let in_path = names_in(route.path).map(|name| {
            json!({
                "name": name,
                "in": "path",
                "required": true,
                "schema": { "type": "string", "minLength": 1 },
            })
        });
        let in_query = described.parameters.iter().map(|parameter| {
            json!({
                "name": parameter.name,
                "in": "query",
                "description": parameter.doc,
                "schema": parameter.schema,
            })
        });
        let parameters: Vec<Value> = in_path.chain(in_query).collect();
        if !parameters.is_empty() {
            operation.insert("parameters".to_owned(), json!(parameters));
        }
        if !described.request.is_empty() {
            let content = contents(&described.request, &mut self.requests);
            let body = json!({ "required": !described.body_is_optional, "content": content });
            operation.insert("requestBody".to_owned(), body);
        }
        operation.insert("responses".to_owned(), self.responses(route, described));
        Value::Object(operation)
    }

    fn responses(&mut self, route: &Route, described: &RouteDescription) -> Value {
        let mut responses = Map::new();
        for answer in &described.answers {
            let mut response = json!({ "description": answer.doc });
            if let (Some(content), Value::Object(response)) = (&answer.content, &mut response) {
                let content = contents(std::slice::from_ref(content), &mut self.responses);
                response.insert("content".to_owned(), content);
            }
            responses.insert(answer.status.to_string(), response);
        }
        let of_token: &[(u16, &str)] = if route.role.is_some() { &TOKEN_ERRORS } else { &[] };
        let problem = self.responses.subschema_for::<Problem>();
        for (status, doc) in described.errors.iter().chain(of_token).chain(&ERRORS) {
            let response = responses
                .entry(status.to_string())
                .or_insert_with(|| json!({ "description": doc, "content": {} }));
            let schema =
                response.get_mut("content").map(|content| &mut content["application/json"]);
            match schema.map(|content| &mut content["schema"]) {
                Some(schema) if schema.is_null() => *schema = json!(problem),
                // A response of the route itself has the same status.
                Some(schema) if *schema != json!(problem) => {
                    *schema = json!({ "anyOf": [schema.take(), problem] });
                }
                _ => {}
            }
        }
        Value::Object(responses)
    }

    fn finish(mut self) -> Value {
        let mut schemas = self.responses.take_definitions(true);
        schemas.extend(self.requests.take_definitions(true));
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Evergraph's admin routes",
                "description": "Purge, measure and configure a cache for GraphQL and REST. docs/operations.md describes each route.",
                "version": env!("CARGO_PKG_VERSION"),
                "license": { "name": "MIT", "identifier": "MIT" },
            },
            "servers": [{ "url": PREFIX.trim_end_matches('/') }],
            "paths": self.paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {
                    "token": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "One of `ADMIN_TOKENS`. Each operation names the role that it needs.",
                    },
                },
            },
        })
    }
}

fn contents(contents: &[Content], generator: &mut SchemaGenerator) -> Value {
    let each = contents.iter().map(|content| {
        (content.media_type.to_owned(), json!({ "schema": (content.schema)(generator) }))
    });
    Value::Object(each.collect())
}

/// `getOpenapiJson` for `GET openapi.json`.
fn operation_id(route: &Route) -> String {
    let mut id = route.method.to_lowercase();
    for word in route.path.split(|letter: char| !letter.is_ascii_alphanumeric()) {
        let mut letters = word.chars();
        id.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        id.extend(letters);
    }
    id
}
