// What the page makes of numbers, names and colours that are rare.

import assert from "node:assert/strict";
import { test } from "node:test";
import { axe, choose, openView, overflow, settled, skip } from "./lib/browser.mjs";
import { statistics } from "./lib/numbers.mjs";
import { button, gone, open, PREVIEW, purgeAnswer } from "./lib/open.mjs";
import { HEALTHY, refuses } from "./lib/shapes.mjs";

test("a table stays when the column is gone that it was sorted by, and nothing measured comes last", {
  skip,
}, async () => {
  const row = { stale: 0, revalidated: 0, bytes: 5, avg_cached_ms: 0, avg_uncached_ms: 0 };
  const seen = { ...row, name: "Seen", hits: 0, misses: 9, bypass: 0, total_requests: 9, hit_rate: 0 };
  const passed = { ...row, name: "Passed", hits: 0, misses: 0, bypass: 3, total_requests: 3, hit_rate: 0 };
  const hit = { ...row, name: "Hit", hits: 8, misses: 0, bypass: 0, total_requests: 8, hit_rate: 1 };
  let errors = 7;
  const answer = () => ({
    ...statistics(),
    rows: [seen, passed, hit].map((one) => ({ ...one, errors })),
  });
  const { page } = await open({ "GET stats": answer });
  await openView(page, "operations");
  await button(page, "Errors").click();
  errors = 0;
  await choose(page, "24 h");
  await gone(button(page, "Errors"));
  await page.getByRole("rowheader", { name: /Hit/ }).waitFor();
  for (let times = 0; times < 2; times += 1) {
    await page.getByRole("button", { name: /^Hit rate/ }).click();
    assert.match(await page.locator("tbody tr").last().textContent(), /^Passed/);
  }
  const cells = page.getByRole("row", { name: /^Hit/ }).getByRole("cell");
  assert.equal(await page.locator("tbody tr").count(), 3);
  await page.getByLabel("Filter").fill("HIT");
  assert.equal(await page.locator("tbody tr").count(), 1);
  assert.deepEqual((await cells.allTextContents()).slice(-3), ["0\u00a0ms", "–", "5\u00a0B"]);
});

test("a table that is sorted by another column has the rows with the most of that", { skip }, async () => {
  const answer = (parameters) => {
    const [row] = statistics(3_600, "operation").rows;
    return { ...statistics(), rows: [{ ...row, name: `Most ${parameters.get("sort")}` }] };
  };
  const { page } = await open({ "GET stats": answer });
  await openView(page, "operations");
  const shows = async (sort) => {
    await page.getByRole("rowheader", { name: `Most ${sort}` }).waitFor();
    await page.getByText(`The 1 row with the most ${sort}.`).waitFor();
  };
  await shows("traffic");
  for (const [column, sort] of [
    ["Misses", "misses"],
    ["Bytes", "bytes"],
    ["Hit rate", "bytes"],
    ["Requests", "traffic"],
    ["Misses", "misses"],
  ]) {
    await button(page, column).click();
    await shows(sort);
  }
  await choose(page, "Types");
  await shows("traffic");
});

test("where nothing was looked up there is no hit rate, and no mean of no times", { skip }, async () => {
  const empty = { hits: 0, stale: 0, revalidated: 0, misses: 0, bypass: 0, errors: 0 };
  const now = Math.floor(Date.now() / 60_000) * 60_000;
  const stats = {
    ...statistics(),
    ...empty,
    bypass: 4,
    total_requests: 4,
    hit_rate: 0,
    avg_response_time_cached_ms: 0,
    avg_response_time_uncached_ms: 2.5,
    origin_ms_saved: 7_200_000,
    latency: { bounds_ms: [1, 5], cached: [0, 0, 0], uncached: [0, 4, 0] },
    since: now - 600_000,
    until: now + 5_000,
    // Two points that are six minutes apart: in between there was nothing.
    series: [now - 420_000, now - 60_000].map((at) => ({ ...empty, at, bypass: 2, uncached_ms: 8 })),
  };
  const { page } = await open({ "GET stats": stats });
  const figure = (name) => page.locator(".figures > div", { has: page.getByText(name, { exact: true }) });
  assert.equal(await figure("Hit rate").locator(".value").textContent(), "–");
  assert.equal(await figure("Origin time saved").locator(".value").textContent(), "2.0\u00a0h");
  await page.getByRole("row", { name: "From the cache – – –" }).waitFor();
  await page.getByRole("row", { name: "From the origin 3.0 ms 4.8 ms 2.5 ms" }).waitFor();
  const chart = page.locator("figure", { has: page.getByText("Requests", { exact: true }) });
  await chart.getByText("Numbers as a table").click();
  const rows = await chart.locator("tbody tr td").allTextContents();
  assert.deepEqual(rows, ["2", "0", "0", "0", "0", "0", "2"]);
});

/** Names that nobody expects: markup, and longer than any screen. */
const LONG = `<img src=x onerror=document.title='hacked'>${"averylongname".repeat(16)}`;
const NAMED = {
  "GET stats": (parameters) => {
    const by = parameters.get("by");
    const stats = statistics(3_600, by);
    const named = (one) => ({ ...one, name: LONG });
    return {
      ...stats,
      fault: LONG,
      counted_by: "isolate",
      bypass_reasons: { [LONG]: stats.bypass },
      rows: stats.rows?.slice(0, 1).map(named),
      series: by
        ? stats.series.map((point) => ({ ...point, by: { [LONG]: { hits: 3, misses: 1 } } }))
        : stats.series,
      recent_purges: stats.recent_purges.map((purge) => ({ ...purge, source: LONG, cause: LONG })),
    };
  },
  "GET health": (_parameters, _body, isIn) => ({
    ...HEALTHY,
    service: LONG,
    state: "DEGRADED",
    parts: { kv: { state: "DEGRADED", reason: LONG }, [LONG]: { state: LONG } },
    alerts: [{ alert: LONG, state: "firing", value: 1, threshold: 2, since: 1 }],
    paused: { until: Date.now() - 5_000 },
    ...(isIn
      ? {
          deployment: {
            caller: { name: LONG, role: "admin" },
            version: LONG,
            bindings: { [LONG]: true },
            placement: { reason: LONG },
          },
        }
      : {}),
  }),
  "GET entries": (parameters) => {
    const one = {
      key: `shop/2/gql/${LONG}`,
      kind: "gql",
      type: LONG,
      name: LONG,
      scope: LONG,
      tags: [LONG],
      verdict: "purged",
    };
    if (parameters.get("body")) return { [LONG]: LONG };
    return parameters.get("key")
      ? { ...one, status: 200, vary: [LONG], content_type: LONG }
      : { entries: [one], cursor: null };
  },
  "GET audit": {
    changes: [
      { id: 1, at: 1, token: LONG, role: LONG, route: LONG, detail: LONG, address: LONG, status: 503 },
    ],
    denied: { unauthorized: 3 },
  },
  "GET config": { service: LONG, types: { [LONG]: { match: [LONG], ttl: 5 } }, [LONG]: { [LONG]: LONG } },
  "GET schema": { source: LONG, types: 3 },
  "POST purge": (_parameters, body) =>
    body.preview ? { ...PREVIEW, entries: { count: 1, keys: [LONG] } } : refuses(503, LONG)(),
  "POST explain": {
    decision: "lookup",
    reason: { word: LONG, detail: LONG, meaning: LONG, remedy: LONG },
    request: {
      form: LONG,
      operation: { kind: "query", name: LONG },
      document: LONG,
      variables: { [LONG]: 1 },
    },
    signals: [{ signal: LONG, not_covered_by: [LONG] }],
    types: [{ name: LONG, matched_by: [LONG] }],
    warnings: [{ word: LONG, message: LONG, remedy: LONG }],
    terms: { ttl: { value: 5, from: LONG }, scope: [{ value: LONG, from: LONG }], origin_rules: [LONG] },
    key: LONG,
    tags: [LONG],
    entry: { tier: LONG, verdict: "purged", purged_by: { seq: 1, by: LONG }, tags: [LONG] },
  },
  "POST warm": {
    ...{ warmed: 0, skipped: 1 },
    results: [{ url: LONG, operation: LONG, outcome: "skipped", reason: LONG, ms: 1 }],
  },
};
const SHOWS = {
  overview: (page) => choose(page, "By operation"),
  purges: async (page) => {
    await page.getByLabel("Tag 1").fill(LONG);
    await button(page, "Preview").click();
    await page.getByText("This would make").waitFor();
    await button(page, "Purge").click();
    await page.getByRole("alert").waitFor();
  },
  explain: async (page) => {
    await page.getByLabel("URL").fill(LONG);
    await button(page, "Explain").click();
    await page.locator(".decision").waitFor();
    for (const summary of await page.locator(".explanation summary").all()) await summary.click();
  },
  warm: async (page) => {
    await button(page, "Warm").click();
    await page.getByText("Done: 1 of 1").waitFor();
  },
  entries: async (page) => {
    await page.getByRole("button", { name: /averylongname/ }).click();
    await page.getByRole("dialog").getByText("Content type").waitFor();
    await button(page, "Show the body").click();
    await page.locator("pre.body", { hasText: "onerror" }).waitFor();
  },
  // At the operator's own clock.
  audit: (page) => page.getByText("1 Jan 05:30:00").waitFor(),
};

test("whatever things are called: it is text, it fits 360 pixels, and it is never negative", {
  skip,
}, async () => {
  const { page } = await open(NAMED, { width: 360, height: 740 });
  for (const view of [
    "overview",
    "operations",
    "purges",
    "explain",
    "warm",
    "entries",
    "audit",
    "configuration",
  ]) {
    await openView(page, view);
    await SHOWS[view]?.(page);
    await settled(page);
    assert.equal(await overflow(page), 0, view);
    assert.equal(await page.locator("img").count(), 0, view);
    assert.match(await page.title(), /– Evergraph$/);
  }
  await page.keyboard.press("Escape");
  await page.getByText("for another 0").waitFor();
  assert.deepEqual(page.faults, []);
});

test("axe finds nothing in failures, confirmations and questions, in light and dark", { skip }, async () => {
  const { page, shapes } = await open(
    { "POST purge": purgeAnswer, "GET audit": refuses(501, "add STATS") },
    { forAxe: true },
  );
  const both = async () => {
    const found = await axe(page);
    await page.emulateMedia({ colorScheme: "dark" });
    found.push(...(await axe(page, ["color-contrast"])));
    await page.emulateMedia({ colorScheme: "light" });
    assert.deepEqual(found, []);
  };
  await openView(page, "audit");
  await page.getByText("add STATS").waitFor();
  await both();
  await openView(page, "purges?tags=A&tags=B");
  await button(page, "Purge").click();
  await page.getByText("is recorded").waitFor();
  await both();
  await page.getByLabel("Everything of this service").check();
  await button(page, "Purge everything…").click();
  await page.getByRole("dialog").waitFor();
  await both();
  shapes.answers["POST purge"] = refuses(403, "use another");
  await page.getByRole("dialog").getByRole("button", { name: "Purge everything" }).click();
  await page.getByText("use another").waitFor();
  await both();
});
