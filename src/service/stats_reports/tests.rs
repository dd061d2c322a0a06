use super::*;
use crate::config;
use crate::service::purges::PurgeSettings;
use crate::service::stats::{Answered, Response};
use crate::service::testing::{Call, TestRuntime};
use crate::service::tiers::EdgeCacheTier;
use crate::statistics::By;
use serde_json::json;

struct Setup {
    runtime: TestRuntime,
    stats: Rc<Stats>,
    reports: Rc<StatsReports>,
}

impl Setup {
    fn new(requests_per_day: u64) -> Self {
        let config = json!({ "stats": { "requests_per_day": requests_per_day } });
        let (stats, config) = (Rc::<Stats>::default(), config::parse(&config).unwrap());
        let kv = Rc::new(KvClient::new(None, stats.clone()));
        let settings = PurgeSettings::new("shop".to_owned(), Some(&config));
        let edge_cache = Rc::new(EdgeCacheTier::default());
        let purges = Purges::new(&settings, edge_cache, kv.clone(), stats.clone());
        let reports = StatsReports::new(stats.clone(), kv, purges, "shop", Some(&config));
        Self { runtime: TestRuntime::with_statistics(), stats, reports }
    }

    /// So many requests, one a second, each of which may report.
    fn requests(&self, count: u64) {
        for _ in 0..count {
            let now = self.runtime.at();
            let response = Response {
                how: Answered::Hit,
                tier: Some("memory"),
                millis: 1,
                bytes: 1,
                saved_millis: 1,
                type_name: Some("product"),
                operation: Some("GetProduct"),
                path: "/graphql",
                reason: None,
                matched: &[],
            };
            self.stats.answered(now, &response);
            self.reports.report_if_due(&self.runtime, now);
            self.runtime.advance(1_000);
        }
    }

    /// The hits, and whether the service has counted them.
    fn hits(&self) -> (u64, bool) {
        let ask = Ask { window: Some(3_600), by: Some(By::Type) };
        let (sum, is_service) = match self.runtime.run(self.reports.numbers(&self.runtime, ask)) {
            WindowNumbers::Service(sum) => (sum, true),
            WindowNumbers::Isolate(sum, _) => (sum, false),
        };
        (sum.sum.total.of(Counter::Hits), is_service)
    }
}

#[test]
fn reports_go_once_a_minute_and_a_question_has_the_rest() {
    let setup = Setup::new(10_000);
    setup.requests(59);
    assert_eq!(setup.runtime.calls(Call::Statistics), 0);
    setup.requests(182);
    assert_eq!(setup.runtime.calls(Call::Statistics), 4);
    assert_eq!(setup.hits(), (241, true));
    assert_eq!(setup.hits(), (241, true), "and nothing twice");
}

#[test]
fn numbers_without_a_report_are_complete_and_the_object_counts_nothing() {
    let setup = Setup::new(10_000);
    setup.requests(130);
    let ask = Ask { window: Some(3_600), by: None };
    let hits = || match setup.runtime.run(setup.reports.numbers_without_report(&setup.runtime, ask))
    {
        WindowNumbers::Service(sum) => sum.sum.total.of(Counter::Hits),
        WindowNumbers::Isolate(..) => 0,
    };
    assert_eq!((hits(), hits()), (130, 130));
    let other = Setup { runtime: setup.runtime.clone(), ..Setup::new(10_000) };
    let (reported, _) = other.hits();
    assert!((60..130).contains(&reported), "{reported}");
    assert_eq!((setup.hits(), other.hits()), ((130, true), (130, true)));
}

#[test]
fn without_the_object_or_with_0_requests_the_isolate_has_its_own_numbers() {
    let setup = Setup::new(0);
    setup.requests(200);
    assert_eq!((setup.hits(), setup.runtime.calls(Call::Statistics)), ((200, false), 0));
    let unbound = Setup { runtime: TestRuntime::new(), ..Setup::new(10_000) };
    unbound.requests(4_000);
    assert_eq!(unbound.stats.totals().total.requests(), 4_000);
    assert!(unbound.hits().0 <= 3_600, "what is older than an hour is not added to the hour");
}

#[test]
fn what_fails_is_tried_later_and_nothing_is_lost() {
    let setup = Setup::new(10_000);
    setup.runtime.fails(Call::Statistics, "down");
    setup.requests(600);
    assert_eq!(setup.hits(), (600, false));
    let tried = setup.runtime.calls(Call::Statistics);
    assert!((3..=6).contains(&tried), "{tried}");
    assert!(setup.runtime.has_reported("statistics"));
    setup.runtime.works(Call::Statistics);
    setup.requests(1_000);
    assert_eq!(setup.hits(), (1_600, true));
}

#[test]
fn an_object_that_hangs_delays_an_answer_by_a_second() {
    let setup = Setup::new(10_000);
    setup.requests(10);
    setup.runtime.takes(Call::Statistics, 100_000);
    let started = setup.runtime.at();
    assert_eq!(setup.hits(), (10, false));
    assert_eq!(setup.runtime.at().millis_since(started), ANSWER_MILLIS);
}

#[test]
fn totals_of_one_isolate_are_never_those_of_the_service() {
    let setup = Setup::new(10_000);
    setup.requests(100);
    let totals = |setup: &Setup| match setup.runtime.run(setup.reports.totals(&setup.runtime)) {
        CounterTotals::Service(totals) => ("service", totals.sum.total.requests()),
        CounterTotals::Isolate(tally) => ("isolate", tally.total.requests()),
        CounterTotals::Unknown => ("unknown", 0),
    };
    assert_eq!(totals(&setup), ("service", 100));
    setup.runtime.fails(Call::Statistics, "down");
    assert_eq!(totals(&setup), ("unknown", 0));
    setup.runtime.works(Call::Statistics);
    setup.runtime.takes(Call::Statistics, 100_000);
    assert_eq!(totals(&setup), ("unknown", 0));
    let unused = Setup::new(0);
    unused.requests(100);
    assert_eq!(totals(&unused), ("isolate", 100));
}

#[test]
fn without_the_object_popular_reads_stay_in_the_isolate() {
    let setup = Setup::new(0);
    for _ in 0..3 {
        setup.requests(20 * 60);
        let one = PopularRequest { url: "/a".to_owned(), count: 1, ..PopularRequest::default() };
        setup.stats.popular(one);
        // The cron trigger.
        setup.runtime.run(setup.reports.report(&setup.runtime));
    }
    let popular = setup.runtime.run(setup.reports.popular(&setup.runtime, 10));
    assert_eq!((popular.len(), popular[0].count), (1, 3));
}

#[test]
fn an_object_that_lost_its_storage_counts_on() {
    let setup = Setup::new(10_000);
    setup.requests(100);
    assert_eq!(setup.hits(), (100, true));
    setup.runtime.loses_statistics();
    setup.requests(5);
    assert_eq!(setup.hits(), (5, true));
}

#[test]
fn each_count_is_in_one_data_point() {
    let setup = Setup::new(0);
    setup.requests(300);
    let sum = |setup: &Setup| -> f64 {
        setup.runtime.data_points().iter().map(|(_, doubles)| doubles[0]).sum()
    };
    assert_eq!((setup.runtime.data_points().len(), sum(&setup)), (4, 241.0));
    let failing = Setup::new(10_000);
    failing.runtime.fails(Call::Statistics, "down");
    failing.requests(600);
    failing.runtime.run(failing.reports.report(&failing.runtime));
    assert_eq!(sum(&failing), 600.0);
    assert_eq!(failing.runtime.data_points()[0].0, "shop");
}

#[test]
fn popular_reads_are_of_the_service() {
    let setup = Setup::new(10_000);
    let read = |url: &str| PopularRequest { url: url.to_owned(), count: 1, ..Default::default() };
    setup.stats.popular(read("/a"));
    setup.requests(70);
    setup.stats.popular(read("/a"));
    let popular = setup.runtime.run(setup.reports.popular(&setup.runtime, 5));
    assert_eq!(popular, [PopularRequest { count: 2, ..read("/a") }]);
}

/// Requests one a second, with a question after each. When reports have come, and how many questions.
fn calls_with(setup: &Setup, question: impl Fn(&Setup)) -> u32 {
    for _ in 0..600 {
        setup.requests(1);
        question(setup);
    }
    setup.runtime.calls(Call::Statistics).try_into().unwrap()
}

#[test]
fn whoever_asks_without_a_token_hardly_calls_the_object_and_reports_nothing() {
    let (quiet, asked) = (Setup::new(10_000), Setup::new(10_000));
    let reports = calls_with(&quiet, |_| {});
    let public = |setup: &Setup| {
        setup.runtime.run(setup.reports.alerts(&setup.runtime, Asker::Public));
    };
    assert_eq!(calls_with(&asked, public), reports + 1, "the first question, before any reply");
    let idle = Setup::new(10_000);
    idle.requests(5);
    for _ in 0..1_800 {
        public(&idle);
        idle.runtime.advance(1_000);
    }
    assert_eq!(idle.runtime.calls(Call::Statistics), 3);
    assert_eq!(idle.stats.report(idle.runtime.at()).len(), 1, "it is not reported yet");
}

#[test]
fn an_isolate_that_is_asked_keeps_its_slot() {
    let setup = Setup::new(10_000);
    setup.requests(61);
    let slot = setup.reports.next_at.get();
    let failures = setup.reports.failures.get();
    setup.requests(20);
    assert_eq!(setup.hits(), (81, true));
    setup.runtime.fails(Call::Statistics, "down");
    setup.requests(1);
    assert_eq!(setup.hits(), (82, false));
    assert_eq!((setup.reports.next_at.get(), setup.reports.failures.get()), (slot, failures));
}

#[test]
fn asking_who_warms_the_cache_postpones_no_report() {
    let setup = Setup::new(10_000);
    setup.requests(5);
    let reports = &setup.reports;
    let state = || (reports.next_at.get(), reports.has_reported.get(), reports.failures.get());
    let warm = || setup.runtime.run(reports.warm(&setup.runtime, WarmAsk::default()));
    let before = state();
    assert_eq!(warm(), Some(WarmReply::Nothing));
    assert_eq!(state(), before);
    setup.runtime.takes(Call::Statistics, 2 * ANSWER_MILLIS);
    assert_eq!((warm(), state()), (None, before));
    setup.runtime.works(Call::Statistics);
    setup.requests(56);
    assert_eq!(setup.runtime.calls(Call::Statistics), 2 + 1, "the first report, after a minute");
    let (slot, has_reported, failures) = state();
    assert!(slot > before.0 && has_reported && failures == 0);
    assert_eq!((warm(), state()), (Some(WarmReply::Nothing), (slot, true, 0)));
}
