// npm run bench: compares Evergraph with other Workers on this machine, as ratios. `-- hits misses` runs these
// parts alone. `-- log` measures the purge log instead.

import { join } from "node:path";
import { node, root, start } from "../tools/processes.mjs";
import { main } from "../tools/script.mjs";
import { build } from "./lib/build.mjs";
import { setup } from "./lib/setup.mjs";

await main(async () => {
  await setup();
  await build("release");
  // The shop needs the SQLite of a newer Node.js than the one that may run this.
  const [part, ...rest] = process.argv.slice(2);
  const script =
    part === "log" ? ["bench/log/run.mjs", ...rest] : ["bench/run.mjs", ...process.argv.slice(2)];
  const child = start(node, [join(root, script[0]), ...script.slice(1)]);
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  process.exitCode = await new Promise((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
});
