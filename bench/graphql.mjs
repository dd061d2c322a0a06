// How fast GraphQL is analyzed: runs src/bin/measure.rs natively and in Wasm.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "../tools/processes.mjs";
import { median, spread } from "./statistics.mjs";

const WASM = "wasm32-unknown-unknown";
const BUILD = ["build", "--quiet", "--release", "--features", "measure", "--bin", "measure"];

/** The name of each of the program's measures, and what it is compared with. */
const MEASURES = {
  lexing: { name: "lexing", peer: "graphql-parser", better: "higher" },
  analysis: { name: "analysis of a new operation of 1 KB", peer: "graphql-parser", better: "lower" },
  key: { name: "key of a known operation of 1 KB", peer: "graphql-parser", better: "lower" },
  strip: { name: "stripping an answer of 100 KB", peer: "serde_json", better: "higher" },
};

/** Measures both ways; each figure has `where`: "native" or "Wasm". */
export async function measureGraphql(say) {
  await run("cargo", BUILD);
  await run("cargo", [...BUILD, "--target", WASM]);
  const native = await run(join(root, "target/release/measure"), [], { capture: true });
  const lines = { native: native.trim().split("\n"), Wasm: runInWasm() };
  return Object.entries(lines).flatMap(([where, found]) =>
    found.map((line) => {
      const measure = compared(where, JSON.parse(line));
      say(`${measure.name}, ${where}: ${measure.evergraph.toFixed(1)} ${measure.unit}`);
      return measure;
    }),
  );
}

function compared(where, { fault, name: id, unit, rounds }) {
  if (fault) throw new Error(`measure, ${where}: ${fault}`);
  const { name, peer, better } = MEASURES[id];
  const ratios = rounds.map(([ours, theirs]) => (better === "higher" ? ours / theirs : theirs / ours));
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
