// Installs what the project needs and does not have yet. Idempotent; quick when nothing is missing.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { node, root, run } from "../../tools/processes.mjs";
import { Advice, step } from "../../tools/script.mjs";

const LEAST_NODE = 20;
const TARGET = "wasm32-unknown-unknown";

/** Node.js packages, Rust and its wasm32 target. The build installs its own tool (`bindgen.mjs`). */
export async function setup() {
  checkNode();
  await checkCargo();
  await npmPackages();
  await wasmTarget();
}

function checkNode() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < LEAST_NODE) {
    throw new Advice(
      `Install Node.js ${LEAST_NODE} or newer from https://nodejs.org (this is ${process.versions.node}).`,
    );
  }
}

async function checkCargo() {
  for (const program of ["cargo", "rustup"]) {
    try {
      await run(program, ["--version"], { quiet: true });
    } catch (error) {
      if (error.code === "ENOENT") {
        throw new Advice(`Install Rust with rustup from https://rustup.rs (${program} was not found).`);
      }
      // rustup refuses a toolchain that is not installed yet; wasmTarget installs it.
      if (!/not installed/.test(error.stderr ?? "")) throw error;
    }
  }
}

async function npmPackages() {
  const lock = readFileSync(join(root, "package-lock.json"));
  const wanted = createHash("sha256").update(lock).digest("hex");
  const marker = join(root, "node_modules/.evergraph");
  if (existsSync(marker) && readFileSync(marker, "utf8") === wanted && existsSync(node)) return;
  await step("npm packages (wrangler, workerd, esbuild, a Node.js for them)", async () => {
    await run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    if (!existsSync(node)) {
      throw new Advice(
        'npm did not run the install script of the package "node"; allow it with `npm install-scripts approve node` and `npm rebuild node`.',
      );
    }
    writeFileSync(marker, wanted);
  });
}

async function wasmTarget() {
  const channel = /channel = "(.+)"/.exec(readFileSync(join(root, "rust-toolchain.toml"), "utf8"))[1];
  try {
    const sysroot = (await run("rustc", ["--print", "sysroot"], { capture: true })).trim();
    if (existsSync(join(sysroot, "lib/rustlib", TARGET))) return;
  } catch {
    await step(`Rust ${channel}`, () =>
      run("rustup", [
        "toolchain",
        "install",
        channel,
        "--profile",
        "minimal",
        "--component",
        "rustfmt,clippy",
      ]),
    );
  }
  await step(`the ${TARGET} target`, () => run("rustup", ["target", "add", TARGET, "--toolchain", channel]));
}
