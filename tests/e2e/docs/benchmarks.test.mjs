// What the benchmarks demand: missed and met as said, and the page, the picture and the JSON agree.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CHART, chart } from "../../../tools/benchmarks/chart.mjs";
import { judge } from "../../../tools/benchmarks/demands.mjs";
import { readResults, report } from "../../../tools/benchmarks/report.mjs";
import { root } from "../../../tools/processes.mjs";

const row = (id, rounds) => ({ id, name: id, unit: "ms", rounds });

/** Hits that cost so many times what those of the Cache API cost. */
function hits(times) {
  const of = (id) => row(id, { "cache-api": [2, 4, 100], evergraph: [2 * times, 4 * times, 1] });
  return { hits: { rows: ["hit-graphql", "hit-zipf", "hit-rest", "hit-document"].map(of) } };
}

test("the page and the picture show the figures of the last run", () => {
  const page = readFileSync(join(root, "docs/benchmarks.md"), "utf8");
  assert.ok(page.includes(report(readResults())), "run: node tools/benchmarks/report.mjs");
  assert.equal(readFileSync(CHART, "utf8"), chart(readResults()), "run: node tools/benchmarks/report.mjs");
});

test("ten percent above an aim are noise, and more is a miss, by the median of the rounds' ratios", () => {
  const met = (times) => judge(hits(times)).map((demand) => demand.met);
  assert.deepEqual(met(0.54), [true, true, true, true]);
  assert.deepEqual(met(0.56), [false, false, false, false]);
});

test("a single stale read is a miss, whatever else is measured", () => {
  const mixed = (stale) => ({
    mixed: {
      rows: [
        row("mixed-hits", { evergraph: [80, 80], best: [80.1, 80.1] }),
        row("mixed-stale", { evergraph: [0, stale] }),
        ...["mixed-p50", "mixed-p90"].map((id) => row(id, { evergraph: [1, 1], "cache-api": [1, 1] })),
      ],
    },
  });
  const missed = (stale) => judge(mixed(stale)).filter(({ met }) => !met);
  assert.deepEqual(missed(0), []);
  assert.deepEqual(
    missed(1).map(({ name }) => name),
    ["mixed load: stale reads, in all rounds"],
  );
});

test("a part that was not measured has no demand", () => {
  assert.deepEqual(judge({}), []);
});

test("the picture says in words what it shows", () => {
  const drawn = chart({ hits: { rows: [row("hit-graphql", { constant: [0.05], evergraph: [0.08] })] } });
  assert.match(drawn, /<desc id="description">[^<]*constant 50 µs, Evergraph 80 µs/);
  assert.match(drawn, /prefers-color-scheme: dark/);
});
