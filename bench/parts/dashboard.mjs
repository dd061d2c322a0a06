// The dashboard, which takes the origin 600 ms: how many times as fast as a miss a hit is, on one connection.

import { expectAsked, inRounds, summaryLine } from "../rounds.mjs";

const EVERYBODY = ["map", "cache-api", "kv", "yoga", "evergraph"];
const HITS = 300;
const MOST_ROUNDS = 5;
const WORKLOADS = [
  { id: "dashboard-graphql", name: "dashboard, GraphQL", request: "dashboard-graphql" },
  { id: "dashboard-rest", name: "dashboard, REST", request: "dashboard-rest", without: ["yoga"] },
];

/** For each dashboard, the milliseconds of a hit, and how many times that a miss takes. */
export async function measureDashboards({ load, origin, peersOf, rounds: asked }, say) {
  const rounds = Math.min(asked, MOST_ROUNDS);
  const rows = [];
  for (const { id, name, request, without } of WORKLOADS) {
    const peers = peersOf(EVERYBODY).filter((peer) => !without?.includes(peer.name));
    const measure = async ({ port }, round) => {
      // The first round's figures come after code has been compiled.
      const job = { port, request, first: round + 1 };
      const { latency: miss } = await load.run({ ...job, count: 1 });
      const { latency: hit } = await load.run({ ...job, count: HITS });
      return { hit, times: miss / hit };
    };
    for (const { port } of peers) await load.run({ port, request, count: HITS });
    const { hit, times } = await expectAsked(origin, name, peers.length * rounds, () =>
      inRounds(peers, rounds, measure),
    );
    rows.push(
      { id: `${id}-hit`, name: `${name}: latency of a hit`, unit: "ms", rounds: hit },
      { id, name: `${name}: a miss takes as many hits`, unit: "", rounds: times },
    );
    for (const row of rows.slice(-2)) say(summaryLine(row));
  }
  return rows;
}
