// The tables of replays: each report once, and named so that it can be found.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const folder = new URL(".", import.meta.url);
const tables = readdirSync(folder)
  .filter((name) => name.endsWith(".test.mjs") && name !== "reports.test.mjs")
  .map((name) => readFileSync(new URL(name, folder), "utf8"));
const reports = tables.flatMap((text) =>
  [...text.matchAll(/^ {4}report: "(.+)",$/gm)].map(([, report]) => report),
);

test("each report is replayed once", () => {
  assert.equal(new Set(reports).size, reports.length);
  assert.ok(reports.length >= 59, `${reports.length} reports`);
});

test("a report is an issue or a pull request of a repository", () => {
  for (const report of reports) assert.match(report, /^[\w.-]+\/[\w.-]+#\d+$/);
});
