// Alerts in workerd: KV fails, which the statistics object notices from an isolate's reports, and the webhook is
// told once; KV recovers, and it is told once more.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Origin } from "../lib/origin.mjs";
import { startWorld } from "../lib/world.mjs";

const receiver = await new Origin().listen();
after(() => receiver.close());
let refusals = 0;
receiver.answer = (_request, response) => {
  const status = refusals > 0 ? 500 : 200;
  refusals -= 1;
  response.writeHead(status).end();
};
const received = () => receiver.requests.map(({ body }) => JSON.parse(body));

// Evaluations are half a minute apart, and isolates report once a minute: a request moves the clock.
const entry = `
import worker, { PurgeLog, Statistics as Real } from "./index.js";
export { PurgeLog };

const now = Date.now.bind(Date);
let ahead = 0;
Date.now = () => now() + ahead;

/** Alarms go by the real clock. */
export class Statistics extends Real {
  constructor(state, env) {
    const storage = Object.getPrototypeOf(state.storage);
    if (!storage.isPatched) {
      const { setAlarm } = storage;
      Object.assign(storage, {
        isPatched: true,
        setAlarm(at, ...rest) {
          return setAlarm.call(this, new Date(at.valueOf() - ahead), ...rest);
        },
      });
    }
    super(state, env);
  }

  /** The message of a test lets the alarm go off now. */
  async fetch(request) {
    if ((await request.clone().text()) !== "alarm") return super.fetch(request);
    await this.alarm();
    return new Response("done");
  }
}

export default {
  fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/alarm") {
      const object = env.STATS.get(env.STATS.idFromName("test"));
      return object.fetch("https://statistics/", { method: "POST", body: "alarm" });
    }
    if (pathname !== "/ahead") return worker.fetch(request, env, context);
    ahead += Number(searchParams.get("seconds")) * 1000;
    return new Response("done");
  },
};
`;
const config = {
  types: { product: { match: ["rest:/api/products/**"], ttl: 7200 } },
  alerts: { webhook: `${receiver.url}/hooks/a-secret-path` },
};
const world = await startWorld({
  stats: true,
  entry,
  secrets: { ALERT_WEBHOOK_SECRET: "a-secret-of-the-receiver" },
  config,
});
world.origin.answer = (_request, response) =>
  response.writeHead(200, { "content-type": "application/json" }).end("{}");

let paths = 0;

/** Some traffic, and a minute later an evaluation. */
async function aMinute() {
  paths += 1;
  await world.ask(`/api/products/${paths}`);
  await world.ask("/ahead?seconds=61");
  await world.ask(`/api/products/${paths}`);
  return (await world.admin("stats")).json;
}

async function alerts() {
  const { json } = await world.admin("health", { token: null });
  const metrics = (await world.admin("metrics")).text;
  const firing = json.alerts.filter(({ state }) => state === "firing").map(({ alert }) => alert);
  const exported = [...metrics.matchAll(/^evergraph_alert_firing\{alert="([^"]+)"\} 1$/gm)];
  assert.deepEqual(
    exported.map(([, alert]) => alert),
    firing,
    "health and metrics agree",
  );
  return firing;
}

test("KV that fails is an alert, sent once, and so is its end", async () => {
  for (let n = 0; n < 2; n += 1) await aMinute();
  assert.deepEqual(await alerts(), []);

  world.kv.mode = "error";
  for (let n = 0; n < 4; n += 1) await aMinute();
  assert.deepEqual(await alerts(), ["kv"]);
  await world.until(() => receiver.requests.length === 1, "the webhook is told");
  const [message] = received();
  assert.deepEqual(
    { ...message, at: 0 },
    {
      service: "test",
      alert: "kv",
      state: "firing",
      value: null,
      threshold: null,
      at: 0,
      text: "test: Workers KV is unavailable",
    },
  );
  const [{ method, url, headers }] = receiver.requests;
  assert.deepEqual(
    [method, url, headers["content-type"], headers.authorization],
    ["POST", "/hooks/a-secret-path", "application/json", "Bearer a-secret-of-the-receiver"],
  );

  world.kv.mode = "ok";
  for (let n = 0; n < 4; n += 1) await aMinute();
  assert.deepEqual(await alerts(), []);
  await world.until(() => receiver.requests.length === 2, "the webhook is told of the end");
  assert.equal(received()[1].state, "ok");
  for (let n = 0; n < 3; n += 1) await aMinute();
  assert.equal(receiver.requests.length, 2);
});

test("what the receiver refuses is logged without the address, and kept", async () => {
  refusals = 1;
  const before = receiver.requests.length;
  world.kv.mode = "error";
  for (let n = 0; n < 4; n += 1) await aMinute();
  await world.until(() => receiver.requests.length === before + 1, "the webhook is told");
  await world.until(
    () => world.events("failure").some(({ part }) => part === "alert-webhook"),
    "the failure is logged",
  );
  const line = world.events("failure").find(({ part }) => part === "alert-webhook");
  assert.match(line.fault, /500/);
  assert.ok(!world.output.includes("a-secret-path"), "the address is in no log line");
  world.kv.mode = "ok";
});

test("a refused notification waits while the configuration has faults, and is sent by the object after its restart", async () => {
  const refused = received().at(-1);
  const before = receiver.requests.length;
  await world.redeploy({ ...config, colour: "red" });
  await world.ask("/ahead?seconds=1000000");
  assert.equal((await world.ask("/alarm")).text, "done");
  assert.equal(receiver.requests.length, before, "nobody knows where to send it");
  await world.redeploy(config);
  await world.ask("/ahead?seconds=2000000");
  await aMinute();
  await world.until(() => receiver.requests.length > before, "it is sent");
  assert.deepEqual(received()[before], refused);
  assert.ok(!world.output.includes("a-secret-path"), "the address is in no log line");
});

test("a redirect is a refusal, and brings the secret nowhere else", async () => {
  const { answer } = receiver;
  receiver.answer = (_request, response) =>
    response.writeHead(307, { location: `${receiver.url}/elsewhere` }).end();
  const before = receiver.requests.length;
  world.kv.mode = "error";
  for (let n = 0; n < 4; n += 1) await aMinute();
  world.kv.mode = "ok";
  for (let n = 0; n < 4; n += 1) await aMinute();
  const refusals = () => world.events("failure").filter(({ fault }) => /it answered 307/.test(fault));
  await world.until(() => refusals().length > 0, "the refusal is logged");
  receiver.answer = answer;
  const urls = new Set(receiver.requests.slice(before).map(({ url }) => url));
  assert.deepEqual([...urls], ["/hooks/a-secret-path"]);
});
