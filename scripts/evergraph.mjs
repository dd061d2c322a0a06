#!/usr/bin/env node
// npx evergraph …: the command line. Builds it if a source is newer than the program, and runs it in the
// folder of the caller, with its input, output and exit status.

import { existsSync, readdirSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { root, run, start } from "../tools/processes.mjs";
import { Advice, main, step } from "../tools/script.mjs";

/** Another profile of Cargo.toml, such as `dev`, is for tests. */
const profile = process.env.EVERGRAPH_CLI_PROFILE || "cli";
const folder = profile === "dev" ? "debug" : profile;
const program = join(root, "target", folder, process.platform === "win32" ? "evergraph.exe" : "evergraph");

/** What the program is built from. */
const SOURCES = ["src", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "tools/prices.json"];

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(...readdirSync(path).map((name) => newest(join(path, name))));
}

const isCurrent = () => {
  if (!existsSync(program)) return false;
  const built = statSync(program).mtimeMs;
  return SOURCES.every((name) => newest(join(root, name)) <= built);
};

async function build() {
  const begun = new Date();
  const args = ["build", "--quiet", "--profile", profile, "--features", "cli", "--bin", "evergraph"];
  // Standard output is the command's own.
  const log = console.log;
  console.log = console.error;
  const cargo = async () => {
    try {
      await run("cargo", args, { quiet: true });
    } catch (error) {
      if (error.code !== "ENOENT") throw error;
      throw new Advice("Install Rust with rustup from https://rustup.rs (cargo was not found).");
    }
  };
  await step("the command line (cargo; later calls start at once)", cargo, {
    ticks: process.stderr.isTTY,
  });
  // Cargo leaves the program as it is if only files changed that it is not made of, such as the Worker's.
  utimesSync(program, begun, begun);
  console.log = log;
}

await main(async () => {
  if (!isCurrent()) await build();
  const child = start(program, process.argv.slice(2), { cwd: process.cwd() });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  const [code, signal] = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (...ended) => resolve(ended));
  });
  if (signal === null) {
    process.exitCode = code;
    return;
  }
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
