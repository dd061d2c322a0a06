// The results: as a table to read, in docs/benchmarks.md, and as JSON.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeCosts } from "../tools/costs.mjs";
import { markdownTable, replacedBetween } from "../tools/markdown.mjs";
import { root } from "../tools/processes.mjs";

const DOCUMENT = join(root, "docs/benchmarks.md");
const BEGIN = "<!-- What follows is written by `npm run bench`. -->";
const END = "<!-- What `npm run bench` writes ends here. -->";
const TITLES = ["Evergraph", "against", "theirs", "times as good (least to most)"];
const LEAST_DASHBOARD_RATIO = 100;
/** The CPU time that a request may take on Cloudflare's free plan. */
const FREE_PLAN_MILLIS = 10;
const MOST_GZIP_BYTES = 800 * 1024;

/** The targets of GraphQL's native figures, by the measure's id. */
const GRAPHQL_TARGETS = {
  lexing: { least: 100 },
  key: { most: 20 },
  strip: { least: 100 },
};

/** The targets, and whether they are met. */
export function judge({ measures, graphql, bundle }) {
  const dashboards = measures.filter(({ name }) => name.startsWith("dashboard"));
  return [
    ...dashboards.map(({ name, ratio }) => ({
      name: `${name} at least ${LEAST_DASHBOARD_RATIO} times faster`,
      met: ratio.median >= LEAST_DASHBOARD_RATIO,
    })),
    { name: `bundle under ${MOST_GZIP_BYTES / 1024} KB gzipped`, met: bundle.gzip < MOST_GZIP_BYTES },
    ...graphql.filter(({ id, where }) => where === "native" && id in GRAPHQL_TARGETS).map(judgeGraphql),
  ];
}

function judgeGraphql({ id, name, unit, evergraph }) {
  const { least, most } = GRAPHQL_TARGETS[id];
  const said = least ? `above ${least}` : `under ${most}`;
  return { name: `${name} ${said} ${unit}`, met: least ? evergraph > least : evergraph < most };
}

/** The table of GraphQL's figures, in Markdown. */
export function graphqlTable({ graphql }) {
  const rows = graphql.map(({ name, where, unit, peer, evergraph, other, ratio }) => [
    `${name}, ${where}`,
    quantity(evergraph, unit),
    peer,
    quantity(other, unit),
    times(ratio),
  ]);
  return markdownTable([["GraphQL", ...TITLES], ...rows]);
}

/** The table, in Markdown. */
export function table({ measures, bundle }) {
  const rows = measures.map(({ name, unit, peer, evergraph, other, ratio }) =>
    ratio === null
      ? [name, "not measured", peer, "not measured", ""]
      : [name, quantity(evergraph, unit), peer, quantity(other, unit), times(ratio)],
  );
  const sizes = [
    ["bundle, gzipped", kilobytes(bundle.gzip), "its limit", kilobytes(MOST_GZIP_BYTES), ""],
    ["bundle, raw", kilobytes(bundle.raw), "", "", ""],
  ];
  return markdownTable([["measure", ...TITLES], ...rows, ...sizes]);
}

/** The table of the CPU time of single requests, in Markdown. */
export function cpuTable({ cpu }) {
  const rows = cpu.rows.map(({ name, p50, p99, most }) =>
    p50 === null
      ? [name, "not measured", "", "", ""]
      : [
          name,
          quantity(p50, "ms"),
          quantity(p99, "ms"),
          quantity(most, "ms"),
          `${Math.round((p99 / FREE_PLAN_MILLIS) * 100)} %`,
        ],
  );
  const titles = ["CPU time of one request", "median", "99th percentile", "most"];
  return markdownTable([[...titles, `p99 of the free plan's ${FREE_PLAN_MILLIS} ms`], ...rows]);
}

/** The table of the figures under failures, in Markdown. */
export function failureTable({ failures }) {
  const rows = failures.rows.map(({ name, healthy, failing, most, ratio }) => [
    name,
    quantity(failing, "ms"),
    quantity(healthy, "ms"),
    times(ratio),
    quantity(most, "ms"),
  ]);
  return markdownTable([
    ["when a part fails", "Evergraph", "all well", "times as long (least to most)", "longest"],
    ...rows,
  ]);
}

/** The results of the last run. */
export function kept() {
  return JSON.parse(readFileSync(join(root, "bench/results.json"), "utf8"));
}

/** Remarks of one sentence each. */
export function remarks({ measures, targets }) {
  const added = (peer) => {
    const miss = measures.find((measure) => measure.name === "miss: latency" && measure.peer === peer);
    return quantity(miss.evergraph - miss.other, miss.unit);
  };
  return [
    `- A miss adds ${added("origin")} to the origin's own answer, ${added("forward")} to mere forwarding.`,
    ...targets.map(({ name, met }) => `- ${met ? "Met" : "MISSED"}: ${name}.`),
  ];
}

/** Writes bench/results.json, and the table into the document. */
export function keep(results) {
  writeFileSync(join(root, "bench/results.json"), `${JSON.stringify(results, rounded, 2)}\n`);
  const on = ({ date, machine }) =>
    `${date}, ${machine.cores} cores (${machine.cpu}), workerd ${machine.workerd}, Node.js ${machine.node}:`;
  const said = [
    on(results),
    table(results),
    graphqlTable(results),
    remarks(results).join("\n"),
    on(results.cpu),
    cpuTable(results),
    on(results.failures),
    failureTable(results),
  ].join("\n\n");
  writeFileSync(DOCUMENT, replacedBetween(readFileSync(DOCUMENT, "utf8"), BEGIN, END, said));
  writeCosts(results);
}

function quantity(value, unit) {
  const digits = Math.abs(value) < { ms: 100, µs: 10 }[unit] ? 2 : 0;
  const number = value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return unit === "/s" ? `${number}/s` : `${number} ${unit}`;
}

function times({ median, low, high }) {
  const digits = median < 10 ? 2 : 0;
  const [middle, least, most] = [median, low, high].map((ratio) => ratio.toFixed(digits));
  return `${middle} (${least} to ${most})`;
}

const kilobytes = (bytes) => `${Math.round(bytes / 1024).toLocaleString("en-US")} KB`;

const rounded = (_name, value) => (typeof value === "number" ? Number(value.toPrecision(6)) : value);
