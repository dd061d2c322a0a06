//! The imports of a crate's files, read from their text.
//!
//! In scope: `use` trees and paths in code that begin with `crate`, `self`, `super`, a child module
//! or the name of an imported module; names that a module re-exports are followed to the file that
//! defines them. Not in scope: tests (what is under `#[cfg(test)]`) and what macros make.

use super::graph::Imports;
use std::collections::{BTreeMap, BTreeSet};

/// A crate's sources by their path below `src`.
pub type Sources = BTreeMap<String, String>;

/// The files that are not tests, and their imports.
pub fn imports(name: &str, sources: &Sources) -> (Vec<String>, Imports) {
    let tree = Tree::read(name, sources);
    let mut found = Imports::new();
    for (index, module) in tree.modules.iter().enumerate() {
        let mut add = |file: &str, line: usize| {
            if file != module.file {
                let key = (module.file.clone(), file.to_owned());
                found.entry(key).and_modify(|first| *first = (*first).min(line)).or_insert(line);
            }
        };
        for (child, line) in module.children.values() {
            add(&tree.modules[*child].file, *line);
        }
        for import in &module.uses {
            for file in tree.files_of(index, import) {
                add(&file, import.line);
            }
        }
        for path in &module.paths {
            if let Some(Target::Item(file)) = tree.resolve(index, &path.path, 0) {
                add(&file, path.line);
            }
        }
    }
    (tree.modules.into_iter().map(|module| module.file).collect(), found)
}

/// A file as a module.
#[derive(Default)]
struct Module {
    file: String,
    parent: Option<usize>,
    /// Its modules in files of their own, each with the line that declares it.
    children: BTreeMap<String, (usize, usize)>,
    declared: BTreeMap<String, usize>,
    items: BTreeSet<String>,
    uses: Vec<Import>,
    paths: Vec<Import>,
}

impl Module {
    /// `true` if it stands for a folder: what is imported through it comes from the files below.
    fn is_folder(&self) -> bool {
        !self.children.is_empty()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Import {
    /// `super` is resolved as far as inline modules go. A glob ends with `*`.
    path: Vec<String>,
    /// The name that it has here.
    alias: String,
    line: usize,
}

enum Target {
    Module(usize),
    /// Something that this file defines.
    Item(String),
}

struct Tree {
    name: String,
    modules: Vec<Module>,
}

/// Re-exports lead on at most this often: they may go round in circles.
const STEPS: usize = 16;

impl Tree {
    fn read(name: &str, sources: &Sources) -> Self {
        let mut tree = Self { name: name.to_owned(), modules: Vec::new() };
        if let Some(text) = sources.get("lib.rs") {
            tree.add("lib.rs", "", text, None, sources);
        }
        for (file, text) in sources.iter().filter(|(file, _)| file.starts_with("bin/")) {
            let folder = file.trim_end_matches(".rs");
            tree.add(file, &format!("{folder}/"), text, None, sources);
        }
        tree
    }

    /// Adds a file and the modules that it declares, which are in `folder`.
    fn add(
        &mut self,
        file: &str,
        folder: &str,
        text: &str,
        parent: Option<usize>,
        sources: &Sources,
    ) -> usize {
        let index = self.modules.len();
        let module = Module { file: file.to_owned(), parent, ..read(text) };
        let declared = module.declared.clone();
        self.modules.push(module);
        for (name, line) in declared {
            let inside = format!("{folder}{name}/");
            for file in [format!("{folder}{name}.rs"), format!("{inside}mod.rs")] {
                if let Some(text) = sources.get(&file) {
                    let child = self.add(&file, &inside, text, Some(index), sources);
                    self.modules[index].children.insert(name.clone(), (child, line));
                }
            }
        }
        index
    }

    /// What a path in a module leads to. `None` for what is not of this crate.
    fn resolve(&self, from: usize, path: &[String], steps: usize) -> Option<Target> {
        let module = &self.modules[from];
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "self" => self.walk(from, rest, steps),
            "super" => {
                let mut rest = path;
                let mut at = from;
                while let Some((first, after)) = rest.split_first()
                    && first == "super"
                {
                    (at, rest) = (self.modules[at].parent?, after);
                }
                self.walk(at, rest, steps)
            }
            "crate" => self.walk(self.root_of(from), rest, steps),
            name if name == self.name => self.walk(0, rest, steps),
            name => {
                let imported = module.uses.iter().any(|import| import.alias == name);
                // The first name of a `use` may be its own.
                let is_own = steps < STEPS && imported && path.len() > 1;
                let known = module.children.contains_key(name) || is_own;
                known.then(|| self.walk(from, path, steps)).flatten()
            }
        }
    }

    fn root_of(&self, mut index: usize) -> usize {
        while let Some(parent) = self.modules[index].parent {
            index = parent;
        }
        index
    }

    fn walk(&self, at: usize, path: &[String], steps: usize) -> Option<Target> {
        let module = &self.modules[at];
        let Some((name, rest)) = path.split_first().filter(|(name, _)| *name != "*") else {
            return Some(Target::Module(at));
        };
        if let Some((child, _)) = module.children.get(name) {
            return self.walk(*child, rest, steps);
        }
        if steps == STEPS {
            return None;
        }
        if let Some(import) = module.uses.iter().find(|import| import.alias == *name) {
            // `None` is of another crate.
            return match self.resolve(at, &import.path, steps + 1)? {
                Target::Module(there) => self.walk(there, rest, steps + 1),
                item => Some(item),
            };
        }
        if !module.items.contains(name) {
            for glob in module.uses.iter().filter(|import| import.alias == "*") {
                if let Some(Target::Module(there)) = self.resolve(at, &glob.path, steps + 1)
                    && self.has(there, name)
                {
                    return self.walk(there, path, steps + 1);
                }
            }
        }
        Some(Target::Item(module.file.clone()))
    }

    fn has(&self, at: usize, name: &str) -> bool {
        let module = &self.modules[at];
        let is_imported = module.uses.iter().any(|import| import.alias == name);
        is_imported || module.items.contains(name) || module.children.contains_key(name)
    }

    /// The files that a `use` takes something from. A folder's module alone counts as none: what
    /// is taken through it counts where it is named.
    fn files_of(&self, from: usize, import: &Import) -> Vec<String> {
        match self.resolve(from, &import.path, 0) {
            Some(Target::Item(file)) => vec![file],
            Some(Target::Module(there)) if !self.modules[there].is_folder() => {
                vec![self.modules[there].file.clone()]
            }
            Some(Target::Module(there)) if import.alias == "*" => {
                let uses = self.modules[there].uses.iter();
                let targets = uses.filter_map(|import| self.resolve(there, &import.path, 1));
                let files = targets.filter_map(|target| match target {
                    Target::Item(file) => Some(file),
                    Target::Module(_) => None,
                });
                files.collect()
            }
            _ => Vec::new(),
        }
    }
}

/// What a file declares and names, without its tests.
fn read(text: &str) -> Module {
    let tokens = without_tests(tokens(text));
    let mut module = Module::default();
    // The inline modules that are open, and at which depth of braces each began.
    let mut inline: Vec<(String, usize)> = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    let word = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    while at < tokens.len() {
        let Token { text, line } = &tokens[at];
        let (next, after) = (word(at + 1), word(at + 2));
        match text.as_str() {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                inline.pop_if(|(_, begin)| *begin == depth);
            }
            "mod" if after == ";" => {
                if inline.is_empty() {
                    module.declared.insert(next.to_owned(), *line);
                }
                at += 2;
            }
            "mod" if after == "{" => {
                inline.push((next.to_owned(), depth));
                depth += 1;
                at += 2;
            }
            "use" if next != "<" => {
                let end = (at..tokens.len()).find(|at| word(*at) == ";").unwrap_or(tokens.len());
                let mut leaves = Vec::new();
                use_tree(&tokens[at + 1..end], &[], *line, &mut leaves);
                leaves.iter_mut().for_each(|leaf| outside(leaf, inline.len()));
                module.uses.extend(leaves.into_iter().filter(|leaf| !leaf.path.is_empty()));
                at = end;
            }
            "struct" | "enum" | "union" | "trait" | "type" | "fn" | "const" | "static"
                if inline.is_empty() && is_name(next) =>
            {
                module.items.insert(next.to_owned());
                at += 1;
            }
            "macro_rules" if next == "!" => {
                module.items.insert(after.to_owned());
                at += 2;
            }
            name if is_name(name) && next == "::" => {
                let mut path = vec![name.to_owned()];
                while word(at + 1) == "::" && is_name(word(at + 2)) {
                    path.push(word(at + 2).to_owned());
                    at += 2;
                }
                let mut import = Import { path, alias: String::new(), line: *line };
                outside(&mut import, inline.len());
                module.paths.push(import);
            }
            // What follows a dot or stands within a path is no beginning of one.
            "." | "::" if is_name(next) => at += 1,
            _ => {}
        }
        at += 1;
    }
    module
}

/// Resolves the `super` of a path as far as the file's inline modules go; a path that stays within
/// them is emptied.
fn outside(import: &mut Import, inline: usize) {
    let up = import.path.iter().take_while(|name| *name == "super").count();
    if inline == 0 || (up == 0 && import.path[0] == "crate") {
        return;
    }
    if up < inline && (up > 0 || import.path[0] == "self") {
        import.path.clear();
    } else if up == inline {
        import.path.splice(..up, ["self".to_owned()]);
    } else {
        import.path.drain(..inline.min(up));
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// The leaves of a `use` tree: `a::{b, c::D as E, f::*, self}`.
fn use_tree(tokens: &[Token], before: &[String], line: usize, found: &mut Vec<Import>) {
    let mut path = before.to_vec();
    let mut alias = None;
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            "{" => {
                let inside = &tokens[at + 1..tokens.len() - 1];
                for part in split_at_commas(inside) {
                    use_tree(part, &path, part[0].line, found);
                }
                return;
            }
            "as" => {
                alias = tokens.get(at + 1).map(|token| token.text.clone());
                at += 1;
            }
            "self" if !path.is_empty() => {}
            "::" => {}
            name => path.push(name.to_owned()),
        }
        at += 1;
    }
    let alias = alias.or_else(|| path.last().cloned()).unwrap_or_default();
    found.push(Import { path, alias, line });
}

fn split_at_commas(tokens: &[Token]) -> Vec<&[Token]> {
    let (mut parts, mut depth, mut begin) = (Vec::new(), 0, 0);
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," if depth == 0 => {
                parts.push(&tokens[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&tokens[begin..]);
    parts.retain(|part| !part.is_empty());
    parts
}

#[derive(Clone, Debug)]
struct Token {
    text: String,
    line: usize,
}

/// The tokens of a source that tell its imports: words, `::`, and single other characters. Comments,
/// strings, characters and lifetimes are left out.
fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let (mut found, mut line, mut at) = (Vec::new(), 1, 0);
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    while at < chars.len() {
        let rest = &chars[at..];
        let length = match rest {
            ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
            ['/', '*', ..] => comment_length(rest),
            ['"', ..] => string_length(rest),
            ['\'', '\\', ..] => 3 + rest[3..].iter().position(|c| *c == '\'').unwrap_or(0) + 1,
            ['\'', _, '\'', ..] => 3,
            ['\'', ..] => 1 + rest[1..].iter().take_while(|c| is_word(**c)).count(),
            [':', ':', ..] => {
                found.push(Token { text: "::".to_owned(), line });
                2
            }
            [first, ..] if is_word(*first) => {
                let word: String = rest.iter().take_while(|c| is_word(**c)).collect();
                let length = word.chars().count();
                match (word.as_str(), rest.get(length)) {
                    ("r" | "br" | "cr", Some('"' | '#')) => length + raw_length(&rest[length..]),
                    ("b" | "c", Some('"')) => length + string_length(&rest[length..]),
                    _ => {
                        found.push(Token { text: word, line });
                        length
                    }
                }
            }
            [other, ..] => {
                if !other.is_whitespace() {
                    found.push(Token { text: other.to_string(), line });
                }
                1
            }
            [] => break,
        };
        let end = (at + length).min(chars.len());
        line += chars[at..end].iter().filter(|c| **c == '\n').count();
        at = end;
    }
    found
}

fn comment_length(text: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        match text[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] if depth == 1 => return at + 2,
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

fn string_length(text: &[char]) -> usize {
    let mut at = 1;
    while at < text.len() && text[at] != '"' {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn raw_length(text: &[char]) -> usize {
    let hashes = text.iter().take_while(|c| **c == '#').count();
    if text.get(hashes) != Some(&'"') {
        // A raw name, `r#type`.
        return hashes;
    }
    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let inside = &text[hashes + 1..];
    let length = inside.windows(end.len()).position(|window| window == end);
    hashes + 1 + length.unwrap_or(inside.len()) + end.len()
}

/// The tokens without the items under `#[cfg(test)]`.
fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    let mut kept: Vec<Token> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
        let is_inner = text(at) == "#" && text(at + 1) == "!";
        let open = if is_inner { at + 2 } else { at + 1 };
        if text(at) != "#" || text(open) != "[" {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let end = closed(&tokens, open);
        let words: Vec<&str> = (open + 1..end).map(text).collect();
        let only_tests = words[..] == ["cfg", "(", "test", ")"]
            || words.starts_with(&["cfg", "(", "all", "(", "test"]);
        at = end + 1;
        if only_tests && is_inner {
            return Vec::new();
        }
        if only_tests {
            at = after_item(&tokens, at);
        }
    }
    kept
}

/// Where the item that begins here is over.
fn after_item(tokens: &[Token], mut at: usize) -> usize {
    let is_use = tokens[at..].iter().take(5).any(|token| token.text == "use");
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            ";" => return at + 1,
            "{" if !is_use => return closed(tokens, at) + 1,
            "(" | "[" | "{" => at = closed(tokens, at) + 1,
            _ => at += 1,
        }
    }
    at
}

/// Where the bracket that opens here is closed.
fn closed(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" if depth == 1 => return at,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
    }
    tokens.len()
}
