// The CPU time of single requests, as percentiles: Cloudflare's free plan ends a request after 10 ms.
//
// What is counted is the thread of the isolate, with what goes on after the response, and for a purge with
// the purge log's Durable Object, which runs in the same thread here.

import { setTimeout as wait } from "node:timers/promises";
import { percentile } from "../../tools/statistics.mjs";
import { Connection } from "../connection.mjs";
import { ADMIN_TOKEN } from "../peers.mjs";
import { purgeBytes, requestBytes } from "../requests.mjs";

const WARM_UP = 40;
const REQUESTS = 200;
/** Milliseconds after a response, in which it is stored. They belong to the request. */
const SETTLE = 10;
/** Numbers that no other part of the run has used: distinct requests are distinct. */
let number = 60_000_000;

const distinct = (name) => () => {
  number += 1;
  return requestBytes(name, number);
};
const same = (name) => () => requestBytes(name);
const purge = () => {
  number += 1;
  return purgeBytes({ tags: [`Product:${number}`] }, ADMIN_TOKEN);
};

/** What is sent, by the row's name. The first shows what the process takes without a request. */
const ROWS = {
  "no request": null,
  "hit of 10 KB": same("catalog"),
  "miss of 10 KB": distinct("catalog"),
  "hit of 1 MB": same("catalog-1mb"),
  "miss of 1 MB": distinct("catalog-1mb"),
  "purge of one tag": purge,
};

/**
 * Measures all rows; `p50`, `p99` and `most` are in milliseconds, and null where there is no `/proc`.
 * `kvReads` and `kvWrites` are KV's operations for each request.
 */
export async function measureCpu({ peers, kv }, say) {
  const rows = [];
  for (const [name, bytes] of Object.entries(ROWS)) {
    const { reads, writes } = kv;
    const millis = await measureRow(peers.evergraph, bytes);
    const each = (count) => count / (WARM_UP + REQUESTS);
    const row = { name, kvReads: each(kv.reads - reads), kvWrites: each(kv.writes - writes) };
    Object.assign(row, { p50: null, p99: null, most: null });
    if (millis) Object.assign(row, { p50: percentile(millis, 50), p99: percentile(millis, 99) });
    if (millis) row.most = Math.max(...millis);
    say(
      `CPU, ${name}: ${millis ? `${row.p50.toFixed(2)} ms, p99 ${row.p99.toFixed(2)} ms` : "not measured"}`,
    );
    rows.push(row);
  }
  return rows;
}

async function measureRow(peer, bytes) {
  if (peer.cpuNanos() === null) return null;
  const connection = await Connection.open(peer.port);
  const ask = async () => {
    if (bytes) {
      const { status } = await connection.ask(bytes());
      if (status !== 200) throw new Error(`answered ${status}`);
    }
    await wait(SETTLE);
  };
  const millis = [];
  try {
    for (let n = 0; n < WARM_UP; n += 1) await ask();
    for (let n = 0; n < REQUESTS; n += 1) {
      const before = peer.cpuNanos();
      await ask();
      millis.push((peer.cpuNanos() - before) / 1e6);
    }
  } finally {
    connection.close();
  }
  return millis;
}
