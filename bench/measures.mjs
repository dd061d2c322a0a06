// The measurements. Peers take turns, in rounds, in another order each round: what else the
// machine does then hits all of them alike. A round gives one figure for each peer; what is
// reported is the median over the rounds, and the ratios are of figures of the same round.

import { ADMIN_TOKEN } from "./peers.mjs";
import { median, spread } from "./statistics.mjs";

const ROUNDS = 9;
const CONNECTIONS = 16;
const WARM_UP_SECONDS = 3;
const HIT_SECONDS = 2;
const ONE_CONNECTION_SECONDS = 0.5;
const MISS_SECONDS = 1.5;
const MISS_PAUSE = 1; // milliseconds between misses, in which the last one is stored
const DASHBOARD_HITS = 300;

/** A known request, again and again: on many connections for its cost, on one for its latency. */
export async function measureHits({ load, peers, shop, bytes }, say) {
  const targets = [peers.evergraph, peers.constant, peers["cache-api"]];
  for (const { port } of targets)
    await load.run({ port, request: "catalog", connections: CONNECTIONS, seconds: WARM_UP_SECONDS });
  const before = await shop.count();
  const rounds = await inRounds("hits", targets, say, async (peer) => {
    const job = { port: peer.port, request: "catalog", bytes };
    const { cpu, requests, seconds } = await withCpu(peer, () =>
      load.run({ ...job, connections: CONNECTIONS, seconds: HIT_SECONDS }),
    );
    const { latency } = await load.run({ ...job, seconds: ONE_CONNECTION_SECONDS });
    return { rate: requests / seconds, cpu, latency };
  });
  expectCount("hits", (await shop.count()) - before, 0);
  return ["constant", "cache-api"].flatMap((peer) => [
    compared("hit: CPU time a request", "µs", peer, rounds, "cpu", "lower"),
    compared("hit: requests a second", "/s", peer, rounds, "rate", "higher"),
    compared("hit: latency on one connection", "ms", peer, rounds, "latency", "lower"),
  ]);
}

/** Requests that were never sent before, one at a time, each answered by the origin. */
export async function measureMisses({ load, peers, shop, bytes }, say) {
  const targets = [
    { name: "origin", port: shop.port, cpuSeconds: () => null },
    peers.forward,
    peers.evergraph,
    peers["cache-api"],
  ];
  for (const { port } of targets)
    await load.run({ port, request: "catalog", distinct: true, connections: 8, seconds: WARM_UP_SECONDS });
  const before = await shop.count();
  let sent = 0;
  const rounds = await inRounds("misses", targets, say, async (target) => {
    const job = { port: target.port, request: "catalog", distinct: true, pause: MISS_PAUSE, bytes };
    const { cpu, requests, latency } = await withCpu(target, () =>
      load.run({ ...job, seconds: MISS_SECONDS }),
    );
    sent += requests;
    return { cpu, latency };
  });
  expectCount("misses", (await shop.count()) - before, sent);
  return [
    compared("miss: latency", "ms", "origin", rounds, "latency", "lower"),
    compared("miss: latency", "ms", "forward", rounds, "latency", "lower"),
    compared("miss: latency", "ms", "cache-api", rounds, "latency", "lower"),
    compared("miss: CPU time a request", "µs", "forward", rounds, "cpu", "lower"),
    compared("miss: CPU time a request", "µs", "cache-api", rounds, "cpu", "lower"),
  ];
}

/** The shop's dashboard takes the shop about 600 ms: a miss of it, and then hits. */
export async function measureDashboard({ load, peers, shop }, request, say) {
  const { port } = peers.evergraph;
  const name = request.endsWith("rest") ? "dashboard, REST" : "dashboard, GraphQL";
  await load.run({ port, request, count: DASHBOARD_HITS });
  const before = await shop.count();
  const rounds = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    await purge(port, { types: ["dashboard"] });
    const miss = (await load.run({ port, request, count: 1 })).latency;
    const hit = (await load.run({ port, request, count: DASHBOARD_HITS })).latency;
    say(`${name}, round ${round} of ${ROUNDS}: miss ${miss.toFixed(0)} ms, hit ${hit.toFixed(2)} ms`);
    rounds.push({ evergraph: { latency: hit }, "its miss": { latency: miss } });
  }
  expectCount(name, (await shop.count()) - before, ROUNDS);
  return compared(`${name}: latency of a hit`, "ms", "its miss", rounds, "latency", "lower");
}

/** Each round is an object of each target's figures by the target's name. */
async function inRounds(what, targets, say, measure) {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const order = targets.map((_, n) => targets[(n + round) % targets.length]);
    const figures = {};
    for (const target of order) {
      figures[target.name] = await measure(target);
      say(`${what}, round ${round + 1} of ${ROUNDS}: ${target.name} ${shown(figures[target.name])}`);
    }
    rounds.push(figures);
  }
  return rounds;
}

async function withCpu(target, work) {
  const before = target.cpuSeconds();
  const done = await work();
  const after = target.cpuSeconds();
  return { ...done, cpu: before === null ? null : ((after - before) / done.requests) * 1e6 };
}

/** Compares Evergraph with a peer. The ratio is how many times better Evergraph is. */
function compared(name, unit, peer, rounds, figure, better) {
  const known = rounds.filter((round) => round.evergraph[figure] !== null);
  if (known.length === 0) return { name, unit, peer, evergraph: null, other: null, ratio: null };
  const of = (target) => known.map((round) => round[target][figure]);
  const [ours, theirs] = [of("evergraph"), of(peer)];
  const ratios = ours.map((our, n) => (better === "higher" ? our / theirs[n] : theirs[n] / our));
  return { name, unit, peer, evergraph: median(ours), other: median(theirs), ratio: spread(ratios) };
}

/** Checks by the number of requests to the origin that hits were hits, and misses were misses. */
function expectCount(what, count, expected) {
  if (count !== expected)
    throw new Error(`${what}: the origin was asked ${count} times, and not ${expected}`);
}

async function purge(port, what) {
  const response = await fetch(`http://127.0.0.1:${port}/__evergraph/purge`, {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify(what),
  });
  if (response.status !== 200) throw new Error(`the purge was answered ${response.status}`);
}

function shown({ rate, cpu, latency }) {
  const parts = [
    rate && `${rate.toFixed(0)}/s`,
    cpu && `${cpu.toFixed(0)} µs of CPU`,
    `${latency.toFixed(2)} ms`,
  ];
  return parts.filter(Boolean).join(", ");
}
