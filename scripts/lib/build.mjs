// Builds the Worker into build/ unless nothing has changed since the last build. The configuration is a
// module of its own (configuration.mjs), and so is the OpenAPI description of the admin routes.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../tools/processes.mjs";
import { isEnough, markerOf, PROFILES } from "../../tools/profiles.mjs";
import { Advice } from "../../tools/script.mjs";
import { buildPage } from "./page.mjs";
import { buildFolder, buildWorker } from "./worker.mjs";

/** The profile of the last build, and the digest of what it was built from. */
const marker = join(buildFolder, ".sources");

/** Builds the Worker with a profile unless there is a sufficient build. */
export async function build(profile) {
  if (!PROFILES.includes(profile)) {
    throw new Advice(`There is no profile ${profile} for the Worker, only ${PROFILES.join(" and ")}.`);
  }
  // In half a second, so that a change of the page compiles no Rust.
  await buildPage(buildFolder);
  // index.js imports it, and the size of the bundle includes it.
  const openapi = JSON.parse(readFileSync(join(root, "openapi.json"), "utf8"));
  writeFileSync(join(buildFolder, "openapi.txt"), JSON.stringify(openapi));
  const sources = digestOfSources();
  const last = existsSync(marker) ? readFileSync(marker, "utf8") : "";
  if (!isEnough(last, profile, sources)) {
    rmSync(marker, { force: true });
    await buildWorker(profile);
    writeFileSync(marker, markerOf(profile, sources));
  }
  // index.js imports it. Tests and benchmarks have configurations of their own.
  const configuration = join(buildFolder, "config.txt");
  if (!existsSync(configuration)) writeFileSync(configuration, "null");
}

function digestOfSources() {
  const digest = createHash("sha256");
  for (const file of [
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    "package-lock.json",
    "scripts/lib/bindgen.mjs",
    "scripts/lib/worker.mjs",
    "tools/profiles.mjs",
    "tools/bindgen/Cargo.toml",
    "tools/bindgen/Cargo.lock",
    ...filesIn("tools/bindgen/src"),
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
