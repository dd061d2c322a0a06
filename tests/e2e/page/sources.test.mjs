// What needs no browser: the size of the page, and how it reads curl commands, histograms and series.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { readCurl } from "../../../page/src/lib/curl.js";
import { decisionOf } from "../../../page/src/lib/decision.js";
import { bytes, duration, millis, percent, span, wholeNumber } from "../../../page/src/lib/format.js";
import { quantile } from "../../../page/src/lib/quantile.js";
import { columns, columnsOf, complete, namesIn } from "../../../page/src/lib/series.js";
import { root } from "../../../tools/processes.mjs";

const FILES = ["page.html.txt", "page.js.txt", "page.css.txt"];
const plain = (text) => text.replaceAll("\u00a0", " ");

test("the page is at most 60 KB gzipped, and names no other host", () => {
  const files = FILES.map((name) => readFileSync(join(root, "build", name)));
  const size = files.reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0);
  assert.ok(size <= 60 * 1024, `${size} bytes`);
  const hosts = files.flatMap((file) => String(file).match(/https?:\/\/[\w.-]+/g) ?? []);
  // Names of XML namespaces, which nothing is fetched from.
  assert.deepEqual(
    [...new Set(hosts)].filter((host) => host !== "http://www.w3.org"),
    [],
  );
});

test("curl commands are read as a shell and curl read them", () => {
  for (const [command, expected] of [
    ["curl https://a.example/x", { method: "GET", url: "https://a.example/x", headers: [], body: "" }],
    [
      `curl -XPOST 'https://a.example/graphql' -H "Content-Type: application/json" --data-raw $'{"query":"{ it\\'s\\u0021 }"}' --compressed`,
      {
        method: "POST",
        url: "https://a.example/graphql",
        headers: [["content-type", "application/json"]],
        body: `{"query":"{ it's! }"}`,
      },
    ],
    [
      "curl --json '{\"a\":1}' -o out.json -sS https://a.example/",
      {
        method: "POST",
        url: "https://a.example/",
        headers: [
          ["content-type", "application/json"],
          ["accept", "application/json"],
        ],
        body: '{"a":1}',
      },
    ],
    ["curl -G -d a=1 -d b=2 /x?c=3", { method: "GET", url: "/x?c=3&a=1&b=2", headers: [], body: "" }],
    [
      "curl --request=DELETE \\\n /x -b sid=1 -u me:pw -A agent",
      {
        method: "DELETE",
        url: "/x",
        headers: [
          ["cookie", "sid=1"],
          ["authorization", "Basic bWU6cHc="],
          ["user-agent", "agent"],
        ],
        body: "",
      },
    ],
    ["curl -I /x", { method: "HEAD", url: "/x", headers: [], body: "" }],
    [
      "curl /x -d a=1",
      {
        method: "POST",
        url: "/x",
        headers: [["content-type", "application/x-www-form-urlencoded"]],
        body: "a=1",
      },
    ],
    [
      "curl -sSL --http2 -x http://proxy:1 -w '%{http_code}: %{size}' -m5 -H 'Accept:' /x",
      { method: "GET", url: "/x", headers: [], body: "" },
    ],
    [
      "curl --data-raw @me /x -H 'a: b'",
      {
        method: "POST",
        url: "/x",
        headers: [
          ["a", "b"],
          ["content-type", "application/x-www-form-urlencoded"],
        ],
        body: "@me",
      },
    ],
    [`curl "/a b/\\"c\\"/\\$d" `, { method: "GET", url: '/a b/"c"/$d', headers: [], body: "" }],
  ])
    assert.deepEqual(readCurl(command), expected, command);
  for (const [command, fault] of [
    ["wget /x", /begins with curl/],
    ["curl -H 'a: b'", /no URL/],
    ["curl /x -H", /-H has no value/],
    ["curl '/x", /no end/],
    ["curl --data-urlencode 'a=b c' /x", /--data-urlencode is not known/],
    ["curl -sZ /x", /-Z is not known/],
    ["curl -d @body.json /x", /-d @body.json names a file/],
    ['curl ^"https://a.example/x^" -H ^"a: b^"', /for bash/],
  ])
    assert.throws(() => readCurl(command), fault, command);
});

test("quantiles come from the bucket that holds them", () => {
  const bounds = [10, 100, 1_000];
  assert.deepEqual(quantile(bounds, [0, 10, 0, 0], 0.5), { value: 55, isAbove: false });
  assert.deepEqual(quantile(bounds, [98, 0, 2, 0], 0.99), { value: 550, isAbove: false });
  assert.deepEqual(quantile(bounds, [1, 0, 0, 9], 0.95), { value: 1_000, isAbove: true });
  assert.equal(quantile(bounds, [0, 0, 0, 0], 0.5), null);
  assert.equal(quantile(bounds, undefined, 0.5), null);
});

test("a series has a point for each step, and no rate where nothing was looked up", () => {
  const hour = { counted_by: "service", window: 3_600, since: 0, until: 300_000 };
  const of = (series, other = {}) => complete({ ...hour, ...other, series });
  const times = (...given) => of(...given).map(({ at }) => at);
  const points = of([
    { at: 240_000, hits: 1, misses: 3, cached_ms: 4, uncached_ms: 600, by: { b: { hits: 0, misses: 3 } } },
    { at: 0, hits: 6, stale: 2, revalidated: 1, misses: 1, cached_ms: 16, by: { a: { hits: 9, misses: 1 } } },
    { at: 60_000, bypass: 2, uncached_ms: 100 },
  ]);
  assert.deepEqual(
    points.map(({ at }) => at),
    [0, 60_000, 120_000, 180_000, 240_000],
  );
  const { rate, cached, uncached, hits } = columns(points);
  assert.deepEqual(rate, [0.9, null, null, null, 0.25]);
  assert.deepEqual(hits, [6, 0, 0, 0, 1]);
  assert.deepEqual(
    [cached, uncached],
    [
      [2, null, null, null, 4],
      [0, 50, null, null, 200],
    ],
  );
  assert.deepEqual(namesIn(points), ["a", "b"]);
  assert.deepEqual(columnsOf(points, "b").traffic, [0, 0, 0, 0, 3]);
  assert.deepEqual(of(undefined), []);
  assert.deepEqual(times([{ at: 120_000 }]), [60_000, 120_000]);
  // Points that are far from each other are as short as those of a busy service.
  assert.equal(times([{ at: 0 }, { at: 300_000 }]).length, 6);
  const [day, minute] = [86_400_000, 60_000];
  const month = { window: 2_592_000, since: 0, until: 30 * day - 5 };
  assert.deepEqual(
    times([{ at: 0 }, { at: day }], month),
    [0, 6, 12, 18, 24].map((n) => n * 60 * minute),
  );
  // An hour more than there are points for.
  const longer = { ...month, until: 120 * 60 * minute };
  assert.deepEqual(
    times([{ at: 0 }, { at: 240 * minute }], longer),
    [0, 2, 4].map((n) => n * 60 * minute),
  );
  const isolate = { ...month, counted_by: "isolate", until: 4 * 60 * minute - 1 };
  assert.deepEqual(times([{ at: 0 }, { at: 6 * minute }], isolate), [0, 2 * minute, 4 * minute, 6 * minute]);
  // A Worker with other steps.
  assert.deepEqual(times([{ at: 0 }, { at: 90_000 }, { at: 270_000 }]), [0, 90_000, 180_000, 270_000]);
});

test("amounts are short, and what was not measured is a dash", () => {
  assert.deepEqual([0, 59, 60, 3_599, 7_140, 90_061].map(duration).map(plain), [
    "0 s",
    "59 s",
    "1 min",
    "59 min 59 s",
    "1 h 59 min",
    "1 d 1 h",
  ]);
  assert.deepEqual([0.4, 100, 5_400, 200_000].map(span).map(plain), ["0.4 s", "1.7 min", "1.5 h", "2.3 d"]);
  assert.deepEqual([0, 0.42, 12.4, 1_234, 12_345].map(millis).map(plain), [
    "0 ms",
    "0.4 ms",
    "12 ms",
    "1.2 s",
    "12 s",
  ]);
  assert.deepEqual([512, 2_048, 5_242_880].map(bytes).map(plain), ["512 B", "2.0 KB", "5.0 MB"]);
  assert.deepEqual([0, 0.5, 0.9996, 1].map(percent).map(plain), ["0 %", "50.0 %", "100 %", "100 %"]);
  assert.deepEqual([0, 0.5, 1, 1.5, 20_000].map(wholeNumber), ["0", "", "1", "", "20K"]);
  for (const format of [duration, span, millis, bytes, percent]) assert.equal(format(null), "–");
});

test("each decision has a sentence", () => {
  const sentence = (explained) => plain(decisionOf(explained).text);
  const entry = { tier: "kv", age: 60, ttl: 300, freshness: "fresh", verdict: "valid" };
  assert.equal(
    sentence({ decision: "lookup", entry }),
    "A hit: stored in KV 1 min ago, and valid for another 4 min.",
  );
  assert.match(
    sentence({
      decision: "lookup",
      entry: { ...entry, verdict: "purged", purged_by: { seq: 7, by: "tag Product:42" } },
    }),
    /purged by purge 7 \(tag Product:42\)/,
  );
  assert.match(
    sentence({ decision: "lookup", entry: { ...entry, age: 400, freshness: "stale-if-error" } }),
    /but 6 min 40 s old, with a lifetime of 5 min: it is served only if the origin fails\.$/,
  );
  assert.match(
    sentence({ decision: "lookup", entry: null, terms: { ttl: { value: 300 } } }),
    /a miss\. Its response is stored for 5 min/,
  );
  assert.match(
    sentence({
      decision: "bypass",
      reason: { word: "cookie-without-scope", detail: "cookie-without-scope: sid" },
    }),
    /passes through to the origin \(cookie-without-scope: sid\)/,
  );
  for (const decision of ["write", "refused", "admin", "batch", "socket"])
    assert.ok(sentence({ decision }).length > 20);
});
