// The figures of the benchmarks' results. A row has the figures of each peer by round.

import { median, spread } from "../statistics.mjs";

/** The peers in the order of the tables, with their names there. */
export const NAMES = {
  constant: "constant",
  map: "Map in memory",
  "cache-api": "Cache API",
  kv: "KV",
  "edge-kv": "Cache API and KV",
  yoga: "Yoga",
  forward: "forwarding",
  evergraph: "Evergraph",
};

/** The figure of a peer: the median of its rounds. */
export const middle = ({ rounds }, peer) => median(rounds[peer]);

/** How many times another's figure a peer's is in the same round. */
export function times({ rounds }, peer, other) {
  return spread(rounds[peer].map((figure, n) => figure / rounds[other][n]));
}

/** The difference between a peer's figure and another's in the same round. */
export function difference({ rounds }, peer, other) {
  return spread(rounds[peer].map((figure, n) => figure - rounds[other][n]));
}
