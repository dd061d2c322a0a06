// `npm start` and `npm run deploy` as a user runs them, over wrangler itself.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { after, test } from "node:test";
import { bin, freePort, root, run, stop, untilAnswers } from "../../../tools/processes.mjs";

const [port, originPort] = [await freePort(), await freePort()];
const worker = `http://localhost:${port}`;
const shop = `http://127.0.0.1:${originPort}`;

const started = spawn(process.execPath, [join(root, "scripts/start.mjs")], {
  env: { ...process.env, PORT: String(port), ORIGIN_PORT: String(originPort) },
  stdio: ["ignore", "pipe", "pipe"],
});
let output = "";
for (const stream of [started.stdout, started.stderr])
  stream.on("data", (data) => {
    output += data;
  });
after(() => stop(started));

const graphql = async (query) => {
  const response = await fetch(`${worker}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query }),
  });
  return { xCache: response.headers.get("x-cache"), ...(await response.json()) };
};
const requests = async () => (await (await fetch(`${shop}/__origin/requests`)).json()).requests;

test("npm start brings the shop and the worker up, and says what to try", async () => {
  await untilAnswers(`${worker}/__evergraph/health`, { child: started, seconds: 120 }).catch((error) => {
    throw new Error(`${error.message}\n${output}`);
  });
  while (!output.includes("Ctrl-C ends both.")) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(output.includes(`curl -i ${worker}/api/dashboard`));
});

test("the dashboard is answered from the cache", async () => {
  const first = await fetch(`${worker}/api/dashboard`);
  const body = await first.text();
  assert.equal(first.headers.get("x-cache"), "MISS");
  const asked = await requests();
  const second = await fetch(`${worker}/api/dashboard`);
  assert.deepEqual(
    [second.headers.get("x-cache"), await second.text(), await requests()],
    ["HIT", body, asked],
  );
});

test("a mutation shows at once, in GraphQL and in REST", async () => {
  const query = "{ product(id: 1) { __typename id name } }";
  await graphql(query);
  assert.equal((await graphql(query)).xCache, "HIT");
  const rest = async () => (await (await fetch(`${worker}/api/products/1`)).json()).name;
  await rest();
  await graphql('mutation { update_product(id: 1, name: "Brand new") { ok } }');
  assert.equal((await graphql(query)).data.product.name, "Brand new");
  assert.equal(await rest(), "Brand new");
});

test("the admin purges with the development token", async () => {
  const purge = await fetch(`${worker}/__evergraph/purge`, {
    method: "POST",
    headers: { authorization: "Bearer dev-token" },
    body: '{"types":["dashboard"]}',
  });
  assert.equal(purge.status, 200);
  assert.equal((await fetch(`${worker}/api/dashboard`)).headers.get("x-cache"), "MISS");
});

test("what ends npm start ends both", async () => {
  await stop(started);
  assert.equal(started.exitCode, 0);
  await assert.rejects(fetch(worker));
  await assert.rejects(fetch(shop));
});

test("wrangler accepts what is to be deployed", async () => {
  const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
  const said = await run(bin("node"), [wrangler, "deploy", "--dry-run"], {
    capture: true,
    env: { WRANGLER_SEND_METRICS: "false" },
  });
  assert.match(said, /index_bg\.wasm/);
  assert.match(said, /PURGE_LOG/);
});
