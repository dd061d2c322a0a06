use super::super::book::Book;
use super::super::messages::{Message, Part, Reply};
use super::super::occasions::Occasions;
use super::super::rows::MemoryRows;
use super::super::tally::Tally;
use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

const TOP: usize = 10;

struct World {
    book: Book<MemoryRows>,
    now: u64,
}

impl World {
    fn new() -> Self {
        let mut world = Self { book: Book::new(MemoryRows::default()), now: 1_000_000_000 };
        let mut tally = Tally::default();
        for n in 0..TOP {
            let url = format!("/{n}");
            tally.popular.count(PopularRequest { url, count: 1, ..PopularRequest::default() });
        }
        let parts = vec![Part { number: 1, minute: world.now / 60_000, tally }];
        world.send(Message { isolate: 999, parts, ..Message::default() });
        world
    }

    fn send(&mut self, message: Message) -> Reply {
        let message = Message { requests_per_day: 10_000, ..message };
        let reply = self.book.handle(&message.encode(), Timestamp::from_millis(self.now));
        Reply::decode(&reply.unwrap()).unwrap()
    }

    fn ask(&mut self, isolate: u64, ask: WarmAsk) -> WarmReply {
        let site = Some("https://shop.example".to_owned());
        let warm = Some(WarmAsk { site: ask.site.or(site), top: TOP, ..ask });
        self.send(Message { isolate, warm, ..Message::default() }).warm.unwrap()
    }

    /// The isolate's lease.
    fn goes(&mut self, isolate: u64, ask: WarmAsk) -> WarmLease {
        match self.ask(isolate, ask) {
            WarmReply::Go(lease) => lease,
            other => panic!("{other:?}"),
        }
    }

    /// How long it has to wait.
    fn waits(&mut self, isolate: u64, ask: WarmAsk) -> u64 {
        match self.ask(isolate, ask) {
            WarmReply::Wait(millis) => millis,
            other => panic!("{other:?}"),
        }
    }
}

fn purged(seq: u64) -> WarmAsk {
    WarmAsk { everything: Some((1, seq)), ..WarmAsk::default() }
}

fn version(id: &str) -> WarmAsk {
    WarmAsk { version: Some(id.to_owned()), ..WarmAsk::default() }
}

fn done(ask: WarmAsk, lease: u64, cursor: usize) -> WarmAsk {
    let progress = Some(WarmProgress { lease, cursor, is_failing: false });
    WarmAsk { progress, ..ask }
}

#[test]
fn one_isolate_warms_and_says_how_far_it_is() {
    let mut world = World::new();
    assert_eq!(world.ask(1, purged(0)), WarmReply::Nothing, "nothing was ever purged");
    let lease = world.goes(1, purged(3));
    assert_eq!((lease.cursor, lease.requests.len()), (0, TOP));
    assert_eq!(lease.site, "https://shop.example");
    let waits = [2, 3, 4].map(|isolate| world.waits(isolate, purged(3)));
    assert!(waits[0] > LEASE_MILLIS && waits[1] > waits[0] && waits[2] > waits[1], "{waits:?}");
    let next = world.goes(1, done(purged(3), lease.number, 4));
    assert_eq!((next.number, next.cursor, next.requests.len()), (lease.number, 4, 0));
    assert_eq!(world.ask(1, done(purged(3), lease.number, TOP)), WarmReply::Nothing);
    assert_eq!(world.ask(2, purged(3)), WarmReply::Nothing, "it was warmed");
}

#[test]
fn a_dead_holder_is_replaced_and_may_not_come_back() {
    let mut world = World::new();
    let first = world.goes(1, version("v1"));
    world.goes(1, done(version("v1"), first.number, 4));
    world.now += LEASE_MILLIS - 1;
    world.waits(2, version("v1"));
    world.now += 1;
    let second = world.goes(2, version("v1"));
    assert_eq!((second.cursor, second.requests.len()), (4, TOP));
    assert!(second.number > first.number);
    world.waits(1, done(version("v1"), first.number, 8));
    let next = world.goes(2, done(version("v1"), second.number, 6));
    assert_eq!(next.cursor, 6, "the former holder's progress does not count");
}

#[test]
fn each_version_is_an_occasion_once_even_if_two_are_in_use() {
    let mut world = World::new();
    for id in ["v1", "v2", "v1", "v2"] {
        let is_new = world.now < 1_000_000_000 + 2 * RUNS_APART_MILLIS;
        match (world.ask(1, version(id)), is_new) {
            (WarmReply::Go(lease), true) => {
                world.ask(1, done(version(id), lease.number, TOP));
            }
            (WarmReply::Nothing, false) => {}
            other => panic!("{id}: {other:?}"),
        }
        world.now += RUNS_APART_MILLIS;
    }
}

#[test]
fn an_isolate_that_does_not_know_the_purge_does_not_warm() {
    let mut world = World::new();
    let lease = world.goes(1, purged(7));
    world.now += LEASE_MILLIS;
    world.waits(2, purged(6));
    assert_eq!(world.goes(3, purged(7)).number, lease.number + 1);
}

#[test]
fn an_origin_that_fails_is_left_alone_for_longer_and_longer() {
    let mut world = World::new();
    let (mut isolate, mut pauses) = (1, Vec::new());
    let mut lease = world.goes(isolate, purged(1));
    loop {
        let progress = WarmProgress { lease: lease.number, cursor: 3, is_failing: true };
        let ask = WarmAsk { progress: Some(progress), ..purged(1) };
        if world.ask(isolate, ask) == WarmReply::Nothing {
            break;
        }
        let failed_at = world.now;
        isolate += 1;
        lease = loop {
            match world.ask(isolate, purged(1)) {
                WarmReply::Go(lease) => break lease,
                _ => world.now += 10_000,
            }
        };
        assert_eq!(lease.cursor, 3);
        pauses.push((world.now - failed_at) / 60_000);
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16]);
}

#[test]
fn a_clock_that_is_set_back_does_not_stop_warming() {
    let mut world = World::new();
    let lease = world.goes(1, purged(1));
    world.now -= 3_600_000;
    assert_eq!(world.goes(2, purged(1)).number, lease.number + 1);
}

#[test]
fn late_words_of_an_earlier_lease_or_part_move_nothing() {
    let mut world = World::new();
    let first = world.goes(1, purged(1));
    world.ask(1, done(purged(1), first.number, TOP));
    world.now += RUNS_APART_MILLIS;
    let second = world.goes(1, purged(2));
    assert_eq!(world.goes(1, done(purged(2), second.number, 6)).cursor, 6);
    assert_eq!(world.goes(1, done(purged(2), second.number, 3)).cursor, 6);
    world.waits(1, done(purged(2), first.number, TOP));
    assert_eq!(world.goes(1, done(purged(2), second.number, 6)).cursor, 6);
}

#[test]
fn a_run_ends_by_its_age_and_no_wait_is_long() {
    let mut world = World::new();
    let lease = world.goes(1, purged(1));
    let start = world.now;
    let waits: Vec<u64> = (2..200).map(|isolate| world.waits(isolate, purged(1))).collect();
    assert!(waits.iter().all(|wait| *wait <= LONGEST_WAIT_MILLIS), "{waits:?}");
    while world.ask(1, done(purged(1), lease.number, 1)) != WarmReply::Nothing {
        world.now += LEASE_MILLIS / 2;
        assert!(world.now - start <= RUN_MILLIS);
    }
    assert_eq!(world.now - start, RUN_MILLIS);
}

#[test]
fn the_run_is_shown_from_the_occasion_to_its_end() {
    let mut world = World::new();
    let shown = |world: &mut World| world.send(Message::default()).run;
    assert_eq!(shown(&mut world), None);
    let lease = world.goes(1, purged(1));
    assert_eq!(shown(&mut world), Some(WarmRun { done: 0, total: TOP }));
    world.goes(1, done(purged(1), lease.number, 4));
    assert_eq!(shown(&mut world), Some(WarmRun { done: 4, total: TOP }));
    world.now += RUN_MILLIS;
    assert_eq!(shown(&mut world), None, "nobody has gone on with it");
    // Another purge soon after a run waits for its time.
    let mut world = World::new();
    let lease = world.goes(1, purged(1));
    world.ask(1, done(purged(1), lease.number, TOP));
    assert_eq!(shown(&mut world), None);
    world.waits(1, purged(2));
    assert_eq!(shown(&mut world), Some(WarmRun { done: 0, total: 0 }));
}

#[test]
fn a_list_without_reads_is_done_at_once() {
    let mut world = World { book: Book::new(MemoryRows::default()), now: 1_000_000_000 };
    assert_eq!(world.ask(1, purged(1)), WarmReply::Nothing);
}

/// An isolate of the property: it may die, and then another takes its place.
struct Isolate {
    number: u64,
    knows: u64,
    occasions: Occasions,
    lease: Option<WarmLease>,
    /// Since when it has the lease, at the latest.
    since: u64,
}

impl Isolate {
    fn new(number: u64) -> Self {
        Self { number, knows: 0, occasions: Occasions::default(), lease: None, since: 0 }
    }

    fn may_go_on(&self, now: u64) -> bool {
        self.lease.is_some() && now < self.since + LEASE_MILLIS
    }
}

#[derive(Debug, Clone)]
enum Event {
    /// So many milliseconds pass.
    Passes(u64),
    /// Everything is purged.
    Purge,
    /// An isolate has a request, and learns of purges.
    Request(usize),
    /// An isolate dies.
    Dies(usize),
}

fn event(isolates: usize) -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (0u64..60_000).prop_map(Event::Passes),
        1 => Just(Event::Purge),
        8 => (0..isolates).prop_map(Event::Request),
        1 => (0..isolates).prop_map(Event::Dies),
    ]
}

/// What has happened.
#[derive(Default)]
struct Journal {
    /// Lease and place in the list of each read that was warmed.
    warmed: BTreeSet<(u64, usize)>,
    /// When the last purge of everything was known when each read was warmed.
    warmed_after: [u64; TOP],
    /// How often the object was asked.
    asks: usize,
}

/// An isolate has a request, and does in the background what the service does.
fn request(world: &mut World, isolate: &mut Isolate, seq: u64, journal: &mut Journal) {
    let now = Timestamp::from_millis(world.now);
    isolate.knows = seq;
    isolate.occasions.see(false, Some((1, seq)), isolate.number * 100 % 5_000, now);
    let goes_on = isolate.may_go_on(world.now);
    let live = isolate.lease.take().filter(|_| goes_on);
    if live.is_none() && !isolate.occasions.is_due(now) {
        return;
    }
    let mut ask = purged(isolate.knows);
    if let Some(lease) = live {
        let until = (lease.cursor + 3).min(TOP);
        for place in lease.cursor..until {
            assert!(journal.warmed.insert((lease.number, place)), "twice in one lease");
            journal.warmed_after[place] = isolate.knows;
        }
        ask = done(ask, lease.number, until);
    }
    isolate.occasions.note_asked();
    journal.asks += 1;
    match world.ask(isolate.number, ask) {
        WarmReply::Nothing => {}
        WarmReply::Wait(millis) => isolate.occasions.wait(millis, now),
        WarmReply::Go(lease) => (isolate.lease, isolate.since) = (Some(lease), world.now),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    /// Whatever isolates do and whichever die: one lease at a time, each read at most once in a lease, runs
    /// that are apart, and in the end everything is warm.
    #[test]
    fn one_isolate_at_a_time_warms_each_read_once(
        events in prop::collection::vec(event(4), 1..120),
    ) {
        let mut world = World::new();
        let mut isolates: Vec<Isolate> = (1..=4).map(Isolate::new).collect();
        let (mut seq, mut next_number, mut journal) = (0, 5, Journal::default());
        // In the end all have requests all the time, and nobody dies.
        let quiet = (0..2_000).flat_map(|n| [Event::Request(n % 4), Event::Passes(1_000)]);
        for event in events.into_iter().chain([Event::Purge]).chain(quiet) {
            match event {
                Event::Passes(millis) => world.now += millis,
                Event::Purge => seq += 1,
                Event::Request(place) => {
                    request(&mut world, &mut isolates[place], seq, &mut journal);
                }
                Event::Dies(place) => {
                    isolates[place] = Isolate::new(next_number);
                    next_number += 1;
                }
            }
            let holders = isolates.iter().filter(|one| one.may_go_on(world.now)).count();
            prop_assert!(holders <= 1, "two have the lease");
        }
        prop_assert_eq!(journal.warmed_after, [seq; TOP], "each read is warm after the last purge");
    }

    /// With many isolates the object is asked a few times by each, not for each request.
    #[test]
    fn each_isolate_asks_a_few_times(isolates in 1u64..60) {
        let mut world = World::new();
        let mut isolates: Vec<Isolate> = (1..=isolates).map(Isolate::new).collect();
        let mut journal = Journal::default();
        for _ in 0..1_200 {
            for isolate in &mut isolates {
                request(&mut world, isolate, 1, &mut journal);
            }
            world.now += 1_000;
        }
        prop_assert_eq!(journal.warmed.len(), TOP, "once");
        prop_assert!(journal.asks <= 3 * isolates.len() + TOP, "{}", journal.asks);
    }

    /// Purges of everything that come one after the other begin two runs at most within five minutes of the
    /// first: one for the first purges, and one for the others.
    #[test]
    fn bursts_begin_few_runs(times in prop::collection::vec(0u64..600_000, 1..60)) {
        let mut times = times;
        times.sort_unstable();
        let mut world = World::new();
        let (start, mut begun) = (world.now, Vec::new());
        for (seq, at) in (1..).zip(times) {
            world.now = start + at;
            if let WarmReply::Go(lease) = world.ask(1, purged(seq)) {
                begun.push(world.now);
                world.ask(1, done(purged(seq), lease.number, TOP));
            }
        }
        for pair in begun.windows(2) {
            prop_assert!(pair[1] - pair[0] >= RUNS_APART_MILLIS);
        }
    }
}
