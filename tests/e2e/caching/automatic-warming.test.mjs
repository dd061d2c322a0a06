// Warming by itself: two data centers, everything is purged or a version is deployed, and popular reads are
// stored again before a client asks for them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startWorld } from "../lib/world.mjs";

// Isolates wait until a burst of purges is over: a request moves the clock. Keys contain the host, and the
// ports of the places differ: clients use one name.
const entry = `
import worker, { PurgeLog, Statistics } from "./index.js";
export { PurgeLog, Statistics };

const now = Date.now.bind(Date);
let ahead = 0;
Date.now = () => now() + ahead;

export default {
  async fetch(request, env, context) {
    const { pathname, search, searchParams } = new URL(request.url);
    if (pathname === "/the-cron-trigger") await worker.scheduled({}, env, context);
    else if (pathname === "/ahead") ahead += Number(searchParams.get("seconds")) * 1000;
    else {
      const { method, headers } = request;
      const body = method === "POST" ? await request.text() : undefined;
      const url = "https://shop.example" + pathname + search;
      return worker.fetch(new Request(url, { method, headers, body }), env, context);
    }
    return new Response("done");
  },
};
`;
const world = await startWorld({
  places: 2,
  stats: true,
  entry,
  config: {
    types: {
      product: { match: ["rest:/api/products/**"], ttl: 7200 },
      search: { match: ["graphql:Query.*"], ttl: 7200 },
    },
    kv: { writes: "never" },
    purge: { max_lag: 1 },
    warm: { on: ["deploy", "purge-all"] },
  },
});
world.origin.answer = (_request, response) =>
  response.writeHead(200, { "content-type": "application/json" }).end('{"data":{"search":"found"}}');

const PLACES = [0, 1];
const products = Array.from({ length: 6 }, (_, n) => `/api/products/${n}`);
const search = (place) => world.graphql("query Search { search }", { place });
/** Traffic that is none of the popular reads: each time another operation. */
let others = 0;
const other = (place) => {
  others += 1;
  return world.graphql(`query Other${others} { a${others} }`, { place });
};
const ahead = (seconds) =>
  Promise.all(PLACES.map((place) => world.ask(`/ahead?seconds=${seconds}`, {}, place)));

/** How often the origin was asked for each popular read. */
function asked() {
  const isSearch = ({ body }) => body.includes("query Search");
  const count = (is) => world.origin.requests.filter(is).length;
  return [...products.map((path) => count(({ url }) => url === path)), count(isSearch)];
}
const ONCE = Array(products.length + 1).fill(1);

/** Lets time pass, with some traffic, until each popular read was asked for. */
async function untilWarm(goOn) {
  await world.until(async () => {
    await ahead(6);
    await goOn();
    return asked().every((count) => count > 0);
  }, `each read is asked for: ${asked()}`);
}

/** Clients find all of it in the cache, in both data centers, and nothing was asked for twice. */
async function assertWarm() {
  await world.until(() => world.kv.entries.size >= ONCE.length, "all is in KV");
  for (const place of PLACES) {
    for (const path of products) {
      const { xCache, cacheStatus } = await world.ask(path, {}, place);
      assert.equal(xCache, "HIT", `${path} at ${place}: ${cacheStatus}`);
    }
    assert.equal((await search(place)).xCache, "HIT");
  }
  assert.deepEqual(asked(), ONCE);
}

test("after a purge of everything the origin is asked once for each popular read", async () => {
  for (const place of PLACES) {
    for (let n = 0; n < 3; n += 1) {
      for (const path of products) await world.ask(path, {}, place);
      await search(place);
    }
    // Isolates report what they have when they are asked.
    await world.admin("stats", { place });
  }
  await world.admin("purge", { body: { all: true } });
  world.origin.requests.length = 0;
  await Promise.all(PLACES.map(other));
  await ahead(10);
  await untilWarm(() => Promise.all(PLACES.map(other)));
  const sent = world.origin.requests.filter(({ url }) => products.includes(url));
  assert.deepEqual(
    [...new Set(sent.map(({ method, body }) => `${method} ${body}`))],
    ["GET "],
    "a read is a GET, whatever the client in whose background it runs has sent",
  );
  await assertWarm();
});

test("a new version warms what is gone, also by the cron trigger alone", async () => {
  for (const store of [world.kv, ...world.caches]) store.entries.clear();
  await world.redeployWith({ versions: ["v2", "v2"] });
  // The clock goes on where it was, and runs are at least five minutes apart.
  await ahead(1_000);
  world.origin.requests.length = 0;
  await other(0);
  await ahead(16);
  await other(0);
  await untilWarm(() => world.ask("/the-cron-trigger"));
  await assertWarm();
});
