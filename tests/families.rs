//! The conventions of GraphQL servers in common use: after each write, every read that it changes
//! is purged, with a schema and without one.
//!
//! `tests/families/*.txt` has a file for each family: its SDL, a line `---`, and its operations,
//! each with a line on what it is:
//!
//! - `# read list`: a query with a name of its own. In the response to `# read refetched as Ship`,
//!   interfaces and unions are ships;
//! - `# write create: list page`: a mutation with its name, and the reads that it changes;
//! - `# write! create: list page`: a mutation whose response or name shows the type. Then the read
//!   `other` stays.
//!
//! The responses are made from the SDL: one object in each list, of the first possible type, with
//! the id 9 if the operation has a 9, else 1. `cargo test --test families -- --nocapture` prints
//! how many mutations purge everything.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use evergraph::config::{self, Config};
use evergraph::engine::{Write, WriteResponse, purge_of_write};
use evergraph::graphql::{
    Analysis, OperationKind, ResponseJson, Schema, Shape, TypeId, TypeKnowledge, TypeNameIndex,
    analyze, facts,
};
use evergraph::http::{Headers, Url};
use evergraph::json::Index;
use evergraph::limits::Amounts;
use evergraph::purge::Record;
use evergraph::rest;
use evergraph::tag::{TAGGING_VERSION, TagSet, hash_of};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

struct Family {
    name: String,
    schema: Schema,
    reads: Vec<Read>,
    writes: Vec<WriteCase>,
}

struct Read {
    name: String,
    document: String,
    /// The type of interfaces and unions in its response, instead of the first possible one.
    preferred: Option<String>,
}

struct WriteCase {
    name: String,
    document: String,
    preferred: Option<String>,
    changes: Vec<String>,
    spares_others: bool,
}

/// Whether the client or Evergraph asks for `__typename` in a query.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Types {
    Added,
    AskedFor,
    Nobody,
}

/// One way to run all cases.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Variant {
    schema: bool,
    reads: Types,
    /// Whether the mutation's client asks for `__typename`.
    typed_writes: bool,
    policy: &'static str,
    /// Whether this isolate has stored the reads.
    warm: bool,
}

fn variants() -> Vec<Variant> {
    let mut all = Vec::new();
    for schema in [false, true] {
        for reads in [Types::Added, Types::AskedFor, Types::Nobody] {
            for typed_writes in [true, false] {
                for policy in ["type", "list"] {
                    for warm in [true, false] {
                        all.push(Variant { schema, reads, typed_writes, policy, warm });
                    }
                }
            }
        }
    }
    all
}

fn families() -> Vec<Family> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/families");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|one| one.unwrap().path()).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| {
            family(path.file_stem().unwrap().to_str().unwrap(), &fs::read_to_string(path).unwrap())
        })
        .collect()
}

fn family(name: &str, text: &str) -> Family {
    let (sdl, operations) = text.split_once("\n---\n").unwrap();
    let schema = Schema::from_sdl(sdl).unwrap_or_else(|fault| panic!("{name}: {fault:?}"));
    let mut family = Family { name: name.to_owned(), schema, reads: vec![], writes: vec![] };
    for part in operations.split("\n# ").map(|part| part.trim_start_matches("# ")) {
        let Some((head, document)) = part.trim().split_once('\n') else { continue };
        let document = document.to_owned();
        if let Some(read) = head.strip_prefix("read ") {
            let (name, preferred) = name_and_type(read);
            family.reads.push(Read { name, document, preferred });
            continue;
        }
        let spares_others = head.starts_with("write! ");
        let (what, changes) = head.split_once(": ").unwrap();
        let (name, preferred) = name_and_type(what.split_once(' ').unwrap().1);
        family.writes.push(WriteCase {
            name,
            document,
            preferred,
            changes: changes.split_whitespace().map(str::to_owned).collect(),
            spares_others,
        });
    }
    for write in &family.writes {
        for read in &write.changes {
            assert!(family.reads.iter().any(|one| one.name == *read), "{name}: no read {read}");
        }
    }
    family
}

fn name_and_type(text: &str) -> (String, Option<String>) {
    match text.split_once(" as ") {
        Some((name, preferred)) => (name.to_owned(), Some(preferred.to_owned())),
        None => (text.to_owned(), None),
    }
}

/// The document with `__typename` in each selection set but that of the operation.
fn with_typename(document: &str) -> String {
    let mut out = String::new();
    let (mut parentheses, mut sets) = (0, 0);
    for letter in document.chars() {
        out.push(letter);
        match letter {
            '(' => parentheses += 1,
            ')' => parentheses -= 1,
            '{' if parentheses == 0 => {
                if sets > 0 {
                    out.push_str(" __typename ");
                }
                sets += 1;
            }
            _ => {}
        }
    }
    out
}

fn analysed(document: &str, knowledge: &TypeKnowledge<'_>) -> Analysis {
    analyze(document, None, &Amounts::default_limits(), knowledge)
        .unwrap_or_else(|fault| panic!("{document}: {fault:?}"))
}

/// The response of a server with that schema.
fn answer(schema: &Schema, of: TypeId, shape: &Shape, id: &str, preferred: Option<&str>) -> Value {
    let is_preferred = |object: &TypeId| Some(schema.name(*object)) == preferred;
    let object =
        schema.possible_types(of).find(is_preferred).or_else(|| schema.possible_types(of).next());
    let object = object.unwrap();
    let mut data = Map::new();
    for (key, field) in shape.fields() {
        let name = field.name.as_deref().unwrap();
        if name == "__typename" {
            data.insert(key.to_owned(), schema.name(object).into());
            continue;
        }
        let Some(info) = schema.field(object, name) else { continue };
        let value = match &field.shape {
            Some(shape) => answer(schema, info.type_id, shape, id, preferred),
            None if name == "id" && schema.name(info.type_id) == "Int" => {
                json!(id.parse::<u64>().unwrap())
            }
            None => match schema.name(info.type_id) {
                "Int" | "Float" => json!(3),
                "Boolean" => json!(true),
                "ID" => json!(id),
                _ => json!("text"),
            },
        };
        // A successful write has no errors.
        let list = if name.ends_with("rrors") { json!([]) } else { json!([value.clone()]) };
        data.insert(key.to_owned(), if info.list { list } else { value });
    }
    Value::Object(data)
}

fn data_of(schema: &Schema, kind: OperationKind, document: &str, preferred: Option<&str>) -> Value {
    let analysis = analysed(document, &TypeKnowledge { schema: None, keys: &BTreeMap::new() });
    let id = if document.contains('9') { "9" } else { "1" };
    answer(schema, schema.root(kind).unwrap(), &analysis.shape, id, preferred)
}

/// The tags of a read's entry, and the types in it.
fn stored(
    family: &Family,
    read: &Read,
    types: Types,
    knowledge: &TypeKnowledge<'_>,
) -> (TagSet, BTreeSet<String>) {
    let typed = with_typename(&read.document);
    let document = if types == Types::AskedFor { typed.as_str() } else { read.document.as_str() };
    let analysis = analysed(document, knowledge);
    let injected = analysis.injected.as_ref().filter(|_| types == Types::Added);
    let asked = injected.map_or(document, |injected| injected.text());
    let data = data_of(&family.schema, OperationKind::Query, asked, read.preferred.as_deref());
    let body = Index::of(json!({ "data": data }).to_string().as_bytes()).unwrap();
    let shown = ResponseJson { json: body.root(), has_additions: injected.is_some() };
    let data = body.root().get("data").unwrap().as_object().unwrap();
    let facts = facts(shown, data, &analysis.shape, knowledge);
    assert!(!facts.contradicts_schema, "{document}");
    (facts.tags, facts.types)
}

fn config_of(policy: &str) -> Config {
    config::parse(&json!({ "mutations": { "policy": policy } })).unwrap()
}

fn purged(family: &Family, write: &WriteCase, variant: Variant, known: &TypeNameIndex) -> Record {
    let config = config_of(variant.policy);
    let schema = variant.schema.then_some(&family.schema);
    let knowledge = TypeKnowledge { schema, keys: &config.graphql.keys };
    let typed = with_typename(&write.document);
    let document = if variant.typed_writes { &typed } else { &write.document };
    let analysis = analysed(document, &knowledge);
    let body = json!({ "data": data_of(&family.schema, OperationKind::Mutation, document, write.preferred.as_deref()) });
    let body = body.to_string();
    let headers = Headers::new();
    let written = WriteResponse { status: 200, headers: &headers, body: Some(body.as_bytes()) };
    let mutation = Write::Mutation { analysis: &analysis, variables: None };
    purge_of_write(&config, mutation, Some(written), &knowledge, known).unwrap().new.record
}

fn reaches(record: &Record, tags: &TagSet) -> bool {
    record.all || tags.iter().any(|tag| record.tags.contains(&tag.hash()))
}

/// All types that an isolate knows.
fn known(family: &Family, variant: Variant, shown: impl Iterator<Item = String>) -> TypeNameIndex {
    let of_schema = family.schema.type_names().map(str::to_owned).filter(|_| variant.schema);
    let mut known = TypeNameIndex::new();
    for name in of_schema.chain(shown.filter(|_| variant.warm)) {
        let plain = name.to_lowercase().replace('_', "");
        known.entry(plain).or_default().insert(name);
    }
    known
}

/// Runs a family in one way: what is wrong, how many mutations there were, and which of them purged
/// everything.
fn run(family: &Family, variant: Variant) -> (Vec<String>, usize, Vec<String>) {
    let keys = BTreeMap::new();
    let schema = variant.schema.then_some(&family.schema);
    let knowledge = TypeKnowledge { schema, keys: &keys };
    let entries: BTreeMap<&str, (TagSet, BTreeSet<String>)> = family
        .reads
        .iter()
        .map(|read| (read.name.as_str(), stored(family, read, variant.reads, &knowledge)))
        .collect();
    let shown = entries.values().flat_map(|(_, types)| types.clone());
    let known = known(family, variant, shown);
    let (mut faults, mut all) = (Vec::new(), Vec::new());
    for write in &family.writes {
        let record = purged(family, write, variant, &known);
        if record.all {
            all.push(format!("{} {}", family.name, write.name));
        }
        for read in &write.changes {
            if !reaches(&record, &entries[read.as_str()].0) {
                faults.push(format!("{} {}: {read} stays", family.name, write.name));
            }
        }
        let tells = variant.warm && (variant.schema || variant.typed_writes);
        let is_precise = variant.schema || variant.reads != Types::Nobody;
        if write.spares_others && tells && is_precise && reaches(&record, &entries["other"].0) {
            faults.push(format!("{} {}: other is gone", family.name, write.name));
        }
    }
    (faults, family.writes.len(), all)
}

#[test]
fn after_each_write_every_read_that_it_changes_is_fresh() {
    let families = families();
    assert!(families.len() >= 16);
    let mut faults = Vec::new();
    for variant in variants() {
        for family in &families {
            faults.extend(
                run(family, variant).0.into_iter().map(|fault| format!("{fault} {variant:?}")),
            );
        }
    }
    println!("reads that stay stale, or go without need: {}", faults.len());
    let unique: BTreeSet<&str> =
        faults.iter().map(|fault| fault.split(" Variant").next().unwrap()).collect();
    assert!(faults.is_empty(), "{unique:#?} {:#?}", &faults[..faults.len().min(10)]);
}

#[test]
fn few_mutations_purge_everything() {
    let families = families();
    for schema in [false, true] {
        for typed_writes in [true, false] {
            for warm in [true, false] {
                let variant =
                    Variant { schema, reads: Types::Added, typed_writes, policy: "type", warm };
                let (mut of, mut all) = (0, Vec::new());
                for family in &families {
                    let (_, writes, purged_all) = run(family, variant);
                    of += writes;
                    all.extend(purged_all);
                }
                println!(
                    "schema {schema}, __typename in mutations {typed_writes}, types known {warm}: {} of {of} purge everything {all:?}",
                    all.len()
                );
                assert!(!schema || all.len() * 10 <= of, "{all:#?}");
            }
        }
    }
}

/// The version of the rules for tags, and a hash of all tags that they make here.
const TAGS_OF_VERSION: (u32, u64) = (2, 8_006_011_893_017_328_099);

/// Entries from before a change of these rules have the old tags. Only a new version distinguishes them.
#[test]
fn a_change_of_tags_raises_their_version() {
    let (families, mut tags) = (families(), Vec::new());
    for variant in variants() {
        for family in &families {
            let keys = BTreeMap::new();
            let schema = variant.schema.then_some(&family.schema);
            let knowledge = TypeKnowledge { schema, keys: &keys };
            let of_read = |read: &Read| stored(family, read, variant.reads, &knowledge).0;
            tags.extend(family.reads.iter().map(|read| format!("{:?}", of_read(read))));
            let known = TypeNameIndex::new();
            for write in &family.writes {
                let Record { tags: named, all, .. } = purged(family, write, variant, &known);
                tags.push(format!("{named:?} {all}"));
            }
        }
    }
    let config = config::parse(&json!({ "resources": [
        { "path": "/api/:name/:id", "tags": ["{name}", "{name}:{id}", "Seller:{$.seller}"] },
    ] }));
    let (config, body) = (config.unwrap(), json!({ "seller": 7 }));
    for path in ["/api/products/42", "/API/Products/%34%32/", "/api//products/../a/b?c=d", "/x"] {
        let url = Url::parse(&format!("http://origin{path}")).unwrap();
        let entry = rest::entry_path_tags(&config, &url);
        let of_body = rest::entry_body_tags(&config, &url, Some(&body));
        let written = rest::write_body_tags(&config, &url, Some(&body));
        tags.push(format!(
            "{entry:?} {of_body:?} {:?} {written:?}",
            rest::write_path_tags(&config, &url)
        ));
    }
    let now = (TAGGING_VERSION, hash_of(&tags.join("\n")));
    assert_eq!(
        now, TAGS_OF_VERSION,
        "tags have changed: raise TAGGING_VERSION in src/tag/tagging.rs, and put both numbers here"
    );
}
