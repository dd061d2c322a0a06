// Reads and writes together, with an origin that takes 20 ms: hit rate, stale reads and latency.

import { inRounds, summaryLine } from "../rounds.mjs";

const EVERYBODY = ["forward", "map", "cache-api", "kv", "yoga", "evergraph"];
const ORIGIN_MILLIS = 20;
const LOAD = { mixed: true, products: 1_000, count: 4_000, writes: 0.02, connections: 16 };
/** Products that no other part reads. */
const FIRST = 30_000_000;
const MOST_ROUNDS = 5;

/** Rows with percentiles of the latency in milliseconds, hit rates in percent, and counts of stale reads. */
export async function measureMixed({ load, origin, peersOf, rounds }, say) {
  const peers = peersOf(EVERYBODY);
  await origin.delay(ORIGIN_MILLIS);
  let best;
  const measure = async ({ port }, round) => {
    const before = await origin.count();
    const first = FIRST + round * LOAD.products;
    // The writes of one peer are none of another's: the origin's versions only rise.
    const done = await load.run({ ...LOAD, port, first, seed: round + 1 });
    const misses = (await origin.count()) - before - done.writes;
    const { p50, p90, p99, stale, reads } = done;
    best = 100 * done.best;
    return { p50, p90, p99, hits: 100 * (1 - misses / reads), best, stale };
  };
  try {
    const { p50, p90, p99, hits, best, stale } = await inRounds(
      peers,
      Math.min(rounds, MOST_ROUNDS),
      measure,
    );
    const rows = [
      { id: "mixed-hits", name: "hit rate", unit: "%", rounds: { ...hits, best: best.evergraph } },
      { id: "mixed-stale", name: "stale reads", unit: "", rounds: stale },
      { id: "mixed-p50", name: "latency, median", unit: "ms", rounds: p50 },
      { id: "mixed-p90", name: "latency, 90th percentile", unit: "ms", rounds: p90 },
      { id: "mixed-p99", name: "latency, 99th percentile", unit: "ms", rounds: p99 },
    ];
    for (const row of rows) say(summaryLine(row));
    return rows;
  } finally {
    await origin.delay(0);
  }
}
