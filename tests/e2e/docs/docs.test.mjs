// The examples in the documentation: configurations are configurations, purges are purges, and
// what is linked is there.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { parse } from "smol-toml";
import { costTables, keptResults } from "../../../tools/costs.mjs";
import { root, run } from "../../../tools/processes.mjs";
import { configurationOf } from "../lib/guides.mjs";
import { startWorld } from "../lib/world.mjs";

const files = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  ...listed("docs"),
  ...listed("docs/decisions"),
  ...listed("docs/guides"),
];
const pages = files.map((file) => ({ file, text: readFileSync(join(root, file), "utf8") }));

function listed(folder) {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name));
}

function blocks(language) {
  return pages.flatMap(({ file, text }) =>
    [...text.matchAll(/^( *)```(\w+)\n([\s\S]*?)^ *```/gm)]
      .filter((block) => block[2] === language)
      .map((block) => ({ file, text: block[3] })),
  );
}

/** The faults that the build would find in a configuration. */
async function faultsOf(configuration) {
  try {
    await run(join(root, "target/debug/check-config"), [], {
      capture: true,
      input: JSON.stringify(configuration),
    });
    return "";
  } catch (error) {
    return error.stdout;
  }
}

/** What an example leaves out: the scopes that its types name. */
function completed(configuration) {
  const types = Object.values(configuration.types ?? {});
  for (const { scope } of [...types, configuration.default ?? {}]) {
    if (scope && scope !== "public") {
      configuration.scopes ??= {};
      configuration.scopes[scope] ??= { by: [] };
    }
  }
  return configuration;
}

test("every configuration in the documentation is one", async () => {
  const found = blocks("toml").filter(({ text }) => text.includes("EVERGRAPH"));
  assert.ok(found.length >= 5, `${found.length} examples`);
  for (const { file, text } of found) {
    const configuration = completed(parse(text).vars.EVERGRAPH);
    assert.equal(await faultsOf(configuration), "", `${file}:\n${text}`);
  }
});

test("docs/costs.md has the tables that the benchmarks' figures give", () => {
  const { text } = pages.find(({ file }) => file === "docs/costs.md");
  assert.ok(text.includes(costTables(keptResults())), "run: node tools/costs.mjs");
});

test("every guide begins with a configuration that is one, and a test follows it", async () => {
  const folder = join(root, "tests/e2e/guides");
  const tests = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
  const guides = listed("docs/guides").filter((file) => !file.endsWith("README.md"));
  assert.equal(guides.length, 9);
  for (const file of guides) {
    const page = basename(file);
    assert.equal(await faultsOf(configurationOf(page)), "", file);
    assert.ok(
      tests.some((text) => text.includes(`follow("${page}"`) || text.includes(`page: "${page}"`)),
      file,
    );
  }
});

test("wrangler.toml is checked for every environment, and a fault is named by its path", async () => {
  assert.equal(
    await faultsOf({ types: { product: { match: ["rest:/x"], ttl: -1 } } }),
    "types.product.ttl: expected a whole number of seconds from 0 to 2147483648, found -1\n",
  );
});

test("every purge in the documentation is one", async () => {
  const world = await startWorld({ config: { scopes: { user: { by: ["header:authorization"] } } } });
  const bodies = pages.flatMap(({ text }) =>
    [...text.matchAll(/purge[^\n]*(?:\n[^\n]*)?-d '(\{[^\n]*?\})'/g)].map((match) => match[1]),
  );
  assert.ok(bodies.length >= 1);
  for (const body of bodies) {
    const answer = await world.admin("purge", { body, method: "POST" });
    assert.equal(answer.status, 200, body);
    assert.deepEqual(Object.keys(answer.json).sort(), ["patterns", "seq", "tags"]);
  }
});

test("what is linked is there", () => {
  for (const { file, text } of pages) {
    for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)) {
      assert.ok(existsSync(join(root, dirname(file), target)), `${file} links ${target}`);
    }
  }
});

test("every reason that an answer may name is explained", () => {
  const operations = pages.find(({ file }) => file === "docs/operations.md").text;
  const sources = [
    "engine/bypass.rs",
    "policy/storable.rs",
    "graphql/operation/analysis.rs",
    "graphql/request/error.rs",
  ];
  for (const source of sources) {
    const text = readFileSync(join(root, "src", source), "utf8");
    for (const [, reason] of text.matchAll(/Self::\w+ => "([a-z-]+)"/g)) {
      assert.ok(operations.includes(`\`${reason}\``), `${reason} of ${source}`);
    }
  }
});

test("every test that docs/security.md names is there", () => {
  const { text } = pages.find(({ file }) => file === "docs/security.md");
  const rows = text.split("\n").filter((line) => line.startsWith("|"));
  const named = rows.flatMap((row) => [
    ...row.matchAll(/`((?:tests|src)\/[\w./-]+)`(?::((?:,? "[^"]+")+))?/g),
  ]);
  assert.ok(named.length >= 40, `${named.length} tests`);
  const missing = named.flatMap(([, file, titles = ""]) => {
    if (!existsSync(join(root, file))) return [file];
    const source = readFileSync(join(root, file), "utf8");
    return [...titles.matchAll(/"([^"]+)"/g)]
      .filter(([, title]) => !source.includes(title))
      .map(([, title]) => `${file}: ${title}`);
  });
  assert.deepEqual([...new Set(missing)], []);
});
