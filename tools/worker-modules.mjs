// The built Worker's modules, for a configuration of workerd.

import { copyFileSync, readdirSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { root } from "./processes.mjs";

const KINDS = { ".js": "esModule", ".wasm": "wasm", ".txt": "text" };

const CONFIGURATION = "config.txt";

/**
 * Copies the Worker from build/ to a folder, and returns its modules as workerd's configuration lists them.
 * `configuration` takes the place of the one in build/, which is the user's; by default there is none.
 * `build` is another folder than build/.
 */
export function copyWorker(folder, configuration = null, build = join(root, "build")) {
  const names = readdirSync(build).filter((name) => extname(name) in KINDS && name !== CONFIGURATION);
  for (const name of names) copyFileSync(join(build, name), join(folder, name));
  writeFileSync(join(folder, CONFIGURATION), JSON.stringify(configuration));
  // The first module is the entry point.
  const sorted = ["index.js", ...names.filter((name) => name !== "index.js")];
  const modules = sorted.map((name) => `(name = "${name}", ${KINDS[extname(name)]} = embed "${name}")`);
  return [...modules, `(name = "${CONFIGURATION}", text = embed "${CONFIGURATION}")`].join(", ");
}
