// The command line against a Worker in workerd: it sends what the Worker takes, and shows what that answers.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { root } from "../../../tools/processes.mjs";
import { ADMIN_TOKEN, startWorld } from "../lib/world.mjs";

const product = { match: ["rest:/api/products/**"], ttl: 600 };
const world = await startWorld({ config: { default: { ttl: 300 }, types: { product } } });

/** Runs a command, with `--json`, and resolves with its status and what it printed. */
function evergraph(...args) {
  const env = {
    ...process.env,
    EVERGRAPH_CLI_PROFILE: "dev",
    EVERGRAPH_URL: world.url(),
    EVERGRAPH_TOKEN: ADMIN_TOKEN,
  };
  return new Promise((resolve, reject) => {
    const script = join(root, "scripts/evergraph.mjs");
    const child = spawn(process.execPath, [script, ...args, "--json"], { env, cwd: root });
    const said = { stdout: "", stderr: "" };
    for (const name of Object.keys(said)) {
      child[name].on("data", (data) => {
        said[name] += data;
      });
    }
    child.on("error", reject);
    child.on("close", (code) => {
      const json = said.stdout.startsWith("{") ? JSON.parse(said.stdout) : said.stdout;
      resolve({ code, json, stderr: said.stderr });
    });
  });
}

before(() => {
  world.origin.answer = (_, response) =>
    response.writeHead(200, { "content-type": "application/json" }).end('{"id":1}');
});

test("a purge is a purge", async () => {
  await world.ask("/api/products/1");
  assert.equal((await world.ask("/api/products/1")).xCache, "HIT");
  const { code, json } = await evergraph("purge", "--path", "/api/products/1");
  assert.equal(code, 0);
  assert.ok(json.seq > 0 && json.tags > 0, JSON.stringify(json));
  assert.equal((await world.ask("/api/products/1")).xCache, "MISS");
});

test("the examples of health have the parts and the alerts of a Worker", async () => {
  const { health } = JSON.parse(readFileSync(join(root, "tests/cli/answers.json"), "utf8"));
  const { json } = await evergraph("health");
  const names = ({ parts, alerts }) => [Object.keys(parts), alerts.map(({ alert }) => alert).sort()];
  assert.deepEqual(names(health.body), names(json));
});

test("health, stats and the configuration are shown", async () => {
  const health = await evergraph("health");
  assert.deepEqual([health.code, health.json.state], [0, "HEALTHY"]);
  const stats = await evergraph("stats", "--window", "1h");
  assert.equal(stats.code, 0);
  assert.ok(stats.json.total_requests > 0);
  const config = await evergraph("config", "show");
  assert.equal(config.json.types.product.ttl, 600);
});

test("a request is explained as without a Worker", async () => {
  const request = ["explain", "GET", "/api/products/2", "-H", "Cookie: sid=1"];
  const { json } = await evergraph(...request);
  assert.equal(json.reason.detail, "cookie-without-scope: sid");
  const curl = await evergraph(
    "explain",
    "--curl",
    `curl ${world.url("/api/products/3")}`,
    "--require-lookup",
  );
  assert.deepEqual([curl.code, curl.json.decision], [0, "lookup"]);
  const file = ["--config", "examples/shop/evergraph.toml"];
  const offline = await evergraph(...request, "--offline", ...file);
  assert.deepEqual(offline.json.signals, json.signals);
});

test("schema and documents are taken", async () => {
  const schema = await evergraph("schema", "push", "tests/fixtures/schema.graphql");
  assert.equal(schema.code, 0, schema.stderr);
  const documents = await evergraph("documents", "push", "tests/fixtures/documents.json");
  assert.deepEqual([documents.code, documents.json.documents], [0, 1], documents.stderr);
});

test("the reads of a recording are warmed", async () => {
  const { code, json, stderr } = await evergraph("warm", "--har", "tests/fixtures/har/chromium.har");
  assert.equal(code, 0, stderr);
  assert.equal(json.results.length, 5);
  assert.equal(json.warmed + json.already_fresh + json.skipped, 5, JSON.stringify(json));
  assert.ok(json.warmed > 0, JSON.stringify(json));
});

test("what the Worker refuses is refused", async () => {
  assert.equal((await evergraph("purge", "--tag", "a b")).code, 5);
  assert.equal((await evergraph("stats", "--token", "wrong")).code, 4);
});
