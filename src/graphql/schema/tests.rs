//! Real schemas, from a corpus next to the project.

use super::*;
use crate::graphql::OperationKind;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The schemas of the corpus with their file names. Empty if there is no corpus.
fn schemas() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/schemas");
    let Ok(entries) = std::fs::read_dir(folder) else {
        eprintln!("skipped: no corpus of schemas beside the project");
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "graphql"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn real_schemas_are_read_and_kept() {
    for (file, source) in schemas() {
        let schema = Schema::from_sdl(&source).unwrap_or_else(|fault| panic!("{file}: {fault}"));
        let bytes = schema.encode();
        let fields: usize = schema.types().map(|id| schema.fields(id).count()).sum();
        eprintln!(
            "{file}: {} bytes of text, {} types, {fields} fields, {} bytes encoded",
            source.len(),
            schema.types().count(),
            bytes.len()
        );
        assert!(bytes.len() * 8 < source.len(), "{file}: {} bytes", bytes.len());
        assert!(changed_types(&schema, &schema).is_empty());
        assert_eq!(Schema::decode(&bytes).as_ref(), Some(&schema), "{file}");
        let definitions = source.lines().filter_map(|line| {
            let (kind, rest) = line.split_once(' ')?;
            let is_kind = ["type", "interface", "union", "enum", "scalar", "input"].contains(&kind);
            is_kind.then(|| rest.split([' ', '{']).next().unwrap())
        });
        let mut defined: BTreeSet<&str> = definitions.collect();
        defined.extend(["Boolean", "Float", "ID", "Int", "String"]);
        assert_eq!(schema.type_names().collect::<BTreeSet<_>>(), defined, "{file}");
        let composite = schema.types().filter(|id| schema.kind(*id).is_composite());
        for id in composite {
            assert!(schema.possible_types(id).next().is_some(), "{file}: {}", schema.name(id));
        }
        assert!(schema.root(OperationKind::Query).is_some());
        assert!(schema.root(OperationKind::Mutation).is_some());
    }
}

#[test]
fn a_field_of_a_real_schema_that_may_be_null_changes_its_type_alone() {
    for (file, source) in schemas() {
        let line = "\n  createdAt: DateTime!\n";
        let Some((before, after)) = source.split_once(line) else { continue };
        let nullable = format!("{before}\n  createdAt: DateTime\n{after}");
        let [old, new] = [&source, &nullable].map(|source| Schema::from_sdl(source).unwrap());
        let owner = before.rsplit("\ntype ").next();
        let owner = owner.and_then(|rest| rest.split([' ', '{']).next()).unwrap();
        assert_eq!(changed_types(&old, &new), [owner.to_owned()].into(), "{file}");
    }
}
