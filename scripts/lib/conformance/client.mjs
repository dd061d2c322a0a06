// The suite's client against one cache, in a process of its own: the suite keeps its results and
// changes its tests in memory. It sends its progress and its results to the parent process.

import { load, loadTests } from "./suite.mjs";

const PROGRESS_MILLIS = 15_000;

const { folder, url, ids, show } = JSON.parse(process.argv[2]);
const { runTests, getResults } = await load(folder, "test-engine/client/runner.mjs");
const groups = (await loadTests(folder)).map((group) => ({
  ...group,
  tests: group.tests.filter((test) => ids.includes(test.id)),
}));
if (show) for (const group of groups) for (const test of group.tests) test.dump = true;

const progress = setInterval(() => process.send({ done: Object.keys(getResults()).length }), PROGRESS_MILLIS);
await runTests(groups, false, url);
clearInterval(progress);
process.send({ results: getResults() }, () => process.exit());
