//! A graph of imports: its cycles, and the order that it allows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;

/// An import of one file by another, and the line where the first of its kind stands.
pub type Imports = BTreeMap<(String, String), usize>;

/// A group of nodes that all reach each other, with one of its shortest cycles.
#[derive(Debug, PartialEq, Eq)]
pub struct Cycle {
    pub members: Vec<String>,
    /// The nodes of the cycle in order. The last one imports the first.
    pub shortest: Vec<String>,
}

/// The strongly connected components of more than one node, each with a shortest cycle.
pub fn cycles<'a>(edges: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Cycle> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in edges.into_iter().filter(|(from, to)| from != to) {
        next.entry(from).or_default().insert(to);
        next.entry(to).or_default();
    }
    let reach: BTreeMap<&str, BTreeMap<&str, &str>> =
        next.keys().map(|node| (*node, reached(&next, node))).collect();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for node in next.keys() {
        let is_together =
            |other: &&&str| reach[*node].contains_key(**other) && reach[**other].contains_key(node);
        let members: Vec<&str> = next.keys().filter(is_together).copied().collect();
        if members.is_empty() || !seen.insert(members[0]) {
            continue;
        }
        let shortest = members.iter().map(|member| way_back(&reach[member], member));
        let shortest = shortest.min_by_key(Vec::len).unwrap_or_default();
        let members = members.into_iter().map(str::to_owned).collect();
        found.push(Cycle { members, shortest });
    }
    found
}

/// The nodes that `start` reaches, each with the one before it on a shortest way.
fn reached<'a>(
    next: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    start: &'a str,
) -> BTreeMap<&'a str, &'a str> {
    let mut before = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for to in &next[node] {
            if !before.contains_key(to) {
                before.insert(*to, node);
                queue.push_back(to);
            }
        }
    }
    before
}

/// The nodes of a shortest cycle through `start`, beginning with it.
fn way_back(before: &BTreeMap<&str, &str>, start: &str) -> Vec<String> {
    let (mut cycle, mut node) = (vec![start.to_owned()], before[start]);
    while node != start {
        cycle.push(node.to_owned());
        node = before[node];
    }
    cycle[1..].reverse();
    cycle
}

/// The imports between the entries of one folder: its files and its subfolders, by their names
/// without `.rs`. Each comes with the files that make it. `a.rs` and the folder `a` are one entry.
pub fn entries_of(folder: &str, imports: &Imports) -> BTreeMap<(String, String), String> {
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let entry = |file: &str| {
        let inside = file.strip_prefix(&prefix)?;
        let name = inside.split('/').next()?.split('.').next()?;
        (!matches!(inside, "mod.rs" | "lib.rs")).then(|| name.to_owned())
    };
    let mut found = BTreeMap::new();
    for ((from, to), line) in imports {
        if let (Some(above), Some(below)) = (entry(from), entry(to))
            && above != below
        {
            found.entry((above, below)).or_insert_with(|| format!("{from}:{line} imports {to}"));
        }
    }
    found
}

/// Every folder with files in it, the root as an empty name.
pub fn folders<'a>(files: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files {
        let cuts = file.match_indices('/').filter_map(|(at, _)| Some(file.get(..at)?.to_owned()));
        found.extend(cuts.chain([String::new()]));
    }
    found
}

/// What is wrong with the imports: a line or more for each cycle of files, then of folders.
pub fn faults(imports: &Imports) -> Vec<(Cycle, String)> {
    let mut found = Vec::new();
    for cycle in cycles(imports.keys().map(|(from, to)| (from.as_str(), to.as_str()))) {
        let mut text = format!("{} files import each other, for example", cycle.members.len());
        for step in steps(&cycle.shortest) {
            let _ = write!(text, "\n    {}:{} imports {}", step.0, imports[&step], step.1);
        }
        let _ = write!(text, "\n  all of them: {}", cycle.members.join(" "));
        found.push((cycle, text));
    }
    let files = imports.keys().flat_map(|(from, to)| [from.as_str(), to.as_str()]);
    let folders = folders(files.clone());
    for folder in &folders {
        let between = entries_of(folder, imports);
        for mut cycle in cycles(between.keys().map(|(from, to)| (from.as_str(), to.as_str()))) {
            let path = |entry: &String| match folder.as_str() {
                "" => entry.clone(),
                folder => format!("{folder}/{entry}"),
            };
            // Without a folder in it, it is a cycle of files.
            if !cycle.members.iter().any(|entry| folders.contains(&path(entry))) {
                continue;
            }
            let names: Vec<_> = cycle.members.iter().map(path).collect();
            let mut text = format!("{} import each other, for example", names.join(", "));
            for step in steps(&cycle.shortest) {
                let _ = write!(text, "\n    {}", between[&step]);
            }
            cycle.members = names;
            found.push((cycle, text));
        }
    }
    found
}

fn steps(cycle: &[String]) -> impl Iterator<Item = (String, String)> {
    cycle.iter().zip(cycle.iter().cycle().skip(1)).map(|(from, to)| (from.clone(), to.clone()))
}

/// The entries of a folder in rows, each of which imports only from rows before its own.
/// `None` if a cycle forbids it.
pub fn rows(folder: &str, imports: &Imports) -> Option<Vec<Vec<String>>> {
    let between = entries_of(folder, imports);
    let mut left: BTreeSet<&String> = between.keys().flat_map(|(from, to)| [from, to]).collect();
    let mut rows = Vec::new();
    while !left.is_empty() {
        let waits =
            |entry: &&String| between.keys().any(|(from, to)| from == *entry && left.contains(to));
        let row: Vec<&String> = left.iter().copied().filter(|entry| !waits(entry)).collect();
        if row.is_empty() {
            return None;
        }
        left.retain(|entry| !row.contains(entry));
        rows.push(row.into_iter().cloned().collect());
    }
    Some(rows)
}

/// The imports within a folder that its table does not allow, and the entries that it lacks or has
/// too many. The table's rows hold names separated by spaces; an entry may import those of the rows
/// before its own.
pub fn out_of_order(
    folder: &str,
    table: &[&str],
    files: &[String],
    imports: &Imports,
) -> Vec<String> {
    let place = |entry: &str| table.iter().position(|row| row.split(' ').any(|name| name == entry));
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let inside = files.iter().filter_map(|file| file.strip_prefix(&prefix));
    let inside = inside.filter(|file| !matches!(*file, "mod.rs" | "lib.rs"));
    let entries: BTreeSet<&str> =
        inside.filter_map(|file| file.split('/').next()?.split('.').next()).collect();
    let mut wrong = Vec::new();
    for entry in entries.iter().filter(|entry| place(entry).is_none()) {
        wrong.push(format!("{prefix}{entry} is not in the table"));
    }
    for name in table.iter().flat_map(|row| row.split(' ')).filter(|name| !entries.contains(name)) {
        wrong.push(format!("the table has {prefix}{name}, which does not exist"));
    }
    for ((from, to), why) in entries_of(folder, imports) {
        if let (Some(above), Some(below)) = (place(&from), place(&to))
            && below >= above
        {
            wrong.push(format!("{why}, which is not below it"));
        }
    }
    wrong
}
