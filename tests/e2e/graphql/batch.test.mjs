// Batches: each operation as if it had come alone, none with another's answer, and no write twice.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { beforeEach, test } from "node:test";
import { createSchema, createYoga } from "graphql-yoga";
import { Api } from "../lib/api.mjs";
import { TOKEN } from "../lib/purge-token.mjs";
import { startWorld } from "../lib/world.mjs";

const config = {
  types: {
    product: { match: ["graphql:Query.product"], ttl: 600 },
    me: { match: ["graphql:Query.me"], ttl: 600, scope: "user" },
    user: { match: ["graphql:Query.user"], ttl: 600, swr: 600, sie: 600 },
    late: { match: ["operation:Late*"], ttl: 1, swr: 600 },
    spare: { match: ["operation:Spare*"], ttl: 1, sie: 600 },
    never: { match: ["operation:Never*"], ttl: 0 },
  },
  scopes: { user: { by: ["header:x-user"] } },
  purge: { max_lag: 60 },
  log: { hits: 1 },
};
const world = await startWorld({ config });
let api;

beforeEach(async () => {
  api = new Api(world.origin);
  world.kv.mode = "ok";
  await world.admin("purge", { body: { all: true } });
});

const json = { "content-type": "application/json" };
function post(body, { headers = {}, at = world } = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return at.ask("/graphql", { method: "POST", headers: { ...json, ...headers }, body: text });
}
const of = (id, more = "") => ({ query: `{ product(id: "${id}") { id name } }${more}` });
const rename = (id, name) => ({
  query: `mutation { renameProduct(id: "${id}", name: "${name}") { __typename id name } }`,
});
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const byHash = (query) => ({ extensions: { persistedQuery: { version: 1, sha256Hash: sha256(query) } } });
const asked = (at = world) => at.origin.requests.length;
const last = (at = world) => JSON.parse(at.origin.requests.at(-1).body);
const names = (answer) => answer.json.map((one) => one.data?.product?.name ?? one.data?.renameProduct?.name);
const detail = (answer) => /detail=([\w-]+)$/.exec(answer.cacheStatus)?.[1];

const NOT_FOUND = {
  errors: [{ message: "PersistedQueryNotFound", extensions: { code: "PERSISTED_QUERY_NOT_FOUND" } }],
};

test("what is not stored is asked for in one batch, and stored one by one", async () => {
  const before = asked();
  const first = await post([of(1), of(2), of(1, " # again")]);
  assert.deepEqual(names(first), ["one", "two", "one"]);
  assert.deepEqual(
    [first.status, first.xCache, first.cacheStatus, first.headers.get("content-type")],
    [200, "MISS", "evergraph; fwd=miss; fwd-status=200; stored; detail=batch", "application/json"],
  );
  assert.ok(!first.text.includes("evergraph__"), "what was added is taken out");
  assert.equal(asked(), before + 1);

  const all = await post([of(2), of(1)]);
  assert.deepEqual([names(all), all.xCache], [["two", "one"], "HIT"]);
  assert.match(all.cacheStatus, /^evergraph; hit; ttl=\d+; detail=batch$/);
  assert.match(all.headers.get("age"), /^\d+$/);
  for (const id of [1, 2]) assert.equal((await post(of(id))).xCache, "HIT", "alone it shares the entry");
  assert.equal(asked(), before + 1, "the origin was not asked again");

  const part = await post([of(3), of(1), of(4), of(2)]);
  assert.deepEqual([names(part), part.xCache], [["three", "one", "none", "two"], "MISS"]);
  assert.equal(asked(), before + 2);
  assert.equal(last().length, 2, "only what is not stored");
  assert.ok(last()[0].query.includes('"3"') && last()[1].query.includes('"4"'), "in its order");
});

test("a query that was stored alone answers in a batch", async () => {
  const alone = await post(of(1));
  const before = asked();
  const both = await post([of(1), of(1)]);
  assert.deepEqual([both.xCache, both.text], ["HIT", `[${alone.text},${alone.text}]`]);
  assert.equal(asked(), before);
});

test("variables and operation names tell elements apart", async () => {
  const query = "query A($id: ID) { product(id: $id) { name } } query B { product(id: 3) { name } }";
  const batch = [
    { query, operationName: "A", variables: { id: "1" } },
    { query, operationName: "A", variables: { id: "2" } },
    { query, operationName: "B" },
  ];
  for (const xCache of ["MISS", "HIT"]) {
    const answer = await post(batch);
    assert.deepEqual([names(answer), answer.xCache], [["one", "two", "three"], xCache]);
  }
});

test("where nothing is taken out, the origin's own bytes pass on", async () => {
  const plain = await startWorld({ config: { ...config, graphql: { inject: false } } });
  const text = ' [ {"data":{"product":{"name":"one" }}},\n{"data" : {"product":null}} ] ';
  plain.origin.says(200, { ...json, "x-own": "1", etag: '"x"' }, text);
  const batch = JSON.stringify([of(1), of(2)], null, 2);
  const first = await post(batch, { at: plain });
  assert.deepEqual([first.text, first.headers.get("x-own")], [text, "1"]);
  assert.equal(plain.origin.requests.at(-1).body.toString(), batch, "and what it is asked");
  const second = await post([of(2), of(1)], { at: plain });
  assert.deepEqual(second.text, '[{"data" : {"product":null}},{"data":{"product":{"name":"one" }}}]');
  assert.deepEqual([second.xCache, second.headers.get("etag")], ["HIT", null]);
  assert.equal(second.headers.get("content-type"), "application/json");
});

test("an element with errors is passed on and not stored; its neighbours are", async () => {
  const broken = { query: "{ broken { id } }" };
  const first = await post([of(1), broken, { query: "{ nothing }" }, of(2)]);
  assert.deepEqual(
    first.json.map((one) => one.errors?.length ?? 0),
    [0, 1, 1, 0],
  );
  assert.equal(detail(first), "batch");
  assert.ok(!first.cacheStatus.includes("stored"));
  const alone = await post(broken);
  assert.deepEqual([alone.xCache, alone.json.errors.length], ["MISS", 1]);
  assert.equal((await post([of(1), of(2)])).xCache, "HIT");
});

test("nobody gets another's element", async () => {
  const me = { query: "{ me { __typename id name } }" };
  const ask = async (user) => {
    const answer = await post([me, of(1)], { headers: user ? { "x-user": user } : {} });
    return answer.json[0].data.me.name;
  };
  for (const user of ["alice", "bob", "alice", null, "bob", null])
    assert.equal(await ask(user), user ?? "nobody");
  assert.equal((await post(me, { headers: { "x-user": "bob" } })).json.data.me.name, "bob");
});

test("a batch with what may not be cached passes whole, and none of it is stored", async () => {
  await post(of(1));
  for (const [headers, other, reason] of [
    [{ authorization: "Bearer x" }, of(2), "authorization-without-scope"],
    [{ accept: "text/html" }, of(2), "accept-html"],
    [{}, { query: "query Never { product(id: 2) { name } }" }, "ttl-zero"],
    [{}, { query: "subscription { x }" }, "subscription"],
    [{}, { query: "{ product @defer { name } }" }, "incremental"],
    [{}, { query: "hello {" }, "unparsable"],
  ]) {
    const batch = [of(1), other];
    const answer = await post(batch, { headers });
    assert.deepEqual([answer.xCache, detail(answer)], ["BYPASS", reason]);
    assert.deepEqual(last(), batch, reason);
  }
  assert.equal((await post(of(1))).xCache, "HIT", "and nothing was purged");
  assert.equal((await post(of(2))).xCache, "MISS");
});

test("a batch with mutations goes whole and once, and purges what each of them touched", async () => {
  const user = { query: "{ user { __typename id name } }" };
  const product = { query: '{ product(id: "1") { __typename id name } }' };
  await post([product, user]);
  const before = asked();
  const batch = [of(9), rename(1, "first"), rename(1, "second")];
  const answer = await post(batch);
  assert.deepEqual(
    [answer.xCache, answer.cacheStatus],
    ["BYPASS", "evergraph; fwd=bypass; fwd-status=200; detail=mutation"],
  );
  assert.match(answer.headers.get("evergraph-purge"), TOKEN);
  assert.deepEqual(names(answer), ["none", "first", "second"]);
  assert.equal(asked(), before + 1);
  assert.deepEqual(last(), batch, "as it came");
  assert.equal((await post(product)).json.data.product.name, "second");
  assert.equal((await post(user)).xCache, "HIT", "what none of them touched stays");
  assert.equal((await post(of(9))).xCache, "MISS", "a query beside mutations is not stored");
});

test("a mutation purges unless its own element proves that it did not run", async () => {
  const user = { query: "{ user { __typename id name } }" };
  const product = { query: '{ product(id: "1") { __typename id name } }' };
  const invalid = { query: "mutation { nothing { id } }" };
  const renameUser = { query: 'mutation { renameUser(name: "x") { __typename id } }' };
  const answer = world.origin.answer;
  for (const [batch, gone, answers] of [
    [[invalid, renameUser], "user"],
    [[rename(1, "one"), invalid], "product"],
    [[invalid, invalid], "nothing"],
    [[{ query: "mutation { refuse { id } }" }], "everything"],
    [[renameUser], "everything", [200, "[]"]],
    [[renameUser], "everything", [200, "{}"]],
    [[renameUser], "everything", [200, '[{"errors":[{}]},{}]']],
    [[invalid], "nothing", [400, '[{"errors":[{}]}]']],
    [[renameUser], "user", [400, '[{"errors":[{"path":["renameUser"]}]}]']],
    [[invalid], "everything", [500, '[{"errors":[{}]}]']],
    [[renameUser], "everything", [200, `[{"data":{"renameUser":"${"x".repeat(3 << 20)}"}}]`]],
    [[renameUser], "nothing", [415, ""]],
  ]) {
    await post([product, user]);
    if (answers)
      world.origin.answer = (_request, response) => response.writeHead(answers[0], json).end(answers[1]);
    const before = asked();
    await post(batch);
    assert.equal(asked(), before + 1, "once");
    world.origin.answer = answer;
    const left = [(await post(product)).xCache, (await post(user)).xCache];
    const expected = {
      everything: ["MISS", "MISS"],
      nothing: ["HIT", "HIT"],
      user: ["HIT", "MISS"],
      product: ["MISS", "HIT"],
    };
    assert.deepEqual(left, expected[gone], JSON.stringify([batch, answers]).slice(0, 200));
  }
});

test("a batch with a mutation whose connection breaks is not sent again, and purges everything", async () => {
  await post(of(1));
  const answer = world.origin.answer;
  const before = asked();
  world.origin.answer = (request) => request.socket.destroy();
  assert.equal((await post([rename(1, "x"), of(1)])).status, 502);
  world.origin.answer = answer;
  assert.equal(asked(), before + 1);
  assert.equal((await post(of(1))).xCache, "MISS");
});

test("an element that cannot be read arrives as the origin makes it", async () => {
  const answer = world.origin.answer;
  const cut = '"cut \\ud83d"'; // as JSON.stringify writes half of a surrogate pair
  const deep = "[".repeat(200) + "]".repeat(200);
  try {
    for (const value of [cut, deep]) {
      const element = (added) => `{"data":{"a":{${added ? '"evergraph__typename":"A",' : ""}"b":${value}}}}`;
      world.origin.answer = (_request, response, body) => {
        const elements = JSON.parse(body).map(({ query }) => element(query.includes("evergraph__")));
        response.writeHead(200, json).end(`[${elements}]`);
      };
      for (const many of [1, 2]) {
        const queries = Array.from({ length: many }, (_, n) => ({
          query: `{ a { b } } # ${value.length} ${n}`,
        }));
        const got = await post(queries);
        assert.equal(got.status, 200);
        assert.equal(got.text, `[${queries.map(() => element(false))}]`);
      }
    }
  } finally {
    world.origin.answer = answer;
  }
});

test("an origin that takes no batches answers for itself", async () => {
  api.batching = false;
  const batch = [of(1), of(2)];
  const answer = await post(batch);
  assert.deepEqual(
    [answer.status, answer.json.errors[0].message, answer.xCache, detail(answer)],
    [400, "no batches here", "MISS", "batch"],
  );
  assert.deepEqual(last(), batch, "in the end it was asked as the client asked");
  await post(of(1));
  const part = await post(batch);
  assert.deepEqual([part.status, detail(part)], [400, "batch"]);
  assert.deepEqual(last(), batch);
  await post(of(2));
  assert.deepEqual(names(await post(batch)), ["one", "two"], "what is stored needs no batch");
});

test("an answer that is no array of the right length is never taken apart", async () => {
  await post(of(1));
  for (const [status, text] of [
    [200, "[]"],
    [200, '{"data":{}}'],
    [200, '[{"data":{"product":{"name":"x"}}}]'],
    [200, "<html>"],
    [201, '[{"data":{"product":{"name":"x"}}},{"data":{"product":{"name":"x"}}}]'],
    [500, "broken"],
  ]) {
    world.origin.says(status, json, text);
    const answer = await post([of(1), of(2), of(3)]);
    assert.deepEqual([answer.status, answer.text, answer.xCache], [status, text, "MISS"]);
    assert.deepEqual(last(), [of(1), of(2), of(3)]);
  }
  api = new Api(world.origin);
  assert.equal((await post(of(2))).xCache, "MISS", "nothing of it was stored");
});

test("nested arrays, empty batches and what is no operation pass as they came", async () => {
  await post(of(1));
  for (const batch of ["[]", "[[]]", "[[{}]]", "[7]", "[null]", '[{"query":"{ a }"},7]']) {
    world.origin.says(400, json, '{"errors":[{"message":"no"}]}');
    const answer = await post(batch);
    assert.deepEqual([answer.status, answer.xCache, detail(answer)], [400, "BYPASS", "batch"], batch);
    assert.equal(world.origin.requests.at(-1).body.toString(), batch);
  }
  api = new Api(world.origin);
  assert.equal((await post(of(1))).xCache, "HIT", "they purged nothing");
});

test("one more than the limit allows passes, or is refused", async () => {
  const batch = Array.from({ length: 51 }, () => of(1));
  assert.equal(detail(await post(batch)), "over-limit");
  const strict = await startWorld({ config: { ...config, limits: { batch: 2, aliases: 1, refuse: true } } });
  new Api(strict.origin);
  assert.equal((await post([of(1), of(2)], { at: strict })).status, 200);
  const before = asked(strict);
  for (const [refused, limit] of [
    [[of(1), of(2), of(3)], "batch"],
    [[of(1), { query: "{ a: product { id } b: product { id } }" }], "aliases"],
    [[rename(1, "x"), { query: "{ a: product { id } b: product { id } }" }], "aliases"],
  ]) {
    const answer = await post(refused, { at: strict });
    assert.deepEqual([answer.status, answer.json.errors[0].extensions.limit], [400, limit]);
  }
  assert.equal(asked(strict), before, "and nothing ran");
  const { limits } = (await strict.admin("stats")).json;
  assert.equal(limits.batch.limit, 2);
});

test("a purge while the origin is asked reaches the hits beside it", async () => {
  await post({ query: '{ product(id: "1") { __typename id name } }' });
  const batch = [{ query: '{ product(id: "1") { __typename id name } }' }, of(2)];
  const answer = world.origin.answer;
  let release;
  world.origin.answer = (request, response, body) => {
    release = () => answer(request, response, body);
  };
  const before = asked();
  const slow = post(batch);
  await world.until(() => asked() > before, "the origin is asked");
  api.products[1] = "renamed";
  await world.admin("purge", { body: { tags: ["Product:1"] } });
  world.origin.answer = answer;
  release();
  assert.deepEqual(names(await slow), ["renamed", "two"]);
});

test("hashes in a batch: known ones are documents, unknown ones are asked for in their places", async () => {
  const [known, unknown] = ["query K { product(id: 2) { name } }", "query U { product(id: 3) { name } }"];
  await post({ query: known, ...byHash(known) });
  const all = await post([byHash(known), byHash(unknown)]);
  assert.deepEqual(all.json, [{ data: { product: { name: "two" } } }, NOT_FOUND]);
  assert.equal(detail(all), "persisted-unknown");
  await world.admin("purge", { body: { all: true } });

  const part = await post([byHash(unknown), of(1), byHash(known)]);
  assert.deepEqual(part.json[0], NOT_FOUND);
  assert.deepEqual(names(part), [undefined, "one", "two"]);
  assert.equal(last().length, 2);
  assert.ok(last()[1].query.includes("query K"), "the origin gets the document");

  const before = asked();
  const none = await post([byHash(unknown), byHash(unknown)]);
  assert.deepEqual([none.json, detail(none)], [[NOT_FOUND, NOT_FOUND], "persisted-unknown"]);
  assert.equal(asked(), before);

  const learning = await post([{ query: unknown, ...byHash(unknown) }, byHash(known)]);
  assert.deepEqual(names(learning), ["three", "two"]);
  assert.equal((await post([byHash(unknown), byHash(known)])).xCache, "HIT");
});

test("an unknown hash beside a mutation does not run, and the mutation does, once", async () => {
  const product = { query: '{ product(id: "1") { __typename id name } }' };
  const [known, unknown] = ["query L { product(id: 2) { name } }", "query V { product(id: 3) { name } }"];
  await post({ query: known, ...byHash(known) });
  await post(product);
  const before = asked();
  const answer = await post([byHash(unknown), rename(1, "new"), byHash(known)]);
  assert.deepEqual(answer.json[0], NOT_FOUND);
  assert.deepEqual(names(answer), [undefined, "new", "two"]);
  assert.deepEqual([asked(), last().length], [before + 1, 2]);
  assert.equal(last()[1].query, known);
  assert.match(answer.headers.get("evergraph-purge"), TOKEN);
  assert.equal((await post(product)).json.data.product.name, "new");

  world.origin.says(200, json, '[{"data":{}}]');
  const short = await post([byHash(unknown), rename(1, "x"), byHash(known)]);
  assert.equal(short.status, 502, "an answer of the wrong length would be another's");
  assert.match(short.headers.get("evergraph-purge"), TOKEN);
  world.origin.says(400, json, '{"errors":[]}');
  assert.equal((await post([byHash(unknown), rename(1, "x")])).status, 400);
});

test("stale entries answer while they are fetched again, or where the origin fails", async () => {
  const late = { query: "query Late { user { name } }" };
  const spare = { query: "query Spare { user { name } }" };
  const users = (answer) => answer.json.map((one) => one.data?.user?.name);
  await post([late, spare]);
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  api.user = "newer";
  const before = asked();
  const stale = await post([late, late]);
  assert.deepEqual([users(stale), stale.xCache], [["nobody", "nobody"], "STALE"]);
  assert.match(stale.cacheStatus, /^evergraph; hit; ttl=-\d+; detail=batch$/);
  await world.until(() => asked() === before + 1, "fetched again, once");
  assert.equal(Array.isArray(last()), false, "and alone");
  await world.until(async () => users(await post([late]))[0] === "newer", "the new one answers");

  const answer = world.origin.answer;
  world.origin.says(503, {}, "down");
  const spared = await post([spare]);
  assert.deepEqual([spared.status, users(spared), spared.xCache], [200, ["nobody"], "STALE"]);
  assert.equal((await post([spare, of(3)])).status, 503);
  world.origin.answer = answer;
  assert.deepEqual(users(await post([spare, of(3)])), ["newer", undefined]);
});

test("an origin that takes too long for a batch is asked once", async () => {
  const place = await startWorld({ config: { ...config, origin_timeout: { read_ms: 300 } } });
  place.origin.answer = () => {};
  const answer = await post([of(1), of(2)], { at: place });
  assert.deepEqual([answer.status, answer.xCache, asked(place)], [504, "MISS", 1]);
});

test("a batch of the origin that refuses what was added is asked without it, where it matters", async () => {
  const answer = world.origin.answer;
  world.origin.answer = (request, response, body) => {
    const elements = JSON.parse(body);
    if (!Array.isArray(elements)) return answer(request, response, body);
    const answers = elements.map(({ query }) =>
      query.includes("evergraph__") && query.includes('"2"')
        ? { errors: [{ message: "too complex" }] }
        : {
            data: {
              product: {
                ...(query.includes("evergraph__") && { evergraph__typename: "Product" }),
                name: "x",
              },
            },
          },
    );
    response.writeHead(200, json).end(JSON.stringify(answers));
  };
  const named = (id) => ({ query: `{ product(id: "${id}") { name } }` });
  const before = asked();
  const first = await post([named(1), named(2)]);
  assert.deepEqual(names(first), ["x", "x"]);
  assert.ok(!first.text.includes("evergraph__"));
  assert.equal(asked(), before + 2);
  assert.deepEqual(last(), [named(2)]);
  assert.equal((await post([named(2), named(1)])).xCache, "HIT");
  await world.admin("purge", { body: { all: true } });
  await post([named(1), named(2)]);
  assert.equal(asked(), before + 3, "what it refused is left alone");
});

test("cookies of the origin's answer reach the client, and nothing with them is stored", async () => {
  api.headers = { "set-cookie": "a=1" };
  const first = await post([of(1), of(2)]);
  assert.equal(first.headers.get("set-cookie"), "a=1");
  api.headers = {};
  assert.equal((await post(of(1))).xCache, "MISS");
});

test("a batch counts as one request", async () => {
  const before = (await world.admin("stats")).json;
  await post([of(1), of(2)]);
  await post([of(1), of(2)]);
  await post([of(1), rename(1, "one")]);
  const after = (await world.admin("stats")).json;
  assert.deepEqual(
    ["hits", "misses", "bypass"].map((name) => after[name] - before[name]),
    [1, 1, 1],
  );
  assert.ok(world.events("batch").some(({ operations, hits }) => operations === 2 && hits === 2));
});

test("with a real server: GraphQL Yoga's batches", async () => {
  const place = await startWorld({ config });
  const products = { 1: "one", 2: "two" };
  const yoga = createYoga({
    logging: false,
    batching: true,
    schema: createSchema({
      typeDefs: `
        type Product { id: ID! name: String! }
        type Query { product(id: ID!): Product }
        type Mutation { rename(id: ID!, name: String!): Product }
      `,
      resolvers: {
        Query: { product: (_, { id }) => ({ id, name: products[id] }) },
        Mutation: {
          rename: (_, { id, name }) => {
            products[id] = name;
            return { id, name };
          },
        },
      },
    }),
  });
  place.origin.answer = async (request, response, body) => {
    const answer = await yoga.fetch(`http://origin${request.url}`, {
      method: request.method,
      headers: request.headers,
      body,
    });
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
  };
  const ask = (batch) => post(batch, { at: place, headers: { accept: "application/json" } });
  const batch = [of(1), of(2), { query: "{ nothing }" }];
  const first = await ask(batch);
  assert.deepEqual(names(first), ["one", "two", undefined]);
  assert.match(first.json[2].errors[0].message, /nothing/);
  assert.deepEqual(first.json[2].errors[0].locations, [{ line: 1, column: 3 }], "of the client's document");
  assert.equal((await ask([of(2), of(1)])).xCache, "HIT");
  const written = await ask([
    { query: 'mutation { rename(id: "1", name: "new") { __typename id name } }' },
    { query: 'mutation { rename(id: "1") { id } }' },
  ]);
  assert.equal(written.json[0].data.rename.name, "new");
  assert.deepEqual(names(await ask([of(2), of(1)])), ["two", "new"]);
});

test("a batch reads a store no faster than the runtime lets it, and its queue is no fault of KV's", async () => {
  const slow = await startWorld({ config: { ...config, kv: { timeout_ms: 700 } } });
  new Api(slow.origin);
  slow.kv.slowMillis = 400;
  slow.kv.mode = "slow";
  slow.kv.atOnce = 6;
  const ids = Array.from({ length: 30 }, (_, n) => of(n));
  const reads = slow.kv.reads;
  assert.equal((await post(ids, { at: slow })).status, 200);
  assert.ok(slow.kv.reads >= reads + 30, "KV was asked for each of them");
  assert.ok(slow.kv.mostAtOnce <= 6, `${slow.kv.mostAtOnce} at once`);
  assert.ok(slow.caches[0].reads >= 30);
  const faults = slow.events("failure").filter(({ part }) => /^(kv|edge)-read$/.test(part));
  assert.deepEqual(faults, []);
  // What is asked here is whether KV works, and it may take a slow machine more than the second that it has.
  slow.kv.mode = "ok";
  const { parts } = (await slow.admin("health")).json;
  assert.deepEqual([parts.kv.state, parts.edge_cache.state], ["HEALTHY", "HEALTHY"]);
});

test("stale entries of a batch are fetched a few at a time", async () => {
  const types = { user: { match: ["graphql:Query.user"], ttl: 1, swr: 600 } };
  const near = await startWorld({ config: { types } });
  new Api(near.origin);
  const late = (n) => ({ query: `query Late${n} { user { name } }` });
  const all = Array.from({ length: 30 }, (_, n) => late(n));
  assert.equal((await post(all, { at: near })).xCache, "MISS");
  const answer = near.origin.answer;
  let present = 0;
  let most = 0;
  near.origin.answer = (request, response, body) => {
    present += 1;
    most = Math.max(most, present);
    setTimeout(() => {
      present -= 1;
      answer(request, response, body);
    }, 50);
  };
  await near.until(async () => (await post(all, { at: near })).xCache === "STALE", "they are stale");
  const before = asked(near);
  await near.until(() => asked(near) >= before + 10, "they are fetched");
  assert.ok(most <= 3, `${most} at once`);
});
