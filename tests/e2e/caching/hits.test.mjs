// What is served from the cache, under which key, and with which headers.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { ADMIN_TOKEN, startWorld } from "../lib/world.mjs";

const world = await startWorld({
  config: {
    bypass: ["/health", "/api/auth/**"],
    ignore_cookies: ["_ga*"],
    default: { ttl: 300 },
    types: {
      product: { match: ["graphql:Query.products", "rest:/api/products/**"], ttl: 7200, client_ttl: 0 },
      search: { match: ["rest:/api/search", "operation:Find*"], ttl: 3600 },
      mine: { match: ["rest:/api/me", "graphql:Query.me"], ttl: 60, scope: "user" },
      framework: { match: ["rest:/api/framework"], ttl: 60, override: true },
      never: { match: ["rest:/api/now", "graphql:Query.now"], ttl: 0 },
    },
    scopes: { user: { by: ["header:authorization", "cookie:session"], ignore: ["cookie:theme"] } },
  },
});

before(() => {
  // Every answer differs, so that only the cache can repeat one.
  let count = 0;
  world.origin.answer = (request, response) => {
    count += 1;
    const body = request.url.startsWith("/graphql") ? { data: { n: count } } : { n: count };
    response.writeHead(200, { "content-type": "application/json", "access-control-allow-origin": "*" });
    response.end(JSON.stringify(body));
  };
});

const sameAnswer = (one, other) => {
  assert.equal(other.xCache, "HIT", other.cacheStatus);
  assert.equal(other.text, one.text);
};
const otherAnswer = (one, other) => {
  assert.notEqual(other.xCache, "HIT", other.cacheStatus);
  assert.notEqual(other.text, one.text);
};

test("a GraphQL query is answered from the cache, however it is laid out", async () => {
  const first = await world.graphql("query Q($a: Int, $b: Int) { x(p: $a, o: {k: 1, j: $b}) { y } }", {
    variables: { a: 1, b: { d: 1, c: 2 } },
  });
  assert.equal(first.xCache, "MISS");
  assert.equal(first.cacheStatus, "evergraph; fwd=miss; fwd-status=200; stored");
  const second = await world.graphql("# hello\nquery Q($b:Int,$a:Int){x(o:{j:$b,k:1},p:$a){y}}", {
    variables: { b: { c: 2, d: 1 }, a: 1, undeclared: true },
  });
  sameAnswer(first, second);
  assert.match(second.cacheStatus, /^evergraph; hit; ttl=(300|299); detail=memory$/);
  assert.match(second.headers.get("age"), /^[01]$/);
});

test("what asks for something else has another key", async () => {
  const first = await world.graphql("query A { a } query B { a }", { operationName: "A" });
  otherAnswer(first, await world.graphql("query A { a } query B { a }", { operationName: "B" }));
  otherAnswer(first, await world.graphql("query A { b }"));
  const one = await world.graphql("query V($v: Int) { v(v: $v) }", { variables: { v: 1 } });
  otherAnswer(one, await world.graphql("query V($v: Int) { v(v: $v) }", { variables: { v: 2 } }));
  const json = await world.graphql("{ kind }", { headers: { accept: "application/json" } });
  otherAnswer(
    json,
    await world.graphql("{ kind }", { headers: { accept: "application/graphql-response+json" } }),
  );
  sameAnswer(json, await world.graphql("{ kind }", { headers: { accept: "Application/JSON;q=0.9" } }));
});

test("GraphQL over GET is cached too", async () => {
  const url = `/graphql?query=${encodeURIComponent("query G($v: Int) { g(v: $v) }")}&variables=${encodeURIComponent('{"v":1}')}`;
  sameAnswer(await world.ask(url), await world.ask(url));
  otherAnswer(await world.ask(url), await world.ask(url.replace("%3A1", "%3A2")));
});

test("REST answers of a cache type are cached, and HEAD is answered from them", async () => {
  const first = await world.ask("/api/products/7?x=1");
  sameAnswer(first, await world.ask("/api/products/7?x=1"));
  otherAnswer(first, await world.ask("/api/products/7?x=2"));
  const head = await world.ask("/api/products/7?x=1", { method: "HEAD" });
  assert.deepEqual([head.status, head.xCache, head.text], [200, "HIT", ""]);
});

test("a REST answer that no type matches follows the origin's own headers", async () => {
  assert.match((await world.ask("/api/other")).cacheStatus, /detail=no-freshness$/);
  const before = world.origin.answer;
  world.origin.says(200, { "cache-control": "public, max-age=60", "content-type": "text/plain" }, "hello");
  try {
    assert.match((await world.ask("/api/fresh")).cacheStatus, /stored$/);
    assert.equal((await world.ask("/api/fresh")).xCache, "HIT");
    assert.equal(
      (await world.ask("/api/fresh", { headers: { "cache-control": "no-cache" } })).xCache,
      "MISS",
    );
    assert.equal(
      (await world.ask("/api/absent", { headers: { "cache-control": "only-if-cached" } })).status,
      504,
    );
  } finally {
    world.origin.answer = before;
  }
});

test("keys are structured, and shown to the admin alone", async () => {
  const debug = { "evergraph-debug": "1", authorization: `Bearer ${ADMIN_TOKEN}` };
  const shown = await world.graphql("query FindLamps { lamps { id } }", { headers: debug });
  assert.match(shown.headers.get("evergraph-key"), /^test\/2\/gql\/search\/FindLamps\/public\/[0-9a-f]{64}$/);
  assert.match(shown.headers.get("evergraph-tags"), /op:FindLamps/);
  assert.match(shown.headers.get("evergraph-tags"), /type:search/);
  const rest = await world.ask("/api/products/9", { headers: debug });
  assert.match(
    rest.headers.get("evergraph-key"),
    /^test\/2\/rest\/product\/api~products~9\/public\/[0-9a-f]{64}$/,
  );
  assert.match(rest.headers.get("evergraph-tags"), /path:\/api\/products\/9/);
  assert.ok(!world.origin.requests.some((request) => JSON.stringify(request.headers).includes(ADMIN_TOKEN)));
  const hidden = await world.ask("/api/products/9", { headers: { "evergraph-debug": "1" } });
  assert.equal(hidden.headers.get("evergraph-key"), null);
});

test("entity tags are answered with 304", async () => {
  // If the origin sends none, it is computed from the body, which has to be complete first.
  await world.ask("/api/products/304");
  const first = await world.ask("/api/products/304");
  const etag = first.headers.get("etag");
  assert.match(etag, /^"eg-[0-9a-f]{32}"$/);
  const second = await world.ask("/api/products/304", { headers: { "if-none-match": `"x", W/${etag}` } });
  assert.deepEqual([second.status, second.text, second.headers.get("etag")], [304, "", etag]);
  const other = await world.ask("/api/products/304", { headers: { "if-none-match": '"x"' } });
  assert.equal(other.status, 200);
});

test("client_ttl replaces the Cache-Control for the client", async () => {
  for (const answer of [await world.ask("/api/products/ttl"), await world.ask("/api/products/ttl")]) {
    assert.equal(answer.headers.get("cache-control"), "max-age=0, must-revalidate");
  }
});

test("who is not declared is not cached", async () => {
  for (const [headers, reason] of [
    [{ authorization: "Bearer a" }, "authorization-without-scope"],
    [{ cookie: "session=a" }, '"cookie-without-scope: session"'],
  ]) {
    for (const ask of [
      () => world.ask("/api/products/7", { headers }),
      () => world.graphql("{ products }", { headers }),
    ]) {
      const first = await ask();
      assert.deepEqual(
        [first.xCache, first.cacheStatus],
        ["BYPASS", `evergraph; fwd=bypass; fwd-status=200; detail=${reason}`],
      );
      otherAnswer(first, await ask());
    }
  }
  const ignored = { headers: { cookie: "_ga=1; _gat=2" } };
  sameAnswer(await world.ask("/api/products/cookies", ignored), await world.ask("/api/products/cookies"));
});

test("each user has entries of their own", async () => {
  const as = (headers) => world.ask("/api/me", { headers });
  const ada = await as({ authorization: "Bearer ada" });
  const bob = await as({ authorization: "Bearer bob" });
  const cleo = await as({ cookie: "session=cleo" });
  const nobody = await as({});
  sameAnswer(ada, await as({ authorization: "Bearer ada" }));
  sameAnswer(bob, await as({ authorization: "Bearer bob" }));
  sameAnswer(cleo, await as({ cookie: "theme=dark; session=cleo" }));
  sameAnswer(nobody, await as({}));
  assert.equal(new Set([ada, bob, cleo, nobody].map((answer) => answer.text)).size, 4);
  sameAnswer(nobody, await as({ cookie: "theme=dark" }));
  assert.equal((await as({ cookie: "lang=de" })).xCache, "BYPASS");
  assert.equal((await as({ cookie: "lang=de; session=cleo" })).xCache, "BYPASS");
});

test("paths and types that are never cached say so", async () => {
  for (const [path, reason] of [
    ["/health", "bypass-path"],
    ["/api/auth", "bypass-path"],
    ["/api/auth/login", "bypass-path"],
    ["/api/%61uth/login", "bypass-path"],
    ["/api/now", "ttl-zero"],
  ]) {
    const answer = await world.ask(path);
    assert.deepEqual(
      [answer.xCache, answer.cacheStatus],
      ["BYPASS", `evergraph; fwd=bypass; fwd-status=200; detail=${reason}`],
      path,
    );
  }
  assert.match((await world.graphql("{ now products }")).cacheStatus, /detail=ttl-zero$/);
});

test("what the origin forbids is not stored, unless every type overrides it", async () => {
  const before = world.origin.answer;
  try {
    for (const [headers, reason] of [
      [{ "cache-control": "no-store" }, "no-store"],
      [{ "cache-control": "private, max-age=60" }, "private"],
      [{ "set-cookie": "csrftoken=1" }, "set-cookie"],
      [{ vary: "Cookie, Accept-Language" }, "vary-cookie"],
      [{ vary: "*" }, "vary-any"],
    ]) {
      world.origin.saysJson({ data: { a: 1 } }, headers);
      for (const ask of [
        () => world.ask(`/api/products/${reason}`),
        () => world.graphql(`query ${reason.replace("-", "_")} { a }`),
      ]) {
        assert.equal((await ask()).cacheStatus, `evergraph; fwd=miss; fwd-status=200; detail=${reason}`);
        assert.equal((await ask()).xCache, "MISS");
      }
    }
    world.origin.saysJson(
      { n: 1 },
      { "cache-control": "no-store", "set-cookie": "csrftoken=1", vary: "Cookie" },
    );
    const first = await world.ask("/api/framework");
    assert.equal(first.headers.get("set-cookie"), "csrftoken=1", "the client of the miss gets its cookie");
    const second = await world.ask("/api/framework");
    assert.deepEqual([second.xCache, second.headers.get("set-cookie")], ["HIT", null]);
  } finally {
    world.origin.answer = before;
  }
});

test("errors and other statuses are not stored", async () => {
  const before = world.origin.answer;
  try {
    world.origin.saysJson({ data: { a: null }, errors: [{ message: "no" }] });
    assert.match((await world.graphql("query E1 { a }")).cacheStatus, /detail=errors$/);
    world.origin.saysJson({ data: null });
    assert.match((await world.graphql("query E2 { a }")).cacheStatus, /detail=errors$/);
    for (const status of [201, 404, 500]) {
      world.origin.says(status, { "content-type": "application/json" }, '{"data":{}}');
      const answer = await world.ask("/api/products/status");
      assert.deepEqual(
        [answer.status, answer.cacheStatus],
        [status, `evergraph; fwd=miss; fwd-status=${status}; detail=no-freshness`],
      );
      assert.equal((await world.graphql("query E3 { a }")).status, status);
    }
    assert.equal((await world.graphql("query E3 { a }")).xCache, "MISS");
  } finally {
    world.origin.answer = before;
  }
});

test("answers vary by the headers that they name, and by Origin unless everyone may read", async () => {
  const before = world.origin.answer;
  world.origin.answer = (request, response) => {
    const { origin = "none", "accept-language": language = "none" } = request.headers;
    response.writeHead(200, {
      "content-type": "application/json",
      "access-control-allow-origin": origin,
      vary: "Accept-Language",
    });
    response.end(JSON.stringify({ data: { origin, language } }));
  };
  try {
    const ask = (headers) => world.ask("/api/products/vary", { headers });
    const variants = [
      { "accept-language": "de" },
      { "accept-language": "fr" },
      { "accept-language": "de", origin: "https://a.example" },
    ];
    for (const headers of variants) assert.equal((await ask(headers)).xCache, "MISS");
    for (const headers of variants) {
      const hit = await ask(headers);
      assert.equal(hit.xCache, "HIT");
      assert.deepEqual(hit.json.data, {
        origin: headers.origin ?? "none",
        language: headers["accept-language"],
      });
      assert.equal(hit.headers.get("access-control-allow-origin"), headers.origin ?? "none");
    }
  } finally {
    world.origin.answer = before;
  }
});

test("headers for other caches do not reach the client", async () => {
  const before = world.origin.answer;
  world.origin.saysJson(
    { n: 1 },
    {
      "cache-tag": "a",
      "surrogate-key": "b",
      "surrogate-control": "max-age=1",
      "cdn-cache-control": "max-age=1",
    },
  );
  try {
    for (const path of ["/api/products/tags", "/api/products/tags", "/api/other"]) {
      const { headers } = await world.ask(path);
      for (const name of ["cache-tag", "surrogate-key", "surrogate-control", "cdn-cache-control"]) {
        assert.equal(headers.get(name), null, name);
      }
    }
  } finally {
    world.origin.answer = before;
  }
});

test("a header that is no part of the key does not reach the origin with a storable request", async () => {
  await world.ask("/api/products/poison", {
    headers: { "x-forwarded-host": "evil.example", "x-original-url": "/admin" },
  });
  const { headers } = world.origin.requests.at(-1);
  assert.equal(headers["x-forwarded-host"], `127.0.0.1:${world.ports[0]}`);
  assert.equal(headers["x-original-url"], undefined);
});
