// Python packages for tests: a virtual environment for each list of requirements, kept for every clone.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { run } from "../../../tools/processes.mjs";
import { findProgram, required } from "./required.mjs";

const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");

/**
 * The folder with the programs of an environment that has these requirements, a file with exact versions.
 * Undefined, with a message, if Python or the packages cannot be had: `required` says when that is an error.
 */
export async function pythonWith(requirements) {
  const python = findProgram("python3");
  if (!required("python3", python)) return undefined;
  const digest = createHash("sha256").update(python).update(readFileSync(requirements)).digest("hex");
  const folder = join(cache, "evergraph", `python-${digest.slice(0, 16)}`);
  if (!existsSync(folder)) {
    const started = `${folder}.${process.pid}`;
    try {
      await run(python, ["-m", "venv", started], { quiet: true });
      const install = ["-m", "pip", "install", "--quiet", "--no-deps", "--requirement", requirements];
      await run(join(started, "bin/python"), install, { quiet: true });
      // An environment knows its own path, so its programs are started through its Python only.
      renameSync(started, folder);
    } catch {
      rmSync(started, { recursive: true, force: true });
    }
  }
  return required(`the Python packages of ${requirements}`, existsSync(folder)) ? folder : undefined;
}
