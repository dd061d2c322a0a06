//! What is printed: tables and text, or JSON, to standard output; progress to standard error.

use super::words::printable;
use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::cell::RefCell;
use std::io::{ErrorKind, IsTerminal as _, Write as _};

/// When output has colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl ColorChoice {
    /// Whether a stream has colors. `is_plain`: the environment wants none.
    fn has_colors(self, is_terminal: bool, is_plain: bool) -> bool {
        match self {
            Self::Auto => is_terminal && !is_plain,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// What a text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Warning,
    Bad,
    Strong,
}

/// Where a command prints.
#[derive(Debug)]
pub(crate) struct Output {
    /// Whether the output is JSON.
    pub is_json: bool,
    has_colors: bool,
    has_colors_in_errors: bool,
    is_terminal: bool,
    /// Why standard output takes no more.
    fault: RefCell<Option<std::io::Error>>,
}

impl Output {
    pub fn new(is_json: bool, color: ColorChoice) -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let is_plain = set("NO_COLOR").is_some() || set("TERM").is_some_and(|term| term == "dumb");
        let is_terminal = std::io::stdout().is_terminal();
        let errors_are_seen = std::io::stderr().is_terminal();
        let colors = |is_terminal: bool| !is_json && color.has_colors(is_terminal, is_plain);
        Self {
            is_json,
            has_colors: colors(is_terminal),
            has_colors_in_errors: colors(errors_are_seen),
            is_terminal,
            fault: RefCell::default(),
        }
    }

    /// Whether a person reads along.
    pub fn is_terminal(&self) -> bool {
        self.is_terminal && !self.is_json
    }

    /// Whether anyone still takes what is printed.
    pub fn is_open(&self) -> bool {
        self.fault.borrow().is_none()
    }

    /// Why standard output takes no more. Whoever has closed the pipe wants no more, and that is no fault.
    pub fn fault(&self) -> Option<String> {
        let fault = self.fault.borrow();
        let fault = fault.as_ref().filter(|error| error.kind() != ErrorKind::BrokenPipe)?;
        Some(format!("the output cannot be written: {fault}"))
    }

    /// Prints a text as it is.
    pub fn raw(&self, text: &str) {
        self.write(text.as_bytes());
    }

    /// Prints bytes as they are. A terminal gets them as a line, without what would control it.
    pub fn bytes(&self, bytes: &[u8]) {
        match self.is_terminal {
            true => self.line(&String::from_utf8_lossy(bytes)),
            false => self.write(bytes),
        }
    }

    fn write(&self, bytes: &[u8]) {
        if !self.is_open() {
            return;
        }
        let mut out = std::io::stdout().lock();
        let written = out.write_all(bytes).and_then(|()| out.flush());
        *self.fault.borrow_mut() = written.err();
    }

    /// Prints a line.
    pub fn line(&self, text: &str) {
        self.raw(&format!("{}\n", printable(text)));
    }

    /// Prints a line in a tone.
    pub fn toned(&self, tone: Tone, text: &str) {
        self.raw(&format!("{}\n", in_tone(tone, &printable(text), self.has_colors)));
    }

    /// Clears a terminal, and moves to its top.
    pub fn clear(&self) {
        self.raw("\u{1b}[2J\u{1b}[H");
    }

    /// Prints what is wrong to standard error.
    pub fn error(&self, message: &str) {
        let name = in_tone(Tone::Bad, "evergraph:", self.has_colors_in_errors);
        complain(&format!("{name} {}", printable(message)));
    }

    /// Prints a heading after an empty line.
    pub fn heading(&self, text: &str) {
        self.line("");
        self.toned(Tone::Strong, text);
    }

    /// Prints a value as JSON.
    pub fn json(&self, value: &impl Serialize) {
        let text = serde_json::to_string_pretty(value);
        let text = text.unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"));
        self.raw(&format!("{text}\n"));
    }

    /// Prints a table after an empty line. Columns of numbers are aligned to the right.
    pub fn table(&self, header: &[String], rows: Vec<Vec<String>>) {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        if self.is_terminal {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        } else {
            table.force_no_tty();
        }
        if self.has_colors {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        if header.iter().any(|text| !text.is_empty()) {
            table.set_header(header.iter().map(|text| {
                let cell = Cell::new(printable(text));
                if self.has_colors { cell.add_attribute(Attribute::Bold) } else { cell }
            }));
        }
        let is_number = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.clone().count() > 0 && cells.clone().all(|cell| is_quantity(cell))
        };
        let numeric: Vec<bool> = (0..header.len()).map(is_number).collect();
        for row in rows {
            table.add_row(row.iter().map(|text| self.cell(text)));
        }
        for (index, _) in numeric.iter().enumerate().filter(|(_, is_number)| **is_number) {
            if let Some(column) = table.column_mut(index) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        self.line("");
        table.lines().for_each(|line| self.raw(&format!("{}\n", line.trim_end())));
    }

    fn cell(&self, text: &str) -> Cell {
        let cell = Cell::new(printable(text));
        match tone_of(text).filter(|_| self.has_colors) {
            Some(Tone::Good) => cell.fg(Color::Green),
            Some(Tone::Warning) => cell.fg(Color::Yellow),
            Some(Tone::Bad) => cell.fg(Color::Red),
            Some(Tone::Strong) | None => cell,
        }
    }

    /// A progress bar on standard error, if that is a terminal. `template` is indicatif's.
    pub fn progress(&self, total: u64, template: &str) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        match ProgressStyle::with_template(template) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }
}

/// A number, perhaps with its unit, and not a date.
fn is_quantity(cell: &str) -> bool {
    cell == "-" || (cell.starts_with(|c: char| c.is_ascii_digit()) && !cell.contains(':'))
}

/// The tone of words that are always good or bad.
pub(crate) fn tone_of(word: &str) -> Option<Tone> {
    match word {
        "HEALTHY" | "ok" | "valid" | "lookup" | "warmed" => Some(Tone::Good),
        "WARMING" | "DEGRADED" | "stale" | "bypass" => Some(Tone::Warning),
        "DOWN" | "firing" | "purged" | "failed" | "refused" => Some(Tone::Bad),
        _ => None,
    }
}

/// A text in a tone.
fn in_tone(tone: Tone, text: &str, has_colors: bool) -> String {
    let code = match tone {
        Tone::Good => 32,
        Tone::Warning => 33,
        Tone::Bad => 31,
        Tone::Strong => 1,
    };
    if has_colors { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// Prints a line to standard error.
pub(crate) fn complain(message: &str) {
    // Nobody else is left to tell.
    let _ = writeln!(std::io::stderr().lock(), "{message}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_are_for_terminals() {
        for (choice, is_terminal, is_plain, has_colors) in [
            (ColorChoice::Auto, true, false, true),
            (ColorChoice::Auto, true, true, false),
            (ColorChoice::Auto, false, false, false),
            (ColorChoice::Always, false, true, true),
            (ColorChoice::Never, true, false, false),
        ] {
            assert_eq!(choice.has_colors(is_terminal, is_plain), has_colors, "{choice:?}");
        }
        assert_eq!(in_tone(Tone::Good, "a", false), "a");
        assert_eq!(in_tone(Tone::Good, "a", true), "\u{1b}[32ma\u{1b}[0m");
    }
}
