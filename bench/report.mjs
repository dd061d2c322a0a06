// The results: as a table to read, in docs/benchmarks.md, and as JSON.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../scripts/lib/run.mjs";

const DOCUMENT = join(root, "docs/benchmarks.md");
const BEGIN = "<!-- What follows is written by `npm run bench`. -->";
const END = "<!-- What `npm run bench` writes ends here. -->";
const LEAST_DASHBOARD_RATIO = 100;
const MOST_GZIP_BYTES = 700 * 1024;

/** What has to hold, and whether it does. */
export function judge({ measures, bundle }) {
  const dashboards = measures.filter(({ name }) => name.startsWith("dashboard"));
  return [
    ...dashboards.map(({ name, ratio }) => ({
      name: `${name} at least ${LEAST_DASHBOARD_RATIO} times faster`,
      met: ratio.median >= LEAST_DASHBOARD_RATIO,
    })),
    { name: `bundle under ${MOST_GZIP_BYTES / 1024} KB gzipped`, met: bundle.gzip < MOST_GZIP_BYTES },
  ];
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
  const titles = ["measure", "Evergraph", "against", "theirs", "times as good (least to most)"];
  return markdown([titles, ...rows, ...sizes]);
}

/** What can be said in a sentence. */
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
  const text = readFileSync(DOCUMENT, "utf8");
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${DOCUMENT} has no place for the table`);
  const { date, machine } = results;
  const on = `${date}, ${machine.cores} cores (${machine.cpu}), workerd ${machine.workerd}, Node.js ${machine.node}:`;
  const said = [BEGIN, on, table(results), remarks(results).join("\n"), END].join("\n\n");
  writeFileSync(DOCUMENT, text.slice(0, begin) + said + text.slice(end + END.length));
}

function quantity(value, unit) {
  const digits = unit === "ms" && Math.abs(value) < 100 ? 2 : 0;
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

function markdown(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [line(rows[0]), rule, ...rows.slice(1).map(line)].join("\n");
}
