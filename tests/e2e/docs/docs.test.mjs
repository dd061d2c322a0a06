// The examples in the documentation: configurations are configurations, purges are purges, and
// what is linked is there.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { parse } from "smol-toml";
import { costTables, keptResults } from "../../../tools/costs.mjs";
import { root } from "../../../tools/processes.mjs";
import { faultsOf } from "../lib/check-config.mjs";
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

/** Examples of wrangler's file say so in their first line. */
const isWranglers = (text) => text.startsWith("# wrangler.toml\n");

test("every configuration in the documentation is one", async () => {
  const found = blocks("toml").filter(({ text }) => !isWranglers(text.trimStart()));
  assert.ok(found.length >= 20, `${found.length} examples`);
  for (const { file, text } of found) {
    // An environment's file is merged over one that has the rest.
    if (text.startsWith("# evergraph.staging.toml")) continue;
    assert.deepEqual(await faultsOf(completed(parse(text))), [], `${file}:\n${text}`);
  }
});

test("every example of wrangler's file is TOML, and what replaces it says the same", () => {
  const found = blocks("toml").filter(({ text }) => isWranglers(text.trimStart()));
  assert.ok(found.length >= 4, `${found.length} examples`);
  for (const { text } of found) parse(text);
  const [{ text }] = blocks("jsonc");
  const { $schema, ...json } = JSON.parse(text.replace(/^\s*\/\/.*$/gm, ""));
  const toml = JSON.parse(JSON.stringify(parse(readFileSync(join(root, "wrangler.toml"), "utf8"))));
  assert.deepEqual(json, toml);
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
    assert.deepEqual(await faultsOf(configurationOf(page)), [], file);
    assert.ok(
      tests.some((text) => text.includes(`follow("${page}"`) || text.includes(`page: "${page}"`)),
      file,
    );
  }
});

test("every purge in the documentation is one", async () => {
  const world = await startWorld({ config: { scopes: { user: { by: ["header:authorization"] } } } });
  const bodies = pages.flatMap(({ text }) =>
    [...text.matchAll(/__evergraph\/purge[^\n]*(?:\n[^\n]*)?-d '(\{[^\n]*?\})'/g)].map((match) => match[1]),
  );
  assert.ok(bodies.length >= 1);
  for (const body of bodies) {
    const answer = await world.admin("purge", { body, method: "POST" });
    assert.equal(answer.status, 200, body);
    const isPreview = JSON.parse(body).preview === true;
    const members = isPreview ? ["entries", "patterns", "preview", "tags"] : ["patterns", "seq", "tags"];
    assert.deepEqual(Object.keys(answer.json).sort(), members);
  }
});

test("what is linked is there", () => {
  for (const { file, text } of pages) {
    for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)) {
      assert.ok(existsSync(join(root, dirname(file), target)), `${file} links ${target}`);
    }
  }
});

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(text) {
  const withoutCode = text.replace(/^( *)```[\s\S]*?^ *```/gm, "");
  const times = new Map();
  return new Set(
    [...withoutCode.matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading]) => {
      const shown = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
      const anchor = shown.replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");
      const before = times.get(anchor) ?? 0;
      times.set(anchor, before + 1);
      return before === 0 ? anchor : `${anchor}-${before}`;
    }),
  );
}

test("the heading that is linked is there", () => {
  const anchors = new Map(pages.map(({ file, text }) => [file, anchorsOf(text)]));
  const missing = [];
  let count = 0;
  for (const { file, text } of pages) {
    for (const [, target, anchor] of text.matchAll(/\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g)) {
      const page = target === "" ? file : join(dirname(file), target);
      count += 1;
      if (anchors.get(page)?.has(anchor) === false) missing.push(`${file}: ${target}#${anchor}`);
    }
  }
  assert.ok(count >= 500, `${count} links`);
  assert.deepEqual(missing, []);
});

test("the tables of pages and questions have each row once", () => {
  for (const name of ["README.md", "docs/README.md"]) {
    const { text } = pages.find(({ file }) => file === name);
    const rows = [...text.matchAll(/^\| ([^|\n]*\w[^|\n]*) \|/gm)].map((row) => row[1].trim());
    // Each table has the same head.
    const subjects = rows.filter((row) => !["page", "I want to", "command", "header"].includes(row));
    assert.deepEqual(
      subjects.filter((row, place) => subjects.indexOf(row) !== place),
      [],
      name,
    );
  }
});

/** The words in backticks of all pages but the changelog, which names what was there once. */
function inBackticks() {
  const current = pages.filter(({ file }) => file !== "CHANGELOG.md");
  return current.flatMap(({ file, text }) =>
    [...text.matchAll(/`([^`\n]+)`/g)].map((match) => ({ file, word: match[1] })),
  );
}

/** The files of the repository. A checkout may be without git. */
function sourceFiles(folder = "") {
  const made = ["node_modules", "target", "build", ".git", ".wrangler"];
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  return entries
    .filter(({ name }) => !made.includes(name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? sourceFiles(path) : [path];
    });
}

test("every file that the documentation names is there", () => {
  const all = sourceFiles();
  const isPath = /^[\w.-]+(?:\/[\w.-]+)+\.(?:rs|mjs|js|txt|toml)$/;
  const isBuilt = (word) => /^(?:build|target)\//.test(word);
  const named = inBackticks().filter(({ word }) => isPath.test(word) && !isBuilt(word));
  assert.ok(named.length >= 100, `${named.length} files`);
  const isThere = (word) => all.some((path) => path === word || path.endsWith(`/${word}`));
  const missing = named.filter(({ word }) => !isThere(word));
  assert.deepEqual(missing, []);
});

test("every test function that the documentation names is there", () => {
  const sources = sourceFiles().filter((path) => path.endsWith(".rs"));
  const code = sources.map((path) => readFileSync(join(root, path), "utf8")).join("\n");
  const named = inBackticks().filter(({ word }) => /^[a-z]+(?:_[a-z0-9]+){4,}$/.test(word));
  // Members of JSON have such names too.
  const isThere = (word) => [`fn ${word}(`, `"${word}"`, `pub ${word}:`].some((text) => code.includes(text));
  const missing = named.filter(({ word }) => !isThere(word));
  assert.deepEqual(missing, []);
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
