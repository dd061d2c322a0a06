// Purges under load. None of them concerns the hits, which have to be judged again nevertheless: how long hits
// take while a hundred purges a second are recorded, and what the first hit of an entry after a purge costs.

import { setTimeout as wait } from "node:timers/promises";
import { Connection } from "../connection.mjs";
import { ADMIN_TOKEN } from "../peers.mjs";
import { purgeBytes } from "../requests.mjs";
import { expectAsked, inRounds, summaryLine } from "../rounds.mjs";

const PURGES_A_SECOND = 100;
const PURGE_CONNECTIONS = 16;
const SECONDS = 1;
const VARIABLE_SETS = 100;
const FIRST = 40_000_000;
const LOAD = { request: "catalog", first: FIRST, bytes: 9_000, connections: 4 };
/** One hit of each entry, so often in a round; and how long the log works after a purge at most. */
const TIMES = 10;
const SETTLE = 30;

/** The rows: their names and units. */
const NAMES = {
  "purges-rate": ["purges a second", ""],
  "purges-p50-without": ["latency, median, without purges", "ms"],
  "purges-p50": ["latency, median, with purges", "ms"],
  "purges-p99-without": ["latency, 99th percentile, without purges", "ms"],
  "purges-p99": ["latency, 99th percentile, with purges", "ms"],
  "purges-cpu-without": ["CPU time of a hit", "ms"],
  "purges-cpu": ["CPU time of the first hit after a purge", "ms"],
};

/** Rows of Evergraph's hits, without purges and with them. */
export async function measurePurges({ load, origin, peersOf, rounds }, say) {
  const peers = peersOf(["evergraph"]);
  for (const { port } of peers) {
    await load.run({ ...LOAD, port, distinct: true, count: VARIABLE_SETS });
    await load.run({ ...LOAD, port, zipf: VARIABLE_SETS, seconds: SECONDS });
  }
  const measure = async (peer, round) => {
    const job = { ...LOAD, port: peer.port, zipf: VARIABLE_SETS, seed: round + 1, seconds: SECONDS };
    const alone = await load.run(job);
    const both = await whilePurging(peer.port, () => load.run(job));
    const each = await cpuOfEach(peer, load);
    return {
      "purges-rate": both.purges / both.seconds,
      "purges-p50-without": alone.latency,
      "purges-p50": both.latency,
      "purges-p99-without": alone.p99,
      "purges-p99": both.p99,
      "purges-cpu-without": each.second,
      "purges-cpu": each.first,
    };
  };
  const figures = await expectAsked(origin, "purges under load", 0, () => inRounds(peers, rounds, measure));
  const rows = Object.entries(NAMES).map(([id, [name, unit]]) => ({ id, name, unit, rounds: figures[id] }));
  for (const row of rows) say(summaryLine(row));
  return rows;
}

/** The CPU milliseconds of the first hit of an entry after a purge, and of the second one. */
async function cpuOfEach({ port, cpuMillis }, load) {
  const job = { ...LOAD, port, distinct: true, count: VARIABLE_SETS };
  const timed = async () => {
    const before = cpuMillis();
    await load.run(job);
    return cpuMillis() - before;
  };
  let [first, second] = [0, 0];
  for (let time = 0; time < TIMES; time += 1) {
    await purgeOnce(port);
    await wait(SETTLE);
    first += await timed();
    second += await timed();
  }
  return { first: first / TIMES / VARIABLE_SETS, second: second / TIMES / VARIABLE_SETS };
}

let purged = 0;

/** Purges a tag that nothing has. */
async function purgeOver(connection) {
  purged += 1;
  const { status } = await connection.ask(purgeBytes({ tags: [`Invoice:${purged}`] }, ADMIN_TOKEN));
  if (status !== 200) throw new Error(`a purge was answered ${status}`);
}

async function purgeOnce(port) {
  const connection = await Connection.open(port);
  await purgeOver(connection).finally(() => connection.close());
}

/** Does some work while things are purged; adds to what it resolves with how many `purges` there were. */
async function whilePurging(port, work) {
  const open = await Promise.all(Array.from({ length: PURGE_CONNECTIONS }, () => Connection.open(port)));
  const began = performance.now();
  let isDone = false;
  let purges = 0;
  const purging = async (connection) => {
    for (; !isDone; await wait(2)) {
      while (!isDone && purges < ((performance.now() - began) / 1_000) * PURGES_A_SECOND) {
        purges += 1;
        await purgeOver(connection);
      }
    }
  };
  const working = work().finally(() => {
    isDone = true;
  });
  try {
    const [done] = await Promise.all([working, ...open.map(purging)]);
    return { ...done, purges };
  } finally {
    for (const connection of open) connection.close();
  }
}
