// Hits: requests whose responses are stored, many at once.

import { expectAsked, inRounds, summaryLine, withCpu } from "../rounds.mjs";

const CONNECTIONS = 16;
const WARM_UP_SECONDS = 0.6;
const SECONDS = 0.4;
const VARIABLE_SETS = 1_000;
/** The numbers of requests are those of no other part. */
const FIRST = 1_000;

const EVERYBODY = ["constant", "map", "cache-api", "kv", "yoga", "evergraph"];
/** `native`: programs that are no Workers can do it as well. */
const WORKLOADS = [
  { id: "hit-graphql", name: "GraphQL POST, 10 KB", request: "catalog" },
  { id: "hit-zipf", name: "1,000 sets of variables", request: "catalog", zipf: VARIABLE_SETS },
  { id: "hit-rest", name: "REST, 10 KB", request: "catalog-rest", without: ["yoga"], native: true },
  { id: "hit-document", name: "document of 8 KB", request: "catalog-8kb" },
  { id: "hit-batch", name: "batch of ten, 10 KB", request: "batch" },
];

/** A row for each workload: the CPU milliseconds of a hit. */
export async function measureHits({ load, origin, peersOf, native, rounds }, say) {
  const measured = WORKLOADS.map((workload) => {
    const able = peersOf(EVERYBODY).filter(({ name }) => !workload.without?.includes(name));
    return { ...workload, peers: [...able, ...(workload.native ? native : [])] };
  });
  for (const { peers, request, zipf } of measured) {
    for (const { port } of peers) {
      // What is stored has to be stored before it is measured: each request is sent twice.
      const job = { port, request, first: FIRST };
      for (let time = 0; time < 2 && zipf; time += 1)
        await load.run({ ...job, distinct: true, count: zipf, connections: CONNECTIONS });
      await load.run({ ...job, zipf, connections: CONNECTIONS, seconds: WARM_UP_SECONDS });
    }
  }
  const rows = [];
  for (const { id, name, peers, request, zipf } of measured) {
    const measure = (peer, round) => {
      const job = { port: peer.port, request, first: FIRST, zipf, seed: round + 1, bytes: 9_000 };
      return withCpu(peer, () => load.run({ ...job, connections: CONNECTIONS, seconds: SECONDS }));
    };
    const { cpu } = await expectAsked(origin, name, 0, () => inRounds(peers, rounds, measure));
    rows.push({ id, name, unit: "ms", rounds: cpu });
    say(summaryLine(rows.at(-1)));
  }
  return rows;
}
