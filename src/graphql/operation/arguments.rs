//! The values of an operation's arguments, from literals, variables and defaults.

use super::analysis::Analysis;
use super::root_fields::RootArguments;
use crate::graphql::document::ast::Value;
use crate::order;
use serde_json::{Map, Value as Json};

/// Whether arguments have the values that a `match` in the configuration requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ArgumentMatch {
    /// At least one has another value, or none.
    No,
    /// A server may coerce one of them to the required value, or its value is not known.
    Perhaps,
    /// All have exactly the required values.
    Yes,
}

impl Analysis {
    /// The value of an argument with these variables. `None` if it has none.
    pub(crate) fn argument_value(
        &self,
        value: &Value,
        variables: Option<&Map<String, Json>>,
    ) -> Option<Json> {
        match value {
            Value::Variable(name) => {
                let given = variables.and_then(|variables| variables.get(name));
                let declared = || self.variables.iter().find(|one| one.name == *name);
                given.cloned().or_else(|| declared()?.default.clone())
            }
            Value::Object(fields) => {
                let of_field = |(name, value): &(String, Value)| {
                    Some((name.clone(), self.argument_value(value, variables)?))
                };
                Some(Json::Object(order::object_of(fields.iter().filter_map(of_field))))
            }
            Value::List(items) => {
                Some(items.iter().filter_map(|item| self.argument_value(item, variables)).collect())
            }
            constant => constant.to_json(),
        }
    }
}

/// The value of an argument, as far as it is known before a server coerces it.
enum ArgumentValue {
    /// It is not given.
    Omitted,
    /// It could be anything: JSON does not express it exactly.
    Unknown,
    Known(Json),
}

impl Analysis {
    /// Compares a root field's arguments with the required values. Literals and variables count
    /// alike. An argument that is left out has no value, because the schema's default is not known.
    pub fn match_arguments(
        &self,
        arguments: &RootArguments,
        wanted: &[(String, Json)],
        variables: Option<&Map<String, Json>>,
    ) -> ArgumentMatch {
        let of = |(name, wanted): &(String, Json)| {
            let mut given = arguments.0.iter().filter(|(given, _)| given == name);
            let input = match (given.next(), given.next()) {
                (None, _) => ArgumentValue::Omitted,
                (Some((_, value)), None) => self.known_value(value, variables),
                // Servers differ in which of two equally named arguments counts.
                (Some(_), Some(_)) => ArgumentValue::Unknown,
            };
            match input {
                ArgumentValue::Omitted => ArgumentMatch::No,
                ArgumentValue::Unknown => ArgumentMatch::Perhaps,
                ArgumentValue::Known(value) => compare(&value, wanted),
            }
        };
        wanted.iter().map(of).min().unwrap_or(ArgumentMatch::Yes)
    }

    fn known_value(&self, value: &Value, variables: Option<&Map<String, Json>>) -> ArgumentValue {
        match value {
            Value::Variable(name) => {
                if let Some(given) = variables.and_then(|variables| variables.get(name)) {
                    return ArgumentValue::Known(given.clone());
                }
                match self.variables.iter().find(|one| one.name == *name) {
                    Some(one) if one.inexact_default => ArgumentValue::Unknown,
                    Some(one) => {
                        one.default.clone().map_or(ArgumentValue::Omitted, ArgumentValue::Known)
                    }
                    None => ArgumentValue::Unknown,
                }
            }
            Value::Object(fields) => {
                let mut object = Map::new();
                for (name, value) in fields {
                    match self.known_value(value, variables) {
                        ArgumentValue::Omitted => {}
                        ArgumentValue::Unknown => return ArgumentValue::Unknown,
                        ArgumentValue::Known(value) => {
                            if object.insert(name.clone(), value).is_some() {
                                return ArgumentValue::Unknown;
                            }
                        }
                    }
                }
                ArgumentValue::Known(Json::Object(object))
            }
            Value::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    match self.known_value(item, variables) {
                        ArgumentValue::Omitted => list.push(Json::Null),
                        ArgumentValue::Unknown => return ArgumentValue::Unknown,
                        ArgumentValue::Known(value) => list.push(value),
                    }
                }
                ArgumentValue::Known(Json::Array(list))
            }
            constant => constant.to_json().map_or(ArgumentValue::Unknown, ArgumentValue::Known),
        }
    }
}

/// Compares a value with the required one.
///
/// If they differ, a server's input coercion (§3.5, §3.11) may still make them equal: a string and
/// a number, an item and a list of that one item, an object and one with fewer fields. Some servers
/// go further: graphene turns any non-empty value into `true`, and truncates numbers to integers.
fn compare(value: &Json, wanted: &Json) -> ArgumentMatch {
    if value == wanted {
        return ArgumentMatch::Yes;
    }
    let perhaps = |perhaps: bool| if perhaps { ArgumentMatch::Perhaps } else { ArgumentMatch::No };
    let is_near = |value: &Json, wanted: &Json| compare(value, wanted) != ArgumentMatch::No;
    let integer = |number: &Json| number.as_f64().map(f64::trunc);
    match (value, wanted) {
        (Json::Bool(_), Json::Bool(_) | Json::Null) | (Json::Null, Json::Bool(_)) => {
            ArgumentMatch::No
        }
        (Json::Bool(_), _) | (_, Json::Bool(_)) => ArgumentMatch::Perhaps,
        (Json::Array(values), Json::Array(items)) => {
            let near = values.iter().zip(items).all(|(value, item)| is_near(value, item));
            perhaps(near && values.len() == items.len())
        }
        (Json::Array(one), other) => match one.as_slice() {
            [one] => perhaps(is_near(one, other)),
            _ => ArgumentMatch::No,
        },
        (other, Json::Array(one)) => match one.as_slice() {
            [one] => perhaps(is_near(other, one)),
            _ => ArgumentMatch::No,
        },
        (Json::Object(values), Json::Object(fields)) => {
            let near = |(name, field): (&String, &Json)| {
                values.get(name).is_some_and(|value| is_near(value, field))
            };
            perhaps(fields.iter().all(near))
        }
        (Json::Number(_), Json::Number(_)) => perhaps(integer(value) == integer(wanted)),
        (number @ Json::Number(_), Json::String(text))
        | (Json::String(text), number @ Json::Number(_)) => {
            perhaps(text.trim().parse().ok().map(f64::trunc) == integer(number))
        }
        _ => ArgumentMatch::No,
    }
}

#[cfg(test)]
mod tests;
