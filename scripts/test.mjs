// npm test: the native tests, the simulated world, then the worker in workerd, end to end.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { node, root, run } from "../tools/processes.mjs";
import { main, step } from "../tools/script.mjs";
import { checkBugs } from "./lib/bugs.mjs";
import { build } from "./lib/build.mjs";
import { setup } from "./lib/setup.mjs";

await main(async () => {
  await setup();
  await step("native tests", () => run("cargo", ["test", "--quiet", "--features", "cli"]));
  await step("the deliberate bugs fit the sources", checkBugs);
  const sim = ["run", "--quiet", "--profile", "sim", "--features", "sim", "--bin", "sim", "--"];
  await step("the simulated world, 100 seeds", () => run("cargo", [...sim, "--seeds", "100"]));
  await build("quick");
  const folder = "tests/e2e";
  const files = readdirSync(join(root, folder), { recursive: true }).filter((name) =>
    name.endsWith(".test.mjs"),
  );
  await step("the worker in workerd, end to end", () =>
    run(node, [
      "--test",
      "--test-timeout=300000",
      // They wait more than they work.
      "--test-concurrency=3",
      "--test-reporter=spec",
      ...files.map((name) => join(folder, name)),
    ]),
  );
});
