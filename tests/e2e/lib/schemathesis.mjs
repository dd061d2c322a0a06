// schemathesis, in a Python environment of its own in the user's cache folder. It is keyed by what is installed
// in it, so every clone of the repository shares it.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../../../tools/processes.mjs";
import { findProgram } from "./required.mjs";

const requirements = fileURLToPath(new URL("../openapi/requirements.txt", import.meta.url));
const cache =
  process.env.EVERGRAPH_TOOLS ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "evergraph");

/** The path of the program `st`. Installs it first, if needed; `undefined` if that is not possible here. */
export async function schemathesis() {
  const digest = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const environment = join(cache, `schemathesis-${digest}`);
  const complete = join(environment, "complete");
  if (!existsSync(complete)) {
    const python = findProgram("python3");
    if (python === undefined) return undefined;
    try {
      mkdirSync(cache, { recursive: true });
      await run(python, ["-m", "venv", "--clear", environment], { quiet: true });
      const install = [
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--disable-pip-version-check",
        "-r",
        requirements,
      ];
      await run(join(environment, "bin/python"), install, { quiet: true });
    } catch (error) {
      console.error(error.message);
      return undefined;
    }
    writeFileSync(complete, "");
  }
  return join(environment, "bin/st");
}
