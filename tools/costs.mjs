// What a million requests cost on Cloudflare: the tables of docs/costs.md, from the figures that the
// benchmarks and the simulation print. `node tools/costs.mjs` writes them, and so does `npm run bench`.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { markdownTable, replacedBetween } from "./markdown.mjs";
import { root } from "./processes.mjs";
import { median } from "./statistics.mjs";

const DOCUMENT = join(root, "docs/costs.md");
const BEGIN = "<!-- What follows is written by `npm run bench`. -->";
const END = "<!-- What `npm run bench` writes ends here. -->";

const MILLION = 1_000_000;
const HIT_RATES = [0.5, 0.8, 0.95];
/** One request in a hundred is a write; the hit rate is that of the others. */
const WRITES = 10_000;
/** Rows that a purge writes into the log's tables: docs/decisions/0030-the-log-in-rows.md. */
const ROWS_A_PURGE = 2.3;

/**
 * Requests to the purge log, per day, of one data center that is busy all day, by its number of isolates, at
 * `max_lag = 5`: column "busy, per day" of `npm run sim -- --log-reads`.
 */
const LOG_READS_A_DAY = { 1: 25_488, 10: 40_896 };
const BUSY_DATA_CENTERS = 5;

/**
 * Prices in USD per million, and what the plans include, as the pages had them in November 2026. `evergraph
 * replay` reads the same file. That of log lines holds until 30 November 2026: docs/costs.md#prices.
 */
const PRICES = Object.fromEntries(
  Object.entries(JSON.parse(readFileSync(join(root, "tools/prices.json"), "utf8"))).map(
    ([name, { page, ...price }]) => [name, { ...price, page: `[${page.title}](${page.url})` }],
  ),
);

/** What the free plan includes in a day, of what is counted by the day. */
const FREE_A_DAY = Object.fromEntries(
  Object.entries(PRICES)
    .filter(([name]) => name !== "cpuMillis")
    .map(([name, { free }]) => [name, Number(free.replaceAll(",", ""))]),
);

const NAMES = {
  requests: "requests to the Worker",
  kvReads: "KV reads",
  kvWrites: "KV writes, if every entry is read again",
  kvWritesAlways: 'KV writes, with `kv.writes = "always"`',
  logRequests: "Durable Object requests, at most",
  logRows: "Durable Object rows written",
  logLines: "log lines, without hits",
  logLinesWithHits: "log lines, with hits",
  cpuMillis: "CPU time in ms",
};

/** What a million requests use, at a hit rate. */
export function usage({ hits: measuredHits, misses: measuredMisses, cpu }, hitRate) {
  const reads = MILLION - WRITES;
  const hits = Math.round(reads * hitRate);
  const misses = reads - hits;
  const average = ({ rows }, id) => median(rows.find((found) => found.id === id).rounds.evergraph);
  const row = (name) => cpu.rows.find((found) => found.name === name);
  return {
    requests: MILLION,
    kvReads: misses * row("miss of 10 KB").kvReads + hits * row("hit of 10 KB").kvReads,
    // "second-request": an entry is written when it is requested again, so there is a hit for each.
    kvWrites: Math.min(hits, misses),
    kvWritesAlways: misses,
    // A request reads the log at most once, and a write appends to it.
    logRequests: MILLION,
    logRows: WRITES * ROWS_A_PURGE,
    // A write is a line for its response and one for its purge.
    logLines: misses + 2 * WRITES,
    logLinesWithHits: hits + misses + 2 * WRITES,
    cpuMillis:
      hits * average(measuredHits, "hit-graphql") +
      misses * average(measuredMisses, "miss") +
      WRITES * row("purge of one tag").p50,
  };
}

/** How many requests to the log a million requests in so many days make, in busy data centers. */
function logRequests(days, isolates) {
  const reads = LOG_READS_A_DAY[isolates] * BUSY_DATA_CENTERS * days;
  return Math.min(MILLION - WRITES, reads) + WRITES;
}

/** The tables, in Markdown. */
export function costTables(results) {
  const columns = HIT_RATES.map((rate) => usage(results, rate));
  const titles = HIT_RATES.map((rate) => `${rate * 100} % hits`);
  const rows = (names, cell) => names.map((name) => [NAMES[name], ...columns.map((of) => cell(of, name))]);
  const amounts = markdownTable([
    ["a million requests use", ...titles],
    ...rows(Object.keys(NAMES), (of, name) => whole(of[name])),
  ]);
  const prices = markdownTable([
    ["on the paid plan, beyond what it includes", ...titles],
    ...rows(Object.keys(PRICES), (of, name) => usd((of[name] / MILLION) * PRICES[name].price)),
    ["in all", ...columns.map((of) => usd(total(of)))],
  ]);
  const free = markdownTable([
    ["requests a day after which the free plan runs out of", ...titles],
    ...rows(Object.keys(FREE_A_DAY), (of, name) => whole((FREE_A_DAY[name] * MILLION) / of[name])),
  ]);
  const log = markdownTable([
    [`a million requests, in ${BUSY_DATA_CENTERS} data centers`, "1 isolate in each", "10 isolates in each"],
    ...[1, 7, 30].map((days) => [
      `within ${days === 1 ? "a day" : `${days} days`}`,
      ...[1, 10].map((isolates) => whole(logRequests(days, isolates))),
    ]),
  ]);
  const traffic =
    "Durable Object requests with `max_lag = 5`, depending on how long a million requests take:";
  return [amounts, prices, free, traffic, log, "Prices:", priceTable()].join("\n\n");
}

function priceTable() {
  const titles = [
    "what",
    "free plan, per day",
    "paid plan, included per month",
    "beyond it, per million",
    "page",
  ];
  const rows = Object.entries(PRICES).map(([name, { free, included, price, page }]) => [
    NAMES[name].replace(/, .*/, ""),
    free,
    included,
    usd(price),
    page,
  ]);
  return markdownTable([titles, ...rows]);
}

function total(of) {
  return Object.entries(PRICES).reduce((sum, [name, { price }]) => sum + (of[name] / MILLION) * price, 0);
}

const usd = (value) => `${value.toFixed(2)} USD`;

/** A number with three digits that count. */
function whole(value) {
  return Number(value.toPrecision(3)).toLocaleString("en-US", { maximumFractionDigits: 0 });
}

/** Writes the tables into docs/costs.md. */
export function writeCosts(results) {
  const text = readFileSync(DOCUMENT, "utf8");
  writeFileSync(DOCUMENT, replacedBetween(text, BEGIN, END, costTables(results)));
}

/** The results of the last benchmarks. */
export const keptResults = () => JSON.parse(readFileSync(join(root, "bench/results.json"), "utf8"));

if (process.argv[1] === fileURLToPath(import.meta.url)) writeCosts(keptResults());
