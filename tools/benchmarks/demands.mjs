// What the benchmarks demand of Evergraph. A run whose figures miss a demand ends with status 1.

import { spread } from "../statistics.mjs";
import { difference, times } from "./figures.mjs";

/** What measuring may add to an aim. What is counted, and not measured, has no slack. */
const SLACK = 1.1;
const KILOBYTE = 1024;

const rowOf = (rows, id) => rows.find((row) => row.id === id);

/** A figure divided by a peer's in the same round. */
const ratio = (part, id, peer, aim) => ({
  part,
  name: (rows) => `${TITLES[part] ?? ""}${rowOf(rows, id).name}`,
  against: peer,
  figure: (rows) => times(rowOf(rows, id), "evergraph", peer),
  unit: "×",
  aim,
  most: aim * SLACK,
});

const TITLES = {
  hits: "hit, CPU time: ",
  misses: "miss, CPU time: ",
  mixed: "mixed load: ",
  cold: "CPU time: ",
};

/** The aims. `most` or `least` is the demand. */
const AIMS = [
  ratio("hits", "hit-graphql", "cache-api", 0.5),
  ratio("hits", "hit-zipf", "cache-api", 0.5),
  ratio("hits", "hit-rest", "cache-api", 0.5),
  ratio("hits", "hit-document", "cache-api", 0.5),
  ratio("misses", "miss", "forward", 1.8),
  ratio("misses", "miss-1mb", "forward", 3),
  ratio("cold", "cold", "cache-api", 1),
  {
    part: "cold",
    name: () => "first response after the start, minus the constant's",
    figure: (rows) => difference(rowOf(rows, "start"), "evergraph", "constant"),
    unit: "ms",
    aim: 45,
    most: 45 * SLACK,
  },
  ...["graphql", "rest"].map((kind) => ({
    part: "dashboard",
    name: (rows) => rowOf(rows, `dashboard-${kind}`).name,
    figure: (rows) => spread(rowOf(rows, `dashboard-${kind}`).rounds.evergraph),
    unit: "",
    aim: 1300,
    least: 1300 / SLACK,
  })),
  {
    part: "mixed",
    name: () => "mixed load: hit rate, below the best possible",
    figure: (rows) => {
      const { evergraph, best } = rowOf(rows, "mixed-hits").rounds;
      return spread(best.map((most, n) => most - evergraph[n]));
    },
    unit: "%",
    aim: 0.5,
    most: 0.5,
  },
  {
    part: "mixed",
    name: () => "mixed load: stale reads, in all rounds",
    figure: (rows) => counted(rowOf(rows, "mixed-stale").rounds.evergraph.reduce((sum, one) => sum + one, 0)),
    unit: "",
    aim: 0,
    most: 0,
  },
  ratio("mixed", "mixed-p50", "cache-api", 1),
  ratio("mixed", "mixed-p90", "cache-api", 1),
  {
    part: "memory",
    name: () => "memory of an isolate, alive at most",
    figure: (rows) => counted(Math.max(...rows.map(({ all }) => all))),
    unit: "MB",
    aim: 96,
    most: 96,
  },
  {
    part: "bundle",
    name: () => "bundle, gzipped",
    figure: (rows) => counted(rowOf(rows, "bundle").gzip / KILOBYTE),
    unit: "KB",
    aim: 450,
    most: 450,
  },
  ...[
    ["lexing", { least: 100 }],
    ["key", { most: 20 }],
    ["strip", { least: 100 }],
  ].map(([id, limit]) => ({
    part: "graphql",
    name: (rows) => `${native(rows, id).name}, native`,
    figure: (rows) => counted(native(rows, id).evergraph),
    unit: { lexing: "MB/s", key: "µs", strip: "MB/s" }[id],
    aim: limit.least ?? limit.most,
    ...limit,
  })),
];

const counted = (value) => ({ median: value });
const native = (rows, id) => rows.find((row) => row.id === id && row.where === "native");

/** The demands on the parts that there are results of: each with its figure, and whether it is `met`. */
export function judge(results) {
  return AIMS.filter(({ part }) => part in results).map(
    ({ part, name, against, figure, unit, aim, most, least }) => {
      const { rows } = results[part];
      const found = figure(rows);
      const met = most === undefined ? found.median >= least : found.median <= most;
      const limit = most ?? least;
      const isLeast = most === undefined;
      return { part, name: name(rows), against, figure: found, unit, aim, limit, isLeast, met };
    },
  );
}
