// Who shares a response: only clients that the configuration lets share it. Each configuration stands
// before an origin that echoes in every answer who is asking, and has a control that a cache which
// never stores anything would fail.

import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { startWorld } from "../lib/world.mjs";

const ECHOED = /^(authorization|cookie|store|content-currency|from|cf-access-.*|x-.*)$/;
const OWN = /^x-forwarded-(host|proto|for)$/;
const SCOPES = {
  everyone: { by: [] },
  user: { by: ["header:authorization"] },
  region: { by: ["header:x-region"] },
  store: { by: ["header:store"] },
  session: { by: ["cookie:session"] },
  themed: { by: ["cookie:session"], ignore: ["cookie:theme", "header:x-app-*"] },
  proxied: { by: ["header:x-forwarded-user"] },
};

/** A world whose origin says in every answer who is asking, under any field or path. */
async function start(config, more = {}) {
  const world = await startWorld({ config: { scopes: SCOPES, ...config } });
  world.origin.answer = (asked, response) => {
    const headers = Object.entries(asked.headers).filter(([name]) => ECHOED.test(name) && !OWN.test(name));
    const who = JSON.stringify(headers.sort());
    const answer = asked.url.startsWith("/graphql") ? { data: { a: who } } : { who };
    response.writeHead(200, { "content-type": "application/json", ...more });
    response.end(JSON.stringify(answer));
  };
  world.as = (headers, what = "{ a }") =>
    what.startsWith("/") ? world.ask(what, { headers }) : world.graphql(what, { headers });
  return world;
}

const detail = (answer) => /detail="?([^"]+)"?$/.exec(answer.cacheStatus)?.[1] ?? null;

/** Each of these people gets an answer of their own, and passes through for this reason. */
async function notShared(world, people, what, reason) {
  const texts = [];
  for (const headers of [...people, ...people]) {
    const answer = await world.as(headers, what);
    texts.push(answer.text);
    if (Object.keys(headers).length > 0) {
      const found = [answer.xCache, detail(answer)];
      assert.deepEqual(found, ["BYPASS", reason], `${what} ${JSON.stringify(headers)}`);
    }
  }
  assert.equal(new Set(texts).size, people.length, texts.join("\n"));
}

/** All of these people share what the first of them has got. */
async function shared(world, people, what) {
  const first = await world.as(people[0], what);
  assert.equal(first.xCache, "MISS", first.cacheStatus);
  for (const headers of people) {
    const answer = await world.as(headers, what);
    assert.deepEqual([answer.xCache, answer.text], ["HIT", first.text], JSON.stringify(headers));
  }
}

/** Each of these people gets an entry of their own. */
async function apart(world, people, what) {
  const stored = [];
  for (const headers of people) stored.push((await world.as(headers, what)).text);
  assert.equal(new Set(stored).size, people.length, stored.join("\n"));
  for (const [n, headers] of people.entries()) {
    const answer = await world.as(headers, what);
    assert.deepEqual([answer.xCache, answer.text], ["HIT", stored[n]], JSON.stringify(headers));
  }
}

const bearer = (token) => ({ authorization: `Bearer ${token}` });
const cookie = (text) => ({ cookie: text });
const ALICE_BOB_NOBODY = [bearer("alice"), bearer("bob"), {}];
const BOTH = "{ products { id } me { email } }";

test("the scope of one field does not vouch for another one", async () => {
  const world = await start({
    types: { catalog: { match: ["graphql:Query.products"], ttl: 60, scope: "everyone" } },
  });
  await notShared(world, ALICE_BOB_NOBODY, BOTH, "authorization-without-scope");
  await shared(world, ALICE_BOB_NOBODY, "{ products { id } }");
});

test("nor does a scope that goes by something else", async () => {
  const world = await start({
    types: { catalog: { match: ["graphql:Query.products"], ttl: 60, scope: "region" } },
  });
  const inRegion = (who) => ({ "x-region": "eu", ...bearer(who) });
  await notShared(world, [inRegion("a"), inRegion("b")], BOTH, "authorization-without-scope");
  await notShared(world, [{ "x-region": "eu" }], BOTH, "header-without-scope: x-region");
  await apart(world, [{ "x-region": "eu" }, { "x-region": "us" }, {}], "{ products { id } }");
});

test("a cookie that one field leaves uncovered is not shared", async () => {
  const world = await start({
    types: {
      account: { match: ["graphql:Query.me"], ttl: 60, scope: "user" },
      catalog: { match: ["graphql:Query.products"], ttl: 60, scope: "everyone" },
    },
  });
  await notShared(world, [cookie("sid=alice"), cookie("sid=bob")], BOTH, "cookie-without-scope: sid");
  await apart(world, ALICE_BOB_NOBODY, BOTH);
  await shared(world, [cookie("sid=alice"), cookie("sid=bob"), bearer("alice"), {}], "{ products { id } }");
});

test("every type that matches a path has to cover a cookie", async () => {
  const world = await start({
    types: {
      all: { match: ["rest:/api/**"], ttl: 60, scope: "everyone" },
      account: { match: ["rest:/api/account/**"], ttl: 60, scope: "user" },
    },
  });
  const people = [cookie("sid=alice"), cookie("sid=bob"), {}];
  await notShared(world, people, "/api/account/1", "cookie-without-scope: sid");
  await shared(world, people, "/api/catalog/1");
  await apart(world, ALICE_BOB_NOBODY, "/api/account/2");
});

test("the name of an operation gives no scope, no override and no ttl", async () => {
  const types = {
    open: { match: ["operation:Catalog*"], ttl: 3600, scope: "everyone", override: true },
    never: { match: ["operation:Never*"], ttl: 0 },
  };
  const world = await start({ types, ignore_cookies: ["_ga"] }, { "cache-control": "private" });
  const victim = cookie("session=victim");
  const url = `/graphql?query=${encodeURIComponent("query CatalogZ { me { email } }")}`;
  await notShared(world, [victim, {}], url, "cookie-without-scope: session");
  assert.equal(detail(await world.as({}, "query CatalogZ { me { email } }")), "private", "no override");
  assert.equal(detail(await world.as({}, "query NeverMind { me { email } }")), "ttl-zero");
  const off = await start({ types, default: { ttl: 0 } });
  assert.equal(detail(await off.as({}, "query CatalogZ { me { email } }")), "ttl-zero");
  const on = await start({ types });
  await shared(on, [{}, {}], "query CatalogZ { me { email } }");
});

test("override holds only where every field has it", async () => {
  const world = await start(
    { types: { catalog: { match: ["graphql:Query.products"], ttl: 60, override: true } } },
    { "cache-control": "private, no-store" },
  );
  for (let time = 0; time < 2; time += 1) assert.equal((await world.as({}, BOTH)).xCache, "MISS");
  await shared(world, [{}, {}], "{ products { id } __typename }");
});

test("a field that no type matches is not stored with a default ttl of 0", async () => {
  const world = await start({
    default: { ttl: 0 },
    types: { catalog: { match: ["graphql:Query.products"], ttl: 3600 } },
  });
  for (const query of ["{ me }", "{ products me }"]) {
    assert.equal(detail(await world.as({}, query)), "ttl-zero", query);
  }
  await shared(world, [{}, {}], "{ products }");
});

test("headers that nobody declared are not shared, and the reason names them", async () => {
  const world = await start({
    types: {
      priced: { match: ["rest:/api/**"], ttl: 60 },
      mixed: { match: ["rest:/mixed/a"], ttl: "origin" },
      timed: { match: ["rest:/mixed/**"], ttl: 60 },
    },
  });
  for (const name of [
    "x-api-key",
    "x-hasura-admin-secret",
    "cf-access-jwt-assertion",
    "x-user-id",
    "x-tenant-id",
    "x-forwarded-user",
    "store",
    "from",
  ]) {
    const people = [{ [name]: "one" }, { [name]: "two" }, {}];
    for (const what of [`{ a n${name.replaceAll("-", "_")}: a }`, `/api/${name}`]) {
      await notShared(world, people, what, `header-without-scope: ${name}`);
      // The control: whoever sends none of it shares.
      assert.equal((await world.as({}, what)).xCache, "HIT");
    }
  }
  await notShared(world, [{ "x-user-id": "1" }], "/mixed/a", "header-without-scope: x-user-id");
  const line = world.events("bypass").find(({ reason }) => reason.startsWith("header-without-scope"));
  assert.equal(line.reason, "header-without-scope: x-api-key");
  assert.ok(!world.output.includes("one"), "values are in no log line");
});

test("where the origin's own headers decide, other headers do not count", async () => {
  const world = await start({}, { "cache-control": "max-age=60", vary: "X-Lang" });
  await shared(world, [{ "x-user-id": "1" }, { "x-user-id": "2" }, {}], "/plain");
  await apart(world, [{ "x-lang": "de" }, { "x-lang": "fr" }], "/varied");
  await notShared(world, [cookie("sid=1"), cookie("sid=2")], "/plain", "cookie-without-scope: sid");
  await notShared(world, [bearer("1"), bearer("2")], "/plain", "authorization-without-scope");
});

test("a scope by a store's header does not cover who is asking", async () => {
  const world = await start({ default: { ttl: 60, scope: "store" } });
  const inStore = (store, who) => ({ store, ...(who ? bearer(who) : {}) });
  await notShared(world, [inStore("de", "a"), inStore("de", "b")], "{ me }", "authorization-without-scope");
  await apart(world, [inStore("de"), inStore("fr"), {}], "{ me }");
});

test("default.scope counts like any other", async () => {
  const world = await start({ default: { ttl: 60, scope: "everyone" } });
  await shared(world, ALICE_BOB_NOBODY, "{ anything }");
});

test("a scope may set signals aside", async () => {
  const world = await start({ types: { mine: { match: ["rest:/me"], ttl: 60, scope: "themed" } } });
  await shared(
    world,
    [cookie("session=a"), cookie("theme=dark; session=a"), { ...cookie("session=a"), "x-app-version": "7" }],
    "/me",
  );
  await apart(world, [cookie("session=b; theme=x"), cookie("session=c; theme=x")], "/me");
  await notShared(world, [cookie("session=a; lang=de")], "/me", "cookie-without-scope: lang");
});

test("a cookie behind a comma or a space is not taken for a part of another one", async () => {
  const world = await start({
    ignore_cookies: ["_ga*"],
    types: {
      open: { match: ["rest:/open/**"], ttl: 60 },
      mine: { match: ["rest:/mine/**"], ttl: 60, scope: "session" },
    },
  });
  for (const path of ["/open/1", "/mine/1"]) {
    for (const separator of [", ", ",", " "]) {
      const people = ["alice", "bob"].map((who) => cookie(`_ga=1${separator}session=${who}`));
      await notShared(world, people, path, "cookie-separator: session");
    }
    await shared(world, [{}, cookie("_ga=1"), cookie("_ga=2; _ga_x=GS1.1, Mon 1 Jan")], path);
  }
  await apart(world, [cookie("_ga=1; session=alice"), cookie("_ga=1; session=bob")], "/mine/2");
  // Two lines are one field, joined by a comma.
  const twoLines = (who) =>
    new Promise((resolve, reject) => {
      const asking = request(world.url("/open/2"), (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () => resolve([response.headers["x-cache"], text]));
      });
      asking.setHeader("cookie", ["_ga=1", `session=${who}`]);
      asking.on("error", reject).end();
    });
  const [alice, bob] = [await twoLines("alice"), await twoLines("bob")];
  assert.deepEqual([alice[0], bob[0]], ["BYPASS", "BYPASS"]);
  assert.notEqual(alice[1], bob[1]);
  const all = await start({ ignore_cookies: ["*"], types: { open: { match: ["rest:/**"], ttl: 60 } } });
  await shared(all, [cookie("a=1, b=2; c={d: 1, e=2}"), cookie("f=3"), {}], "/open");
  await notShared(all, [cookie("session=a")], "/open", "cookie-without-scope: session");
});

test("a header in vary is part of GraphQL's keys, and needs no scope", async () => {
  const types = { priced: { match: ["graphql:Query.products"], ttl: 60, vary: ["Content-Currency"] } };
  const world = await start({ vary: ["store"], types });
  const stores = [{ store: "de" }, { store: "fr" }, {}];
  await apart(world, stores, "{ anything }");
  await apart(world, [...stores, { store: "de", "content-currency": "EUR" }], "{ products }");
  await apart(world, stores, "{ products { id } }");
  const other = { "content-currency": "EUR" };
  await notShared(world, [other], "{ anything }", "header-without-scope: content-currency");
});

test("what a scope goes by reaches the origin, also what it does not get otherwise", async () => {
  const world = await start({
    types: {
      mine: { match: ["rest:/mine"], ttl: 60, scope: "proxied" },
      open: { match: ["rest:/open"], ttl: 60, scope: "everyone" },
    },
  });
  await apart(world, [{ "x-forwarded-user": "a" }, { "x-forwarded-user": "b" }], "/mine");
  assert.equal(world.origin.requests.at(-1).headers["x-forwarded-user"], "b");
  await shared(world, [{ "x-forwarded-email": "a" }, {}], "/open");
  assert.equal(world.origin.requests.at(-1).headers["x-forwarded-email"], undefined);
});

test("a match may tell fields apart by their arguments", async () => {
  const world = await start({
    types: {
      entries: { match: ["graphql:Query.entries"], ttl: 60 },
      drafts: { match: ["graphql:Query.entries(drafts: true)"], ttl: 0 },
    },
  });
  await shared(world, [{}, {}], "{ entries { title } }");
  await shared(world, [{}, {}], "{ entries(drafts: false) { title } }");
  assert.equal(detail(await world.as({}, "{ entries(drafts: true) { title } }")), "ttl-zero");
  const query = "query Q($drafts: Boolean) { entries(drafts: $drafts) { title } }";
  const of = (drafts) => world.graphql(query, { variables: { drafts } });
  assert.equal(detail(await of(true)), "ttl-zero");
  // Some servers make `true` of these.
  for (const drafts of [1, "yes", {}]) assert.equal(detail(await of(drafts)), "ttl-zero");
  assert.equal((await of(false)).xCache, "MISS");
  assert.equal((await of(false)).xCache, "HIT");
});

const BROWSER = {
  "accept-encoding": "gzip, deflate, br, zstd",
  "accept-language": "de-DE,de;q=0.9,en;q=0.8",
  origin: "https://shop.example",
  referer: "https://shop.example/",
  "user-agent":
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
};
const CHROME = {
  ...BROWSER,
  accept: "*/*",
  dnt: "1",
  priority: "u=1, i",
  "sec-ch-ua": '"Chromium";v="142", "Google Chrome";v="142"',
  "sec-ch-ua-mobile": "?0",
  "sec-ch-ua-platform": '"Linux"',
  "sec-fetch-dest": "empty",
  "sec-fetch-mode": "cors",
  "sec-fetch-site": "same-site",
  "sec-fetch-storage-access": "active",
  "sec-gpc": "1",
};
const FIREFOX = {
  ...BROWSER,
  accept: "*/*",
  "sec-fetch-dest": "empty",
  "sec-fetch-mode": "cors",
  "sec-fetch-site": "same-origin",
  "sec-gpc": "1",
  te: "trailers",
  "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
};
const json = "application/json";
/** The headers that clients send of themselves. */
const CLIENTS = {
  "Apollo Client": {
    ...CHROME,
    accept: "application/graphql-response+json,application/json;q=0.9",
    "apollographql-client-name": "web",
    "apollographql-client-version": "1.7",
    "content-type": json,
    "x-apollo-operation-name": "Q",
    "x-apollo-operation-id": "7",
  },
  "Apollo iOS": {
    accept: "multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json",
    "apollographql-client-name": "com.example.shop-apollo-ios",
    "apollographql-client-version": "3.1-9",
    "content-type": json,
    "user-agent": "Shop/9 CFNetwork/1568 Darwin/24.0.0",
    "x-apollo-operation-name": "Q",
    "x-apollo-operation-type": "query",
    "apollo-require-preflight": "true",
  },
  urql: {
    ...CHROME,
    accept:
      "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed",
    "content-type": json,
  },
  Relay: { ...FIREFOX, accept: json, "content-type": json },
  "graphql-request": {
    accept: "application/graphql-response+json; charset=utf-8, application/json; charset=utf-8",
    "accept-encoding": "br, gzip, deflate",
    "accept-language": "*",
    "content-type": json,
    "sec-fetch-mode": "cors",
    "user-agent": "node",
  },
  gql: {
    accept: "*/*",
    "accept-encoding": "gzip, deflate",
    connection: "keep-alive",
    "content-type": json,
    "user-agent": "Python/3.13 aiohttp/3.12.15",
  },
  curl: { accept: "*/*", "content-type": json, "user-agent": "curl/8.15.0" },
  Chrome: { ...CHROME, "content-type": json },
  Firefox: { ...FIREFOX, "content-type": json, "x-requested-with": "XMLHttpRequest", "x-csrf-token": "t" },
  "a traced one behind Cloudflare": {
    ...CHROME,
    "content-type": json,
    baggage: "sentry-environment=production",
    "cf-connecting-ip": "203.0.113.7",
    "cf-ipcountry": "DE",
    "cf-ray": "8f3a0c1d2e3f4a5b-FRA",
    "cf-visitor": '{"scheme":"https"}',
    "cdn-loop": "cloudflare; loops=1",
    "graphql-client-name": "web",
    "sentry-trace": "771a43a4192642f0b136d5159a501700-7a5b7ad61d3d7a95-1",
    traceparent: "00-771a43a4192642f0b136d5159a501700-7a5b7ad61d3d7a95-01",
    "x-b3-traceid": "771a43a4192642f0",
    "x-forwarded-for": "203.0.113.7",
    "x-real-ip": "203.0.113.7",
    "x-request-id": "4f0c",
  },
};

test("typical clients hit with no configuration", async () => {
  const world = await start({});
  const raw = (headers, path, body) =>
    new Promise((resolve, reject) => {
      const method = body === undefined ? "GET" : "POST";
      const asking = request(world.url(path), { method, headers }, (response) => {
        response.resume().on("end", () => resolve(response.headers["x-cache"]));
      });
      asking.on("error", reject).end(body);
    });
  world.origin.answer = (_request, response) => {
    const fields = {
      "content-type": json,
      "access-control-allow-origin": "*",
      "cache-control": "max-age=60",
    };
    response.writeHead(200, fields).end('{"data":{"a":1}}');
  };
  for (const [name, headers] of Object.entries(CLIENTS)) {
    const posted = JSON.stringify({ query: `query Q { ${name.replaceAll(/\W/g, "")} }`, operationName: "Q" });
    const url = `/graphql?query=${encodeURIComponent(`{ ${name.replaceAll(/\W/g, "")} }`)}`;
    for (const [path, body] of [
      ["/graphql", posted],
      [url, undefined],
      [`/rest/${encodeURIComponent(name)}`, undefined],
    ]) {
      await raw(headers, path, body);
      await world.until(async () => (await raw(headers, path, body)) === "HIT", `${name}: ${path}`);
    }
  }
});
