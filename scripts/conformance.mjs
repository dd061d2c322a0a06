// npm run conformance -- --suite <folder>: the public conformance suite for HTTP caches
// (https://cache-tests.fyi) against Evergraph in workerd, and against nginx and Varnish where they
// are installed.
//
//   --only <caches>    evergraph, nginx, varnish, or direct (no cache), with commas
//   --suites <groups>  only these groups of tests, with commas
//   --id <test>        only this test, and every request and answer of it
//   --out <file>       all results as JSON

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Advice, main, step } from "../tools/script.mjs";
import { build } from "./lib/build.mjs";
import { startCache, whichCaches } from "./lib/conformance/caches.mjs";
import { count, judge, notPassing, table } from "./lib/conformance/report.mjs";
import { loadSuite, runClient, startOrigin } from "./lib/conformance/suite.mjs";
import { setup } from "./lib/setup.mjs";

await main(async () => {
  const options = parseOptions();
  const suite = await loadSuite(options.suite, options);
  const names = whichCaches(options.only);
  await setup();
  if (names.includes("evergraph")) await build("quick");

  const scratch = mkdtempSync(join(tmpdir(), "evergraph-conformance-"));
  // nginx as root serves as another user, who has to reach its files.
  chmodSync(scratch, 0o755);
  const ends = [() => rmSync(scratch, { recursive: true, force: true })];
  const end = async () => {
    while (ends.length > 0) await ends.pop()();
  };
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => end().finally(() => process.exit(1)));
  }
  try {
    const runs = {};
    for (const name of names) {
      const size = suite.toRun.length === 1 ? "one test" : `${suite.toRun.length} tests`;
      runs[name] = await step(`${name}, ${size}`, () => runOne(name, suite, scratch, ends));
    }
    report(suite, runs, options.out);
  } finally {
    await end();
  }
});

/** One cache and an origin that nobody has asked yet, and the suite's client before them. */
async function runOne(name, suite, scratch, ends) {
  const started = async (starting) => {
    const one = await starting;
    ends.push(one.stop);
    return one;
  };
  const origin = await started(startOrigin(suite, scratch));
  const cache = await started(startCache(name, origin, scratch));
  const results = await runClient(suite, cache.url);
  for (const one of [cache, origin]) {
    ends.splice(ends.indexOf(one.stop), 1);
    await one.stop();
  }
  return { version: cache.version, results };
}

function report(suite, runs, out) {
  const judged = Object.fromEntries(
    Object.entries(runs).map(([name, { results }]) => [name, judge(suite, results)]),
  );
  console.log(`\n${table(judged)}`);
  const ours = "evergraph" in judged ? "evergraph" : Object.keys(judged)[0];
  console.log(`\nWhat ${ours} does not pass`);
  console.log(notPassing(judged[ours]));
  if (out === undefined) return;
  const caches = Object.fromEntries(
    Object.entries(runs).map(([name, { version, results }]) => [
      name,
      { version, counts: count(judged[name]), groups: judged[name], results },
    ]),
  );
  writeFileSync(out, `${JSON.stringify({ suite: suite.commit, caches }, null, 2)}\n`);
  console.log(`\nAll results are in ${out}`);
}

function parseOptions() {
  const text = { type: "string" };
  try {
    const { values } = parseArgs({
      options: { suite: text, only: text, suites: text, id: text, out: text },
    });
    const list = (value) => value?.split(",").filter(Boolean);
    const { suite, id, out } = values;
    return { suite, id, out, only: list(values.only), groups: list(values.suites) };
  } catch (error) {
    throw new Advice(`${error.message}\nThe options are at the top of scripts/conformance.mjs.`);
  }
}
