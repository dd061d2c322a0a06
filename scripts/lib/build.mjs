// Builds the Worker into build/ unless nothing has changed since the last build, and checks the
// configuration.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "../../tools/processes.mjs";
import { isEnough, markerOf, PROFILES } from "../../tools/profiles.mjs";
import { Advice, step } from "../../tools/script.mjs";
import { workersCacheKeys } from "../../tools/wrangler-config.mjs";
import { buildFolder, buildWorker } from "./worker.mjs";

/** The profile of the last build, and the digest of what it was built from. */
const marker = join(buildFolder, ".sources");

/** Builds the Worker with a profile unless there is a sufficient build, and checks wrangler.toml. */
export async function build(profile) {
  if (!PROFILES.includes(profile)) {
    throw new Advice(`There is no profile ${profile} for the Worker, only ${PROFILES.join(" and ")}.`);
  }
  const sources = digestOfSources();
  const last = existsSync(marker) ? readFileSync(marker, "utf8") : "";
  if (!isEnough(last, profile, sources)) {
    rmSync(marker, { force: true });
    await buildWorker(profile);
    writeFileSync(marker, markerOf(profile, sources));
  }
  await checkConfiguration();
}

/** Reports every faulty configuration in wrangler.toml at build time, before production does. */
async function checkConfiguration() {
  const { parse } = await import("smol-toml");
  const wrangler = parse(readFileSync(join(root, "wrangler.toml"), "utf8"));
  const caches = workersCacheKeys(wrangler);
  if (caches.length > 0) {
    const why = "Workers Cache answers before the Worker, and no purge reaches it";
    const faults = caches.map((key) => `  ${key}: leave it off. ${why}`);
    throw new Advice(`wrangler.toml:\n${faults.join("\n")} (docs/operations.md)`);
  }
  const found = [["vars.EVERGRAPH", wrangler.vars?.EVERGRAPH ?? null]];
  for (const [name, environment] of Object.entries(wrangler.env ?? {})) {
    found.push([`env.${name}.vars.EVERGRAPH`, environment.vars?.EVERGRAPH ?? null]);
  }
  const program = join(root, "target/debug/check-config");
  await step(
    "the program that checks the configuration (cargo)",
    () => run("cargo", ["build", "--quiet", "--bin", "check-config"]),
    { ticks: true },
  );
  for (const [path, configuration] of found) {
    try {
      await run(program, [], { capture: true, input: JSON.stringify(configuration) });
    } catch (error) {
      const faults = (error.stdout ?? "").trim().split("\n");
      throw new Advice(`wrangler.toml:\n${faults.map((fault) => `  ${path}.${fault}`).join("\n")}`);
    }
  }
}

function digestOfSources() {
  const digest = createHash("sha256");
  for (const file of [
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    "package-lock.json",
    "scripts/lib/worker.mjs",
    "tools/bindgen/Cargo.lock",
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
