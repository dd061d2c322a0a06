// Programs that some tests need and that npm cannot install. Where one is missing, its tests are skipped with
// a message. With EVERGRAPH_REQUIRE_ALL=1, as in .ci/run, they fail instead.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** The path of the first of these programs that PATH has; `undefined` if it has none. */
export function findProgram(...names) {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const paths = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Whether tests that need a program can run. If it was not found, this says so; with EVERGRAPH_REQUIRE_ALL=1 it
 * throws.
 *
 *     const promtool = findProgram("promtool");
 *     const skip = !required("promtool", promtool);
 *     test("…", { skip }, async () => { … });
 */
export function required(name, found) {
  if (found) return true;
  const message = `${name} is not installed`;
  if (process.env.EVERGRAPH_REQUIRE_ALL === "1") {
    throw new Error(`${message}, and EVERGRAPH_REQUIRE_ALL=1 requires it`);
  }
  console.error(`SKIPPED: ${message}, so the tests that need it do not run`);
  return false;
}
