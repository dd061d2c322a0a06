// npm run sim -- --seeds N --first S: the simulated world, over as many seeds as one likes.

import { main, root, start } from "./lib/run.mjs";

await main(async () => {
  const cargo = ["run", "--quiet", "--profile", "sim", "--features", "sim", "--bin", "sim", "--"];
  const child = start("cargo", [...cargo, ...process.argv.slice(2)], { cwd: root });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  process.exitCode = await new Promise((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
});
