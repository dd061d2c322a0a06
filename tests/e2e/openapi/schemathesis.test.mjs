// The OpenAPI document against the running Worker: schemathesis sends what it allows, and what it forbids, and
// compares each response with it.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { root, run } from "../../../tools/processes.mjs";
import { required } from "../lib/required.mjs";
import { schemathesis } from "../lib/schemathesis.mjs";
import { ADMIN_TOKEN, startWorld } from "../lib/world.mjs";

const program = await schemathesis();
const skip = !required("schemathesis", program);
const settings = fileURLToPath(new URL("schemathesis.toml", import.meta.url));
const document = join(root, "openapi.json");
const world = await startWorld({
  stats: true,
  config: { types: { product: { match: ["rest:/api/products/**"], ttl: 60 } } },
});

test("the document that is served is the one in the repository", async () => {
  const served = await world.admin("openapi.json", { token: null });
  assert.equal(served.status, 200);
  assert.equal(served.headers.get("content-type"), "application/json");
  assert.deepEqual(served.json, JSON.parse(readFileSync(document, "utf8")));
});

test("every route does what the document says", { skip }, async () => {
  // It leaves its own files where it runs.
  const folder = mkdtempSync(join(tmpdir(), "evergraph-schemathesis-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const args = ["--config-file", settings, "--no-color", "run", document];
  args.push("--url", world.url("/__evergraph"), "--header", `Authorization: Bearer ${ADMIN_TOKEN}`);
  args.push("--seed", "1", "--max-examples", "40", "--workers", "1");
  const output = await run(program, args, { capture: true, cwd: folder }).catch((error) => {
    // A failing request may be a megabyte long.
    const lines = error.stdout.split("\n").map((line) => line.slice(0, 500));
    assert.fail(lines.join("\n"));
  });
  const passed = Number(/(\d+) passed, /.exec(output)?.[1]);
  assert.ok(passed > 200, output);
});
