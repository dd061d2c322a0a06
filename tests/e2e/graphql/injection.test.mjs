// What is added to queries on a miss. The client sees none of it, and purges find what the response shows.

import assert from "node:assert/strict";
import { test } from "node:test";
import { makeRequest } from "../lib/documents.mjs";
import { answerByYoga, answerPlainly, JSON_VALUES, readRequest, schema } from "../lib/graph.mjs";
import { PANICS, panickingEntry } from "../lib/panics.mjs";
import { Random, SEED } from "../lib/random.mjs";
import { ADMIN_TOKEN, startWorld } from "../lib/world.mjs";

const DOCUMENTS = 300;
const PREFIX = "evergraph__";

const config = {
  graphql: { paths: ["/graphql", "/pretty", "/yoga"] },
  default: { ttl: 600 },
  purge: { max_lag: 60 },
};
const world = await startWorld({ places: 2, config });

/** The real servers, by path. */
async function serve(request, response, body) {
  const path = new URL(request.url, "http://origin").pathname;
  if (path === "/yoga") return answerByYoga(request, response, body);
  return answerPlainly(request, response, body, path === "/pretty" ? 2 : undefined);
}
world.origin.answer = serve;

const KINDS = ["application/json", "application/graphql-response+json", "*/*"];

/** Asks a URL; resolves with all of the answer that has to be the same. */
async function answerOf(url, { path, accept = "application/json", ...members }) {
  const response = await fetch(url + path, {
    method: "POST",
    redirect: "manual",
    headers: { "content-type": "application/json", accept },
    body: JSON.stringify(members),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const { status, headers } = response;
  return { status, type: headers.get("content-type"), bytes, xCache: headers.get("x-cache") };
}
const directly = (request) => answerOf(world.origin.url, request);
const throughWorker = (request, place = 0) => answerOf(world.url("", place), request);

function assertSame(found, expected, what) {
  const told = ({ status, type, bytes }) => ({ status, type, text: bytes.toString() });
  assert.deepEqual(told(found), told(expected), what);
  assert.ok(found.bytes.equals(expected.bytes), what);
}

/** The requests that the origin gets while something is done. */
async function askedOfOrigin(work) {
  const before = world.origin.requests.length;
  const done = await work();
  return [world.origin.requests.slice(before), done];
}
const hasAddition = ({ url, body }) => body.includes(PREFIX) || url.includes(PREFIX);

/** With another origin for a while. */
async function withOrigin(answer, work) {
  world.origin.answer = answer;
  try {
    return await work();
  } finally {
    world.origin.answer = serve;
  }
}

for (const path of ["/graphql", "/pretty", "/yoga"]) {
  test(`generated documents are answered on ${path} as the origin answers them`, async (t) => {
    const counts = { added: 0, stored: 0, withErrors: 0, withoutData: 0 };
    for (let n = 0; n < DOCUMENTS; n += 1) {
      const random = new Random(SEED + n);
      const request = { path, accept: random.pick(KINDS), ...makeRequest(random, schema, JSON_VALUES) };
      const what = `EVERGRAPH_SEED=${SEED}, document ${n}: ${JSON.stringify(request)}`;
      const expected = await directly(request);
      const [asked, miss] = await askedOfOrigin(() => throughWorker(request));
      assertSame(miss, expected, `miss, ${what}`);
      const again = await throughWorker(request);
      assertSame(again, expected, `again, ${what}`);
      const { data, errors } = JSON.parse(expected.bytes);
      const storable = expected.status === 200 && data && !errors;
      assert.equal(again.xCache, storable ? "HIT" : "MISS", what);
      counts.added += Number(asked.some(hasAddition));
      counts.stored += Number(Boolean(storable));
      counts.withErrors += Number(Boolean(errors && data));
      counts.withoutData += Number(!data);
      if ((n + 1) % 100 === 0) t.diagnostic(`${n + 1} of ${DOCUMENTS}: ${JSON.stringify(counts)}`);
    }
    assert.ok(counts.added > DOCUMENTS / 2 && counts.stored > DOCUMENTS / 4, JSON.stringify(counts));
    assert.ok(counts.withErrors > DOCUMENTS / 20, JSON.stringify(counts));
  });
}

test("errors have the client's own locations, and are not stored", async () => {
  for (const query of [
    "{ box { named { label } } product { id maybe { id } ok: stock broken name } }",
    "{\n  product {\n    name\n    related { name\n broken }\n    broken\n  }\n}",
    '{ product { a: label(lang: "é😀") broken b: label(lang: "\u2028{") c: broken } } # é',
    "# é😀\r\nquery {\r\n\tproduct { things { ... on User { broken } ... on Product { broken } } } }\r{product}",
    "fragment F on Product { brokenList maybe { ...G } } { product { ...F } } fragment G on Product { strict { id } }",
    '{ nodes(ids: [null, "p1"]) { ... on Product { seller { broken } strict { name } } } }',
    "{ product { name } strict { id } }",
  ]) {
    for (const path of ["/graphql", "/pretty", "/yoga"]) {
      const request = { path, query: query.replace("\r{product}", "") };
      const expected = await directly(request);
      const { errors } = JSON.parse(expected.bytes);
      assert.ok(errors?.length >= 1 && errors.every((one) => one.locations && one.path), query);
      for (let time = 0; time < 2; time += 1) {
        const found = await throughWorker(request);
        assertSame(found, expected, query);
        assert.equal(found.xCache, "MISS", query);
      }
    }
  }
});

test("what is no valid document is refused in the origin's own words", async () => {
  for (const query of [
    "{ product { nonsense { deeper } } }",
    "{ product { maybe { id } name { id } } }",
    "{\n  box {\n    named }\n  product(wrong: 1) { id }\n}",
    "query ($unused: Int) { product { é: id } }",
    "query ($unused: Int) { product { id } }",
    "query ($first: Int!) { users(first: $first) { name } }",
    "{ product { id } } fragment Unused on Product { maybe { id } }",
  ]) {
    for (const path of ["/graphql", "/yoga"]) {
      for (const accept of KINDS) {
        const request = { path, query, accept };
        const expected = await directly(request);
        assert.ok(JSON.parse(expected.bytes).errors, query);
        for (let time = 0; time < 3; time += 1) assertSame(await throughWorker(request), expected, query);
      }
    }
  }
});

const JSON_TYPE = { "content-type": "application/json" };
const refusal = (members) => JSON.stringify({ errors: [{ message: "refused" }], ...members });

/** Ways in which origins say that they do not run a document. */
const REFUSALS = {
  "400 with JSON": (response) => response.writeHead(400, JSON_TYPE).end(refusal()),
  "200 with errors alone": (response) => response.writeHead(200, JSON_TYPE).end(refusal()),
  "200 with null": (response) => response.writeHead(200, JSON_TYPE).end(refusal({ data: null })),
  "403 with a page": (response) => response.writeHead(403, { "content-type": "text/html" }).end("<p>No</p>"),
};

const countAsked = async (work) => {
  const [asked] = await askedOfOrigin(work);
  return asked.map((request) => (hasAddition(request) ? "added" : "as it came"));
};

/** What a document costs by its names and colons. */
const costOf = (query) => query.match(/\w+|:/g).length;

for (const [name, refuse] of Object.entries(REFUSALS)) {
  const slug = name.replace(/\W/g, "");
  for (const [kind, refuses] of [
    ["an allow-list", (query) => query.includes(PREFIX)],
    ["a limit of cost", (query) => costOf(query) > 12],
  ]) {
    test(`${kind} that says ${name}: asked once more as it came, then left alone`, async () => {
      const query = `query R${slug}${kind.length}($v: Int) { users(first: $v) { name } }`;
      const ask = (first) => ({ path: "/graphql", query, variables: { v: first } });
      await withOrigin(
        (request, response, body) =>
          refuses(JSON.parse(body).query) ? refuse(response) : serve(request, response, body),
        async () => {
          const expected = await directly(ask(1));
          assert.equal(expected.status, 200);
          const [asked, answer] = await askedOfOrigin(() => throughWorker(ask(1)));
          assertSame(answer, expected, name);
          assert.deepEqual(asked.map(hasAddition), [true, false]);
          assert.equal(asked[1].body.toString(), JSON.stringify({ query, variables: { v: 1 } }));
          assert.deepEqual(await countAsked(() => throughWorker(ask(1))), [], "it was stored");
          for (const first of [2, 3])
            assert.deepEqual(await countAsked(() => throughWorker(ask(first))), ["as it came"]);
        },
      );
      assert.deepEqual(await countAsked(() => throughWorker(ask(4))), ["as it came"]);
    });
  }

  test(`a document that is refused both ways with ${name} costs two requests, then one`, async () => {
    const query = `query Both${slug} { product { name } }`;
    const ask = (members) => countAsked(() => throughWorker({ path: "/graphql", query, ...members }));
    await withOrigin(
      (_request, response) => refuse(response),
      async () => {
        assert.deepEqual(await ask(), ["added", "as it came"]);
        assert.deepEqual(await ask(), ["as it came"]);
        assert.deepEqual(await ask(), ["as it came"]);
      },
    );
    // It was the variables' fault, or the day's: once it runs it gets another chance.
    assert.deepEqual(await ask(), ["as it came"]);
    await world.admin("purge", { body: { all: true } });
    assert.deepEqual(await ask(), ["added"]);
  });
}

test("an origin that is busy or broken is not asked again", async () => {
  for (const status of [429, 500, 502, 503]) {
    for (const [type, body] of [
      ["application/json", refusal()],
      ["application/json", refusal({ data: null })],
      ["text/html", "<p>Later</p>"],
      ["text/plain", ""],
    ]) {
      const what = `${status} ${type} ${body}`;
      const query = `query Busy${status} { product { name n: ${type.replace(/\W/g, "_")}${body.length} } }`;
      await withOrigin(
        (_request, response) => response.writeHead(status, { "content-type": type }).end(body),
        async () => {
          for (let time = 0; time < 2; time += 1) {
            const [asked, answer] = await askedOfOrigin(() => throughWorker({ path: "/graphql", query }));
            assert.deepEqual([asked.length, hasAddition(asked[0])], [1, true], what);
            assert.deepEqual(
              [answer.status, answer.type, answer.bytes.toString()],
              [status, type, body],
              what,
            );
          }
        },
      );
    }
  }
});

/** An answer's body to a document: it shows the document's key wherever it can. */
const shown = (query) => (query.includes(PREFIX) ? { evergraph__typename: "A", b: 1 } : { b: 1 });
const text = (query) => JSON.stringify({ data: { a: shown(query) } });
const long = (bytes) => (query) => JSON.stringify({ data: { x: "x".repeat(bytes), a: shown(query) } });

/** Answers from which nothing can be taken out, and some from which it can. */
const ODD_ANSWERS = {
  "an event stream": [200, "text/event-stream", (query) => `event: next\ndata: ${text(query)}\n\n`],
  parts: [200, 'multipart/mixed; boundary="-"', (query) => `\r\n---\r\n\r\n${text(query)}\r\n-----`],
  "a page": [200, "text/html", (query) => `<pre>${query}</pre>`],
  "a page that refuses": [400, "text/html", (query) => `<pre>${query}</pre>`],
  "a page of an error that shows the document": [500, "text/html", (query) => `<pre>${query}</pre>`],
  "a text of an error that shows the document": [429, "text/plain", (query) => query],
  "JSON by another name": [200, "text/plain", text],
  "half an answer": [200, "application/json", (query) => text(query).slice(0, -3)],
  "JSON with more behind it": [200, "application/json", (query) => `${text(query)}{`],
  "a number as JSON has none": [200, "application/json", (query) => text(query).replace("1}", "NaN}")],
  "a list": [200, "application/json", (query) => `[${text(query)}]`],
  text: [200, "application/json", (query) => JSON.stringify(query)],
  nothing: [200, "application/json", () => ""],
  "a redirection": [302, "text/html", (query) => query],
  "an error that shows the document": [
    200,
    "application/json",
    (query) => JSON.stringify({ data: { a: shown(query) }, errors: [{ message: query }] }),
  ],
  "a broken gateway's error that shows the document": [
    502,
    "application/json",
    (query) => JSON.stringify({ errors: [{ message: query }] }),
  ],
  "extensions that trace": [
    200,
    "application/json",
    (query) =>
      JSON.stringify({ data: { a: shown(query) }, extensions: { paths: Object.keys(shown(query)) } }),
  ],
  "an error about the addition": [
    200,
    "application/json",
    (query) =>
      JSON.stringify({ data: { a: shown(query) }, errors: [{ path: ["a", Object.keys(shown(query))[0]] }] }),
  ],
  "3 MiB": [200, "application/json", long(3 << 20)],
  "over 8 MiB": [200, "application/json", long(8 << 20)],
};

for (const [name, [status, type, body]] of Object.entries(ODD_ANSWERS)) {
  test(`the client sees nothing of what was added: ${name}`, async () => {
    const query = `query ${name.replace(/\W/g, "_").replace(/^\d/, "N")} { a { b } }`;
    await withOrigin(
      (request, response, bytes) =>
        response
          .writeHead(status, { "content-type": type, location: "/elsewhere" })
          .end(body(readRequest(request, bytes).query)),
      async () => {
        const accept = "text/event-stream, application/json, multipart/mixed";
        const [asked, found] = await askedOfOrigin(() => throughWorker({ path: "/graphql", query, accept }));
        assert.ok(hasAddition(asked[0]), "the origin was asked with the addition");
        assert.ok(!found.bytes.includes(PREFIX), found.bytes.toString().slice(0, 400));
        const expected = { status, type, bytes: Buffer.from(body(query)) };
        assert.deepEqual([found.status, found.type], [status, type]);
        assert.ok(found.bytes.equals(expected.bytes), `${found.bytes}`.slice(0, 400));
      },
    );
  });
}

const CLIENTS_OWN = { a: { evergraph__typename: "User", id: 7, b: [{ evergraph__: 1 }] }, evergraph__x: {} };

test("a scalar of JSON keeps its members, whatever their keys, and shows no types", async () => {
  await withOrigin(
    (_request, response, body) => {
      const { query } = JSON.parse(body);
      const product = { ...shown(query), extra: CLIENTS_OWN, list: [[CLIENTS_OWN]] };
      response.writeHead(200, JSON_TYPE).end(JSON.stringify({ data: { product } }));
    },
    async () => {
      const query = "query Scalar { product { b extra list } }";
      const expected = await directly({ path: "/graphql", query });
      for (let time = 0; time < 2; time += 1)
        assertSame(await throughWorker({ path: "/graphql", query }), expected, `time ${time}`);
      assert.deepEqual(await typesOf(query), ["untyped"]);
    },
  );
});

/** The tags of an entry that its types give it. */
async function typesOf(query) {
  const debug = { "evergraph-debug": "1", authorization: `Bearer ${ADMIN_TOKEN}` };
  const answer = await world.graphql(query, { headers: debug });
  const ofTheRequest = /^(key|op|path|type):/;
  return answer.headers
    .get("evergraph-tags")
    .split(",")
    .filter((tag) => !ofTheRequest.test(tag))
    .sort();
}

test("a client that uses the reserved prefix itself is left alone, and cannot fake types", async () => {
  for (const query of [
    "{ product { evergraph__typename: name id } }",
    "{ product { evergraph__typename: __typename maybe { id } } }",
    "query evergraph__typename { product { maybe { id } } }",
    '{ echo(text: "evergraph__") product { maybe { name } } }',
    "{ product { ...evergraph__F } } fragment evergraph__F on Product { maybe { name } }",
  ]) {
    const request = { path: "/graphql", query };
    const expected = await directly(request);
    const [asked, miss] = await askedOfOrigin(() => throughWorker(request));
    assert.deepEqual(
      asked.map(({ body }) => body.toString()),
      [JSON.stringify({ query })],
    );
    assertSame(miss, expected, query);
    assertSame(await throughWorker(request), expected, query);
  }
  assert.deepEqual(await typesOf("{ product { evergraph__typename: name id } }"), ["untyped"]);
  // A key that is another field's name is no type either.
  assert.deepEqual(await typesOf("{ product { __typename: name id } }"), ["Product", "Product:p0"]);
});

test("entries have their types, whatever the client asked for", async () => {
  assert.deepEqual(await typesOf('{ product(id: "p3") { name } }'), ["Product", "Product:?"]);
  assert.deepEqual(await typesOf("{ users { id } }"), ["User", "User:u0", "User:u1", "list:User"]);
  assert.deepEqual(await typesOf('{ product(id: "p3") { id seller { id } reviews { id } } }'), [
    "Product",
    "Product:p3",
    "User",
    "User:u3",
    "untyped", // no reviews
  ]);
});

/** What of these is still stored at the first place, after a mutation at the second. */
async function storedAfter(where, queries, mutation) {
  for (const query of queries) {
    await where.graphql(query);
    assert.equal((await where.graphql(query)).xCache, "HIT", query);
  }
  const write = await where.graphql(mutation, { place: 1 });
  const headers = { "evergraph-purge": write.headers.get("evergraph-purge") };
  const stored = [];
  for (const query of queries)
    if ((await where.graphql(query, { headers })).xCache === "HIT") stored.push(query);
  return stored;
}
const QUERIES = ['{ product(id: "p1") { name } }', "{ users { name } }", "{ review { text } }"];
const UPDATE = (type) => `mutation { update${type}(id: "${type[0].toLowerCase()}1") { __typename id } }`;

test("a mutation purges the entries of its type and no others, in each isolate", async () => {
  // A review shows no id, and may tell of anything.
  const [product, users] = QUERIES;
  for (let isolate = 0; isolate < 2; isolate += 1) {
    assert.deepEqual(await storedAfter(world, QUERIES, UPDATE("Product")), [users]);
    assert.deepEqual(await storedAfter(world, QUERIES, UPDATE("User")), [product]);
    // What the stores have was written by an isolate that is gone.
    for (const query of QUERIES) await world.graphql(query);
    const entries = () => [...world.caches[0].entries.keys()].filter((key) => key.includes("gql")).length;
    const before = entries();
    await world.graphql(`{ again: product { name n${isolate}: id } }`);
    await world.until(() => entries() > before, "what was stored last is at the edge");
    await world.restart();
    for (const query of QUERIES) assert.match((await world.graphql(query)).cacheStatus, /detail=(edge|kv)/);
  }
});

test("without additions an origin gets the client's own bytes, and all types are one", async () => {
  const plain = await startWorld({ places: 2, config: { ...config, graphql: { inject: false } } });
  plain.origin.answer = serve;
  const body =
    '{ "variables" : {"x":1.0}, "query":"query ($x: ID) { \\u0070roduct(id: $x) { name } }","other":null }';
  const init = { method: "POST", headers: JSON_TYPE, body };
  assert.equal((await plain.ask("/graphql", init)).xCache, "MISS");
  assert.equal((await plain.ask("/graphql", init)).xCache, "HIT");
  assert.deepEqual(
    plain.origin.requests.map((request) => request.body.toString()),
    [body],
  );
  assert.deepEqual(await storedAfter(plain, QUERIES, UPDATE("Product")), []);
});

test("only the document of a request is another", async () => {
  const rest = '"variables":{"x": 1.0,"y":1e3,"z":"\\u0041"},"operationName":"Rest"';
  const body = (query) => `{${rest},"query":${JSON.stringify(query)},"mine":[1, 2]}`;
  const init = {
    method: "POST",
    headers: { ...JSON_TYPE, "x-mine": "é" },
    body: body(
      "query Rest($x: JSON, $y: JSON, $z: JSON) { a: json(value: $x) b: json(value: $y) c: json(value: $z) box { inner { anything } } }",
    ),
  };
  delete init.headers["x-mine"];
  const [[asked]] = await askedOfOrigin(() => world.ask("/graphql", init));
  const key = "evergraph__typename:__typename ";
  assert.equal(
    asked.body.toString(),
    body(
      `query Rest($x: JSON, $y: JSON, $z: JSON) { a: json(value: $x) b: json(value: $y) c: json(value: $z) box {${key} inner {${key} anything } } }`,
    ),
  );
  assert.equal(asked.headers["content-length"], String(asked.body.length));
  assert.equal(asked.headers["content-type"], "application/json");
});

test("a GET has its document in another URL, and its other parameters as they were", async () => {
  const query = encodeURIComponent("query Get($lang: String) { product { label(lang: $lang) } }");
  const variables = encodeURIComponent('{"lang":"é &=+"}');
  for (const [before, after] of [
    ["a=%20b+c&%zz&=&", "&operationName=Get&other=query"],
    [`variables=${variables}&`, "&flag"],
    ["", ""],
  ]) {
    const url = `/graphql?${before}query=${query}${after}`;
    const [asked, answer] = await askedOfOrigin(() => world.ask(url));
    const document = asked[0].url.slice(`/graphql?${before}query=`.length).split("&")[0];
    assert.equal(asked[0].url, `/graphql?${before}query=${document}${after}`);
    assert.equal(
      decodeURIComponent(document),
      "query Get($lang: String) { product {evergraph__typename:__typename  label(lang: $lang) } }",
    );
    assert.deepEqual([asked.length, answer.xCache, answer.status], [1, "MISS", 200]);
    const direct = await (await fetch(world.origin.url + url)).text();
    assert.equal(answer.text, direct);
    assert.deepEqual([(await world.ask(url)).xCache, (await world.ask(url)).text], ["HIT", direct]);
  }
});

test("a URL that would be too long is sent as it is", async () => {
  const query = encodeURIComponent("{ product { name } }");
  const url = (bytes) => `/graphql?query=${query}&pad=`.padEnd(bytes, "x");
  for (const [bytes, added] of [
    [7_900, true],
    [7_990, false],
    [12_000, false],
  ]) {
    const [asked, answer] = await askedOfOrigin(() => world.ask(url(bytes)));
    assert.deepEqual([asked.length, answer.status], [1, 200], bytes);
    assert.equal(hasAddition(asked[0]), added, bytes);
    if (!added) assert.equal(asked[0].url, url(bytes));
  }
});

test("where Wasm panics the client sees nothing of what was added", async () => {
  const panicking = await startWorld({ entry: panickingEntry, config: { default: { ttl: 600 } } });
  panicking.origin.answer = serve;
  let rescued = 0;
  for (const after of PANICS) {
    const query = `query P${after} { product { related { name } } }`;
    const expected = await answerOf(panicking.origin.url, { path: "/graphql", query });
    const before = panicking.origin.requests.length;
    const found = await panicking.graphql(query, { headers: { "evergraph-panic-after": after } });
    assert.deepEqual([found.status, found.text], [200, expected.bytes.toString()], after);
    const asked = panicking.origin.requests.slice(before).map(hasAddition);
    if (/worker-failed/.test(found.cacheStatus) && asked[0]) {
      assert.deepEqual(asked, [true, false], after);
      rescued += 1;
    }
  }
  assert.ok(rescued >= 1, "it did happen once the origin had answered");
});
