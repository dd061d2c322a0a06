// How fast GraphQL is analyzed: benches/guides.rs natively, and src/bin/measure.rs in Wasm.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "../../tools/processes.mjs";
import { median, spread } from "../../tools/statistics.mjs";

const WASM = "wasm32-unknown-unknown";
const BUILD_WASM = ["build", "--quiet", "--release", "--features", "measure", "--bin", "measure"];
/** The name of Evergraph's functions in the native benchmarks. */
const OURS = "evergraph";

/** The name of each measure, its unit, and what it is compared with. */
const MEASURES = {
  lexing: { name: "lexing", unit: "MB/s", peer: "graphql-parser" },
  analysis: { name: "analysis of a new operation of 1 KB", unit: "µs", peer: "graphql-parser" },
  key: { name: "key of a known operation of 1 KB", unit: "µs", peer: "graphql-parser" },
  strip: { name: "stripping an answer of 100 KB", unit: "MB/s", peer: "serde_json" },
};

/** Measures both ways; each figure has `where`: "native" or "Wasm". */
export async function measureGraphql(say) {
  const rows = [...(await measureNative()), ...(await measureInWasm())];
  for (const { name, where, unit, evergraph } of rows)
    say(`${name}, ${where}: ${evergraph.toFixed(1)} ${unit}`);
  return rows;
}

async function measureNative() {
  const which = `^(${Object.keys(MEASURES).join("|")})/`;
  const briefly = ["--sample-size", "20", "--warm-up-time", "0.3", "--measurement-time", "0.7"];
  const what = ["--profile", "guides", "--features", "measure", "--bench", "guides"];
  await run("cargo", ["bench", "--quiet", ...what, "--", which, ...briefly], { quiet: true });
  return Object.entries(MEASURES).map(([id, { unit, peer }]) => {
    const [ours, theirs] = [OURS, peer].map((who) => figures(join(root, "target/criterion", id, who), unit));
    return compared("native", { name: id, rounds: ours.map((figure, n) => [figure, theirs[n]]) });
  });
}

/** The figures of criterion's samples, each of which has run so often in so many nanoseconds. */
function figures(folder, unit) {
  const json = (name) => JSON.parse(readFileSync(join(folder, "new", name), "utf8"));
  const { iters, times } = json("sample.json");
  const nanos = times.map((time, n) => time / iters[n]);
  if (unit === "µs") return nanos.map((time) => time / 1e3);
  const bytes = json("benchmark.json").throughput.Bytes;
  return nanos.map((time) => (bytes / time) * 1e3);
}

async function measureInWasm() {
  await run("cargo", [...BUILD_WASM, "--target", WASM]);
  return runInWasm().map((line) => compared("Wasm", JSON.parse(line)));
}

function compared(where, { fault, name: id, rounds }) {
  if (fault) throw new Error(`measure, ${where}: ${fault}`);
  const { name, unit, peer } = MEASURES[id];
  const ratios = rounds.map(([ours, theirs]) => (unit === "MB/s" ? ours / theirs : theirs / ours));
  const [evergraph, other] = [0, 1].map((who) => median(rounds.map((round) => round[who])));
  return { id, name, where, unit, peer, evergraph, other, ratio: spread(ratios) };
}

/** Runs the program in this process; returns its lines. */
function runInWasm() {
  const module = new WebAssembly.Module(readFileSync(join(root, "target", WASM, "release/measure.wasm")));
  const lines = [];
  const given = {
    now: () => performance.now(),
    say: (start, length) => {
      const { buffer } = instance.exports.memory;
      lines.push(new TextDecoder().decode(new Uint8Array(buffer, start, length)));
    },
  };
  // The Worker's own parts, which are in it too, take more from outside, and are not called.
  const imports = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = from === "measure" ? given[name] : () => {};
  }
  const instance = new WebAssembly.Instance(module, imports);
  instance.exports.main(0, 0);
  return lines;
}
