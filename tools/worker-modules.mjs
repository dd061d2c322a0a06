// The built Worker's modules, for a configuration of workerd.

import { copyFileSync, readdirSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { root } from "./processes.mjs";

const KINDS = { ".js": "esModule", ".wasm": "wasm" };

/**
 * Copies the Worker from build/ to a folder, and returns its modules as workerd's configuration lists them.
 * `configuration` takes the place of the one in build/, which is the user's; by default there is none.
 */
export function copyWorker(folder, configuration = null) {
  const build = join(root, "build");
  const names = readdirSync(build).filter((name) => extname(name) in KINDS);
  for (const name of names) copyFileSync(join(build, name), join(folder, name));
  writeFileSync(join(folder, "config.txt"), JSON.stringify(configuration));
  // The first module is the entry point.
  const sorted = ["index.js", ...names.filter((name) => name !== "index.js")];
  const modules = sorted.map((name) => `(name = "${name}", ${KINDS[extname(name)]} = embed "${name}")`);
  return [...modules, '(name = "config.txt", text = embed "config.txt")'].join(", ");
}
