// Misses: requests that were never sent before, one at a time, each answered by the origin.

import { expectAsked, inRounds, summaryLine, withCpu } from "../rounds.mjs";

const EVERYBODY = ["forward", "map", "cache-api", "kv", "edge-kv", "yoga", "evergraph"];
/** `pause`: milliseconds between misses, in which the last one is stored. */
const WORKLOADS = [
  { id: "miss", name: "GraphQL POST, 10 KB", request: "catalog", warm: 300, count: 150, pause: 1 },
  { id: "miss-1mb", name: "GraphQL POST, 1 MB", request: "catalog-1mb", warm: 3, count: 4, pause: 20 },
];

/** The numbers of requests are those of no other part. */
let next = 10_000_000;

/** A row for each workload: the CPU milliseconds of a miss. */
export async function measureMisses({ load, origin, peersOf, rounds }, say) {
  const peers = peersOf(EVERYBODY);
  const rows = [];
  for (const { id, name, request, warm, count, pause } of WORKLOADS) {
    const misses = (port, many) => {
      const first = next;
      next += many;
      return load.run({ port, request, first, distinct: true, count: many, pause, bytes: 9_000 });
    };
    for (const { port } of peers) await misses(port, warm);
    const measure = (peer) => withCpu(peer, () => misses(peer.port, count));
    const sent = rounds * peers.length * count;
    const { cpu } = await expectAsked(origin, name, sent, () => inRounds(peers, rounds, measure));
    rows.push({ id, name, unit: "ms", rounds: cpu });
    say(summaryLine(rows.at(-1)));
  }
  return rows;
}
