// The picture of the results, docs/images/benchmarks.svg: what a hit and a miss cost all contestants, and how
// long requests take with an origin of 20 ms. It is readable in light and dark mode, and its text says what it
// shows.

import { join } from "node:path";
import { root } from "../processes.mjs";
import { middle, NAMES } from "./figures.mjs";

/** Where the chart is. */
export const CHART = join(root, "docs/images/benchmarks.svg");

const WIDTH = 760;
const LEFT = 130;
const RIGHT = 80;
const PLOT = WIDTH - LEFT - RIGHT;
const LINE = 26;
const BAR = 16;
const TITLE = 34;
const GAP = 26;
const PERCENTILES = [
  { id: "mixed-p50", name: "median" },
  { id: "mixed-p90", name: "90th percentile" },
  { id: "mixed-p99", name: "99th percentile" },
];

const STYLE = `
    .page { fill: #ffffff }
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .title { font-weight: 600 }
    .quiet { fill: #59636e }
    .grid { stroke: #d1d9e0; stroke-width: 1 }
    .peer { fill: #8c959f }
    .ours { fill: #0969da }
    .dot { stroke: #ffffff; stroke-width: 1.5 }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117 }
      text { fill: #f0f6fc }
      .quiet { fill: #9198a1 }
      .grid { stroke: #3d444d }
      .peer { fill: #7d8590 }
      .ours { fill: #4493f8 }
      .dot { stroke: #0d1117 }
    }
  `;

/** The chart, or as much of it as there are results for. */
export function chart(results) {
  const row = (part, id) => results[part]?.rows.find((found) => found.id === id);
  const panels = [
    bars("CPU time of a hit, GraphQL, 10 KB", row("hits", "hit-graphql")),
    bars("CPU time of a miss, GraphQL, 10 KB", row("misses", "miss")),
    dots("Latency of reads with 2 % writes and an origin of 20 ms", (id) => row("mixed", id)),
  ].filter(Boolean);
  let y = 16;
  const drawn = panels.map(({ height, draw }) => {
    const lines = draw(y);
    y += height + GAP;
    return lines;
  });
  const description = panels.map(({ said }) => said).join(" ");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img" aria-labelledby="title description">
  <title id="title">Evergraph compared with other caches on Workers</title>
  <desc id="description">${description}</desc>
  <style>${STYLE}</style>
  <rect class="page" width="${WIDTH}" height="${y}" rx="6"/>
${drawn.flat().join("\n")}
</svg>
`;
}

const peersIn = ({ rounds }) => Object.keys(NAMES).filter((peer) => peer in rounds);
const kind = (peer) => (peer === "evergraph" ? "ours" : "peer");
const fixed = (value) => String(Number(value.toFixed(1)));
const label = (x, y, text, more = "") => `  <text x="${fixed(x)}" y="${fixed(y)}"${more}>${text}</text>`;

/** A bar for each peer, from the fastest to the slowest. */
function bars(title, row) {
  if (!row) return null;
  const found = peersIn(row).map((peer) => ({ peer, value: middle(row, peer) * 1_000 }));
  found.sort((one, other) => one.value - other.value);
  const most = found.at(-1).value;
  const shown = (value) => `${Math.round(value).toLocaleString("en-US")} µs`;
  const draw = (top) => [
    label(16, top + 14, title, ' class="title"'),
    ...found.flatMap(({ peer, value }, n) => {
      const y = top + TITLE + n * LINE;
      const width = (value / most) * PLOT;
      return [
        label(LEFT - 10, y + 12.5, NAMES[peer], ' text-anchor="end"'),
        `  <rect class="${kind(peer)}" x="${LEFT}" y="${y}" width="${fixed(width)}" height="${BAR}" rx="2"/>`,
        label(LEFT + width + 8, y + 12.5, shown(value)),
      ];
    }),
  ];
  const said = `${title}: ${found.map(({ peer, value }) => `${NAMES[peer]} ${shown(value)}`).join(", ")}.`;
  return { height: TITLE + found.length * LINE, draw, said };
}

/** A line of three dots for each peer, on a logarithmic axis. */
function dots(title, rowOf) {
  const rows = PERCENTILES.map(({ id }) => rowOf(id));
  if (rows.some((row) => !row)) return null;
  const found = peersIn(rows[0]).map((peer) => ({ peer, values: rows.map((row) => middle(row, peer)) }));
  found.sort((one, other) => one.values[0] - other.values[0]);
  const all = found.flatMap(({ values }) => values);
  const [low, high] = [Math.log10(Math.min(...all) / 1.2), Math.log10(Math.max(...all) * 1.2)];
  const x = (value) => LEFT + ((Math.log10(value) - low) / (high - low)) * PLOT;
  const ticks = [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1_000].filter((tick) => {
    return Math.log10(tick) > low && Math.log10(tick) < high;
  });
  const bottom = TITLE + found.length * LINE;
  const draw = (top) => [
    label(16, top + 14, title, ' class="title"'),
    ...ticks.flatMap((tick) => [
      `  <line class="grid" x1="${fixed(x(tick))}" x2="${fixed(x(tick))}" y1="${top + TITLE - 6}" y2="${top + bottom}"/>`,
      label(x(tick), top + bottom + 16, `${tick} ms`, ' class="quiet" text-anchor="middle"'),
    ]),
    ...found.flatMap(({ peer, values }, n) => {
      const y = top + TITLE + n * LINE + BAR / 2;
      return [
        label(LEFT - 10, y + 4.5, NAMES[peer], ' text-anchor="end"'),
        `  <line class="grid" x1="${fixed(x(values[0]))}" x2="${fixed(x(values[2]))}" y1="${y}" y2="${y}"/>`,
        ...values.map((value, which) => mark(kind(peer), x(value), y, which)),
      ];
    }),
    ...PERCENTILES.flatMap(({ name }, which) => [
      mark("peer", LEFT + which * 160 + 6, top + bottom + 36, which),
      label(LEFT + which * 160 + 18, top + bottom + 40.5, name, ' class="quiet"'),
    ]),
  ];
  const said = found.map(({ peer, values }) => `${NAMES[peer]} ${values.map(fixed).join(", ")}`);
  return {
    height: bottom + 46,
    draw,
    said: `${title}, in milliseconds, median, 90th and 99th percentile: ${said.join("; ")}.`,
  };
}

/** Percentiles differ in shape as well. */
function mark(of, x, y, which) {
  const [at, beside] = [fixed(x), fixed(y)];
  if (which === 0) return `  <circle class="dot ${of}" cx="${at}" cy="${beside}" r="6"/>`;
  if (which === 1)
    return `  <rect class="dot ${of}" x="${fixed(x - 5)}" y="${fixed(y - 5)}" width="10" height="10"/>`;
  return `  <path class="dot ${of}" d="M${at} ${fixed(y - 7)}L${fixed(x + 7)} ${beside}L${at} ${fixed(y + 7)}L${fixed(x - 7)} ${beside}Z"/>`;
}
