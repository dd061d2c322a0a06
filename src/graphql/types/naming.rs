//! Naming conventions of GraphQL servers: what a field's name suggests about types.
//!
//! In scope: the types that a mutation's name may mean, and whether a query's field is named after
//! a type. A name is only a hint; callers decide what is certain.

use std::collections::{BTreeMap, BTreeSet};

/// Words of a mutation's name that describe the action, and not its object.
const VERBS: [&str; 56] = [
    "create",
    "add",
    "insert",
    "new",
    "make",
    "register",
    "import",
    "copy",
    "clone",
    "duplicate",
    "update",
    "edit",
    "modify",
    "change",
    "rename",
    "set",
    "patch",
    "save",
    "upsert",
    "put",
    "replace",
    "delete",
    "remove",
    "destroy",
    "trash",
    "archive",
    "unarchive",
    "restore",
    "publish",
    "unpublish",
    "activate",
    "deactivate",
    "enable",
    "disable",
    "toggle",
    "approve",
    "reject",
    "cancel",
    "bulk",
    "batch",
    "many",
    "multiple",
    "mass",
    "all",
    "one",
    "by",
    "pk",
    "id",
    "ids",
    "me",
    "force",
    "into",
    "from",
    "mutation",
    "do",
    "reorder",
];

/// Words that say that an object is created.
const CREATION_WORDS: [&str; 11] = [
    "create",
    "add",
    "insert",
    "new",
    "make",
    "register",
    "import",
    "copy",
    "clone",
    "duplicate",
    "upsert",
];

/// Words that say that several objects are meant.
const BULK_WORDS: [&str; 6] = ["bulk", "batch", "many", "multiple", "mass", "all"];

/// Suffixes that frameworks add to the name of a type.
const TYPE_SUFFIXES: [&str; 3] = ["", "Type", "Node"];

/// Suffixes of fields that list a type: `productsConnection`.
const LISTING_SUFFIXES: [&str; 6] =
    ["connection", "list", "collection", "page", "aggregate", "aggregated"];

/// The names of GraphQL types that are known to exist, by their names in lower case without
/// underscores: `product` gives `Product`.
pub type TypeNameIndex = BTreeMap<String, BTreeSet<String>>;

/// The types that a mutation's name may mean.
#[derive(Debug, PartialEq)]
pub struct CandidateTypes {
    /// Every spelling, including the known types.
    pub names: BTreeSet<String>,
    /// `true` if at least one of them is known to exist.
    pub any_known: bool,
}

/// The types that a mutation's name may mean. `createProduct`, `update_product`,
/// `bulkDeleteProducts` and `ProductCreate` all mean `Product`.
///
/// Purging a type that does not exist costs nothing, so all spellings count, whatever this isolate
/// has seen. Whether one is known only decides if the name is enough on its own.
pub(crate) fn candidate_types(field: &str, index: &TypeNameIndex) -> CandidateTypes {
    let mut candidates = CandidateTypes { names: BTreeSet::new(), any_known: false };
    for words in readings(field) {
        let Some((last, first)) = words.split_last() else { continue };
        for last in singulars(last) {
            let spelled: Vec<&str> =
                first.iter().map(String::as_str).chain([last.as_str()]).collect();
            let pascal: String = spelled.iter().map(|word| capitalize(word)).collect();
            let snake = spelled.join("_");
            for suffix in TYPE_SUFFIXES {
                let name = format!("{pascal}{suffix}");
                candidates.add_indexed(&name, index);
                candidates.names.insert(name);
            }
            // Directus' own tables.
            if is_snake(field) {
                candidates.add_indexed(&format!("directus{pascal}"), index);
            }
            candidates.names.insert(snake);
        }
    }
    candidates
}

impl CandidateTypes {
    /// Adds the known types with this name.
    fn add_indexed(&mut self, name: &str, index: &TypeNameIndex) {
        if let Some(names) = index.get(&name.to_lowercase()) {
            self.any_known = true;
            self.names.extend(names.iter().cloned());
        }
    }
}

/// The words that may name the object of a mutation. `deleteProductById`, `update_users_me` and
/// `insert_products_one` give `product`, `users` and `products`.
///
/// Names such as `update_companies_item` (Directus) and `deleteFromProductsCollection` (pg_graphql)
/// have two readings: with and without their last word.
fn readings(field: &str) -> Vec<Vec<String>> {
    let mut words = words(field);
    let is_verb = |word: &String| VERBS.contains(&word.as_str());
    // The words after `by` say how the object is found.
    if let Some(by) = words.iter().rposition(|word| word == "by").filter(|by| *by > 0) {
        words.truncate(by);
    }
    let start = words.iter().position(|word| !is_verb(word)).unwrap_or(words.len());
    let end = words.iter().rposition(|word| !is_verb(word)).map_or(start, |last| last + 1);
    let whole = words.get(start..end).unwrap_or_default().to_vec();
    let mut readings = Vec::new();
    if let [first @ .., before, last] = whole.as_slice() {
        let of_many = match last.as_str() {
            "item" | "items" => is_snake(field),
            "collection" => true,
            _ => false,
        };
        if of_many && is_plural(before) {
            readings.push(first.iter().chain([before]).cloned().collect());
        }
    }
    readings.push(whole);
    readings
}

/// `true` if a type is named after a mutation, as payload types are: `DeleteProduct`,
/// `ProductDeletePayload`.
pub(crate) fn is_payload_of(field: &str, type_name: &str) -> bool {
    let named = words(type_name);
    words(field).iter().all(|word| named.contains(word))
}

/// `true` if a mutation's name says that it creates an object.
pub(crate) fn is_creation(field: &str) -> bool {
    words(field).iter().any(|word| CREATION_WORDS.contains(&word.as_str()))
}

/// `true` if a mutation's name says that it changes several objects.
pub(crate) fn is_bulk(field: &str) -> bool {
    let words = words(field);
    words.iter().any(|word| BULK_WORDS.contains(&word.as_str()))
        || words.iter().any(|word| !VERBS.contains(&word.as_str()) && is_plural(word))
}

/// `true` if a field of a query is named after a type, in the singular or the plural. `products`,
/// `allProducts`, `products_connection` and `productsByBrand` are named after `Product`,
/// `ProductType` or `products`. In an object of type `Order`, `lines` is also named after
/// `OrderLine`.
pub(crate) fn is_named_after(field: &str, type_name: &str, owner: Option<&str>) -> bool {
    let mut field = words(field);
    // The words after these say how the objects are found or grouped.
    if let Some(by) = field.iter().position(|word| matches!(word.as_str(), "by" | "per")) {
        field.truncate(by);
    }
    while field.len() > 1
        && field.last().is_some_and(|last| LISTING_SUFFIXES.contains(&last.as_str()))
    {
        field.pop();
    }
    let of_owner: Vec<String> =
        owner.map(type_words).into_iter().flatten().chain(field.iter().cloned()).collect();
    [words(type_name), type_words(type_name)]
        .iter()
        .any(|named| ends_with(&field, named) || same_words(&of_owner, named))
}

/// `true` if a field is named after an aggregate function of SQL. What it holds is not an entity,
/// even if it has an `id`: `count { id }`, `_max { id }`.
pub(crate) fn is_aggregate(field: &str) -> bool {
    let functions = ["count", "sum", "avg", "average", "min", "max", "stddev", "variance", "var"];
    words(field).first().is_some_and(|first| functions.contains(&first.as_str()))
}

/// The words of a type's name, without a last word that only says that it is a type.
fn type_words(type_name: &str) -> Vec<String> {
    let mut words = words(type_name);
    let of_types = ["type", "node", "entity", "object", "model"];
    if words.len() > 1 && words.last().is_some_and(|last| of_types.contains(&last.as_str())) {
        words.pop();
    }
    words
}

fn ends_with(words: &[String], end: &[String]) -> bool {
    let start = words.len().checked_sub(end.len());
    !end.is_empty() && start.and_then(|at| words.get(at..)).is_some_and(|w| same_words(w, end))
}

/// `true` if the words are equal, in the singular or the plural.
fn same_words(one: &[String], other: &[String]) -> bool {
    let same = |(one, other): (&String, &String)| {
        let others = singulars(other);
        one == other || singulars(one).iter().any(|form| others.contains(form))
    };
    one.len() == other.len() && one.iter().zip(other).all(same)
}

fn is_snake(name: &str) -> bool {
    name.contains('_') && !name.contains(char::is_uppercase)
}

/// The words of a name in lower case. Splits `bulkDeleteProducts`, `bulk_delete_products` and
/// `HTTPServer`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let letters: Vec<char> = name.chars().collect();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|i| letters.get(i)).copied().unwrap_or('_');
        let after = letters.get(at + 1).copied().unwrap_or('_');
        let begins = letter.is_uppercase() && (!before.is_uppercase() || after.is_lowercase());
        if *letter == '_' || begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| *letter != '_') {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn is_plural(word: &str) -> bool {
    singulars(word).len() > 1
}

/// The word itself, and the words it may be the plural of.
fn singulars(word: &str) -> Vec<String> {
    let mut forms = vec![word.to_owned()];
    if let Some(stem) = word.strip_suffix("ies") {
        forms.push(format!("{stem}y"));
    }
    if let Some(stem) = word.strip_suffix("es") {
        forms.push(stem.to_owned());
    }
    if let Some(stem) = word.strip_suffix('s').filter(|stem| !stem.ends_with('s')) {
        forms.push(stem.to_owned());
    }
    match word {
        "people" => forms.push("person".into()),
        "children" => forms.push("child".into()),
        _ => {}
    }
    forms
}

fn capitalize(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
