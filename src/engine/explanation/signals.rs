//! The signals of a request, and what covers each.

use crate::admin::ExplainedSignal;
use crate::engine::signal_name::SignalName;
use crate::engine::signals::{Signal, SignalCheck, SignalSet};
use crate::http::is_neutral;

/// The signals of a request, and those that a setting sets aside. Neutral headers are no signals.
pub(super) fn explained_signals(check: &SignalCheck<'_>) -> Vec<ExplainedSignal> {
    let mut explained: Vec<ExplainedSignal> = Vec::new();
    let signals: Vec<Signal<'_>> = check.signals().collect();
    let names = check.credentials.headers.iter().map(|(name, _)| name);
    let headers = names.filter(|name| *name != "cookie").map(Signal::Header);
    for signal in headers.chain(check.sent_cookies()) {
        let one = match signals.contains(&signal) {
            true => of_signal(check, signal),
            false => match set_aside_by(check, signal) {
                Some(setting) => ExplainedSignal {
                    signal: text_of(signal),
                    covered_by: vec![setting.to_owned()],
                    not_covered_by: Vec::new(),
                    is_covered: true,
                },
                None => continue,
            },
        };
        if !explained.contains(&one) {
            explained.push(one);
        }
    }
    explained
}

fn of_signal(check: &SignalCheck<'_>, signal: Signal<'_>) -> ExplainedSignal {
    let (mut covered_by, mut not_covered_by) = (Vec::new(), Vec::new());
    for one in check.types {
        let (list, name) = match check.covering_scope(one, signal) {
            Some(scope) => (&mut covered_by, format!("scopes.{}", scope.name)),
            None => (&mut not_covered_by, super::terms::name_of(one)),
        };
        if !list.contains(&name) {
            list.push(name);
        }
    }
    let is_covered = not_covered_by.is_empty() && !covered_by.is_empty();
    ExplainedSignal { signal: text_of(signal), covered_by, not_covered_by, is_covered }
}

/// The setting by which a header or cookie is no signal. `None` if it is none in any case.
fn set_aside_by(check: &SignalCheck<'_>, signal: Signal<'_>) -> Option<&'static str> {
    match signal {
        Signal::Cookie(_) | Signal::MisplacedCookie(_) => Some("ignore_cookies"),
        Signal::Header(name) if check.keyed.iter().any(|keyed| keyed == name) => Some("vary"),
        Signal::Header(name) if is_neutral(name) => None,
        Signal::Header(name) if check.config.ignores_header(name) => Some("ignore_headers"),
        Signal::Header(_) if check.signal_set == SignalSet::Standard => Some("the origin's Vary"),
        Signal::Header(_) => None,
    }
}

/// The name as reasons show it. Values never appear.
fn text_of(signal: Signal<'_>) -> String {
    let (kind, name) = match signal {
        Signal::Header(name) => ("header", name),
        Signal::Cookie(name) => ("cookie", name),
        Signal::MisplacedCookie(name) => ("cookie after a comma or a space", name),
    };
    format!("{kind}: {}", SignalName::new(name).as_str())
}
