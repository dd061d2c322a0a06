//! Imports are read from Rust as the compiler reads them.

use super::graph::faults;
use super::rust::{Sources, imports};

/// The imports of a crate `own`, as `file>file`, without those that only declare a module.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let sources: Sources =
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let (_, imports) = imports("own", &sources);
    let is_table = |file: &str| file.ends_with("mod.rs") || file == "lib.rs";
    let edges = imports.keys().filter(|(from, _)| !is_table(from));
    edges.map(|(from, to)| format!("{from}>{to}")).collect()
}

/// A crate with a folder `x` of three files, of which `x/a.rs` has this text.
fn folder(text: &str) -> Vec<String> {
    found(&[
        ("lib.rs", "mod x;\nmod y;\n"),
        (
            "x/mod.rs",
            "mod a; pub mod b; mod c;\npub use b::{Bee, Other as Renamed};\npub use c::*;",
        ),
        ("x/a.rs", text),
        ("x/b.rs", "pub struct Bee; pub fn bee() {}"),
        ("x/c.rs", "pub enum Sea { Salt }"),
        ("y.rs", "pub const WHY: u8 = 1; pub mod inner { pub const IN: u8 = 1; }"),
    ])
}

#[test]
fn paths_lead_to_files() {
    for (text, expected) in [
        ("use super::b::Bee;", "x/a.rs>x/b.rs"),
        ("use crate::x::b;", "x/a.rs>x/b.rs"),
        ("use own::x::b::bee;", "x/a.rs>x/b.rs"),
        ("use crate::y::inner::IN;", "x/a.rs>y.rs"),
        ("fn f() -> u8 { crate::y::WHY }", "x/a.rs>y.rs"),
        ("fn f() { super::b::bee(); }", "x/a.rs>x/b.rs"),
        ("mod inline { use super::super::b::bee; }", "x/a.rs>x/b.rs"),
        ("mod inline { fn f() { super::super::b::bee() } }", "x/a.rs>x/b.rs"),
        // The folder's module is no import by itself, but what is named through it is.
        ("use crate::x; fn f() { x::b::bee() }", "x/a.rs>x/b.rs"),
        ("use crate::x as other; fn f(_: other::Bee) {}", "x/a.rs>x/b.rs"),
    ] {
        assert_eq!(folder(text), [expected], "{text}");
    }
}

#[test]
fn braces_are_read() {
    let text = "use super::{b::{self, Bee}, c::Sea::{self, Salt},};\nuse crate::{y::{WHY}};";
    assert_eq!(folder(text), ["x/a.rs>x/b.rs", "x/a.rs>x/c.rs", "x/a.rs>y.rs"]);
}

#[test]
fn re_exports_lead_to_what_defines_the_name() {
    for (text, expected) in [
        ("use super::Bee;", "x/a.rs>x/b.rs"),
        ("use crate::x::Renamed;", "x/a.rs>x/b.rs"),
        ("use super::{Sea};", "x/a.rs>x/c.rs"),
        ("fn f() -> super::Sea { super::Sea::Salt }", "x/a.rs>x/c.rs"),
    ] {
        assert_eq!(folder(text), [expected], "{text}");
    }
}

#[test]
fn re_exports_are_followed_through_several_tables() {
    let files = [
        ("lib.rs", "mod top; mod low;"),
        ("top.rs", "use crate::low::Deep;"),
        ("low/mod.rs", "mod mid; pub use mid::Deep;"),
        ("low/mid/mod.rs", "mod deep; pub(crate) use self::deep::Deep;"),
        ("low/mid/deep.rs", "pub struct Deep;"),
    ];
    assert_eq!(found(&files), ["top.rs>low/mid/deep.rs"]);
}

#[test]
fn an_item_of_a_table_of_contents_makes_a_cycle() {
    let files = [
        ("lib.rs", "mod x;"),
        ("x/mod.rs", "mod a; pub const SHARED: u8 = 1;"),
        ("x/a.rs", "use super::SHARED;"),
    ];
    assert_eq!(found(&files), ["x/a.rs>x/mod.rs"]);
}

#[test]
fn tests_texts_and_comments_do_not_count() {
    for text in [
        "#[cfg(test)]\nmod tests { use crate::y::WHY; }",
        "#[cfg(test)]\n#[path = \"z.rs\"]\nmod tests;\n#[cfg(test)]\nuse crate::y::{WHY};",
        "#[cfg(test)]\nfn f(a: [u8; 1]) -> u8 { crate::y::WHY }",
        "// use crate::y::WHY;\n/* crate::y::WHY /* crate::y::WHY */ crate::y::WHY */",
        "const A: &str = \"crate::y::WHY \\\" crate::y::WHY\";",
        "const A: &str = r#\"crate::y::WHY \" crate::y::WHY\"#; const C: char = '\"';",
        "use serde::y::WHY; fn f<'a>(x: &'a Bee) -> impl Sized + use<'a> { x.crate_::y() }",
    ] {
        assert_eq!(folder(text), [""; 0], "{text}");
    }
    let text = "#[cfg(test)]\nfn t() {}\nconst C: char = '\\'';\n#[cfg(any(test, feature = \"f\"))]\nuse crate::y::WHY;";
    assert_eq!(folder(text), ["x/a.rs>y.rs"], "what follows a test counts");
}

#[test]
fn a_planted_cycle_is_found() {
    let sources: Sources = [
        ("lib.rs", "pub mod x;"),
        ("x/mod.rs", "mod a; mod b; mod c; pub use a::A; pub use b::B;"),
        ("x/a.rs", "use super::{b::B}; pub struct A(B);"),
        ("x/b.rs", "use super::c::C; pub struct B(C);"),
        ("x/c.rs", "pub struct C;\n\npub fn f(_: &super::A) {}"),
    ]
    .map(|(name, text)| (name.to_owned(), text.to_owned()))
    .into();
    let (_, imports) = imports("own", &sources);
    let [(cycle, text)] = &faults(&imports)[..] else { panic!("one fault") };
    assert_eq!(cycle.shortest, ["x/a.rs", "x/b.rs", "x/c.rs"]);
    assert!(text.contains("x/c.rs:3 imports x/a.rs"), "{text}");
}
