//! One TOML file, as JSON with positions.

use super::positions::Positions;
use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeFloat, DeInteger, DeTable, DeValue};

/// The contents of one file.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) table: Map<String, Value>,
    pub(super) positions: Positions,
    /// Values that JSON does not have, as complete messages.
    pub(super) faults: Vec<String>,
}

/// Reads a file. The error is a complete message.
pub(super) fn parse(name: &str, text: &str) -> Result<Source, String> {
    let table = DeTable::parse(text).map_err(|error| {
        let place =
            error.span().map_or_else(|| name.to_owned(), |span| place(name, text, span.start));
        format!("{place}: {}", error.message())
    })?;
    let mut reader = Reader { name, text, source: Source::default() };
    let table = reader.table("", table.get_ref());
    Ok(Source { table, ..reader.source })
}

struct Reader<'t> {
    name: &'t str,
    text: &'t str,
    source: Source,
}

impl Reader<'_> {
    fn table(&mut self, path: &str, table: &DeTable<'_>) -> Map<String, Value> {
        let mut read = Map::new();
        for (key, value) in table {
            let name = key.get_ref();
            let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
            let place = place(self.name, self.text, key.span().start);
            self.source.positions.insert(&path, place);
            read.insert(name.to_string(), self.value(&path, value.get_ref()));
        }
        read
    }

    fn value(&mut self, path: &str, value: &DeValue<'_>) -> Value {
        match value {
            DeValue::Table(table) => Value::Object(self.table(path, table)),
            DeValue::Array(items) => {
                Value::Array(items.iter().enumerate().map(|item| self.item(path, item)).collect())
            }
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Boolean(flag) => Value::Bool(*flag),
            DeValue::Integer(number) => {
                integer(number).unwrap_or_else(|| self.fault(path, "this number is too large"))
            }
            DeValue::Float(number) => {
                float(number).unwrap_or_else(|| self.fault(path, "this is not a finite number"))
            }
            DeValue::Datetime(_) => {
                self.fault(path, "no key takes a date; put a string in quotation marks")
            }
        }
    }

    fn item(&mut self, path: &str, (index, item): (usize, &Spanned<DeValue<'_>>)) -> Value {
        let path = format!("{path}[{index}]");
        let place = place(self.name, self.text, item.span().start);
        self.source.positions.insert(&path, place);
        self.value(&path, item.get_ref())
    }

    fn fault(&mut self, path: &str, message: &str) -> Value {
        let place = self.source.positions.of(path).map_or(self.name, String::as_str);
        self.source.faults.push(format!("{place}: {path}: {message}"));
        Value::Null
    }
}

fn integer(number: &DeInteger<'_>) -> Option<Value> {
    i64::from_str_radix(number.as_str(), number.radix()).ok().map(Value::from)
}

fn float(number: &DeFloat<'_>) -> Option<Value> {
    number.as_str().parse().ok().and_then(Number::from_f64).map(Value::Number)
}

/// `file:line:column`, both counted from 1, columns in characters.
fn place(name: &str, text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("{name}:{line}:{column}")
}
