//! What describes an admin route in the OpenAPI document: its query, its body, and its responses.
//!
//! Native only. Not in scope: the descriptions themselves (`descriptions.rs`), and the document
//! (`openapi.rs`).

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

/// Makes the schema of a type.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// JSON.
const JSON: &str = "application/json";

/// A body: its media type and its schema.
#[derive(Clone, Copy)]
pub struct Content {
    /// The media type.
    pub media_type: &'static str,
    /// The schema.
    pub schema: SchemaOf,
}

/// A parameter of the query.
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it does, in one line.
    pub doc: &'static str,
    /// The schema of its value.
    pub schema: Value,
}

/// A response with a body of its own.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// When it is sent, in one line.
    pub doc: &'static str,
    /// Its body; none for a response without.
    pub content: Option<Content>,
}

/// The description of one route.
pub struct RouteDescription {
    /// The method.
    pub method: &'static str,
    /// The path after the prefix.
    pub path: &'static str,
    /// The parameters of the query.
    pub parameters: Vec<Parameter>,
    /// The bodies that the request may have.
    pub request: Vec<Content>,
    /// Whether the request may have no body.
    pub body_is_optional: bool,
    /// The responses that are no errors.
    pub answers: Vec<Answer>,
    /// The errors, beyond those that every route has.
    pub errors: Vec<(u16, &'static str)>,
}

/// Begins the description of a route.
pub fn route(method: &'static str, path: &'static str) -> RouteDescription {
    let (parameters, request, answers, errors) = Default::default();
    RouteDescription { method, path, parameters, request, body_is_optional: false, answers, errors }
}

impl RouteDescription {
    /// A parameter of the query. One that is wrong is a 400.
    pub fn query(mut self, name: &'static str, doc: &'static str, schema: Value) -> Self {
        self.parameters.push(Parameter { name, doc, schema });
        self.fails(400, "A parameter of the query is wrong, as `path` says.")
    }

    /// A body in JSON. One that is wrong is a 400.
    pub fn json<T: JsonSchema>(self) -> Self {
        self.body(JSON, |generator| generator.subschema_for::<T>())
    }

    /// The same, and the request may have none.
    pub fn json_or_nothing<T: JsonSchema>(self) -> Self {
        Self { body_is_optional: true, ..self.json::<T>() }
    }

    /// A body of any type. One that is wrong is a 400, and one that is too large is a 413.
    pub fn body(mut self, media_type: &'static str, schema: SchemaOf) -> Self {
        self.request.push(Content { media_type, schema });
        self.fails(400, "The body is wrong, as `path` says. Nothing was changed.")
            .fails(413, "The body is too large. Nothing was changed.")
    }

    /// A 200 with JSON.
    pub fn answers<T: JsonSchema>(self, doc: &'static str) -> Self {
        self.answers_as(200, doc, JSON, |generator| generator.subschema_for::<T>())
    }

    /// A response with a body of any type.
    pub fn answers_as(
        mut self,
        status: u16,
        doc: &'static str,
        media_type: &'static str,
        schema: SchemaOf,
    ) -> Self {
        self.answers.push(Answer { status, doc, content: Some(Content { media_type, schema }) });
        self
    }

    /// An error, and when it is sent. The first one of a status stays.
    pub fn fails(mut self, status: u16, doc: &'static str) -> Self {
        if self.errors.iter().all(|(other, _)| *other != status) {
            self.errors.push((status, doc));
        }
        self
    }
}

/// A text that is no JSON.
pub fn text(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({ "type": "string" })
}

/// Any JSON object.
pub fn object(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({ "type": "object" })
}
