// The build's check of a configuration.

import { join } from "node:path";
import { root, run } from "../../../tools/processes.mjs";

/** The faults of a configuration, one text each. */
export async function faultsOf(configuration) {
  try {
    await run(join(root, "target/debug/check-config"), [], {
      capture: true,
      input: JSON.stringify(configuration),
    });
    return [];
  } catch (error) {
    if (error.stdout === undefined || error.stdout === "") throw error;
    return error.stdout.trim().split("\n");
  }
}
