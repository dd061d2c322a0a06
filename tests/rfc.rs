//! What the standards of HTTP caching say, clause by clause, as requests and answers in turn.
//!
//! The cases are in `tests/rfc/*.txt`, one clause each; `tests/rfc/README.md` says how they are
//! written. They run against the decisions alone (`policy`, `engine`, `entry`, `purge`), put
//! together here in the order in which `service::fetch` and `service::rest` put them together: one
//! store, one client at a time, no time but the case's own.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use evergraph::config::{self, Config};
use evergraph::engine::{
    Class, FetchedResponse, Plan, ValidatedEntry, Write, WriteResponse, XCache, classify,
    completed, has_range, headers_to_client, origin_request_headers, part_entry, part_key,
    part_storable, plan_rest, purge_of_write, response_from_entry, rest_entry, rest_storable,
    shorten_for_client, status_of_origin, storable_headers, updated, validated_entry, without_body,
};
use evergraph::graphql::{SeenTypes, TypeKnowledge};
use evergraph::http::{Headers, Method, Request, Response, Url};
use evergraph::jwt::Claims;
use evergraph::policy::{
    CacheStatus, ContentRange, Forward, Freshness, NotStored, ReceivedHead, freshness, is_head_of,
    not_modified, strong_etag, validators, variant,
};
use evergraph::purge::{Log, LogLimits, Mark, MemoryRows, Replica, Subject};
use evergraph::stored::{Entry, decode, encode};
use evergraph::tag::hash_of;
use evergraph::time::{Timestamp, Ttl};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

/// Second 0 of every case: Mon, 21 Nov 2022 04:00:00 GMT.
const START: u64 = 1_669_003_200;

#[test]
fn every_clause_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rfc");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    let (mut names, mut wrong) = (BTreeSet::new(), String::new());
    for file in files {
        for case in cases(&std::fs::read_to_string(&file).unwrap()) {
            assert!(names.insert(case.name.clone()), "two cases are called {}", case.name);
            assert!(!case.steps.is_empty(), "{} has no request", case.name);
            if let Err(fault) = run(&case) {
                let _ = writeln!(wrong, "\n{} ({})\n{fault}", case.name, file.display());
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(names.len() > 200, "only {} cases were found", names.len());
}

/// One case.
struct Case {
    name: String,
    config: serde_json::Value,
    steps: Vec<Step>,
}

/// A request, what the origin says if it is asked, and what the client must get.
#[derive(Clone)]
struct Step {
    line: String,
    at: u64,
    request: Request,
    says: Vec<Said>,
    gets: Expected,
}

/// One answer of the origin's.
#[derive(Clone, Default)]
struct Said {
    /// What the origin must see in the request.
    sees: Fields,
    /// None where it does not answer.
    status: Option<u16>,
    headers: Headers,
    body: String,
    /// Seconds from the question to the answer.
    delay: u64,
}

#[derive(Clone, Default)]
struct Expected {
    source: String,
    status: u16,
    body: String,
    fields: Fields,
}

/// Fields that must have a value, or, where there is none, must be absent.
type Fields = Vec<(String, Option<String>)>;

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut sees = Fields::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            let config = serde_json::json!({});
            cases.push(Case { name: name.trim().to_owned(), config, steps: Vec::new() });
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        let line = filled_in(line);
        if let Some(config) = line.strip_prefix("config ") {
            case.config = serde_json::from_str(config).unwrap();
        } else if line.starts_with(|first: char| first.is_ascii_digit()) {
            case.steps.push(step(&line));
        } else if let Some(said) = line.strip_prefix("  ? ") {
            sees = said.split(" | ").map(field).collect();
        } else if let Some(said) = line.strip_prefix("  < ") {
            let said = Said { sees: std::mem::take(&mut sees), ..answer(said) };
            case.steps.last_mut().unwrap().says.push(said);
        } else if let Some(gets) = line.strip_prefix("  = ") {
            case.steps.last_mut().unwrap().gets = expected(gets);
        }
    }
    cases
}

fn step(line: &str) -> Step {
    let mut parts = line.split(" | ");
    let head: Vec<&str> = parts.next().unwrap().split(' ').collect();
    let [at, method, target] = head[..] else { panic!("{line}: <second> <METHOD> <path>") };
    let url = if target.contains("://") { target.to_owned() } else { format!("http://h{target}") };
    let headers = parts.map(field).map(|(name, value)| (name, value.unwrap()));
    let request = Request {
        method: Method::parse(method),
        url: Url::parse(&url).unwrap(),
        headers: headers.collect(),
    };
    let (at, gets) = (at.parse().unwrap(), Expected::default());
    Step { line: line.to_owned(), at, request, says: Vec::new(), gets }
}

fn answer(text: &str) -> Said {
    let mut parts = text.split(" | ");
    let (status, body) = status_and_body(parts.next().unwrap());
    let mut said = Said { status, body, ..Said::default() };
    for (name, value) in parts.map(field) {
        match name.as_str() {
            "~delay" => said.delay = value.unwrap().parse().unwrap(),
            _ => said.headers.append(&name, value.unwrap()),
        }
    }
    said
}

fn expected(text: &str) -> Expected {
    let mut parts = text.split(" | ");
    let (source, rest) = parts.next().unwrap().split_once(' ').unwrap();
    let (status, body) = status_and_body(rest);
    let status = status.unwrap();
    Expected { source: source.to_owned(), status, body, fields: parts.map(field).collect() }
}

fn status_and_body(text: &str) -> (Option<u16>, String) {
    let (status, body) = text.split_once(' ').unwrap_or((text, ""));
    (status.parse().ok(), body.to_owned())
}

/// `name: value`, or `!name` for a field that is not there.
fn field(text: &str) -> (String, Option<String>) {
    let text = text.trim();
    match (text.strip_prefix('!'), text.split_once(':')) {
        (Some(absent), _) => (absent.to_owned(), None),
        (None, Some((name, value))) => (name.to_owned(), Some(value.trim().to_owned())),
        _ => panic!("{text:?} is no field"),
    }
}

/// A line with its `{date <second>}` as dates and its `{<text>*<times>}` written out.
fn filled_in(line: &str) -> String {
    let Some((before, rest)) = line.split_once('{') else { return line.to_owned() };
    let Some((inside, after)) = rest.split_once('}') else { return line.to_owned() };
    let filled = match (inside.strip_prefix("date "), inside.split_once('*')) {
        (Some(second), _) => {
            let second = START.checked_add_signed(second.parse().unwrap()).unwrap();
            httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(second))
        }
        (None, Some((text, times))) if times.parse::<usize>().is_ok() => {
            text.repeat(times.parse().unwrap())
        }
        _ => format!("{{{inside}}}"),
    };
    format!("{before}{filled}{}", filled_in(after))
}

fn run(case: &Case) -> Result<(), String> {
    let config = config::parse(&case.config).map_err(|faults| format!("{faults:?}"))?;
    let mut cache = Cache::new(config);
    for step in &case.steps {
        let mut origin = Origin { says: step.says.iter().cloned().collect(), faults: Vec::new() };
        let now = Timestamp::from_millis((START + step.at) * 1000);
        let response = cache.handle(&step.request, &mut origin, now);
        let mut faults = std::mem::take(&mut origin.faults);
        if !origin.says.is_empty() {
            faults.push(format!("the origin was asked {} times less", origin.says.len()));
        }
        faults.extend(differences(&step.gets, &response));
        faults.extend(broken_laws(&step.request, &response));
        if !faults.is_empty() {
            return Err(format!("  {}\n    {}", step.line, faults.join("\n    ")));
        }
    }
    Ok(())
}

fn differences(expected: &Expected, got: &Response) -> Vec<String> {
    let mut faults = Vec::new();
    let mut differs = |what: &str, expected: &str, got: &str| {
        if expected != got {
            faults.push(format!("{what}: expected {expected:?}, got {got:?}"));
        }
    };
    let source = got.headers.get("x-cache").unwrap_or("own").to_ascii_lowercase();
    differs("from", &expected.source, &source);
    differs("status", &expected.status.to_string(), &got.status.to_string());
    let body = if source == "own" { "" } else { std::str::from_utf8(&got.body).unwrap() };
    differs("body", &expected.body, body);
    faults.extend(unmet(&expected.fields, &got.headers));
    faults
}

fn unmet(expected: &Fields, got: &Headers) -> Vec<String> {
    let wrong = expected.iter().filter(|(name, value)| got.joined(name) != *value);
    wrong
        .map(|(name, value)| format!("{name}: expected {value:?}, got {:?}", got.joined(name)))
        .collect()
}

/// What holds of every answer, whatever the case says.
fn broken_laws(request: &Request, got: &Response) -> Vec<String> {
    let headers = &got.headers;
    let from_cache = ["HIT", "STALE"].contains(&headers.get("x-cache").unwrap_or_default());
    let no_body = matches!(got.status, 204 | 304) || request.method == Method::Head;
    [
        (no_body && !got.body.is_empty(), "RFC 9110 §6.4.1: it has a body and may not"),
        (from_cache && !headers.contains("age"), "RFC 9111 §4: it has no Age"),
        (from_cache && headers.contains("set-cookie"), "a hit sets a cookie"),
        (
            from_cache && got.status == 206 && !headers.contains("content-range"),
            "RFC 9110 §15.3.7: a part does not say which",
        ),
        (
            headers.contains("x-cache") && !headers.contains("cache-status"),
            "RFC 9211: it has no Cache-Status",
        ),
    ]
    .into_iter()
    .filter(|(broken, _)| *broken)
    .map(|(_, law)| law.to_owned())
    .collect()
}

/// The origin, which says what the case has it say.
struct Origin {
    says: VecDeque<Said>,
    faults: Vec<String>,
}

/// Its answer, as `service::world` has it.
struct Answer {
    status: u16,
    headers: Headers,
    body: Vec<u8>,
    asked_at: Timestamp,
    at: Timestamp,
}

impl Answer {
    fn received(&self) -> ReceivedHead<'_> {
        let Self { status, headers, asked_at, at, .. } = self;
        ReceivedHead { status: *status, headers, asked_at: *asked_at, at: *at }
    }
}

impl Origin {
    fn ask(&mut self, method: &Method, seen: &Headers, now: Timestamp) -> Option<Answer> {
        let Some(said) = self.says.pop_front() else {
            self.faults.push("the origin was asked once more".to_owned());
            return None;
        };
        let wrong = unmet(&said.sees, seen);
        self.faults.extend(wrong.into_iter().map(|fault| format!("the origin saw {fault}")));
        let body = if *method == Method::Head { String::new() } else { said.body };
        Some(Answer {
            status: said.status?,
            headers: said.headers,
            body: body.into_bytes(),
            asked_at: now,
            at: Timestamp::from_millis(now.as_millis() + said.delay * 1000),
        })
    }
}

/// A stored answer and what it is good for.
#[derive(Clone)]
struct Candidate {
    entry: Entry,
    freshness: Freshness,
}

/// What the origin can be asked about.
enum Before {
    Nothing,
    Whole(Entry),
    Beginning(Entry),
}

/// The origin's answer, and the stored one if it still holds.
struct Told {
    answer: Answer,
    fresh: Option<(Entry, Result<(), NotStored>)>,
}

/// What is needed to store an answer.
struct Storing<'a> {
    mark: Mark,
    other_variant: Option<&'a [String]>,
    why: Forward,
}

struct Cache {
    config: Config,
    entries: HashMap<String, Entry>,
    log: Log<MemoryRows>,
    replica: Replica,
    now: Timestamp,
}

impl Cache {
    fn new(config: Config) -> Self {
        let log = Log::open(MemoryRows::default(), Ttl::MAX, LogLimits::default(), || 1).unwrap();
        let mut replica = Replica::new();
        replica.learn(log.since(None), Timestamp::from_millis(START * 1000));
        Self { config, entries: HashMap::new(), log, replica, now: Timestamp::default() }
    }

    fn handle(&mut self, request: &Request, origin: &mut Origin, now: Timestamp) -> Response {
        self.now = now;
        match classify(&self.config, request) {
            Class::Rest => match plan_rest(&self.config, request, &Claims::NotAsked) {
                Ok(plan) => self.read(request, &plan, origin),
                Err(bypass) => self.pass_through(request, bypass.as_str(), origin),
            },
            Class::RestWrite => self.write(request, origin),
            Class::PassThrough(bypass) => self.pass_through(request, bypass.as_str(), origin),
            class => panic!("{class:?} is no REST"),
        }
    }

    fn pass_through(&self, request: &Request, why: &'static str, origin: &mut Origin) -> Response {
        let Some(answer) = origin.ask(&request.method, &request.headers, self.now) else {
            return failed(status_of_origin(false));
        };
        let status = forwarded(Forward::Bypass, answer.status, Err(why));
        let headers = headers_to_client(&answer.headers, XCache::Bypass, &status, false);
        Response { status: answer.status, headers, body: answer.body.into() }
    }

    fn write(&mut self, request: &Request, origin: &mut Origin) -> Response {
        let answer = origin.ask(&request.method, &request.headers, self.now);
        let written = answer.as_ref().map(|answer| WriteResponse {
            status: answer.status,
            headers: &answer.headers,
            body: Some(&answer.body),
        });
        let knowledge = TypeKnowledge { schema: None, keys: &self.config.graphql.keys };
        let known = SeenTypes::new();
        let write = Write::Rest(request);
        if let Some(purge) = purge_of_write(&self.config, write, written, &knowledge, &known) {
            self.log.append(&purge.new.record, self.now).unwrap();
            self.replica.learn(self.log.since(None), self.now);
        }
        let Some(answer) = answer else { return failed(status_of_origin(false)) };
        let status = forwarded(Forward::Method, answer.status, Err("method"));
        let headers = headers_to_client(&answer.headers, XCache::Bypass, &status, false);
        Response { status: answer.status, headers, body: answer.body.into() }
    }

    fn read(&mut self, request: &Request, plan: &Plan, origin: &mut Origin) -> Response {
        let (candidate, other_variant) = self.find(request, plan);
        if let Some(Candidate { entry, freshness }) = &candidate {
            match freshness {
                Freshness::Fresh => return self.serve(entry, request, XCache::Hit),
                Freshness::StaleAllowed => return self.serve(entry, request, XCache::Stale),
                Freshness::StaleWhileRevalidate => {
                    let response = self.serve(entry, request, XCache::Stale);
                    self.fetch_anew(request, plan, candidate.as_ref(), origin);
                    return response;
                }
                _ => {}
            }
        }
        if plan.client_directives(&request.headers).only_if_cached {
            return failed(504);
        }
        if request.method == Method::Get && request.headers.contains("range") {
            return self.range(request, plan, origin);
        }
        self.fetch(request, plan, candidate, other_variant, origin)
    }

    /// The best stored answer, and what the one under the plan's own key varies on where it is of
    /// another variant.
    fn find(&self, request: &Request, plan: &Plan) -> (Option<Candidate>, Option<Vec<String>>) {
        let Some(first) = self.entries.get(plan.key.as_str()) else { return (None, None) };
        let (entry, other) = match is_variant(first, request) {
            true => (Some(first), None),
            false => {
                let names = first.meta.vary.clone();
                (self.entries.get(&variant_key(plan, &names, request)), Some(names))
            }
        };
        let usable = entry.filter(|entry| is_usable(entry, request, plan));
        (usable.map(|entry| self.judged(entry, request, plan)), other)
    }

    fn judged(&self, entry: &Entry, request: &Request, plan: &Plan) -> Candidate {
        let tags: Vec<u64> = entry.meta.tags.iter().map(|tag| hash_of(tag)).collect();
        let subject = Subject {
            mark: entry.meta.mark,
            tags: &tags,
            tagging: entry.meta.tagging,
            key_from_kind: plan.key.from_kind(),
        };
        let directives = plan.client_directives(&request.headers);
        let verdict = self.replica.verdict(&subject);
        let freshness = freshness(&entry.meta, verdict, &directives, self.now);
        Candidate { entry: entry.clone(), freshness }
    }

    fn serve(&self, entry: &Entry, request: &Request, x_cache: XCache) -> Response {
        let status = CacheStatus::hit(entry.meta.ttl, entry.meta.age(self.now), "memory");
        response_from_entry(entry, request, x_cache, &status, self.now)
    }

    fn fetch_anew(
        &mut self,
        request: &Request,
        plan: &Plan,
        candidate: Option<&Candidate>,
        origin: &mut Origin,
    ) {
        if request.method == Method::Head {
            return;
        }
        let mark = self.replica.mark().unwrap();
        let before = self.before(request, plan, candidate);
        let Some(told) = self.ask_rest(request, plan, &before, origin) else { return };
        if told.answer.status >= 500 {
            return;
        }
        let storing = Storing { mark, other_variant: None, why: Forward::Stale };
        match told.fresh {
            Some((entry, Ok(()))) => self.keep_entry(request, plan, None, entry),
            Some(_) => {}
            None => {
                if worth_storing(request, plan, &told.answer).is_ok() {
                    let _ = self.keep_rest(request, plan, &told.answer, &storing);
                }
            }
        }
    }

    fn fetch(
        &mut self,
        request: &Request,
        plan: &Plan,
        candidate: Option<Candidate>,
        other_variant: Option<Vec<String>>,
        origin: &mut Origin,
    ) -> Response {
        let mark = self.replica.mark().unwrap();
        let why = match candidate.as_ref().map(|candidate| candidate.freshness) {
            None | Some(Freshness::Purged) => Forward::Miss,
            Some(_) if plan.client_directives(&request.headers).no_cache => Forward::Request,
            Some(_) => Forward::Stale,
        };
        let before = self.before(request, plan, candidate.as_ref());
        let told = self.ask_rest(request, plan, &before, origin);
        if told.as_ref().is_none_or(|told| told.answer.status >= 500)
            && let Some(Candidate { entry, freshness }) = &candidate
            && matches!(freshness, Freshness::StaleWhileRevalidate | Freshness::StaleIfError)
        {
            return self.serve(entry, request, XCache::Stale);
        }
        let Some(told) = told else { return failed(status_of_origin(false)) };
        let storing = Storing { mark, other_variant: other_variant.as_deref(), why };
        if request.method == Method::Head
            && let Some(stored) = candidate.filter(|one| one.freshness != Freshness::Purged)
            && told.fresh.is_none()
        {
            self.heard_by_head(request, plan, &told.answer, &stored.entry, mark);
        }
        self.answered_rest(request, plan, told, &storing)
    }

    fn before(&self, request: &Request, plan: &Plan, candidate: Option<&Candidate>) -> Before {
        if let Some(Candidate { entry, freshness }) = candidate
            && *freshness != Freshness::Purged
            && !validators(&entry.meta.headers, entry.meta.etag_is_ours).is_empty()
        {
            return Before::Whole(entry.clone());
        }
        let part = (request.method == Method::Get).then(|| self.stored_part(request, plan));
        match part.flatten() {
            Some(part) if begins(&part) => Before::Beginning(part),
            _ => Before::Nothing,
        }
    }

    fn ask_rest(
        &self,
        request: &Request,
        plan: &Plan,
        before: &Before,
        origin: &mut Origin,
    ) -> Option<Told> {
        let told = |answer| Told { answer, fresh: None };
        match before {
            Before::Nothing => {}
            Before::Whole(entry) => {
                let fields = validators(&entry.meta.headers, entry.meta.etag_is_ours);
                let answer = self.ask_with(request, &fields, origin)?;
                if answer.status != 304 {
                    return Some(told(answer));
                }
                let mark = self.replica.mark().unwrap();
                let fresh = validated_entry(plan, entry, request, answer.received(), mark);
                if let Some(fresh) = fresh {
                    return Some(Told { answer, fresh: Some((fresh.entry, fresh.stored)) });
                }
            }
            Before::Beginning(entry) => {
                let mut fields = vec![("range", format!("bytes={}-", entry.body.len()))];
                let etag = strong_etag(&entry.meta.headers).map(str::to_owned);
                fields.extend(etag.map(|etag| ("if-range", etag)));
                let mut answer = self.ask_with(request, &fields, origin)?;
                if answer.status == 200 {
                    return Some(told(answer));
                }
                if let Some(whole) = completed(entry, answer.received(), &answer.body) {
                    (answer.status, answer.body) = (200, whole);
                    for (name, value) in entry.meta.headers.iter() {
                        if !answer.headers.contains(name) && name != "cache-control" {
                            answer.headers.append(name, value);
                        }
                    }
                    ["content-range", "content-length"]
                        .iter()
                        .for_each(|name| answer.headers.remove(name));
                    return Some(told(answer));
                }
            }
        }
        Some(told(self.ask_with(request, &[], origin)?))
    }

    fn ask_with(
        &self,
        request: &Request,
        fields: &[(&'static str, String)],
        origin: &mut Origin,
    ) -> Option<Answer> {
        let mut headers = origin_request_headers(&self.config, &request.headers);
        fields.iter().for_each(|(name, value)| headers.set(name, value.as_str()));
        origin.ask(&request.method, &headers, self.now)
    }

    fn range(&mut self, request: &Request, plan: &Plan, origin: &mut Origin) -> Response {
        if let Some(part) = self.stored_part(request, plan).filter(|part| has_range(part, request))
        {
            return self.serve(&part, request, XCache::Hit);
        }
        let mark = self.replica.mark().unwrap();
        let of_a_range = ["range", "if-range"].into_iter();
        let fields: Vec<_> =
            of_a_range.filter_map(|name| Some((name, request.headers.joined(name)?))).collect();
        let Some(answer) = self.ask_with(request, &fields, origin) else {
            return failed(status_of_origin(false));
        };
        let storing = Storing { mark, other_variant: None, why: Forward::Miss };
        self.answered_rest(request, plan, Told { answer, fresh: None }, &storing)
    }

    fn stored_part(&self, request: &Request, plan: &Plan) -> Option<Entry> {
        let part = self.entries.get(&part_key(plan))?;
        let fresh = self.judged(part, request, plan).freshness == Freshness::Fresh;
        (is_usable(part, request, plan) && fresh).then(|| part.clone())
    }

    fn answered_rest(
        &mut self,
        request: &Request,
        plan: &Plan,
        told: Told,
        storing: &Storing<'_>,
    ) -> Response {
        let Told { answer, fresh } = told;
        if let Some((entry, stored)) = fresh {
            let no_store = plan.client_directives(&request.headers).no_store;
            let stored = stored.and(match no_store {
                true => Err(NotStored::RequestNoStore),
                false => Ok(()),
            });
            let status = forwarded(storing.why, answer.status, stored.map_err(NotStored::as_str));
            let mut response =
                response_from_entry(&entry, request, XCache::Revalidated, &status, self.now);
            let cookies = answer.headers.get_all("set-cookie");
            cookies
                .filter(|_| !plan.rest.strip_set_cookie)
                .for_each(|cookie| response.headers.append("set-cookie", cookie));
            if stored.is_ok() {
                self.keep_entry(request, plan, None, entry);
            }
            return response;
        }
        let worth = worth_storing(request, plan, &answer);
        let kept = worth.and_then(|()| self.keep_rest(request, plan, &answer, storing));
        let status = forwarded(
            storing.why,
            answer.status,
            kept.as_ref().map(|_| ()).map_err(|reason| reason.as_str()),
        );
        let keeps_cdn = plan.rest.keeps_cdn_cache_control;
        let mut headers = match &kept {
            Err(_) => {
                let mut headers =
                    headers_to_client(&answer.headers, XCache::Miss, &status, keeps_cdn);
                shorten_for_client(&mut headers, plan.client_ttl);
                headers
            }
            Ok(entry) => {
                let lasting = storable_headers(&answer.headers, plan.client_ttl, keeps_cdn);
                let mut headers = headers_to_client(&lasting, XCache::Miss, &status, keeps_cdn);
                for name in ["set-cookie", "age", "content-encoding"] {
                    headers.remove(name);
                    answer.headers.get_all(name).for_each(|value| headers.append(name, value));
                }
                // Whoever asks for a tag of the body's waits for all of it.
                if request.headers.contains("if-none-match")
                    && let Some(etag) = entry.meta.headers.get("etag")
                {
                    headers.set("etag", etag);
                }
                headers
            }
        };
        if plan.rest.strip_set_cookie {
            headers.remove("set-cookie");
        }
        let received = answer.at.as_millis() / 1000;
        let has_it = answer.status == 200 && not_modified(request, &headers, received);
        match has_it {
            true => without_body(headers),
            false => Response { status: answer.status, headers, body: answer.body.into() },
        }
    }

    fn keep_rest(
        &mut self,
        request: &Request,
        plan: &Plan,
        answer: &Answer,
        storing: &Storing<'_>,
    ) -> Result<Entry, NotStored> {
        let body = answer.body.clone().into();
        let fetched =
            FetchedResponse { request, received: answer.received(), body, mark: storing.mark };
        let entry = match answer.status {
            206 => part_entry(&self.config, plan, fetched)?,
            _ => rest_entry(&self.config, plan, fetched)?,
        };
        self.keep_entry(request, plan, storing.other_variant, entry.clone());
        Ok(entry)
    }

    fn keep_entry(
        &mut self,
        request: &Request,
        plan: &Plan,
        other_variant: Option<&[String]>,
        mut entry: Entry,
    ) {
        let is_whole = entry.meta.key == plan.key.as_str();
        if is_whole && other_variant == Some(entry.meta.vary.as_slice()) {
            entry.meta.key = variant_key(plan, &entry.meta.vary, request);
        }
        // As a store has it.
        let entry = decode(&encode(&entry)).unwrap();
        self.entries.insert(entry.meta.key.clone(), entry);
    }

    fn heard_by_head(
        &mut self,
        request: &Request,
        plan: &Plan,
        answer: &Answer,
        stored: &Entry,
        mark: Mark,
    ) {
        let Entry { meta, body } = stored;
        if answer.status != 200 || meta.status != 200 {
            return;
        }
        let entry = match is_head_of(&answer.headers, &meta.headers, meta.etag_is_ours, body.len())
        {
            None => return,
            Some(true) => match updated(plan, stored, request, answer.received(), mark) {
                Some(ValidatedEntry { entry, stored: Ok(()) }) => entry,
                _ => return,
            },
            Some(false) => {
                let mut entry = stored.clone();
                let ended = [&mut entry.meta.ttl, &mut entry.meta.swr, &mut entry.meta.sie];
                ended.into_iter().for_each(|window| *window = Ttl::ZERO);
                entry
            }
        };
        self.keep_entry(request, plan, None, entry);
    }
}

fn worth_storing(request: &Request, plan: &Plan, answer: &Answer) -> Result<(), NotStored> {
    if request.method == Method::Head {
        return Err(NotStored::Method);
    }
    if plan.client_directives(&request.headers).no_store {
        return Err(NotStored::RequestNoStore);
    }
    match answer.status {
        206 if request.headers.contains("range") => {
            part_storable(plan, answer.received()).map(|_| ())
        }
        _ => rest_storable(plan, answer.received()),
    }
}

fn begins(part: &Entry) -> bool {
    ContentRange::read(&part.meta.headers).is_some_and(|range| {
        range.first == 0
            && range.last + 1 < range.complete
            && part.body.len() as u64 == range.last + 1
    })
}

fn variant_key(plan: &Plan, names: &[String], request: &Request) -> String {
    format!("{}.{}", plan.key.as_str(), variant(names, &request.headers).unwrap().to_short_hex())
}

fn is_variant(entry: &Entry, request: &Request) -> bool {
    let asked_for = variant(&entry.meta.vary, &request.headers).unwrap();
    asked_for.to_hex() == entry.meta.variant
}

fn is_usable(entry: &Entry, request: &Request, plan: &Plan) -> bool {
    let shared = !plan.rest.authorized || entry.meta.shares_authorized;
    shared && is_variant(entry, request)
}

fn forwarded(
    forward: Forward,
    status: u16,
    stored: Result<(), &'static str>,
) -> CacheStatus<'static> {
    let detail = stored.err();
    CacheStatus::Forwarded { forward, status: Some(status), stored: stored.is_ok(), detail }
}

/// An answer of Evergraph's own.
fn failed(status: u16) -> Response {
    Response { status, headers: Headers::new(), body: [].into() }
}
