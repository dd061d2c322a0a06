// npm test: the native tests, the simulated world, and the Worker in workerd, end to end.
//
// The end-to-end tests wait more than they work, and depend on time. The others only work, so they run beside the
// end-to-end tests, at a low priority. The native tests are compiled before: programs that end-to-end tests start
// are built in the same folder, and would wait for that.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { node, root, run } from "../tools/processes.mjs";
import { main, step } from "../tools/script.mjs";
import { checkBugs } from "./lib/bugs.mjs";
import { build } from "./lib/build.mjs";
import { setup } from "./lib/setup.mjs";

const FOLDER = "tests/e2e";
/** The files that take longest. They begin first, so that nothing waits for one of them alone. */
const LONGEST = [
  "purging/spelled-paths.test.mjs",
  "openapi/schemathesis.test.mjs",
  "security/hostile-neighbors.test.mjs",
  "failures/table.test.mjs",
  "graphql/websocket.test.mjs",
];

const NATIVE = ["test", "--quiet", "--features", "cli"];
const SIM = [
  "run",
  "--quiet",
  "--profile",
  "sim",
  "--features",
  "sim",
  "--bin",
  "sim",
  "--",
  "--seeds",
  "100",
];

await main(async () => {
  await setup();
  await step("compiling the native tests", () => run("cargo", [...NATIVE, "--no-run"]));
  await step("the deliberate bugs fit the sources", checkBugs);
  await build("quick");
  const [endToEnd, others] = await Promise.allSettled([
    step("the Worker in workerd, end to end", testEndToEnd),
    testTheRest(),
  ]);
  for (const { status, reason } of [others, endToEnd]) if (status === "rejected") throw reason;
});

function testEndToEnd() {
  const found = readdirSync(join(root, FOLDER), { recursive: true });
  const others = found.filter((name) => name.endsWith(".test.mjs") && !LONGEST.includes(name));
  const files = [...LONGEST, ...others].map((name) => join(FOLDER, name));
  const options = ["--test-timeout=300000", "--test-concurrency=4", "--test-reporter=spec"];
  return run(node, ["--test", ...options, ...files]);
}

async function testTheRest() {
  await runAtLowPriority("native tests", NATIVE);
  await runAtLowPriority("the simulated world, 100 seeds", SIM);
}

/** Runs cargo at a low priority, and shows what it has printed when it has ended. */
async function runAtLowPriority(name, args) {
  const started = Date.now();
  try {
    const printed = await run("cargo", args, { capture: true, hasLowPriority: true });
    console.log(`• ${name}: ${((Date.now() - started) / 1000).toFixed(0)} s\n${printed}`);
  } catch (error) {
    console.log(`• ${name}: failed\n${error.stdout ?? ""}${error.stderr ?? ""}`);
    throw error;
  }
}
