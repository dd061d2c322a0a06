// The origin is asked exactly what the key describes. It is a lax one here: its answer shows every
// variable that it gets, declared or not, and of two members of one name it takes the first.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { beforeEach, test } from "node:test";
import { deflateSync, gzipSync } from "node:zlib";
import { startWorld } from "../lib/world.mjs";

const types = { product: { match: ["graphql:Query.product", "rest:/api/**"], ttl: 600 } };
const worlds = {
  "with additions": await startWorld({ config: { types } }),
  "without additions": await startWorld({ config: { types, graphql: { inject: false } } }),
  "with documents that are left alone": await startWorld({ config: { types } }),
};
const world = worlds["with additions"];
const JSON_TYPE = { "content-type": "application/json" };

/** A JSON text's members, of which the first of two counts. */
function firstOfTwo(text) {
  const members = {};
  for (const [, name, value] of text.matchAll(
    /"((?:[^"\\]|\\.)*)"\s*:\s*("(?:[^"\\]|\\.)*"|\{[^}]*\}|[^,}]*)/g,
  ))
    members[JSON.parse(`"${name}"`)] ??= value;
  return members;
}

/** What the lax origin makes of one request. */
function run(text) {
  const { query, variables } = firstOfTwo(text);
  const name = `${JSON.parse(query ?? '""').includes("name evil") ? "evil" : "good"} ${variables ?? "{}"}`;
  return { data: { product: { __typename: "Product", id: "1", name } } };
}

beforeEach(async () => {
  for (const [name, { origin, admin }] of Object.entries(worlds)) {
    origin.answer = (request, response, body) => {
      const url = new URL(request.url, "http://origin");
      const reply = (json) => response.writeHead(200, JSON_TYPE).end(JSON.stringify(json));
      if (name.endsWith("left alone") && `${request.url}${body}`.includes("evergraph"))
        return reply({ errors: [{ message: "no such field" }] });
      if (request.method === "GET") {
        const members = [...url.searchParams].map(([member, value]) =>
          member === "variables" ? `"variables":${value}` : `"${member}":${JSON.stringify(value)}`,
        );
        return reply(run(`{${members.join(",")}}`));
      }
      const text = body.toString();
      return reply(
        text.startsWith("[") ? JSON.parse(text).map((one) => run(JSON.stringify(one))) : run(text),
      );
    };
    await admin.call(worlds[name], "purge", { body: { all: true } });
  }
});

const QUERY = "query P($id: ID) { product(id: $id) { __typename id name } }";
const TWO = `${QUERY} query Q($evil: ID) { product(id: $evil) { __typename id } }`;
const EVIL = { id: 1, evil: "evil", Id: 2 };
const hash = createHash("sha256").update(QUERY).digest("hex");
const extensions = { persistedQuery: { version: 1, sha256Hash: hash } };

const post = (where, body, headers = {}) =>
  where.ask("/graphql", {
    method: "POST",
    headers: { ...JSON_TYPE, ...headers },
    body: typeof body === "string" || body instanceof Buffer ? body : JSON.stringify(body),
  });
const get = (where, members) =>
  where.ask(
    `/graphql?${Object.entries(members)
      .map(
        ([name, value]) =>
          `${name}=${encodeURIComponent(typeof value === "string" ? value : JSON.stringify(value))}`,
      )
      .join("&")}`,
  );
const coded = (where, body, coding, code) =>
  post(where, code(JSON.stringify(body)), { "content-encoding": coding });

/** Ways to ask for a product with these variables, and what asks for it as everybody does. */
const FORMS = {
  POST: (where, variables) => post(where, { query: QUERY, variables }),
  "POST with two operations": (where, variables) =>
    post(where, { variables, operationName: "P", query: TWO }),
  "a batch": (where, variables) =>
    post(where, [
      { query: QUERY, variables },
      { query: "{ product { __typename id } }", variables: { evil: 1 } },
    ]),
  gzip: (where, variables) => coded(where, { query: QUERY, variables }, "gzip", gzipSync),
  deflate: (where, variables) => coded(where, { query: QUERY, variables }, "deflate", deflateSync),
  GET: (where, variables) => get(where, { query: QUERY, variables }),
  "a hash and its document": (where, variables) => post(where, { query: QUERY, variables, extensions }),
  "a hash": async (where, variables) => {
    await post(where, { query: QUERY, variables: { id: 99 }, extensions });
    return post(where, { variables, extensions });
  },
  "a hash by GET": async (where, variables) => {
    await post(where, { query: QUERY, variables: { id: 99 }, extensions });
    return get(where, { variables, extensions });
  },
};
const first = (answer) => (Array.isArray(answer.json) ? answer.json[0] : answer.json).data.product.name;

for (const [kind, where] of Object.entries(worlds)) {
  for (const [form, ask] of Object.entries(FORMS)) {
    test(`undeclared variables do not reach the origin: ${form}, ${kind}`, async () => {
      const before = where.origin.requests.length;
      const evil = await ask(where, EVIL);
      assert.equal(first(evil), 'good {"id":1}');
      for (const { url, body, headers } of where.origin.requests.slice(before)) {
        assert.ok(!`${url}${body}`.replaceAll("$evil", "").includes("evil"), `${url} ${body}`);
        assert.ok(!`${url}${body}`.includes('"Id"'));
        assert.equal(headers["content-encoding"], undefined);
      }
      // Who sends the declared ones alone shares the entry, and so does who sends others.
      for (const variables of [{ id: 1 }, { ...EVIL, evil: "other" }]) {
        const answer = await ask(where, variables);
        assert.deepEqual([answer.xCache, first(answer)], ["HIT", 'good {"id":1}']);
      }
      assert.notEqual((await ask(where, { id: 2 })).xCache, "HIT");
    });
  }
}

test("a compressed body of which nothing is left out reaches the origin as it came", async () => {
  const asked = { query: QUERY, variables: { id: 5 } };
  const packed = gzipSync(JSON.stringify(asked));
  assert.equal((await post(world, packed, { "content-encoding": "gzip" })).xCache, "MISS");
  assert.deepEqual(world.origin.requests.at(-1).body, packed);
  assert.equal((await post(world, packed, { "content-encoding": "gzip" })).xCache, "HIT");
});

test("what is declared reaches the origin byte for byte", async () => {
  const where = worlds["without additions"];
  for (const [sent, expected] of [
    [
      '{ "query":"query($a:JSON){product(a:$a){id}}" , "variables" : {"a": [ 1.0,1e3 ],"b":1}}',
      '{"a":[ 1.0,1e3 ]}',
    ],
    ['{"query":"query($a:JSON){product(a:$a){id}}","variables":{ "a" : "\\u00e9" }}', '{ "a" : "\\u00e9" }'],
  ]) {
    await post(where, sent);
    const { body } = where.origin.requests.at(-1);
    assert.ok(body.toString().includes(`"variables":${expected}`), body.toString());
  }
  // Nothing was left out, so it is the client's own request.
  const own = '{ "query" : "query($a:JSON){product(a:$a){name}}" ,\n"variables":{ "a" : 1.0 } }';
  await post(where, own);
  assert.equal(where.origin.requests.at(-1).body.toString(), own);
});

test("what is not stored passes whole, with undeclared variables and its coding", async () => {
  const mutation = JSON.stringify({ query: "mutation($a: Int) { x(a: $a) { id } }", variables: EVIL });
  await post(world, mutation);
  assert.equal(world.origin.requests.at(-1).body.toString(), mutation);
  const packed = gzipSync(mutation);
  await post(world, packed, { "content-encoding": "gzip" });
  assert.deepEqual(world.origin.requests.at(-1).body, packed);
  assert.equal(world.origin.requests.at(-1).headers["content-encoding"], "gzip");
});

test("a URL that would grow too long passes through", async () => {
  const braces = "{".repeat(3_000);
  const url = `/graphql?query=${encodeURIComponent(QUERY)}&variables={%22id%22:%22${braces}%22,%22evil%22:1}`;
  for (let n = 0; n < 2; n += 1) {
    const answer = await world.ask(url);
    assert.match(answer.cacheStatus, /fwd=bypass; fwd-status=200; detail=url-too-long$/);
  }
});

/** Requests with two members of one name. */
const DUPLICATES = {
  "the document": `{"query":"{ product { name evil } }","query":"{ product { name } }"}`,
  "the document, spelled otherwise": `{"\\u0071uery":"{ product { name evil } }","query":"{ product { name } }"}`,
  variables: `{"variables":{"id":"evil"},"variables":{"id":1},"query":${JSON.stringify(QUERY)}}`,
  "a variable": `{"query":${JSON.stringify(QUERY)},"variables":{"id":"evil","id":1}}`,
  "a variable's field": `{"query":${JSON.stringify(QUERY)},"variables":{"id":{"a":"evil","a":1}}}`,
  "the operation's name": `{"operationName":"evil","operationName":"P","query":${JSON.stringify(QUERY)}}`,
  "an extension": `{"query":"{ product { name } }","extensions":{"x":{"a":1,"a":2}}}`,
  "another member": `{"query":"{ product { name } }","id":"evil","id":"x"}`,
  "a hidden mutation": `{"query":"mutation { evil }","query":"{ product { name } }"}`,
};

for (const [name, body] of Object.entries(DUPLICATES)) {
  for (const [form, text, status] of [
    ["alone", body, 200],
    ["in a batch", `[{"query":"{ product { name } }"},${body}]`, 200],
    ["compressed", gzipSync(body), 200],
  ]) {
    test(`duplicate members pass through, as what may be a mutation: ${name}, ${form}`, async () => {
      const read = () => world.ask("/api/x");
      await read();
      assert.equal((await read()).xCache, "HIT");
      const headers = form === "compressed" ? { "content-encoding": "gzip" } : {};
      world.origin.answer = (_request, response) => response.writeHead(status, JSON_TYPE).end("{}");
      const answer = await post(world, text, headers);
      assert.match(answer.cacheStatus, /fwd=bypass; fwd-status=200; detail=duplicate-member$/);
      assert.deepEqual(world.origin.requests.at(-1).body, Buffer.from(text));
      assert.notEqual((await read()).xCache, "HIT");
    });
  }
}

test("duplicate members write nothing into the entry of what they seem to ask", async () => {
  const good = '{"query":"{ product { name } }"}';
  const evil = await post(world, DUPLICATES["the document"]);
  assert.equal(first(evil), "evil {}");
  assert.equal(first(await post(world, good)), "good {}");
  const again = await post(world, good);
  assert.deepEqual([again.xCache, first(again)], ["HIT", "good {}"]);
});

test("duplicate members of a GET's variables and extensions pass through, and are no write", async () => {
  await get(world, { query: QUERY, variables: { id: 1 } });
  for (const url of [
    `variables=${encodeURIComponent('{"id":"evil","id":1}')}`,
    `variables=${encodeURIComponent('{"id":"evil","\\u0069d":1}')}`,
    `variables=%7B%22id%22:1%7D&extensions=${encodeURIComponent('{"a":1,"a":2}')}`,
  ]) {
    const answer = await world.ask(`/graphql?query=${encodeURIComponent(QUERY)}&${url}`);
    assert.match(answer.cacheStatus, /fwd=bypass; fwd-status=200; detail=duplicate-member$/, url);
  }
  assert.equal((await get(world, { query: QUERY, variables: { id: 1 } })).xCache, "HIT");
});

test("of a hash the origin gets its exact spelling alone", async () => {
  const more = { ...extensions.persistedQuery, SHA256HASH: "evil", miss: true };
  const answer = await post(world, { query: QUERY, extensions: { persistedQuery: more } });
  assert.equal(answer.xCache, "MISS");
  assert.ok(!world.origin.requests.at(-1).body.includes("evil"));
  assert.equal((await post(world, { query: QUERY, extensions })).xCache, "HIT");
});

test("what servers decode in two ways is sent in one, or counts as it is written", async () => {
  const query = encodeURIComponent(QUERY);
  const ask = (variables, more = "") => world.ask(`/graphql?query=${query}&variables=${variables}${more}`);
  const plain = "%7B%22id%22:%22a%20b%22%7D";
  for (const [variables, sent] of [
    [plain.replace("%20", "+"), "a%20b"],
    [plain.replace("b", "%zb"), "a%20%25zb"],
  ]) {
    assert.equal((await ask(variables)).xCache, "MISS");
    assert.ok(world.origin.requests.at(-1).url.includes(sent), world.origin.requests.at(-1).url);
    assert.equal((await ask(variables)).xCache, "HIT");
  }
  assert.equal((await ask(plain)).xCache, "HIT", "a plus is a space");
  assert.notEqual((await ask(plain, "&x=a+b")).xCache, "HIT");
  assert.notEqual((await ask(plain, "&x=a%20b")).xCache, "HIT");
});
