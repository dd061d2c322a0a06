// Builds the Worker into build/: Wasm by cargo, its JavaScript bindings by wasm-bindgen, optimized by
// wasm-opt, and the entry with everything that it imports in one file by esbuild.

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { bin, root, run } from "../../tools/processes.mjs";
import { step } from "../../tools/script.mjs";
import { bindgen } from "./bindgen.mjs";

/** Where index.js and index_bg.wasm are once the Worker is built. */
export const buildFolder = join(root, "build");

const TARGET = "wasm32-unknown-unknown";
const bindings = join(root, "target/worker");

/** Without a terminal, cargo is silent while it compiles the last crate, which takes longest. */
const whileCargoIsSilent = { ticks: !process.stderr.isTTY };

/** Builds the Worker with a profile of cargo. */
export async function buildWorker(profile) {
  const program = await bindgen();
  await step(`compiling the Worker, profile ${profile} (cargo)`, () => compile(profile), whileCargoIsSilent);
  await step("writing its JavaScript bindings (wasm-bindgen)", () => bind(program, profile));
  if (profile === "release") await step("optimizing it (wasm-opt)", optimize, { ticks: true });
  await step("bundling its JavaScript (esbuild)", bundle);
  reportSize();
}

const compile = (profile) =>
  run("cargo", ["build", "--locked", "--lib", "--target", TARGET, "--profile", profile], {
    // The futures of js-sys, which the crate `worker` uses too, instead of a second copy of them.
    env: { WASM_BINDGEN_USE_JS_SYS: "1" },
  });

/** The same arguments for wasm-bindgen and for tools/bindgen, which knows no others. */
async function bind(program, profile) {
  rmSync(bindings, { recursive: true, force: true });
  const input = join(root, "target", TARGET, profile, "evergraph.wasm");
  await run(program, [
    input,
    `--out-dir=${bindings}`,
    "--target=module",
    "--out-name=index",
    "--no-typescript",
    "--remove-producers-section",
    // src/worker/js/wasm.js restarts Wasm after a trap.
    "--experimental-reset-state-function",
    "--force-enable-abort-handler",
  ]);
  // The runtime's own way to import a module of Wasm is an ordinary import.
  const file = join(bindings, "index.js");
  writeFileSync(file, readFileSync(file, "utf8").replace("import source wasmModule", "import wasmModule"));
}

/** Removes the names of functions too, a tenth of the bundle. names.txt keeps them, for reading traces. */
async function optimize() {
  const wasm = join(bindings, "index_bg.wasm");
  // Only what the runtime is known to support: what rustc turns on by default, and exceptions.
  const features = [
    "bulk-memory",
    "exception-handling",
    "multivalue",
    "mutable-globals",
    "nontrapping-float-to-int",
    "reference-types",
    "sign-ext",
  ];
  const names = `--symbolmap=${join(bindings, "names.txt")}`;
  const enable = features.map((feature) => `--enable-${feature}`);
  await run(bin("wasm-opt"), [wasm, "-o", wasm, "-O", names, ...enable]);
}

async function bundle() {
  mkdirSync(buildFolder, { recursive: true });
  await run(bin("esbuild"), [
    "src/worker/js/entry.js",
    "--bundle",
    "--format=esm",
    "--minify",
    `--alias:evergraph-wasm=${join(bindings, "index.js")}`,
    "--external:./index_bg.wasm",
    "--external:./config.txt",
    "--external:cloudflare:*",
    `--outfile=${join(buildFolder, "index.js")}`,
    "--log-level=warning",
  ]);
  copyFileSync(join(bindings, "index_bg.wasm"), join(buildFolder, "index_bg.wasm"));
}

function reportSize() {
  const files = ["index.js", "index_bg.wasm"].map((name) => readFileSync(join(buildFolder, name)));
  const kilobytes = (bytes) => `${(bytes / 1024).toFixed(0)} KB`;
  const raw = files.reduce((sum, file) => sum + file.length, 0);
  const gzip = files.reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0);
  console.log(`  build/ is ${kilobytes(raw)}, ${kilobytes(gzip)} gzipped`);
}
