// Builds the Worker into build/: Wasm by cargo, its JavaScript bindings by wasm-bindgen, optimized by
// wasm-opt, and the entry with everything that it imports in one file by esbuild.

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bin, root, run } from "../../tools/processes.mjs";
import { step } from "../../tools/script.mjs";
import { kilobytes, requireBudget, sizeOf, writeAccount } from "./account.mjs";
import { bindgen } from "./bindgen.mjs";
import { PAGE_FILES } from "./page.mjs";

/** Where index.js and index_bg.wasm are once the Worker is built. */
export const buildFolder = join(root, "build");

const TARGET = "wasm32-unknown-unknown";
const bindings = join(root, "target/worker");
/** The optimized Wasm with the names of its functions. */
const named = join(bindings, "account.wasm");

/** Without a terminal, cargo is silent while it compiles the last crate, which takes longest. */
const whileCargoIsSilent = { ticks: !process.stderr.isTTY };

/** Builds the Worker with a profile of cargo. */
export async function buildWorker(profile) {
  const program = await bindgen();
  await step(`compiling the Worker, profile ${profile} (cargo)`, () => compile(profile), whileCargoIsSilent);
  await step("writing its JavaScript bindings (wasm-bindgen)", () => bind(program, profile));
  if (profile === "release") await step("optimizing it (wasm-opt)", optimize, { ticks: true });
  await step("bundling its JavaScript (esbuild)", bundle);
  reportSize(profile);
}

/**
 * LLVM's limits for inlining: for any function, for those with `#[inline]`, and for calls in inner loops. Its own
 * at `opt-level = 3` are 250, 325 and 525, which makes Wasm a quarter larger, and the first response slower.
 */
const INLINING = ["-inline-threshold=25", "-inlinehint-threshold=25", "-locally-hot-callsite-threshold=25"];

/**
 * Flags of rustc for what is deployed (docs/decisions/0055-the-size-of-the-bundle.md). Names with types tell the
 * instances of generic code apart, for the account and for the order of functions; they are not deployed. Cloudflare
 * documents that Workers support SIMD: copies and checksums are shorter and faster with it.
 */
const RELEASE_FLAGS = [
  ...INLINING.map((flag) => `-Cllvm-args=${flag}`),
  "-Csymbol-mangling-version=v0",
  "-Ctarget-feature=+simd128",
];

const compile = (profile) =>
  run("cargo", ["build", "--locked", "--lib", "--target", TARGET, "--profile", profile], {
    env: {
      // The futures of js-sys, which the crate `worker` uses too, instead of a second copy of them.
      WASM_BINDGEN_USE_JS_SYS: "1",
      ...(profile === "release" && { CARGO_ENCODED_RUSTFLAGS: RELEASE_FLAGS.join("\x1f") }),
    },
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

/**
 * wasm-opt moves every function that has one caller into it, unless it is larger than this. Without a limit, the
 * whole path of a request is one function of 53 KB, and V8 optimizes it as a whole while the first requests of
 * a new isolate wait: for 60 ms of CPU time (docs/decisions/0057-what-a-new-isolate-costs.md).
 */
const LIMIT_FOR_INLINING = "--one-caller-inline-max-function-size=200";

/**
 * Optimizes, and puts functions in the order of their names: what is alike is then close, and compresses better.
 * The result has no names, a tenth of the bundle. account.wasm keeps them for the account, and names.txt for
 * reading traces.
 */
async function optimize() {
  const wasm = join(bindings, "index_bg.wasm");
  // Only what the runtime is known to support: what rustc turns on by default, exceptions, and SIMD.
  const features = [
    "bulk-memory",
    "exception-handling",
    "multivalue",
    "mutable-globals",
    "nontrapping-float-to-int",
    "reference-types",
    "sign-ext",
    "simd",
  ].map((feature) => `--enable-${feature}`);
  const order = [
    LIMIT_FOR_INLINING,
    "--reorder-functions-by-name",
    `--symbolmap=${join(bindings, "names.txt")}`,
  ];
  await run(bin("wasm-opt"), [wasm, "-g", "-o", named, "-O", ...order, ...features]);
  await run(bin("wasm-opt"), [named, "-o", wasm, "--strip-debug", ...features]);
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
    "--external:./openapi.txt",
    "--external:./page.*.txt",
    "--external:cloudflare:*",
    `--outfile=${join(buildFolder, "index.js")}`,
    "--log-level=warning",
  ]);
  copyFileSync(join(bindings, "index_bg.wasm"), join(buildFolder, "index_bg.wasm"));
}

/** The bundle's size, for what is deployed also what it consists of, and that it is within its budget. */
function reportSize(profile) {
  const { raw, gzip } = sizeOf(buildFolder, ["index.js", "index_bg.wasm", "openapi.txt", ...PAGE_FILES]);
  console.log(`  build/ is ${kilobytes(raw)}, ${kilobytes(gzip)} gzipped`);
  if (profile !== "release") return;
  console.log(writeAccount(named, join(bindings, "account.txt")));
  requireBudget(gzip);
}
