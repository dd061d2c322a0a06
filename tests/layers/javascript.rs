//! The imports of JavaScript modules, read from their text.

use super::graph::Imports;
use std::collections::BTreeMap;

/// The imports between modules, which are given by their paths. Packages and files that are not
/// among them are left out.
pub fn imports(sources: &BTreeMap<String, String>) -> Imports {
    let mut found = Imports::new();
    for (file, text) in sources {
        for (index, line) in text.lines().enumerate() {
            for target in specifiers(line).filter_map(|name| joined(file, name)) {
                if sources.contains_key(&target) && target != *file {
                    found.entry((file.clone(), target)).or_insert(index + 1);
                }
            }
        }
    }
    found
}

/// What a line imports from: the text in quotes after `from`, `import` or `import(`.
fn specifiers(line: &str) -> impl Iterator<Item = &str> {
    let is_comment = line.trim_start().starts_with("//");
    let words = ["from \"", "import \"", "import(\""];
    words
        .into_iter()
        .filter(move |_| !is_comment)
        .flat_map(move |word| line.split(word).skip(1).filter_map(|rest| rest.split('"').next()))
}

/// A relative specifier as a path. `None` for a package's name.
fn joined(file: &str, specifier: &str) -> Option<String> {
    if !specifier.starts_with('.') {
        return None;
    }
    let mut path: Vec<&str> = file.split('/').collect();
    path.pop();
    for part in specifier.split('/') {
        match part {
            "." => {}
            ".." => drop(path.pop()?),
            part => path.push(part),
        }
    }
    Some(path.join("/"))
}
