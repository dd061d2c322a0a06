use super::*;
use crate::purge::{Mark, Record};
use crate::service::runtime::KvStore as _;
use crate::service::testing::{Call, Components, TestRuntime, request};
use crate::tag::{Tagging, hash_of};
use crate::time::Ttl;
use proptest::prelude::*;
use serde_json::json;

struct Setup {
    runtime: TestRuntime,
    isolate: Components,
}

impl Setup {
    fn new() -> Self {
        let isolate = Components::new(&json!({ "service": "shop" }));
        let setup = Self { runtime: TestRuntime::new(), isolate };
        setup.runtime.run(setup.isolate.purges.sync.sync(&setup.context()));
        setup
    }

    fn context(&self) -> Context<TestRuntime> {
        Context::new(self.runtime.clone(), request("GET", "/__evergraph/entries"))
    }

    fn lister(&self) -> &EntryLister {
        &self.isolate.admin().lister
    }

    /// Puts an entry with these tags into KV. Without a summary it is of an earlier version.
    fn stores(&self, key: &str, summary: Option<&Summary>) {
        let put = async {
            match summary {
                Some(summary) => {
                    let text = summary.encode();
                    self.runtime.kv_put_described(key, b"", 60, &text).await
                }
                None => self.runtime.kv_put(key, b"", 60).await,
            }
        };
        self.runtime.run(put).unwrap();
    }

    fn previews(&self, record: &Record) -> Preview {
        self.runtime.run(self.lister().preview(&self.context(), record)).unwrap()
    }

    fn page(&self, pattern: &str, limit: usize, cursor: Option<String>) -> ListedPage {
        let pattern = Pattern::parse(pattern).unwrap();
        let context = self.context();
        self.runtime.run(self.lister().page(&context, Some(&pattern), limit, cursor)).unwrap()
    }

    fn summary(&self, tags: &[&str]) -> Summary {
        Summary {
            stored_at: self.runtime.at(),
            initial_age: 0,
            ttl: Ttl::from_seconds(60),
            swr: Ttl::ZERO,
            sie: Ttl::ZERO,
            bytes: 9,
            mark: self.isolate.purges.view.mark().unwrap(),
            tagging: tagging(),
            hashes: tags.iter().map(|tag| hash_of(tag)).collect(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            is_complete: true,
        }
    }
}

fn tagging() -> Tagging {
    Tagging::of(&"rules")
}

fn key(kind: &str, n: usize) -> String {
    format!("shop/2/{kind}/product/Get/public/{n:064x}")
}

fn of_tags(tags: &[&str]) -> Record {
    let tags = tags.iter().map(|tag| hash_of(tag)).collect();
    Record { tags, tagging: tagging(), ..Record::default() }
}

#[test]
fn a_page_has_the_matching_entries_of_this_service_alone() {
    let setup = Setup::new();
    let summary = setup.summary(&["Product"]);
    for n in 0..3 {
        setup.stores(&key("gql", n), Some(&summary));
        setup.stores(&key("rest", n), None);
    }
    for other in ["shop2/2/gql/product/Get/public/", "shop/1/gql/product/Get/public/"] {
        setup.stores(&format!("{other}{:064x}", 0), Some(&summary));
    }
    setup.stores("shop/documents/0", None);
    setup.stores("shop/schema", None);
    setup.stores("outbox/shop/1", None);
    let first = setup.page("gql/**", 2, None);
    assert_eq!(first.entries.len(), 2);
    assert_eq!(first.entries[0], KvEntry { key: key("gql", 0), summary: Some(summary) });
    let second = setup.page("gql/**", 2, first.cursor);
    assert_eq!((second.entries.len(), second.cursor), (1, None));
    let all = setup.page("**", 1_000, None);
    assert_eq!(all.entries.len(), 6);
    assert_eq!(all.entries[5], KvEntry { key: key("rest", 2), summary: None });
    assert!(setup.page("gql/other/**", 10, None).entries.is_empty());
}

#[test]
fn an_empty_page_is_followed_by_the_next_ones_for_a_while() {
    let setup = Setup::new();
    (0..20).for_each(|n| setup.stores(&key("gql", n), None));
    let pattern = format!("gql/product/Get/public/*{:062x}", 3);
    let page = setup.page(&pattern, 2, None);
    assert_eq!(page.entries.len(), 1, "it is on the second page");
    let page = setup.page("gql/*/Other/**", 2, None);
    assert!(page.entries.is_empty() && page.cursor.is_some());
    assert_eq!(setup.runtime.calls(Call::KvList), 2 + LISTS);
}

#[test]
fn a_preview_counts_what_it_knows_and_what_it_does_not() {
    let setup = Setup::new();
    let summary = |tags: &[&str]| setup.summary(tags);
    setup.stores(&key("gql", 0), Some(&summary(&["Product:1"])));
    setup.stores(&key("gql", 1), Some(&summary(&["Product:2"])));
    setup.stores(&key("gql", 2), Some(&Summary { is_complete: false, ..summary(&["x"]) }));
    setup.stores(&key("gql", 3), None);
    let over = Summary { ttl: Ttl::ZERO, ..summary(&["Product:1"]) };
    setup.stores(&key("gql", 4), Some(&over));
    let previewed = setup.previews(&of_tags(&["Product:1"]));
    let keys = vec![key("gql", 0)];
    assert_eq!(previewed, Preview { count: 1, maybe: 2, keys, saw_all: true });
    assert_eq!(setup.runtime.log_head(), 0, "nothing was recorded");
    setup.runtime.fails(Call::KvList, "down");
    let context = setup.context();
    let everything = Record::everything();
    for _ in 0..10 {
        let previewing = setup.lister().preview(&context, &everything);
        assert!(setup.runtime.run(previewing).is_err());
    }
    assert!(setup.runtime.has_reported("kv-list"));
    let breaker = &setup.isolate.admin().kv.breaker;
    assert!(!breaker.is_open(), "reads and writes have a limit of their own");
}

#[test]
fn a_list_that_hangs_or_breaks_off_is_a_fault_and_not_a_shorter_list() {
    let setup = Setup::new();
    let summary = setup.summary(&["Product"]);
    (0..20).for_each(|n| setup.stores(&key("gql", n), Some(&summary)));
    let of_none = Pattern::parse("gql/*/Other/**").unwrap();
    let context = setup.context();
    let page = || setup.runtime.run(setup.lister().page(&context, Some(&of_none), 2, None));
    let everything = Record::everything();
    let preview = || setup.runtime.run(setup.lister().preview(&context, &everything));
    for calls in 0..3 {
        setup.runtime.fails_after(Call::KvList, calls, "broken off");
        assert_eq!(page(), Err(ListFault::Kv("broken off".to_owned())), "{calls}");
    }
    setup.runtime.works(Call::KvList);
    (20..=PREVIEWED_KEYS).for_each(|n| setup.stores(&format!("shop/2/gql/old/{n}"), None));
    setup.runtime.fails_after(Call::KvList, 1, "broken off");
    assert_eq!(preview(), Err("broken off".to_owned()));
    setup.runtime.works(Call::KvList);
    assert_eq!(preview().unwrap().count, 20);
    setup.runtime.takes(Call::KvList, 3_600_000);
    for listing in [&(|| page().is_err()) as &dyn Fn() -> bool, &|| preview().is_err()] {
        let began = setup.runtime.at();
        assert!(listing());
        assert_eq!(setup.runtime.at().millis_since(began), LIST_MILLIS);
    }
    assert!(setup.runtime.has_reported("kv-list"));
}

#[test]
fn a_preview_is_bounded() {
    let setup = Setup::new();
    let summary = setup.summary(&["Product"]);
    (0..=PREVIEWED_KEYS).for_each(|n| setup.stores(&key("gql", n), Some(&summary)));
    let previewed = setup.previews(&of_tags(&["Product"]));
    assert_eq!((previewed.count, previewed.saw_all), (PREVIEWED_KEYS, false));
    assert_eq!(previewed.keys.len(), SHOWN_KEYS);
    let pattern = Pattern::parse(&format!("gql/product/Get/public/{:063x}*", 7)).unwrap();
    let by_pattern = Record { patterns: vec![pattern], ..Record::default() };
    assert!(setup.previews(&by_pattern).saw_all, "only what matches is listed");
}

const TAGS: [&str; 5] = ["Product", "Product:1", "User:1", "untyped", "catalog"];

fn record() -> impl Strategy<Value = Record> {
    let tags = prop::sample::subsequence(TAGS.to_vec(), 0..3);
    let pattern = prop::option::of(prop::sample::select(vec!["gql/**", "**/Get/**", "rest/**"]));
    (tags, pattern, 0..8, any::<bool>(), any::<bool>()).prop_map(
        |(tags, pattern, all, soft, own_rules)| Record {
            patterns: pattern.map(|text| Pattern::parse(text).unwrap()).into_iter().collect(),
            all: all == 0,
            soft,
            tagging: if own_rules { tagging() } else { Tagging::of(&"other rules") },
            ..of_tags(&tags)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The law of previews: if the tags of all entries are known, a preview counts exactly the entries on
    /// which the log's verdict changes when the purge is recorded.
    #[test]
    fn a_preview_is_what_the_purge_does(
        before in prop::collection::vec(record(), 0..3),
        purge in record(),
        entries in prop::collection::vec(
            (prop::sample::subsequence(TAGS.to_vec(), 0..4), any::<bool>(), 0_u64..3),
            1..12,
        ),
    ) {
        let setup = Setup::new();
        for record in &before {
            setup.runtime.records(record);
        }
        let view = &setup.isolate.purges.view;
        setup.runtime.run(setup.isolate.purges.sync.sync_now(&setup.context()));
        let Mark { epoch, seq: head } = view.mark().unwrap();
        let mut stored = Vec::new();
        for (n, (tags, is_rest, seq)) in entries.iter().enumerate() {
            let key = key(if *is_rest { "rest" } else { "gql" }, n);
            let summary = Summary { mark: Mark { epoch, seq: head.min(*seq) }, ..setup.summary(tags) };
            setup.stores(&key, Some(&summary));
            stored.push((key, summary));
        }
        let verdicts = || -> Vec<Verdict> {
            let verdict = |(key, summary): &(String, Summary)| {
                view.verdict(&setup.lister().subject(key, summary).unwrap())
            };
            stored.iter().map(verdict).collect()
        };
        let previewed = setup.previews(&purge);
        let earlier = verdicts();
        setup.runtime.records(&purge);
        setup.runtime.run(setup.isolate.purges.sync.sync_now(&setup.context()));
        let changed = earlier.iter().zip(verdicts()).filter(|(one, other)| *one != other).count();
        prop_assert_eq!((previewed.count, previewed.maybe), (changed, 0));
    }
}

#[test]
fn entries_that_only_memory_has_are_previewed() {
    let setup = Setup::new();
    setup.runtime.origin_answers(|_| {
        let headers = [("content-type", "text/plain"), ("cache-control", "max-age=60")];
        (200, headers.into_iter().collect(), b"body".to_vec())
    });
    let isolate = setup.isolate.isolate.clone();
    let service = crate::service::router::Service::new(setup.runtime.clone(), isolate);
    setup.runtime.run(service.handle(request("GET", "/products/1")));
    setup.runtime.advance(50);
    assert!(setup.runtime.kv_keys().is_empty(), "KV is written at the second request");
    let previewed = setup.previews(&of_tags_of_the_service(&setup, "path:/products/1"));
    assert_eq!((previewed.count, previewed.maybe, previewed.saw_all), (1, 0, true));
}

fn of_tags_of_the_service(setup: &Setup, tag: &str) -> Record {
    Record { tagging: setup.isolate.config.tagging, ..of_tags(&[tag]) }
}
