// The token of a client's own write in a cookie.

import assert from "node:assert/strict";
import { test } from "node:test";
import { TOKEN } from "../lib/purge-token.mjs";
import { startWorld } from "../lib/world.mjs";

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
  const token = write.headers.get("evergraph-purge");
  const [ofOrigin, own] = write.headers.getSetCookie();
  assert.equal(ofOrigin, "session=1");
  assert.equal(own, `evergraph-purge-test=${token}; Path=/; Max-Age=${MAX_LAG + 5}; HttpOnly; SameSite=Lax`);
  assert.equal((await world.ask(path, {}, 1)).json.version, 0, "who did not write may wait");
  const cookie = own.split(";")[0];
  // An invalid token does not affect the other one.
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
  const headers = { cookie: "a=1; evergraph-purge=1; evergraph-purge-test=2; b=2; evergraph-purge-other=3" };
  const answer = await world.ask("/api/products/2", { headers });
  assert.match(answer.cacheStatus, /detail="cookie-without-scope: a"$/);
  assert.equal(on.cookies, "a=1; b=2");
});

test("services on one host have a cookie each", async () => {
  const other = await startWorld({ config: { service: "other", types, purge: { cookie: true } } });
  other.origin.answer = (_request, response) => response.end("{}");
  const jar = [];
  for (const world of [on.world, other]) {
    const write = await world.ask("/api/products/3", { method: "PUT", body: "{}" });
    jar.push(write.headers.getSetCookie().at(-1).split(";")[0]);
  }
  assert.deepEqual(
    jar.map((cookie) => cookie.split("=")[0]),
    ["evergraph-purge-test", "evergraph-purge-other"],
  );
  const { world } = on;
  const cookie = jar.join("; ");
  const path = "/api/products/4";
  await world.ask(path, { headers: { cookie } });
  assert.equal(on.cookies, undefined, "the origin sees neither");
  // It knows its own write, and another service's is nothing to ask its log for.
  world.logMode = "hang";
  try {
    assert.equal((await world.ask(path, { headers: { cookie } })).xCache, "HIT");
  } finally {
    world.logMode = "ok";
  }
});

test("a cookie of the version before is taken for a token that nobody can verify", async () => {
  const { world } = on;
  const [path, headers] = ["/api/products/5", { cookie: "evergraph-purge=1" }];
  await world.ask(path);
  assert.equal((await world.ask(path, { headers })).xCache, "HIT");
  world.logMode = "error";
  try {
    assert.equal((await world.ask(path)).xCache, "HIT");
    assert.equal((await world.ask(path, { headers })).xCache, "MISS");
  } finally {
    world.logMode = "ok";
  }
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
    const token = answer.headers.get("evergraph-purge");
    assert.deepEqual([answer.status, TOKEN.test(token)], [status, true]);
    const own = answer.headers.getSetCookie().filter((cookie) => cookie.startsWith("evergraph-purge-test="));
    assert.deepEqual(
      own.map((cookie) => cookie.split(";")[0]),
      [`evergraph-purge-test=${token}`],
    );
  }
});
