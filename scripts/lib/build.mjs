// Builds the Worker into build/: Wasm by worker-build, and the JavaScript entry bundled around it. Skipped
// if nothing has changed since the last build. The configuration is a module of its own: configuration.mjs.

import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { bin, root, run } from "../../tools/processes.mjs";
import { step } from "../../tools/script.mjs";
import { buildEnvironment, toolchain } from "./setup.mjs";

const wasmFolder = join(root, "target/worker");
const buildFolder = join(root, "build");
const marker = join(buildFolder, ".sources");

/** Builds what is not built yet. */
export async function build() {
  const sources = digestOfSources();
  const upToDate = existsSync(marker) && readFileSync(marker, "utf8") === sources;
  if (!upToDate) {
    await step("the worker (cargo, wasm-bindgen, wasm-opt, esbuild)", buildWorker);
    writeFileSync(marker, sources);
    reportSize();
  }
  // index.js imports it. Tests and benchmarks have configurations of their own.
  const configuration = join(buildFolder, "config.txt");
  if (!existsSync(configuration)) writeFileSync(configuration, "null");
}

async function buildWorker() {
  await run(toolchain.workerBuild, ["--release", "--out-dir", wasmFolder], {
    quiet: true,
    env: buildEnvironment(),
  });
  mkdirSync(buildFolder, { recursive: true });
  await run(bin("esbuild"), [
    "src/worker/js/entry.js",
    "--bundle",
    "--format=esm",
    "--minify",
    `--alias:evergraph-wasm=${join(wasmFolder, "index.js")}`,
    "--external:./index_bg.wasm",
    "--external:./config.txt",
    "--external:cloudflare:*",
    `--outfile=${join(buildFolder, "index.js")}`,
    "--log-level=warning",
  ]);
  copyFileSync(join(wasmFolder, "index_bg.wasm"), join(buildFolder, "index_bg.wasm"));
}

function reportSize() {
  const files = ["index.js", "index_bg.wasm"].map((name) => readFileSync(join(buildFolder, name)));
  const kilobytes = (bytes) => `${(bytes / 1024).toFixed(0)} KB`;
  const raw = files.reduce((sum, file) => sum + file.length, 0);
  const gzip = files.reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0);
  console.log(`  build/ is ${kilobytes(raw)}, ${kilobytes(gzip)} gzipped`);
}

function digestOfSources() {
  const digest = createHash("sha256");
  for (const file of [
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    "package-lock.json",
    ...filesIn("src"),
  ]) {
    digest.update(`${file}\0`).update(readFileSync(join(root, file)));
  }
  return digest.digest("hex");
}

function filesIn(folder) {
  return readdirSync(join(root, folder))
    .sort()
    .flatMap((name) => {
      const path = join(folder, name);
      return statSync(join(root, path)).isDirectory() ? filesIn(path) : [path];
    });
}
