//! The graph of imports finds cycles and what is out of order.

use super::graph::{Imports, cycles, faults, out_of_order, rows};
use super::javascript;

fn imports(edges: &[(&str, &str)]) -> Imports {
    edges.iter().map(|(from, to)| (((*from).to_owned(), (*to).to_owned()), 7)).collect()
}

#[test]
fn each_group_has_one_of_its_shortest_cycles() {
    let edges = [
        ("a", "b"),
        ("b", "c"),
        ("c", "d"),
        ("d", "a"),
        ("c", "b"),
        ("d", "x"),
        ("x", "y"),
        ("y", "x"),
        ("y", "z"),
    ];
    let found = cycles(edges);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].members, ["a", "b", "c", "d"]);
    assert_eq!(found[0].shortest, ["b", "c"]);
    assert_eq!(found[1].members, ["x", "y"]);
    assert_eq!(cycles([("a", "b"), ("a", "c"), ("b", "c"), ("c", "c")]), []);
}

#[test]
fn a_cycle_is_shown_in_order() {
    let imports = imports(&[("a.rs", "b.rs"), ("b.rs", "c.rs"), ("c.rs", "a.rs")]);
    let [(_, text)] = &faults(&imports)[..] else { panic!("one fault") };
    let steps = ["a.rs:7 imports b.rs", "b.rs:7 imports c.rs", "c.rs:7 imports a.rs"];
    let places: Vec<_> = steps.iter().map(|step| text.find(step).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn folders_may_not_import_each_other_either() {
    // No file imports itself here, but the folders `x/tier` and `x/purge` do.
    let imports = imports(&[("x/tier/a.rs", "x/purge/b.rs"), ("x/purge/c.rs", "x/tier/d.rs")]);
    let [(cycle, _)] = &faults(&imports)[..] else { panic!("one fault") };
    assert_eq!(cycle.members, ["x/purge", "x/tier"]);
}

#[test]
fn a_file_may_not_import_a_folder_that_imports_it() {
    let imports = imports(&[("x/tier/a.rs", "x/tools.rs"), ("x/tools.rs", "x/tier/b.rs")]);
    let [(cycle, _)] = &faults(&imports)[..] else { panic!("one fault") };
    assert_eq!(cycle.members, ["x/tier", "x/tools"]);
}

#[test]
fn rows_are_an_order_that_the_imports_keep() {
    let edges = [("s/c.rs", "s/b/x.rs"), ("s/b/x.rs", "s/a.rs"), ("s/d.rs", "s/a.rs")];
    let imports = imports(&edges);
    let files: Vec<String> = ["s/mod.rs", "s/a.rs", "s/b/mod.rs", "s/b/x.rs", "s/c.rs", "s/d.rs"]
        .map(String::from)
        .into();
    assert_eq!(rows("s", &imports).unwrap(), [vec!["a"], vec!["b", "d"], vec!["c"]]);
    assert_eq!(out_of_order("s", &["a", "b d", "c"], &files, &imports), [""; 0]);
    assert_eq!(out_of_order("s", &["a", "b c", "d"], &files, &imports).len(), 1);
    let found = out_of_order("s", &["a", "b", "c e"], &files, &imports);
    assert_eq!(found, ["s/d is not in the table", "the table has s/e, which does not exist"]);
}

#[test]
fn javascript_imports_are_read() {
    let files = [
        ("x/a.mjs", "import fs from \"node:fs\";\nimport { b } from \"./lib/b.mjs\";\n"),
        ("x/lib/b.mjs", "import {\n  c,\n} from \"../c.mjs\";\n// import \"../a.mjs\"\n"),
        ("x/c.mjs", "export { a } from \"./a.mjs\";\nawait import(\"../y/d.mjs\");\n"),
        ("y/d.mjs", "import \"./e.mjs\";\n"),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
    let imports = javascript::imports(&files);
    let found: Vec<_> =
        imports.iter().map(|((from, to), line)| format!("{from}:{line} {to}")).collect();
    assert_eq!(
        found,
        [
            "x/a.mjs:2 x/lib/b.mjs",
            "x/c.mjs:1 x/a.mjs",
            "x/c.mjs:2 y/d.mjs",
            "x/lib/b.mjs:3 x/c.mjs"
        ]
    );
    let cycle = ["x/a.mjs", "x/lib/b.mjs", "x/c.mjs"];
    assert_eq!(faults(&imports)[0].0.shortest, cycle);
}
