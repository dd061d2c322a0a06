// npm run sim -- --seeds N --first S: the simulated world, over as many seeds as one likes.
// npm run sim -- --bugs [--renew] [NAME…]: whether it notices the deliberate bugs of tests/bugs.
// npm run sim -- --coverage: which lines of the service run in it.

import { root, start } from "../tools/processes.mjs";
import { main } from "../tools/script.mjs";
import { catchBugs } from "./lib/bugs.mjs";
import { showCoverage } from "./lib/coverage.mjs";

const [first, ...others] = process.argv.slice(2);

await main(async () => {
  if (first === "--bugs") {
    process.exitCode = (await catchBugs(others)) ? 0 : 1;
    return;
  }
  if (first === "--coverage") return await showCoverage();
  const cargo = ["run", "--quiet", "--profile", "sim", "--features", "sim", "--bin", "sim", "--"];
  const child = start("cargo", [...cargo, ...process.argv.slice(2)], { cwd: root });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  process.exitCode = await new Promise((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
});
