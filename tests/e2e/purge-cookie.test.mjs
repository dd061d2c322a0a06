// The number of a client's own write in a cookie.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startWorld } from "./lib/world.mjs";

const MAX_LAG = 60;
const types = { product: { match: ["rest:/api/products/**"], ttl: 7200, override: true } };

async function startShop(cookie) {
  const world = await startWorld({ places: 2, config: { types, purge: { max_lag: MAX_LAG, cookie } } });
  const shop = { world, version: 0 };
  world.origin.answer = (request, response) => {
    shop.cookies = request.headers.cookie;
    response
      .writeHead(200, { "content-type": "application/json", "set-cookie": "session=1", vary: "cookie" })
      .end(JSON.stringify({ version: shop.version }));
  };
  return shop;
}

const on = await startShop(true);

test("a browser that wrote reads its own write in another place", async () => {
  const { world } = on;
  const path = "/api/products/1";
  for (const place of [0, 1]) {
    await world.ask(path, {}, place);
    assert.equal((await world.ask(path, {}, place)).xCache, "HIT");
  }
  on.version += 1;
  const write = await world.ask(path, { method: "PUT", body: "{}" });
  const seq = write.headers.get("evergraph-purge");
  const [ofOrigin, own] = write.headers.getSetCookie();
  assert.equal(ofOrigin, "session=1");
  assert.equal(own, `evergraph-purge=${seq}; Path=/; Max-Age=${MAX_LAG + 5}; HttpOnly; SameSite=Lax`);
  assert.equal((await world.ask(path, {}, 1)).json.version, 0, "who did not write may wait");
  const cookie = own.split(";")[0];
  // The larger of both counts.
  const headers = { cookie, "evergraph-purge": "0" };
  const read = await world.ask(path, { headers }, 1);
  assert.deepEqual([read.json, read.headers.getSetCookie()], [{ version: 1 }, ["session=1"]]);
  assert.equal(on.cookies, undefined, "the origin does not see it");
  const hit = await world.ask(path, { headers: { cookie } }, 1);
  assert.deepEqual([hit.xCache, hit.headers.getSetCookie()], ["HIT", []]);
  assert.equal((await world.ask(path, {}, 1)).xCache, "HIT", "it is the same entry");
});

test("other cookies are what they were", async () => {
  const { world } = on;
  const headers = { cookie: "a=1; evergraph-purge=1; b=2" };
  const answer = await world.ask("/api/products/2", { headers });
  assert.match(answer.cacheStatus, /detail="cookie-without-scope: a"$/);
  assert.equal(on.cookies, "a=1; b=2");
});

test("without the setting no cookie is set", async () => {
  const { world } = await startShop(false);
  const write = await world.ask("/api/products/1", { method: "PUT", body: "{}" });
  assert.ok(write.headers.get("evergraph-purge"));
  assert.deepEqual(write.headers.getSetCookie(), ["session=1"]);
});

test("the answer to a batch with a mutation has it too, put together or not", async () => {
  const { world } = on;
  const [query, mutation] = ["{ product { id } }", "mutation { product { id } }"];
  world.origin.answer = (_request, response, body) =>
    response
      .writeHead(200, { "content-type": "application/json", "set-cookie": "session=1" })
      .end(
        JSON.stringify(Array(answered ?? JSON.parse(body).length).fill({ data: { product: { id: "1" } } })),
      );
  let answered;
  const unknown = { extensions: { persistedQuery: { version: 1, sha256Hash: "0".repeat(64) } } };
  for (const [status, batch, others] of [
    [200, [{ query }, { query: mutation }]],
    [200, [unknown, { query: mutation }]],
    // An answer that does not fit is not the client's, but the write may have been done.
    [502, [unknown, { query: mutation }], 3],
  ]) {
    answered = others;
    const answer = await world.ask("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(batch),
    });
    const seq = answer.headers.get("evergraph-purge");
    assert.deepEqual([answer.status, /^\d+$/.test(seq)], [status, true]);
    const own = answer.headers.getSetCookie().filter((cookie) => cookie.startsWith("evergraph-purge="));
    assert.deepEqual(
      own.map((cookie) => cookie.split(";")[0]),
      [`evergraph-purge=${seq}`],
    );
  }
});
