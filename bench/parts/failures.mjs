// How long requests take when a part fails, compared with when everything works: in the world of the
// end-to-end tests, whose parts can be made to fail.

import { setTimeout as wait } from "node:timers/promises";
import { panickingEntry } from "../../tests/e2e/lib/panics.mjs";
import { openWorld } from "../../tests/e2e/lib/world.mjs";
import { median, spread } from "../../tools/statistics.mjs";

const ADMIN_TOKEN = "bench";
const ROUNDS = 3;
const REQUESTS = 30; // in a row
const WARM_UP_REQUESTS = 500;
const KV_MILLIS = 50;
const READ_MILLIS = 300;
const MAX_LAG = 2;
const BREAKER_MILLIS = 5_000;

const options = {
  entry: panickingEntry,
  config: {
    types: {
      product: { match: ["rest:/api/products/**", "graphql:Query.product"], ttl: 7200 },
      short: { match: ["rest:/api/short"], ttl: 1, sie: 7200 },
    },
    kv: { timeout_ms: KV_MILLIS },
    origin_timeout: { read_ms: READ_MILLIS },
    purge: { max_lag: MAX_LAG },
  },
};

const body = JSON.stringify({
  data: { product: { __typename: "Product", id: "1", text: "x".repeat(2_000) } },
});
const answers = (_request, response) =>
  response.writeHead(200, { "content-type": "application/json" }).end(body);

let asked = 0;
const newPath = () => {
  asked += 1;
  return `/api/products/${asked}`;
};

/** Ways to ask. Each is timed by itself. */
const miss = (world, headers) => world.ask(newPath(), { headers });
const hit = (world) => world.ask("/api/products/known");
const stale = (world) => world.ask("/api/short");
const write = (world) => world.ask("/api/products/written", { method: "PUT", body: "{}" });
const query = (world) => world.graphql(`{ product(n: ${newPath().length}, of: "${asked}") { id } }`);

const kv = (mode) => (world) => {
  world.kv.mode = mode;
};
const edge = (mode) => (world) => {
  world.caches[0].mode = mode;
};
const log = (mode) => (world) => {
  world.logMode = mode;
};
const logForLong = (mode) => async (world) => {
  world.logMode = mode;
  await world.until(async () => (await hit(world)).xCache !== "HIT", "hits end");
};
const origin = (answer) => async (world) => {
  world.origin.answer = answer;
  await world.until(async () => (await stale(world)).xCache === "STALE", "it is stale");
};
const down = (_request, response) => response.writeHead(503).end("down");
const hangs = () => {};

/** Each row: what fails, how it is asked, how it is made to fail, and how it is asked then. */
const ROWS = [
  ["KV read answers 500", miss, kv("error")],
  [`KV read hangs (timeout_ms ${KV_MILLIS})`, miss, kv("hang")],
  ["KV returns garbage", miss, kv("garbage")],
  ["KV write fails", miss, kv("read-only")],
  ["edge cache fails", miss, edge("reset")],
  ["edge cache hangs", miss, edge("hang")],
  ["log unreadable, within max_lag", hit, log("error")],
  ["log unreadable, for longer: a miss", miss, logForLong("error")],
  ["log hangs, for longer: a miss", miss, logForLong("hang")],
  ["log unwritable: purge-pending", write, log("read-only")],
  ["log hangs: purge-pending", write, log("hang"), write, 1],
  ["origin 503, within sie", hit, origin(down), stale],
  [
    "origin refuses, within sie",
    hit,
    (world) => origin(down)(world).then(() => world.origin.refuse()),
    stale,
  ],
  [`origin hangs, within sie (read_ms ${READ_MILLIS})`, hit, origin(hangs), stale, 10],
  ["origin 503", miss, origin(down)],
  ["origin refuses", miss, (world) => world.origin.refuse()],
  [`origin hangs (read_ms ${READ_MILLIS})`, miss, origin(hangs), miss, 10],
  ["the worker panics", miss, () => {}, (world) => miss(world, { "x-panic-after": "0" })],
  ["a document that cannot be parsed", query, () => {}, (world) => world.graphql("{ product { id ")],
];

/** Every row, in milliseconds, each round's healthy and failing requests one after the other. */
export async function measureFailures(say) {
  const world = await openWorld({ ...options, adminTokens: ADMIN_TOKEN });
  try {
    await makeWell(world);
    await timed(world, miss, WARM_UP_REQUESTS);
    const rows = [];
    for (const [name, healthy, fail, failing = healthy, requests = REQUESTS] of ROWS) {
      const rounds = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        await makeWell(world);
        const well = await timed(world, healthy, REQUESTS);
        await fail(world);
        const failed = await timed(world, failing, requests);
        rounds.push({ well, failed });
      }
      rows.push(row(name, rounds));
      say(
        `${name}: ${rows.at(-1).failing.toFixed(2)} ms, ${rows.at(-1).healthy.toFixed(2)} ms if all is well`,
      );
    }
    return rows;
  } finally {
    await world.stop();
  }
}

function row(name, rounds) {
  const middle = (which) => rounds.map((round) => median(round[which]));
  const [healthy, failing] = [middle("well"), middle("failed")];
  const most = Math.max(...rounds.flatMap(({ failed }) => failed));
  const ratio = spread(failing.map((millis, n) => millis / healthy[n]));
  return { name, healthy: median(healthy), failing: median(failing), most, ratio };
}

async function timed(world, ask, requests) {
  const latencies = [];
  for (let n = 0; n < requests; n += 1) {
    const began = performance.now();
    await ask(world);
    latencies.push(performance.now() - began);
  }
  return latencies;
}

/** All parts work, and Evergraph knows: its breakers are closed, and what is asked for is stored. */
async function makeWell(world) {
  world.origin.answer = answers;
  await world.origin.listenAgain();
  for (const store of [world.kv, ...world.caches]) store.mode = "ok";
  world.logMode = "ok";
  const admin = async (route) => (await world.admin(route, { token: ADMIN_TOKEN })).json;
  const isWell = async () => {
    await miss(world);
    await stale(world);
    const { state } = await admin("health");
    const { breakers } = await admin("stats");
    const closed = Object.values(breakers).every((breaker) => breaker === "closed");
    return state === "HEALTHY" && closed && (await hit(world)).xCache === "HIT";
  };
  // A breaker that is open stays so for 5 s.
  if (!(await isWell())) await wait(BREAKER_MILLIS);
  await world.until(isWell, "all is well");
}
