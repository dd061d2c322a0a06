//! What a field's name says of types, by the conventions of GraphQL servers.
//!
//! In scope: the types that a mutation's name may mean, and whether a query's field is named after
//! a type. A name is a hint: callers decide what is certain.

use std::collections::{BTreeMap, BTreeSet};

/// Words in a mutation's name that say what is done, and not to what.
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

/// Words that say that something new is made.
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

/// Words that say that many are meant.
const BULK_WORDS: [&str; 6] = ["bulk", "batch", "many", "multiple", "mass", "all"];

/// What a type's name may end with beside the thing itself.
const TYPE_SUFFIXES: [&str; 3] = ["", "Type", "Node"];

/// Words behind a type's own in the name of a field that lists it: `productsConnection`.
const LISTING_SUFFIXES: [&str; 6] =
    ["connection", "list", "collection", "page", "aggregate", "aggregated"];

/// GraphQL types that are known to exist, by their names in lower case without underscores.
pub type TypeNameIndex = BTreeMap<String, BTreeSet<String>>;

/// The types that a mutation's name may mean.
#[derive(Debug, PartialEq)]
pub struct CandidateTypes {
    /// Every way to spell them, those that are known among them.
    pub names: BTreeSet<String>,
    /// Whether any of them is known.
    pub any_known: bool,
}

/// The types that a mutation's name may mean: `createProduct`, `update_product`,
/// `bulkDeleteProducts` and `ProductCreate` all mean `Product`.
///
/// To purge a type that does not exist costs nothing, so every spelling counts, whatever this
/// isolate has seen. Whether any is known decides only if a name says enough by itself.
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
            // The tables of Directus itself.
            if is_snake(field) {
                candidates.add_indexed(&format!("directus{pascal}"), index);
            }
            candidates.names.insert(snake);
        }
    }
    candidates
}

impl CandidateTypes {
    /// Adds the known types of that name.
    fn add_indexed(&mut self, name: &str, index: &TypeNameIndex) {
        if let Some(names) = index.get(&name.to_lowercase()) {
            self.any_known = true;
            self.names.extend(names.iter().cloned());
        }
    }
}

/// What a mutation's name may say is changed, in words: `deleteProductById`, `update_users_me` and
/// `insert_products_one` say `product`, `users` and `products`.
///
/// `update_companies_item` (Directus) and `deleteFromProductsCollection` (pg_graphql) are read in
/// two ways: with and without their last word.
fn readings(field: &str) -> Vec<Vec<String>> {
    let mut words = words(field);
    let is_verb = |word: &String| VERBS.contains(&word.as_str());
    // What stands behind `by` says how it is found.
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

/// Whether a type is called after a mutation, as payloads are: `DeleteProduct`,
/// `ProductDeletePayload`.
pub(crate) fn is_payload_of(field: &str, type_name: &str) -> bool {
    let named = words(type_name);
    words(field).iter().all(|word| named.contains(word))
}

/// Whether a mutation's name says that something new is made.
pub(crate) fn is_creation(field: &str) -> bool {
    words(field).iter().any(|word| CREATION_WORDS.contains(&word.as_str()))
}

/// Whether a mutation's name says that it changes many.
pub(crate) fn is_bulk(field: &str) -> bool {
    let words = words(field);
    words.iter().any(|word| BULK_WORDS.contains(&word.as_str()))
        || words.iter().any(|word| !VERBS.contains(&word.as_str()) && is_plural(word))
}

/// Whether a field of a query is named after a type, in the singular or the plural: `products`,
/// `allProducts`, `products_connection` and `productsByBrand` after `Product`, `ProductType` or
/// `products`. In an object of type `Order`, `lines` is named after `OrderLine` too.
pub(crate) fn is_named_after(field: &str, type_name: &str, owner: Option<&str>) -> bool {
    let mut field = words(field);
    // What stands behind these says how it is found or grouped.
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

/// Whether a field is named after a function of SQL that makes one value of many. What it holds is
/// no entity, though it may show an `id`: `count { id }`, `_max { id }`.
pub(crate) fn is_aggregate(field: &str) -> bool {
    let functions = ["count", "sum", "avg", "average", "min", "max", "stddev", "variance", "var"];
    words(field).first().is_some_and(|first| functions.contains(&first.as_str()))
}

/// A type's words, without the last where that only says that it is a type.
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

/// Whether they are the same words, be they in the singular or the plural.
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

/// A name's words in lower case: `bulkDeleteProducts`, `bulk_delete_products`, `HTTPServer`.
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

/// The word itself, and what it is the plural of.
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
