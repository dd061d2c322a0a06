//! A request as an operator describes it, for `explain` and `warm`.

use serde_json::{Map, Value, json};

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestSpec {
    pub method: String,
    /// Absolute, or a path.
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<String>,
}

impl RequestSpec {
    /// The request as the admin routes take it. A header that is repeated has a list of values.
    pub fn to_json(&self) -> Value {
        let mut headers = Map::new();
        for (name, value) in &self.headers {
            let value = Value::from(value.as_str());
            match headers.get_mut(&name.to_ascii_lowercase()) {
                Some(Value::Array(values)) => values.push(value),
                Some(first) => *first = json!([first, value]),
                None => {
                    headers.insert(name.to_ascii_lowercase(), value);
                }
            }
        }
        let mut json = json!({ "method": self.method, "url": self.url, "headers": headers });
        if let (Some(body), Some(members)) = (&self.body, json.as_object_mut()) {
            members.insert("body".to_owned(), Value::from(body.as_str()));
        }
        json
    }
}

/// A header as it is typed: `Name: value`.
pub(crate) fn parse_header(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once(':').filter(|(name, _)| !name.trim().is_empty());
    let (name, value) = pair.ok_or_else(|| format!("expected `Name: value`, found {text:?}"))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}
