// Requests that try to be mistaken for others: no leak, no poisoned entry, no hidden write.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { beforeEach, test } from "node:test";
import { gzipSync } from "node:zlib";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  places: 2,
  config: {
    types: {
      user: { match: ["graphql:User"], ttl: 60, scope: "user" },
      product: { match: ["rest:/api/**", "graphql:Query.product"], ttl: 600 },
      saved: { match: ["rest:/saved/**"], ttl: 600, client_ttl: 0 },
    },
    scopes: { user: { by: ["header:x-user"] } },
    mutations: { rules: { "*": [], "product*": [], productRename: ["type:product"] } },
    resources: [
      { path: "/api/list", tags: ["Product"] },
      { path: "/api/one/:id", tags: ["Product:{id}"] },
    ],
    purge: { max_lag: 60 },
  },
});

const json = { "content-type": "application/json" };
const post = (body, headers = {}) =>
  world.ask("/graphql", { method: "POST", headers: { ...json, ...headers }, body: JSON.stringify(body) });
const product = () => post({ query: "{ product { name } }" });

let version = 0;
beforeEach(async () => {
  version += 1;
  world.origin.answer = (request, response, body) => {
    const data = { name: `v${version}`, user: request.headers["x-user"] ?? "nobody", body: body.toString() };
    response.writeHead(200, json).end(JSON.stringify({ data: { product: data } }));
  };
  await world.admin("purge", { body: { all: true } });
});

test("an answer whose types do not show is not shared across a scope that they may have", async () => {
  const me = async (user) =>
    (await post({ query: "{ me { name } }" }, { "x-user": user })).json.data.product.user;
  for (const user of ["alice", "bob", "alice", "bob"]) assert.equal(await me(user), user);
});

/** The body that the origin was sent, without what Evergraph added. */
const asSent = (answer) => answer.json.data.product.body.replace("evergraph__typename:__typename ", "");

test("members in another case, and members beside the query, do not share its entry", async () => {
  await product();
  for (const beside of [{ Query: "{ evil }" }, { VARIABLES: { a: 1 } }, { id: "x" }, { documentId: "x" }]) {
    const answer = await post({ query: "{ product { name } }", ...beside });
    assert.equal(asSent(answer), JSON.stringify({ query: "{ product { name } }", ...beside }));
  }
  assert.equal(asSent(await product()), '{"query":"{ product { name } }"}');
});

test("extensions are no part of the key, and so do not reach the origin", async () => {
  const query = "{ product { extended } }";
  const persistedQuery = { version: 1, sha256Hash: createHash("sha256").update(query).digest("hex") };
  const answer = await post({ query, extensions: { evil: 1, persistedQuery } });
  assert.equal(answer.xCache, "MISS");
  assert.ok(!world.origin.requests.at(-1).body.includes("evil"));
  assert.equal((await post({ query })).xCache, "HIT");
});

test("an object does not pass for the number that serde_json makes of it", async () => {
  const query = "query ($f: JSON) { product(f: $f) { name } }";
  const number = await post({ query, variables: { f: 5 } });
  const object = await post({ query, variables: { f: { "$serde_json::private::Number": "5" } } });
  assert.notEqual(object.xCache, "HIT");
  assert.notEqual(object.text, number.text);
});

test("forwarding headers of the client do not reach the origin with a storable request", async () => {
  await world.ask("/api/forwarded", {
    headers: { "x-forwarded-port": "666", "x-forwarded-proto": "gopher", "x-original-host": "evil" },
  });
  const { headers } = world.origin.requests.at(-1);
  assert.deepEqual(
    [headers["x-forwarded-port"], headers["x-original-host"], headers["x-forwarded-proto"]],
    [undefined, undefined, "http"],
  );
});

test("writes that look like something else purge all the same", async () => {
  const writes = {
    "a batch of persisted documents": () => post([{ id: "x" }]),
    "a persisted document beside an empty query": () => post({ query: "", id: "x" }),
    "a member in another case": () => post({ query: "{ product { name } }", Query: "mutation { x }" }),
    "a gateway that gives up": () => {
      const answer = world.origin.answer;
      world.origin.answer = (_request, response) => {
        world.origin.answer = answer;
        response.writeHead(504, json).end('{"errors":[{"message":"upstream timed out"}]}');
      };
      return post({ query: "mutation { productRename { ok } }" });
    },
  };
  for (const [name, write] of Object.entries(writes)) {
    await product();
    assert.equal((await product()).xCache, "HIT", name);
    version += 1;
    await write();
    assert.equal((await product()).json.data.product.name, `v${version}`, name);
  }
});

test("a mutation is one though it asks for another protocol", async () => {
  const { request } = await import("node:http");
  await product();
  version += 1;
  await new Promise((resolve, reject) => {
    const headers = {
      ...json,
      upgrade: "h2c",
      connection: "Upgrade, HTTP2-Settings",
      "http2-settings": "AAMAAABk",
    };
    const asking = request(world.url("/graphql"), { method: "POST", headers }, (response) =>
      response.resume().on("end", resolve),
    );
    asking.on("error", reject);
    asking.end('{"query":"mutation { productRename { ok } }"}');
  });
  assert.equal((await product()).json.data.product.name, `v${version}`);
});

test("the rule that says most of a field's name counts", async () => {
  await product();
  await post({ query: "mutation { productTouch { ok } }" });
  assert.equal((await product()).xCache, "HIT");
  await post({ query: "mutation { productRename { ok } }" });
  assert.notEqual((await product()).xCache, "HIT");
});

test("entities and types of resources purge each other", async () => {
  const gone = async (path, tags) => {
    await world.ask(path);
    assert.equal((await world.ask(path)).xCache, "HIT");
    await world.admin("purge", { body: { tags } });
    return (await world.ask(path)).xCache !== "HIT";
  };
  assert.ok(await gone("/api/list", ["Product:42"]), "an entity reaches a list that does not show it");
  assert.ok(await gone("/api/one/42", ["Product"]), "a type reaches its entities");
  assert.ok(await gone("/api/one/42", ["Product:42"]));
  assert.ok(!(await gone("/api/one/42", ["Product:43"])));
});

test("a key is purged as it is shown, a variant's too", async () => {
  world.origin.answer = (request, response) =>
    response
      .writeHead(200, { ...json, vary: "Accept-Language" })
      .end(`"${request.headers["accept-language"]}"`);
  const ask = (language) =>
    world.ask("/api/variants", {
      headers: {
        "accept-language": language,
        "evergraph-debug": "1",
        authorization: "Bearer test-admin-token",
      },
    });
  await ask("de");
  const second = await ask("fr");
  assert.equal((await ask("fr")).xCache, "HIT");
  await world.admin("purge", { body: { keys: [second.headers.get("evergraph-key")] } });
  assert.notEqual((await ask("fr")).xCache, "HIT");
});

test("a client that shows its write's number is not answered by what cannot be judged", async () => {
  await world.ask("/api/own", {}, 1);
  await world.until(async () => (await world.ask("/api/own", {}, 1)).xCache === "HIT", "stored there");
  version += 1;
  const write = await world.ask("/api/own", { method: "PUT", body: "{}" });
  world.logMode = "error";
  const headers = { "evergraph-purge": write.headers.get("evergraph-purge") };
  const read = await world.ask("/api/own", { headers }, 1);
  world.logMode = "ok";
  assert.equal(read.json.data.product.name, `v${version}`);
});

test("gzip reaches only who accepts it, though the origin was asked for it", async () => {
  world.origin.answer = (_request, response) =>
    response
      .writeHead(200, { ...json, "content-encoding": "gzip", "cache-control": "private" })
      .end(gzipSync('"plain"'));
  const { request } = await import("node:http");
  for (const [accepts, encoded] of [
    [undefined, false],
    ["identity", false],
    ["gzip;q=0", false],
    ["gzip", true],
  ]) {
    const headers = accepts ? { "accept-encoding": accepts } : {};
    const [encoding, body] = await new Promise((resolve, reject) => {
      const asking = request(world.url("/api/private"), { headers }, async (response) => {
        const chunks = [];
        for await (const chunk of response) chunks.push(chunk);
        resolve([response.headers["content-encoding"], Buffer.concat(chunks)]);
      });
      asking.on("error", reject);
      asking.end();
    });
    if (encoded) assert.deepEqual([encoding, body.subarray(0, 2)], ["gzip", Buffer.from([0x1f, 0x8b])]);
    else assert.deepEqual([encoding, body.toString()], [undefined, '"plain"'], String(accepts));
  }
});

test("what is not stored is still answered with 304 and with the client's own lifetime", async () => {
  world.origin.says(
    200,
    { etag: '"x"', "cache-control": "private, max-age=3600", "content-type": "text/plain" },
    "text",
  );
  const whole = await world.ask("/saved/x");
  assert.deepEqual(
    [whole.status, whole.headers.get("cache-control")],
    [200, "private, max-age=0, must-revalidate"],
  );
  const known = await world.ask("/saved/x", { headers: { "if-none-match": '"x"' } });
  assert.deepEqual([known.status, known.text], [304, ""]);
});

test("a status that nobody may make is passed on", async () => {
  world.origin.says(999, {}, "odd");
  const { get } = await import("node:http");
  const status = await new Promise((resolve, reject) => {
    get(world.url("/api/999"), (response) =>
      response.resume().on("end", () => resolve(response.statusCode)),
    ).on("error", reject);
  });
  assert.equal(status, 999);
});
