// The public conformance suite for HTTP caches, which is not part of this repository: where it is,
// its origin, its client, and what its results mean.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { freePort, launch, node, untilAnswers } from "../../../tools/processes.mjs";
import { Advice } from "../../../tools/script.mjs";

const HOW_TO_GET_IT = `Get the suite, and name its folder:

  git clone https://github.com/http-tests/cache-tests
  (cd cache-tests && npm install)
  npm run conformance -- --suite cache-tests`;

const client = fileURLToPath(new URL("client.mjs", import.meta.url));

/**
 * Loads the suite in `folder`; `id` and `groups` say which of its tests to run, all without them.
 * A test for browsers is none for us.
 */
export async function loadSuite(folder, { id, groups } = {}) {
  if (folder === undefined) throw new Advice(`Name the suite's folder by --suite.\n\n${HOW_TO_GET_IT}`);
  const place = resolve(folder);
  if (!existsSync(join(place, "test-engine/client/runner.mjs"))) {
    throw new Advice(`${place} does not hold the suite.\n\n${HOW_TO_GET_IT}`);
  }
  if (!existsSync(join(place, "node_modules/undici"))) {
    throw new Advice(`The suite lacks its packages: run \`npm install\` in ${place}.`);
  }
  const every = await loadTests(place);
  const { determineTestResult, resultTypes } = await load(place, "test-engine/lib/results.mjs");
  const selected = select(every, { id, groups });
  if (selected.length === 0) {
    const known = every.map((group) => group.id).join(", ");
    throw new Advice(
      id === undefined
        ? `The suite has none of the groups ${groups.join(", ")}. It has ${known}.`
        : `The suite has no test ${id}. \`grep -rn "id: '" ${place}/tests\` shows what it has.`,
    );
  }
  const toRun = id === undefined ? withDependencies(every, selected) : [id];
  const words = new Map(Object.entries(resultTypes).map(([word, type]) => [type, word]));
  return {
    folder: place,
    commit: spawnSync("git", ["-C", place, "rev-parse", "HEAD"], { encoding: "utf8" }).stdout?.trim() ?? "",
    id,
    groups: selected,
    toRun,
    /** What the suite makes of a test's result, as one of its own words. */
    verdict: (test, results) =>
      words.get(determineTestResult(every, test.id, results, /* honour dependencies */ id === undefined)),
  };
}

/** The suite's tests as they are defined. Its client changes them, so each run needs its own. */
export async function loadTests(folder) {
  return (await load(folder, "tests/index.mjs")).default;
}

export function load(folder, file) {
  return import(pathToFileURL(join(folder, file)));
}

function select(every, { id, groups }) {
  return every
    .filter((group) => id !== undefined || groups === undefined || groups.includes(group.id))
    .map((group) => ({
      ...group,
      tests: group.tests.filter((test) => !test.browser_only && (id === undefined || test.id === id)),
    }))
    .filter((group) => group.tests.length > 0);
}

/** The ids of the tests of groups, and of those that they depend on, in other groups too. */
function withDependencies(every, groups) {
  const tests = new Map(every.flatMap((group) => group.tests.map((test) => [test.id, test])));
  const ids = new Set(groups.flatMap((group) => group.tests.map((test) => test.id)));
  // What is added while a set is walked is walked too.
  for (const id of ids) for (const other of tests.get(id).depends_on ?? []) ids.add(other);
  return [...ids];
}

/** Starts the suite's own origin. With a single test it shows what it is asked and answers. */
export async function startOrigin(suite, scratch) {
  const port = await freePort();
  const { child, stop } = launch(node, ["--no-warnings", "test-engine/server/server.mjs"], {
    cwd: suite.folder,
    env: {
      npm_config_protocol: "http",
      npm_config_port: String(port),
      npm_config_pidfile: join(scratch, "origin.pid"),
    },
    stdio: ["ignore", suite.id === undefined ? "ignore" : "inherit", "inherit"],
  });
  const url = `http://127.0.0.1:${port}`;
  try {
    await untilAnswers(`${url}/index.html`, { child, seconds: 30 });
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, url, stop };
}

/** Runs the suite's client against `url`; resolves with its results by test. */
export function runClient(suite, url) {
  const task = { folder: suite.folder, url, ids: suite.toRun, show: suite.id !== undefined };
  const { child } = launch(node, ["--no-warnings", client, JSON.stringify(task)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  return new Promise((resolve, reject) => {
    let results = null;
    child.on("error", reject);
    child.on("message", (message) => {
      if (message.results) results = message.results;
      else console.log(`  ${message.done} of ${suite.toRun.length} tests`);
    });
    child.on("close", (code) => {
      if (results !== null) return resolve(results);
      reject(new Advice(`The suite's client ended with status ${code} and without results; see above.`));
    });
  });
}
