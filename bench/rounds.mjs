// How everything is compared: peers take turns, in rounds, in another order each round, so that what else
// the machine does affects all of them alike. A round gives a figure for each peer.
//
// What is kept of a comparison is a row: `rounds` has the figures of each peer by round, and
// tools/benchmarks makes medians and ratios of them.

import { setTimeout as wait } from "node:timers/promises";
import { median } from "../tools/statistics.mjs";

/** Milliseconds after a load, in which responses are stored: they belong to it. */
const SETTLE = 40;

/**
 * Measures each of the peers in each round. `measure(peer, round)` resolves with an object of figures; what
 * is returned has each of them by its name, as `{ peer: [figures by round] }`.
 */
export async function inRounds(peers, rounds, measure) {
  const figures = {};
  for (let round = 0; round < rounds; round += 1) {
    const order = peers.map((_, n) => peers[(n + round) % peers.length]);
    for (const peer of order) {
      for (const [name, value] of Object.entries(await measure(peer, round))) {
        figures[name] ??= Object.fromEntries(peers.map((one) => [one.name, []]));
        figures[name][peer.name].push(value);
      }
    }
  }
  return figures;
}

/** Does some work, and adds `cpu` to what it resolves with: the CPU milliseconds of a request. */
export async function withCpu(peer, work) {
  await wait(SETTLE);
  const before = peer.cpuMillis();
  const done = await work();
  await wait(SETTLE);
  const after = peer.cpuMillis();
  if (before === null || after === null) throw new Error("this system does not say what CPU time was used");
  return { ...done, cpu: (after - before) / done.requests };
}

/** Fails unless the origin was asked as often as the load needs. */
export async function expectAsked(origin, what, expected, work) {
  const before = await origin.count();
  const done = await work();
  const asked = (await origin.count()) - before;
  const wanted = typeof expected === "function" ? expected(done) : expected;
  if (asked !== wanted) throw new Error(`${what}: the origin was asked ${asked} times, and not ${wanted}`);
  return done;
}

/** A line about the row for whoever waits. */
export function summaryLine({ name, unit, rounds }) {
  const figures = Object.entries(rounds).map(([peer, values]) => `${peer} ${median(values).toPrecision(3)}`);
  return `${name}: ${figures.join(", ")} ${unit}`;
}
