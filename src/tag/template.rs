//! Tag templates: `Product:{id}`, `Product:{$.items[*].id}`.
//!
//! In scope: parsing a template, and filling it from a path and a body. Not in scope: which
//! templates a request has (`config`), and the other tags of its entry (`rest`).

use super::cache_tag::Tag;
use super::json_path::JsonPath;
use super::reach::graphql_type_of;
use serde_json::Value;

/// A tag with placeholders for parameters of the path, and for at most one path into a JSON body.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TagTemplate(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Part {
    Text(String),
    Parameter(String),
    Body(JsonPath),
}

/// The tags that a body yields for a template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilledTags {
    /// One tag for each value.
    pub tags: Vec<Tag>,
    /// Whether no value was missing.
    pub complete: bool,
}

impl TagTemplate {
    /// Parses a template for a path with these parameters. The error says what is wrong with it.
    pub fn parse(text: &str, parameters: &[&str]) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (before, place) = rest.split_once('{').unwrap_or((rest, ""));
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            if before.len() == rest.len() {
                break;
            }
            let (name, after) =
                until_brace(place).ok_or_else(|| format!("{text:?} has an unclosed \"{{\""))?;
            parts.push(if name.starts_with('$') {
                Part::Body(JsonPath::parse(name)?)
            } else if parameters.contains(&name) {
                Part::Parameter(name.to_owned())
            } else {
                return Err(format!("{text:?} uses a parameter that the path lacks"));
            });
            rest = after;
        }
        let template = Self(parts);
        template.check(text)?;
        Ok(template)
    }

    /// A template is valid if it becomes a tag once its placeholders are filled.
    fn check(&self, text: &str) -> Result<(), String> {
        let texts = self.0.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            _ => None,
        });
        if texts.clone().any(|text| text.contains('}')) {
            return Err(format!("{text:?} has a \"}}\" without a \"{{\""));
        }
        match self.0.iter().filter(|part| matches!(part, Part::Body(_))).count() {
            0 => {}
            1 if self.body_type().is_some() => {}
            // An entry that does not show its entity can only be reached by purging entities of its
            // type, so the template must name the type.
            1 => {
                return Err(format!(
                    "a tag with a value of the body must begin with a type and a colon, as in \"Product:{{$.id}}\"; found {text:?}"
                ));
            }
            // It would be unknown which values of two lists belong together.
            _ => return Err(format!("a tag can use one value of the body, found {text:?}")),
        }
        let filled = self.0.iter().map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Parameter(_) | Part::Body(_) => "1",
        });
        Tag::parse(&filled.collect::<String>())?;
        Ok(())
    }

    /// The type of the entities that the body shows. `None` if no placeholder refers to the body.
    pub fn body_type(&self) -> Option<&str> {
        self.0.iter().find(|part| matches!(part, Part::Body(_)))?;
        let Some(Part::Text(text)) = self.0.first() else { return None };
        let (name, _) = text.split_once(':')?;
        let tag = Tag::parse(&format!("{name}:1")).ok()?;
        (graphql_type_of(&tag) == Some(name)).then_some(name)
    }

    /// The path parameters that the template uses.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Parameter(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// The tag for a path alone. `None` if a placeholder refers to the body.
    pub fn of_path(&self, parameters: &[(String, String)]) -> Option<Tag> {
        if self.body_type().is_some() {
            return None;
        }
        let text: String = self.0.iter().map(|part| text_of(part, parameters)).collect();
        Some(Tag::of("", &text))
    }

    /// The tags for a path and a body. `None` if there are more than `at_most`.
    pub fn of_body(
        &self,
        parameters: &[(String, String)],
        json: &Value,
        at_most: usize,
    ) -> Option<FilledTags> {
        let path = self.0.iter().find_map(|part| match part {
            Part::Body(path) => Some(path),
            _ => None,
        });
        let Some(path) = path else { return Some(FilledTags::default()) };
        let found = path.find(json, at_most)?;
        let tag = |value: &String| {
            let text: String = self
                .0
                .iter()
                .map(|part| match part {
                    Part::Body(_) => value.as_str(),
                    other => text_of(other, parameters),
                })
                .collect();
            Tag::of("", &text)
        };
        Some(FilledTags { tags: found.values.iter().map(tag).collect(), complete: found.complete })
    }
}

fn text_of<'a>(part: &'a Part, parameters: &'a [(String, String)]) -> &'a str {
    match part {
        Part::Text(text) => text,
        Part::Parameter(name) => {
            let value = parameters.iter().find(|(of, _)| of == name);
            value.map_or("", |(_, value)| value.as_str())
        }
        Part::Body(_) => "",
    }
}

/// The text before and after the brace that closes a placeholder. A quoted name may contain braces.
fn until_brace(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '}' => {
                return text.split_at_checked(at).map(|(name, _)| name).zip(text.get(at + 1..));
            }
            None if text.starts_with('$') && matches!(c, '\'' | '"') => quote = Some(c),
            None => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parameters() -> Vec<(String, String)> {
        [("id", "7"), ("x", "{id}")].map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    fn template(text: &str) -> TagTemplate {
        TagTemplate::parse(text, &["id", "x"]).unwrap()
    }

    fn of_body(text: &str, json: &Value) -> Vec<String> {
        let filled = template(text).of_body(&parameters(), json, 3).unwrap();
        filled.tags.iter().map(|tag| tag.as_str().to_owned()).collect()
    }

    #[test]
    fn a_path_fills_its_own_places() {
        let of_path = |text| template(text).of_path(&parameters());
        assert_eq!(of_path("Product:{id}:{id}").unwrap().as_str(), "Product:7:7");
        // A value is not expanded again.
        assert_eq!(of_path("Product:{x}:{id}").unwrap().as_str(), "Product:{id}:7");
        assert_eq!(of_path("Product").unwrap().as_str(), "Product");
        assert_eq!(of_path("Product:{$.id}"), None);
    }

    #[test]
    fn a_body_fills_the_rest() {
        let json = json!({ "sku": "a b", "items": [{ "id": 1 }, { "id": "2" }], "o{}d'": 3 });
        assert_eq!(of_body("Item:{id}:{$.sku}", &json), ["Item:7:a%20b"]);
        assert_eq!(of_body("Item:{$.items[*].id}.x", &json), ["Item:1.x", "Item:2.x"]);
        assert_eq!(of_body("Item:{$[\"o{}d'\"]}", &json), ["Item:3"]);
        assert_eq!(of_body("Item:{id}", &json), [""; 0]);
        let too_many = json!({ "items": [{}, {}, {}, {}] });
        assert_eq!(template("Item:{$.items[*].id}").of_body(&[], &too_many, 3), None);
    }

    #[test]
    fn refuses_what_is_no_template() {
        for (text, fault) in [
            ("", "a tag must not be empty"),
            ("a b:{id}", "a tag must be printable"),
            ("P:{ident}", "\"P:{ident}\" uses a parameter that the path lacks"),
            ("P:{}", "\"P:{}\" uses a parameter"),
            ("P:{id", "\"P:{id\" has an unclosed \"{\""),
            ("P:{$['id}", "\"P:{$['id}\" has an unclosed \"{\""),
            ("P:id}", "\"P:id}\" has a \"}\" without a \"{\""),
            ("P:{$..id}", "expected \"$\" and steps"),
            ("P:{$.a}:{$.b}", "a tag can use one value of the body"),
            ("{$.id}", "a tag with a value of the body must begin with a type"),
            ("{id}:{$.id}", "a tag with a value of the body must begin with a type"),
            ("P{$.id}", "a tag with a value of the body must begin with a type"),
            ("path:{$.id}", "a tag with a value of the body must begin with a type"),
            ("list:P:{$.id}", "a tag with a value of the body must begin with a type"),
            ("my-thing:{$.id}", "a tag with a value of the body must begin with a type"),
        ] {
            let found = TagTemplate::parse(text, &["id"]).unwrap_err();
            assert!(found.starts_with(fault), "{text}: {found}");
        }
    }
}
