// The results: as tables to read, in docs/benchmarks.md, as a picture, and as JSON. `node tools/benchmarks/report.mjs`
// writes the documents again from the JSON.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeCosts } from "../costs.mjs";
import { markdownTable, replacedBetween } from "../markdown.mjs";
import { root } from "../processes.mjs";
import { CHART, chart } from "./chart.mjs";
import { judge } from "./demands.mjs";
import { middle, NAMES, times } from "./figures.mjs";

const RESULTS = join(root, "bench/results.json");
const DOCUMENT = join(root, "docs/benchmarks.md");
const BEGIN = "<!-- What follows is written by `npm run bench`. -->";
const END = "<!-- What `npm run bench` writes ends here. -->";
/** The CPU time that a request may take on Cloudflare's free plan. */
const FREE_PLAN_MILLIS = 10;

/** The results of the last run. */
export function readResults() {
  return JSON.parse(readFileSync(RESULTS, "utf8"));
}

/** Writes bench/results.json, with the figures of a row's rounds in one line. */
export function writeResults(results) {
  const rounded = (_name, value) =>
    typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
  const text = JSON.stringify(results, rounded, 2).replace(/\[\s+([-+.,\de\s]*\d)\s+\]/g, (_, list) => {
    return `[${list.split(/,\s+/).join(", ")}]`;
  });
  writeFileSync(RESULTS, `${text}\n`);
}

/** Writes the tables into the documents, and draws the picture. */
export function writeDocuments(results) {
  writeFileSync(DOCUMENT, replacedBetween(readFileSync(DOCUMENT, "utf8"), BEGIN, END, report(results)));
  writeCosts(results);
  writeFileSync(CHART, chart(results));
}

/** What docs/benchmarks.md says about the results. */
export function report(results) {
  const demands = judge(results);
  const said = [demandTable(demands)];
  let last;
  for (const [part, tables] of Object.entries(TABLES)) {
    if (!(part in results)) continue;
    const { date, commit, machine, rows } = results[part];
    const when = commit ? `${date}, commit ${commit}` : date;
    const on = `${when}, ${machine.cores} cores (${machine.cpu}), workerd ${machine.workerd}, Node.js ${machine.node}:`;
    if (on !== last) said.push(on);
    last = on;
    said.push(...tables(rows));
  }
  return said.join("\n\n");
}

/** The tables of the parts that there are results of. */
export function tablesOf(results) {
  return Object.entries(TABLES).flatMap(([part, tables]) =>
    part in results ? tables(results[part].rows) : [],
  );
}

/** A sentence about each demand. */
export function demandLines(demands) {
  return demands.map(({ name, met, ...demand }) => {
    const { figure, aim, limit } = demandWords(demand);
    return `${met ? "met   " : "MISSED"}  ${name}: ${figure}, aim ${aim}, limit ${limit}`;
  });
}

function demandTable(demands) {
  const rows = demands.map(({ name, met, ...demand }) => {
    const { figure, aim, limit } = demandWords(demand);
    return [name, figure, aim, limit, met ? "yes" : "**no**"];
  });
  return markdownTable([["what", "Evergraph (quartiles)", "aim", "limit", "within the limit"], ...rows]);
}

function demandWords({ figure, unit, aim, limit, isLeast, against }) {
  const of = against ? `× ${NAMES[against]}` : unit;
  const bound = (value) => `${isLeast ? "≥" : "≤"} ${number(value)}`;
  return {
    figure: `${withQuartiles(figure)} ${of}`.trim(),
    aim: `${bound(aim)} ${of}`.trim(),
    limit: bound(limit),
  };
}

const TABLES = {
  hits: (rows) => [peerTable("CPU time of a hit (× constant)", rows, micros, "constant")],
  misses: (rows) => [peerTable("CPU time of a miss (× forwarding)", rows, micros, "forward")],
  cold: (rows) => [peerTable("a new isolate", rows, millis)],
  dashboard: (rows) => [peerTable("600 ms dashboard", rows, mixedUnits)],
  mixed: (rows) => [peerTable("reads, 2 % writes, origin of 20 ms", rows, mixedUnits)],
  purges: (rows) => [measureTable("100 purges a second", rows)],
  memory: (rows) => [
    markdownTable([
      ["memory of an isolate, at most, during", "JavaScript", "Wasm", "sum", "with garbage"],
      ...rows.map(({ name, js, wasm, all, withGarbage }) => [
        name,
        ...[js, wasm, all, withGarbage].map((one) => `${number(one)} MB`),
      ]),
    ]),
  ],
  bundle: ([{ raw, gzip }]) => [
    markdownTable([
      ["bundle", "gzipped", "raw"],
      ["what is deployed", kilobytes(gzip), kilobytes(raw)],
    ]),
  ],
  graphql: (rows) => [graphqlTable(rows)],
  cpu: (rows) => [cpuTable(rows)],
  failures: (rows) => [failureTable(rows)],
};

/** The peers of rows, in their order, others last; Evergraph is the last of the known ones. */
function peersIn(rows) {
  const found = new Set(rows.flatMap(({ rounds }) => Object.keys(rounds)));
  return [...Object.keys(NAMES).filter((name) => found.delete(name)), ...found];
}

/** A column for each row, a line for each peer. With a base, ratios to it follow in parentheses. */
function peerTable(title, rows, shown, base) {
  const line = (peer) =>
    rows.map((row) => {
      if (!(peer in row.rounds)) return "";
      const figure = shown(middle(row, peer), row.unit);
      const hasRatio = base && peer !== base && base in row.rounds;
      return hasRatio ? `${figure} (${times(row, peer, base).median.toFixed(2)})` : figure;
    });
  const lines = peersIn(rows).map((peer) => [NAMES[peer] ?? peer, ...line(peer)]);
  return markdownTable([[title, ...rows.map(({ name }) => name)], ...lines]);
}

/** A line for each row, a column for each peer. */
function measureTable(title, rows) {
  const peers = peersIn(rows);
  const lines = rows.map((row) => [
    row.name,
    ...peers.map((peer) => mixedUnits(middle(row, peer), row.unit)),
  ]);
  return markdownTable([[title, ...peers.map((peer) => NAMES[peer] ?? peer)], ...lines]);
}

const micros = (value) => `${number(value * 1_000)} µs`;
const millis = (value) => `${number(value)} ms`;
const mixedUnits = (value, unit) => `${number(value)} ${unit}`.trim();

function graphqlTable(rows) {
  const titles = ["GraphQL", "Evergraph", "against", "theirs", "times as good (quartiles)"];
  const lines = rows.map(({ name, where, unit, peer, evergraph, other, ratio }) => [
    `${name}, ${where}`,
    mixedUnits(evergraph, unit),
    peer,
    mixedUnits(other, unit),
    withQuartiles(ratio),
  ]);
  return markdownTable([titles, ...lines]);
}

function cpuTable(rows) {
  const titles = ["CPU time of one request", "median", "99th percentile", "most"];
  const lines = rows.map(({ name, p50, p99, most }) =>
    p50 === null
      ? [name, "not measured", "", "", ""]
      : [name, millis(p50), millis(p99), millis(most), `${Math.round((p99 / FREE_PLAN_MILLIS) * 100)} %`],
  );
  return markdownTable([[...titles, `p99 of the free plan's ${FREE_PLAN_MILLIS} ms`], ...lines]);
}

function failureTable(rows) {
  const titles = ["when a part fails", "Evergraph", "all well", "times as long (quartiles)", "longest"];
  const lines = rows.map(({ name, healthy, failing, most, ratio }) => [
    name,
    millis(failing),
    millis(healthy),
    withQuartiles(ratio),
    millis(most),
  ]);
  return markdownTable([titles, ...lines]);
}

/** Three digits that count, and all before the point. */
function number(value) {
  const digits = value === 0 || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const options = {
    maximumFractionDigits: digits,
    minimumFractionDigits: Number.isInteger(value) ? 0 : digits,
  };
  return value.toLocaleString("en-US", options);
}

function withQuartiles({ median, low, high }) {
  return low === undefined ? number(median) : `${number(median)} (${number(low)} to ${number(high)})`;
}

const kilobytes = (bytes) => `${Math.round(bytes / 1024).toLocaleString("en-US")} KB`;

if (process.argv[1] === fileURLToPath(import.meta.url)) writeDocuments(readResults());
