//! Microbenchmarks of what a request runs through: guides for whoever makes it faster. `npm run bench` shows
//! what counts.
//!
//! ```sh
//! cargo bench --profile guides --features measure               # all, compared with the last run
//! cargo bench --profile guides --features measure -- replica    # some of them
//! ```

#![allow(missing_docs, clippy::unwrap_used, reason = "a program that nothing depends on")]

mod inputs;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use evergraph::graphql::{parses_with_graphql_parser, token_count};
use evergraph::http::Headers;
use evergraph::purge::{Delta, Mark, Record, Replica, Seq, Subject};
use evergraph::stored::{Entry, LifetimeSource, Meta, decode, encode};
use evergraph::tag::{Tagging, hash_of};
use evergraph::time::{Timestamp, Ttl};
use inputs::{Known, OPERATION, analyzed, answer, documents, is_stripped};
use serde_json::Value;
use std::hint::black_box;

/// The name of the functions that are ours, in groups that have others.
const OURS: &str = "evergraph";
const GRAPHQL_PARSER: &str = "graphql-parser";
const EPOCH: u64 = 7;

fn lexing(criterion: &mut Criterion) {
    let documents = documents();
    let mut group = criterion.benchmark_group("lexing");
    group.throughput(Throughput::Bytes(documents.iter().map(|text| text.len() as u64).sum()));
    group.bench_function(OURS, |b| {
        b.iter(|| documents.iter().filter_map(|text| token_count(black_box(text))).sum::<usize>());
    });
    group.bench_function(GRAPHQL_PARSER, |b| {
        b.iter(|| {
            documents.iter().filter(|text| parses_with_graphql_parser(black_box(text))).count()
        });
    });
}

fn analysis(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("analysis");
    group.bench_function(OURS, |b| b.iter(|| analyzed(black_box(OPERATION))));
    group.bench_function(GRAPHQL_PARSER, |b| {
        b.iter(|| parses_with_graphql_parser(black_box(OPERATION)));
    });
}

fn key(criterion: &mut Criterion) {
    let known = Known::new().unwrap();
    let mut group = criterion.benchmark_group("key");
    group.bench_function(OURS, |b| b.iter(|| known.key()));
    group.bench_function(GRAPHQL_PARSER, |b| {
        b.iter(|| parses_with_graphql_parser(black_box(OPERATION)));
    });
}

fn stripping(criterion: &mut Criterion) {
    let known = Known::new().unwrap();
    let injected = known.analysis.injected.as_ref().unwrap();
    let answer = answer();
    assert!(is_stripped(&answer, injected));
    let mut group = criterion.benchmark_group("strip");
    group.throughput(Throughput::Bytes(answer.len() as u64));
    group.bench_function(OURS, |b| b.iter(|| is_stripped(black_box(&answer), injected)));
    group.bench_function("serde_json", |b| {
        b.iter(|| serde_json::from_slice::<Value>(black_box(answer.as_bytes())));
    });
}

/// The hashes of an entry's tags, as those of twenty products with their reviews.
fn tags_of_an_entry() -> Vec<u64> {
    tags().iter().map(|tag| hash_of(tag)).collect()
}

fn tags() -> Vec<String> {
    let of = |kind: &'static str| (0..20).map(move |n| format!("{kind}:{n}"));
    let lists = ["Product", "list:Product", "Review", "list:Review", "User", "type:product"];
    lists
        .map(str::to_owned)
        .into_iter()
        .chain(["Product", "Review", "User"].into_iter().flat_map(of))
        .collect()
}

fn mark(seq: Seq) -> Mark {
    Mark { epoch: EPOCH, seq }
}

/// A replica that knows so many records, each of which purged five other things.
fn replica(records: u64) -> Replica {
    let mut replica = Replica::new();
    let record = |n: u64| Record {
        tags: (0..5).map(|tag| hash_of(&format!("Invoice:{n}-{tag}"))).collect(),
        tagging: Tagging::from_number(1),
        ..Record::default()
    };
    let records = (1..=records).map(record).collect();
    let delta = Delta::Records { epoch: EPOCH, floor: 0, after: 0, records };
    assert!(replica.learn(delta, Timestamp::from_millis(1_000)));
    replica
}

fn replica_lookup(criterion: &mut Criterion) {
    let tags = tags_of_an_entry();
    let mut group = criterion.benchmark_group("replica");
    for records in [0, 1_000, 20_000] {
        let replica = replica(records);
        let subject = Subject {
            mark: mark(0),
            tagging: Tagging::from_number(1),
            tags: &tags,
            key_from_kind: "gql/product/Catalog/public/00",
        };
        assert!(replica.cause(&subject).is_none());
        group.bench_function(format!("verdict, {records} records"), |b| {
            b.iter(|| replica.verdict(black_box(&subject)));
        });
    }
    group.bench_function("learn 1 of 1000 records", |b| {
        let known = replica(1_000);
        let one =
            Record { tags: vec![1, 2, 3], tagging: Tagging::from_number(1), ..Record::default() };
        b.iter_batched(
            || {
                (
                    known.clone(),
                    Delta::Records {
                        epoch: EPOCH,
                        floor: 0,
                        after: 1_000,
                        records: vec![one.clone()],
                    },
                )
            },
            |(mut replica, delta)| {
                replica.learn(delta, Timestamp::from_millis(2_000));
                replica
            },
            criterion::BatchSize::SmallInput,
        );
    });
}

/// A response of 10 KB with its metadata.
fn entry() -> Entry {
    let body: Vec<u8> = answer().into_bytes().into_iter().take(10_240).collect();
    let headers: Headers =
        [("content-type", "application/json"), ("etag", "\"1\"")].into_iter().collect();
    let meta = Meta {
        key: "shop/2/gql/product/Catalog/public/00".to_owned(),
        mark: mark(17),
        stored_at: Timestamp::from_millis(1_800_000_000_000),
        initial_age: 0,
        ttl: Ttl::from_seconds(300),
        swr: Ttl::from_seconds(60),
        sie: Ttl::from_seconds(86_400),
        status: 200,
        headers,
        tags: tags(),
        tagging: Tagging::from_number(1),
        vary: vec!["accept".to_owned()],
        variant: "0123456789abcdef".to_owned(),
        type_name: "product".to_owned(),
        must_revalidate: false,
        kept: Ttl::from_seconds(0),
        etag_is_ours: false,
        shares_authorized: false,
        lifetime_source: LifetimeSource::default(),
        origin_ms: 20,
    };
    Entry { meta, body: body.into() }
}

fn envelope(criterion: &mut Criterion) {
    let entry = entry();
    let bytes = encode(&entry);
    assert!(decode(&bytes).is_ok_and(|decoded| decoded == entry));
    let mut group = criterion.benchmark_group("envelope");
    group.throughput(Throughput::Bytes(entry.body.len() as u64));
    group.bench_function("encode", |b| b.iter(|| encode(black_box(&entry))));
    group.bench_function("decode", |b| b.iter(|| decode(black_box(&bytes))));
}

criterion_group!(guides, lexing, analysis, key, stripping, replica_lookup, envelope);
criterion_main!(guides);
