// Answers that JavaScript gives again without Wasm (docs/decisions/0054-hits-that-do-not-enter-wasm.md): they
// are the bytes that Wasm would give, and they end when Wasm would give something else.

import assert from "node:assert/strict";
import http from "node:http";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { trappingClock } from "../lib/panics.mjs";
import { startWorld } from "../lib/world.mjs";

/** Says of each response whether the request reached Wasm, and lets Wasm trap for a request with `x-trap`. */
const entry = `
import worker, { PurgeLog } from "./index.js";
export { PurgeLog };

${trappingClock}

export default {
  async fetch(request, env, context) {
    armed = request.headers.has("x-trap");
    let reached = false;
    const response = await worker.fetch(request, env, {
      passThroughOnException: () => context.passThroughOnException(),
      waitUntil(promise) {
        reached = true;
        context.waitUntil(promise);
      },
    });
    const seen = new Response(response.body, response);
    seen.headers.set("x-reached", String(reached));
    return seen;
  },
};
`;

const config = {
  default: { ttl: 300 },
  ignore_headers: ["x-build"],
  types: {
    product: { match: ["graphql:Query.product", "rest:/api/**"], ttl: 300 },
    open: { match: ["rest:/open/**"], ttl: 300, scope: "all" },
    short: { match: ["rest:/short/**"], ttl: 1 },
    mine: { match: ["rest:/mine/**"], ttl: 300, scope: "user" },
  },
  scopes: { user: { by: ["header:authorization", "cookie:session"] }, all: { by: [] } },
  resources: [{ path: "/api/products/:id", tags: ["Product", "Product:{id}"] }],
  purge: { max_lag: 3 },
  log: { hits: 0 },
};
const world = await startWorld({ config, entry, places: 2, oneEdge: false });

let count = 0;
/** The response to an operation, about the product that it names, or about the first. */
const dataFor = (query) => {
  const [, id = "1"] = /id: (\d+)/.exec(query) ?? [];
  return { data: { product: { __typename: "Product", id, n: count } } };
};

world.origin.answer = (request, response, sent) => {
  count += 1;
  const { url } = request;
  const headers = { "content-type": "application/json", "access-control-allow-origin": "*" };
  if (url.includes("/language")) headers.vary = "Accept-Language";
  if (url.startsWith("/api/behind")) headers["cache-status"] = "other; hit";
  if (url.startsWith("/api/links")) headers.link = ["</a>; rel=a", "</b>; rel=b"];
  if (url.startsWith("/api/moved")) headers["content-location"] = `${world.origin.url}/api/other`;
  if (url.startsWith("/api/tagged")) headers.etag = '"one"';
  if (url.startsWith("/api/headed")) headers["x-headed"] = "x".repeat(30_000);
  response.writeHead(200, headers);
  const sentText = String(sent);
  const answered = sentText.startsWith("[")
    ? JSON.parse(sentText).map(({ query }) => dataFor(query))
    : dataFor(sentText);
  const text = url.startsWith("/api/large") ? "x".repeat(1_000_000) : undefined;
  response.end(JSON.stringify(url.startsWith("/graphql") ? answered : { n: count, text }));
};

/** Sends a request without adding headers, and returns the response with its raw header fields and bytes. */
function send({ path, method = "GET", headers = {}, body, place = 0 }) {
  return new Promise((resolve, reject) => {
    const options = { method, headers, maxHeaderSize: 128 << 10 };
    const request = http.request(world.url(path, place), options, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => {
        const raw = response.rawHeaders;
        const pairs = raw.flatMap((name, n) => (n % 2 === 0 ? [[name, raw[n + 1]]] : []));
        const fields = pairs.filter(([name]) => name.toLowerCase() !== "x-reached");
        const { headers: all, statusCode: status } = response;
        const isRepeated = all["x-reached"] === "false";
        resolve({
          status,
          fields,
          body: Buffer.concat(chunks),
          isRepeated,
          xCache: all["x-cache"],
          age: all.age,
        });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** Sends a request until JavaScript gives the answer. */
async function repeated(request) {
  let got;
  await world.until(async () => {
    got = await send(request);
    return got.isRepeated;
  }, `JavaScript answers ${request.path}`);
  return got;
}

const graphql = (body, headers = {}) => ({
  path: "/graphql",
  method: "POST",
  headers: { "content-type": "application/json", ...headers },
  body,
});
const query = '{"query":"query P { product(id: 1) { id n } }"}';

const batch = (...ids) =>
  graphql(JSON.stringify(ids.map((id) => ({ query: `query P { product(id: ${id}) { id n } }` }))));

const SAME = {
  "a GraphQL POST": graphql(query),
  "a batch": batch(20, 21, 20),
  "a GraphQL GET": { path: "/graphql?query=%7Bproduct(id:2)%7Bid%20n%7D%7D" },
  "a REST read": { path: "/api/products/1" },
  "a HEAD": { path: "/api/products/1", method: "HEAD" },
  "a 304": { path: "/api/tagged", headers: { "if-none-match": '"one"' } },
  "a response with an address of the origin": { path: "/api/moved" },
  "a response with two lines of a header": { path: "/api/links" },
  "a response that varies": { path: "/api/language", headers: { "accept-language": "de" } },
  "a large response": { path: "/api/large" },
  "a user's own": { path: "/mine/1", headers: { authorization: "Bearer one" } },
};

for (const [what, request] of Object.entries(SAME)) {
  test(`${what} is given again as Wasm would give it`, async () => {
    let pair;
    await world.until(async () => {
      const given = await repeated(request);
      const ofWasm = await send({ ...request, headers: { ...request.headers, "evergraph-debug": "0" } });
      assert.equal(ofWasm.isRepeated, false);
      pair = [given, ofWasm];
      // Otherwise a second has passed in between.
      return given.age === ofWasm.age;
    }, "two answers in the same second");
    const [given, ofWasm] = pair;
    assert.equal(given.xCache, "HIT");
    assert.deepEqual(given.fields, ofWasm.fields);
    assert.deepEqual([given.status, given.body], [ofWasm.status, ofWasm.body]);
  });
}

test("a response that a plain object cannot hold is not given again", async () => {
  for (let n = 0; n < 5; n += 1) assert.equal((await send({ path: "/api/behind" })).isRepeated, false);
});

test("another value of a header that counts is another request", async () => {
  await repeated({ path: "/api/language", headers: { "accept-language": "de" } });
  const other = await send({ path: "/api/language", headers: { "accept-language": "fr" } });
  assert.deepEqual([other.isRepeated, other.xCache], [false, "MISS"]);
  await repeated({ path: "/mine/2", headers: { authorization: "Bearer one" } });
  for (const headers of [{ authorization: "Bearer two" }, {}, { cookie: "session=2" }]) {
    const got = await send({ path: "/mine/2", headers });
    assert.deepEqual([got.isRepeated, got.xCache], [false, "MISS"], JSON.stringify(headers));
  }
  await repeated({ path: "/api/products/2" });
  for (const name of ["x-api-key", "range", "evergraph-purge", "x-http-method-override"]) {
    const got = await send({ path: "/api/products/2", headers: { [name]: "x" } });
    assert.equal(got.isRepeated, false, name);
  }
  const neutral = { "user-agent": "x", "x-build": "7", "sec-fetch-mode": "cors", referer: "http://x/" };
  for (const [name, value] of Object.entries(neutral)) {
    await repeated({ path: "/api/products/2", headers: { [name]: value } });
  }
});

test("names of headers without end mix nothing up", async () => {
  const ask = (language, headers = {}) =>
    send({ path: "/open/language", headers: { "accept-language": language, ...headers } });
  const bodies = { de: (await ask("de")).body, fr: (await ask("fr")).body };
  assert.notDeepEqual(bodies.de, bodies.fr);
  // Of a thousand names all are forgotten. Then each request has a single new one, which comes before that of
  // the header in `Vary`.
  for (let n = 0; n < 24 + 60; n += 1) {
    const names = Array.from({ length: n < 24 ? 40 : 1 }, (_, m) => [`a-${n}-${m}`, "1"]);
    for (const [language, body] of Object.entries(bodies)) {
      assert.deepEqual((await ask(language, Object.fromEntries(names))).body, body, language);
    }
  }
  await repeated({ path: "/open/language", headers: { "accept-language": "de" } });
});

test("a body that differs in any byte is another request", async () => {
  const bytes = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));
  const invalid = (byte) =>
    bytes('{"query":"query Q($a: String) { product(a: $a) { id } }","variables":{"a":"', [byte], '"}}');
  await repeated(graphql(query));
  for (const body of [bytes([0xef, 0xbb, 0xbf], query), bytes(query, " ")]) {
    assert.equal((await send(graphql(body))).isRepeated, false);
  }
  const [one, other] = [await send(graphql(invalid(0xfe))), await send(graphql(invalid(0xff)))];
  for (let n = 0; n < 3; n += 1) await send(graphql(invalid(0xfe)));
  assert.equal((await send(graphql(invalid(0xff)))).isRepeated, false);
  assert.ok(one.status === 200 && other.status === 200);
});

test("a purge ends it at once in its isolate, and within max_lag in others", async () => {
  const request = { path: "/api/products/3" };
  const before = await repeated(request);
  const there = await repeated({ ...request, place: 1 });
  await repeated({ path: "/api/products/4" });
  const purged = await world.admin("purge", { body: { tags: ["Product:3"] } });
  assert.equal(purged.status, 200);
  const since = Date.now();
  const after = await send(request);
  assert.deepEqual([after.isRepeated, after.xCache], [false, "MISS"]);
  assert.notDeepEqual(after.body, before.body);
  while (Date.now() - since < 3_000) {
    const got = await send({ ...request, place: 1 });
    if (!got.body.equals(there.body)) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.notDeepEqual((await send({ ...request, place: 1 })).body, there.body);
});

test("a purge of something else does not end it", async () => {
  const request = { path: "/api/products/5" };
  let isRepeated = false;
  // The purge and both requests have to fit between two times at which a request has to reach Wasm.
  await world.until(async () => {
    await repeated(request);
    await world.admin("purge", { body: { tags: ["Product:6"] } });
    ({ isRepeated } = await send(request));
    return isRepeated;
  }, "an answer given again after a purge of something else");
  assert.ok(isRepeated);
});

test("a purge of what a batch shows ends it", async () => {
  const request = batch(22, 23);
  const before = await repeated(request);
  await world.admin("purge", { body: { tags: ["Product:23"] } });
  const after = await send(request);
  assert.deepEqual([after.isRepeated, after.xCache], [false, "MISS"]);
  assert.notDeepEqual(JSON.parse(after.body)[1], JSON.parse(before.body)[1]);
  await repeated(request);
});

test("a pause ends all, and the end of the pause brings them back", async () => {
  const request = { path: "/api/products/7" };
  await repeated(request);
  assert.equal((await world.admin("pause", { body: { seconds: 600 } })).status, 200);
  const paused = await send(request);
  assert.deepEqual([paused.isRepeated, paused.xCache], [false, "BYPASS"]);
  assert.equal((await world.admin("resume", { body: {} })).status, 200);
  await repeated(request);
});

test("it is never given when it is no longer fresh", async () => {
  let given = 0;
  for (const until = Date.now() + 2_500; Date.now() < until; ) {
    const got = await send({ path: "/short/1" });
    if (got.isRepeated) {
      given += 1;
      assert.equal(got.age, "0");
    }
  }
  assert.ok(given > 0);
});

test("a write through this isolate is seen at once", async () => {
  const request = { path: "/api/products/8" };
  const before = await repeated(request);
  assert.equal((await send({ ...request, method: "PUT", body: "{}" })).status, 200);
  const after = await send(request);
  assert.equal(after.isRepeated, false);
  assert.notDeepEqual(after.body, before.body);
});

test("what was given is counted", async () => {
  const stats = async () => (await world.admin("stats")).json;
  const before = await stats();
  await send({ path: "/api/products/9" });
  let hits = 0;
  for (let n = 0; n < 30; n += 1) hits += (await send({ path: "/api/products/9" })).xCache === "HIT" ? 1 : 0;
  const after = await stats();
  assert.equal(hits, 30);
  assert.deepEqual([after.hits - before.hits, after.misses - before.misses], [30, 1]);
});

test("after Wasm has trapped nothing is given that its memory knew of", async () => {
  const request = { path: "/api/products/10" };
  await repeated(request);
  await send({ path: "/api/products/11", headers: { "x-trap": "1" } });
  assert.equal((await send(request)).isRepeated, false);
  await repeated(request);
});

test("a request whose body is still coming while Wasm traps gets nothing of before", async () => {
  const request = graphql(query);
  const before = await repeated(request);
  const { promise, resolve, reject } = Promise.withResolvers();
  const headers = { ...request.headers, "content-length": request.body.length };
  const slow = http.request(world.url(request.path), { method: "POST", headers }, (response) => {
    response.setEncoding("utf8").on("data", (text) => resolve(text));
  });
  slow.on("error", reject);
  slow.write(request.body.slice(0, -1));
  await delay(200);
  await send({ path: "/api/products/12", headers: { "x-trap": "1" } });
  assert.equal((await world.admin("purge", { body: { tags: ["Product:1"] } })).status, 200);
  const after = await repeated(request);
  assert.notDeepEqual(after.body, before.body);
  slow.end(request.body.slice(-1));
  assert.equal(await promise, after.body.toString());
});

test("the headers of answers count in what all of them may take", async () => {
  const paths = Array.from({ length: 900 }, (_, n) => ({ path: `/api/headed/${n}` }));
  // A miss, and a hit from memory.
  const fill = async (requests) => {
    for (let n = 0; n < requests.length; n += 20) {
      const some = requests.slice(n, n + 20);
      for (let time = 0; time < 2; time += 1) await Promise.all(some.map(send));
    }
  };
  // Some requests are due in Wasm, and this may be one: then a later one is given again. The answer is the latest
  // by then, so all that may take its place come after it.
  const isGivenAgain = async (request) => {
    for (let tries = 0; tries < 20; tries += 1) if ((await send(request)).isRepeated) return true;
    return false;
  };
  await fill(paths.slice(0, 200));
  assert.equal(await isGivenAgain(paths[0]), true, "6 MB have room");
  await fill(paths.slice(200));
  for (const one of paths.slice(0, 5)) assert.equal((await send(one)).isRepeated, false, "21 MB do not");
});

test("names of headers that are very long are not remembered", async () => {
  const request = { path: "/api/products/13", headers: { [`sec-${"x".repeat(200)}`]: "1" } };
  for (let n = 0; n < 20; n += 1) assert.equal((await send(request)).isRepeated, false);
});

test("how popular a request is includes what JavaScript has given", async () => {
  const [popular, other] = [{ path: "/api/popular" }, { path: "/api/less-popular" }];
  const toWasm = { ...other, headers: { "evergraph-debug": "0" } };
  await repeated(popular);
  for (let n = 0; n < 400; n += 1) {
    await send(popular);
    if (n % 4 === 0) await send(toWasm);
  }
  await world.until(async () => !(await send(popular)).isRepeated, "Wasm has seen it");
  const { results } = (await world.admin("warm", { body: { top: 1 } })).json;
  assert.deepEqual(
    results.map(({ url }) => url.replace(/^https?:\/\/[^/]+/, "")),
    ["/api/popular"],
  );
});
