// Further requests that try to read what is others', to choose what others read, or to hide a
// write: neighbors of the cases in the other files. Each has a control that a cache which never
// stores anything would fail.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { Stage } from "../lib/replay.mjs";
import { say } from "../lib/wire.mjs";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  config: {
    graphql: { paths: ["/graphql/**"] },
    types: {
      api: { match: ["rest:/api/**"], ttl: 600 },
      account: { match: ["rest:/account/**", "graphql:Query.me"], ttl: 600, scope: "user" },
      hosted: { match: ["rest:/hosted/**"], ttl: 600, scope: "hosted" },
      catalog: { match: ["rest:/catalog/**", "graphql:Query.products"], ttl: 600, scope: "everyone" },
    },
    scopes: {
      user: { by: ["header:authorization", "cookie:session"] },
      hosted: { by: ["cookie:__Host-session"] },
      everyone: { by: [] },
    },
    purge: { max_lag: 60 },
  },
});
const stage = new Stage(world);
const JSON_TYPE = { "content-type": "application/json" };

let paths = 0;
/** A path under `folder` whose answer is the request's own head and body. */
function echoes(folder = "/api", headers = {}) {
  paths += 1;
  return stage.at(`${folder}/${paths}`, (request, response, body) =>
    response
      .writeHead(200, headers)
      .end(JSON.stringify([request.method, request.url, request.rawHeaders, body.toString("latin1")])),
  );
}

/** A GraphQL API whose `whoami` is everything that the request's head says. */
function api() {
  return stage.graph(
    `type Thing { id: ID! name: String } type Query { products: Thing me: Thing whoami: Thing version: Thing
       echo(n: Float, i: Int, s: String, list: [Int], ok: Boolean): String }
     type Mutation { touch: Thing }`,
    (request, members) => {
      const who = { id: "1", name: request.rawHeaders.join("|") };
      return {
        products: { id: "2", name: "all" },
        me: who,
        whoami: who,
        echo: JSON.stringify(members.variables ?? members.query),
      };
    },
  );
}

/** Runs a case for each row, and names all that fail. */
async function each(rows, run) {
  const failed = [];
  for (const row of rows) {
    try {
      await run(row);
    } catch (error) {
      failed.push(`${JSON.stringify(row)}: ${error.message}`);
    }
  }
  assert.deepEqual(failed, []);
}

/** `secret` shows in no answer but its owner's; the last request is then a hit. */
async function staysWith(secret, owner, others, ask) {
  for (let round = 0; round < 2; round += 1) {
    assert.ok((await ask(owner)).text.includes(secret), `${JSON.stringify(owner)} reaches the origin`);
    await stage.settle();
    for (const other of others)
      assert.ok(
        !(await ask(other)).text.includes(secret),
        `${JSON.stringify(owner)}, ${JSON.stringify(other)}`,
      );
  }
  await stage.hit(() => ask(others.at(-1)));
}

const IDENTITY_HEADERS = [
  "X-Forwarded-User",
  "X-FORWARDED-EMAIL",
  "X-Remote-User",
  "Remote-User",
  "X-Auth-Request-User",
  "X-Auth-Token",
  "X-Access-Token",
  "X-User-Id",
  "x_user_id",
  "X-Account",
  "X-Role",
  "X-Hasura-Role",
  "X-Hasura-User-Id",
  "X-Impersonate-User",
  "X-Organization-Id",
  "X-Goog-Authenticated-User-Email",
  "X-Amzn-Oidc-Data",
  "X-Ms-Client-Principal",
  "X-Ssl-Client-Cert",
  "X-Shopify-Access-Token",
  "Cf-Access-Authenticated-User-Email",
  "Cf-Access-Jwt-Assertion",
  "ApiKey",
  "From",
  "DPoP",
];

test("no header by which a proxy or a client may say who asks leads to another's answer", async () => {
  await each(IDENTITY_HEADERS, async (name) => {
    const path = echoes();
    const others = [{ [name]: "mallory" }, {}];
    await staysWith("victim", { [name]: "victim" }, others, (headers) => stage.get(path, headers));
  });
});

test("the same for GraphQL", async () => {
  await each(IDENTITY_HEADERS, async (name) => {
    const shop = api();
    const ask = (headers) => shop.post("{ whoami { name } }", { headers });
    await staysWith("victim", { [name]: "victim" }, [{ [name]: "mallory" }, {}], ask);
  });
});

test("headers that say nothing of who asks cost no hit", async () => {
  const path = echoes();
  const shop = api();
  await stage.get(path);
  await shop.post("{ whoami { name } }");
  const neutral = {
    "user-agent": "Mozilla/5.0",
    accept: "application/json",
    "accept-language": "de",
    "sec-fetch-mode": "cors",
    "sec-ch-ua": '"x"',
    dnt: "1",
    referer: "https://shop.example/",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "x-request-id": "a",
    "apollographql-client-name": "web",
    "x-apollo-operation-name": "A",
    "x-requested-with": "XMLHttpRequest",
    "cf-ray": "a",
    "x-forwarded-for": "192.0.2.1",
  };
  for (const [name, value] of Object.entries(neutral)) {
    await stage.hit(() => stage.get(path, { [name]: value }));
    if (name === "accept") continue;
    await stage.hit(() => shop.post("{ whoami { name } }", { headers: { [name]: value } }));
  }
});

test("odd forms of Authorization are not the plain one", async () => {
  const path = echoes("/account");
  const as = (authorization) => ({ authorization });
  const plain = as("Bearer ada");
  await stage.get(path, plain);
  await stage.hit(() => stage.get(path, plain));
  const odd = ["bearer ada", "Bearer  ada", "Bearer ada,", "Basic ada", "Bearer bob", "", " "];
  for (const value of odd) {
    const { text } = await stage.get(path, as(value));
    assert.ok(!text.includes('"Bearer ada"'), JSON.stringify(value));
  }
  for (const two of [
    ["Bearer bob", "Bearer ada"],
    ["Bearer ada", "Bearer bob"],
  ]) {
    const answer = await stage.get(path, as(two));
    assert.ok(answer.text.includes("Bearer bob"), answer.text);
    await stage.settle();
    assert.ok(!(await stage.get(path, as("Bearer bob"))).text.includes("ada"));
    assert.ok(!(await stage.get(path, plain)).text.includes("bob"));
  }
});

test("a cookie that stands twice is neither of the two", async () => {
  const path = echoes("/account");
  const as = (cookie) => ({ cookie });
  const others = [as("session=bob"), as("session=mallory")];
  for (const cookie of ["session=mallory; session=victim", "session=victim; session=mallory"])
    await staysWith("victim", as(cookie), others, (headers) => stage.get(path, headers));
});

test("cookies whose names only look alike do not lead to a session's answer", async () => {
  const path = echoes("/account");
  await stage.get(path, { cookie: "session=ada" });
  await stage.hit(() => stage.get(path, { cookie: "session=ada" }));
  const cookies = [
    "Session=ada",
    "SESSION=ada",
    "xsession=ada",
    "session2=ada",
    "x=1&session=ada",
    "x=session=ada",
    "__Host-session=ada",
    "$Version=1; session=ada",
    "session=ada; other=1",
    "other=1;session=ada",
    "session=ada\tx",
    'session="ada"',
    "session=ada=",
    "session",
    "=session=ada",
  ];
  await each(cookies, async (cookie) => {
    const { text } = await stage.get(path, { cookie });
    assert.ok(text.includes(JSON.stringify(cookie)), `${cookie}: ${text}`);
    await stage.settle();
  });
  assert.ok(
    (await stage.hit(() => stage.get(path, { cookie: "session=ada" }))).text.includes('"session=ada"'),
  );
});

test("a __Host- cookie is told from its namesakes", async () => {
  const path = echoes("/hosted");
  const mine = { cookie: "__Host-session=ada" };
  await stage.get(path, mine);
  await stage.hit(() => stage.get(path, mine));
  for (const cookie of ["__host-session=ada", "__Secure-session=ada", "session=ada", "__Host-session=bob"]) {
    const { text } = await stage.get(path, { cookie });
    assert.ok(text.includes(cookie), cookie);
  }
});

/** A read at an origin that honours method overrides on GETs, and the other headers. */
async function staysFresh(name, beside) {
  paths += 1;
  let version = 1;
  const path = stage.at(`/api/${paths}`, (request, response) => {
    const method = request.headers[name] ?? request.method;
    if (method === "DELETE") version += 1;
    response.writeHead(200).end(`v${version}`);
  });
  await stage.hit(() => stage.get(path));
  await stage.get(path, { [name]: "DELETE", ...beside });
  assert.equal((await stage.get(path)).text, `v${version}`, name);
  await stage.hit(() => stage.get(path));
}

const OVERRIDES = ["x-http-method-override", "x-http-method", "x-method-override"];

test("a read does not become a write by a header", () => each(OVERRIDES, (name) => staysFresh(name, {})));

test("a read that is passed through does not become a write that nobody sees", () =>
  each(OVERRIDES, (name) => staysFresh(name, { authorization: "Bearer ada" })));

test("the body of a GET chooses nothing", async () => {
  const path = echoes();
  await stage.send("GET", path, { body: "evil" });
  await stage.settle();
  assert.ok(!(await stage.get(path)).text.includes("evil"));
  await stage.hit(() => stage.get(path));
  const shop = api();
  const url = `${shop.path}?query=${encodeURIComponent("{ products { name } }")}`;
  await stage.send("GET", url, { headers: JSON_TYPE, body: '{"query":"{ whoami { name } }"}' });
  assert.equal((await stage.get(url, JSON_TYPE)).text, '{"data":{"products":{"name":"all"}}}');
  await stage.hit(() => stage.get(url, JSON_TYPE));
});

test("HEAD and OPTIONS neither read nor change what is another's", async () => {
  paths += 1;
  const path = stage.at(`/api/${paths}`, (request, response) => {
    const own = request.headers.authorization ?? "nobody";
    response.writeHead(200, { etag: JSON.stringify(own), "x-owner": own }).end(own);
  });
  await stage.hit(() => stage.get(path));
  for (const method of ["HEAD", "OPTIONS"]) {
    const { headers } = await stage.send(method, path, { headers: { authorization: "Bearer ada" } });
    assert.equal(headers["x-owner"], "Bearer ada");
  }
  const { text, xCache } = await stage.get(path);
  assert.deepEqual([text, xCache], ["nobody", "HIT"]);
});

test("a part of an answer, and whether it has changed, is its owner's alone", async () => {
  paths += 1;
  const path = stage.at(`/account/${paths}`, (request, response) => {
    const own = request.headers.authorization ?? "nobody";
    if (request.headers["if-none-match"] === JSON.stringify(own)) return response.writeHead(304).end();
    response.writeHead(200, { etag: JSON.stringify(own) }).end(`${own}, and what is theirs`);
  });
  const ada = { authorization: "Bearer ada" };
  const bob = { authorization: "Bearer bob" };
  await stage.get(path, ada);
  const part = await stage.hit(() => stage.get(path, { ...ada, range: "bytes=7-9" }));
  assert.deepEqual([part.status, part.text], [206, "ada"]);
  for (const headers of [bob, {}])
    assert.ok(!(await stage.get(path, { ...headers, range: "bytes=7-9" })).text.includes("ada"));
  const known = { "if-none-match": '"Bearer ada"' };
  assert.equal((await stage.hit(() => stage.get(path, { ...ada, ...known }))).status, 304);
  for (const headers of [bob, {}]) {
    const { status, text } = await stage.get(path, { ...headers, ...known });
    assert.equal(status, 200);
    assert.ok(!text.includes("ada"));
  }
  const ranged = { range: "bytes=0-3", "if-range": '"Bearer ada"' };
  assert.ok(!(await stage.get(path, { ...bob, ...ranged })).text.includes("ada"));
});

test("Vary: Authorization counts where the configuration says that all share", async () => {
  const path = echoes("/catalog", { vary: "Authorization" });
  const ask = (headers) => stage.get(path, headers);
  const others = [{ authorization: "Bearer bob" }, {}];
  await staysWith("Bearer ada", { authorization: "Bearer ada" }, others, ask);
});

test("a cookie that comes with a 304 is neither stored nor replayed", async () => {
  let visitors = 0;
  const path = stage.add((request, response) => {
    visitors += 1;
    const cookie = { "set-cookie": `visitor=${visitors}` };
    if (request.headers["if-none-match"]) return response.writeHead(304, { etag: '"a"', ...cookie }).end();
    response.writeHead(200, { etag: '"a"', "cache-control": "no-cache" }).end("page");
  });
  await stage.get(path);
  await world.until(async () => (await stage.get(path)).xCache === "REVALIDATED", "it is validated");
  const { headers, xCache } = await stage.get(path);
  assert.equal(xCache, "REVALIDATED");
  assert.deepEqual(headers["set-cookie"] ?? [`visitor=${visitors}`], [`visitor=${visitors}`]);
});

const HIDING = [
  "{ products { name } whoami { name } }",
  "{ whoami { name } products { name } }",
  "{ products { name } p: whoami { name } }",
  "{ products: whoami { name } }",
  "{ products { name } ...F } fragment F on Query { whoami { name } }",
  "{ products { name } ...F } fragment F on Query { ...G } fragment G on Query { whoami { name } }",
  "{ products { name } ... on Query { whoami { name } } }",
  "{ products { name } ... { whoami { name } } }",
  "{ products { name } ... @include(if: true) { whoami { name } } }",
  "query ($x: Boolean = true) { products { name } ... @include(if: $x) { whoami { name } } }",
  "query ($x: Boolean = false) { products { name } whoami @skip(if: $x) { name } }",
  "query products { products { name } whoami { name } }",
];

test("a field is not everybody's for standing beside one that is, however it is written", async () => {
  const bearer = (name) => ({ authorization: `Bearer ${name}` });
  await each(HIDING, async (query) => {
    const shop = api();
    for (const name of ["ada", "bob", "ada"]) {
      const { text } = await shop.post(query, { headers: bearer(name) });
      assert.ok(text.includes(`Bearer ${name}`), name);
    }
    assert.ok(!(await shop.post(query)).text.includes("Bearer"));
  });
  const shop = api();
  await shop.post("{ products { name } }", { headers: bearer("ada") });
  await stage.hit(() => shop.post("{ products { name } }", { headers: bearer("bob") }));
});

/** Bodies that one server or another runs as the mutation `touch`. */
const MUTATION = "mutation { touch { id } }";
const json = (query) => JSON.stringify({ query });
const utf16 = (text) => Buffer.from(text, "utf16le");
const HIDDEN_WRITES = {
  "behind a byte order mark": [`\uFEFF${json(MUTATION)}`],
  "behind white space": [` \r\n\t${json(MUTATION)}\n`],
  "in UTF-16": [utf16(json(MUTATION)), "application/json; charset=utf-16"],
  "in UTF-16 with a mark": [utf16(`\uFEFF${json(MUTATION)}`), "application/json; charset=utf-16le"],
  "before a NUL": [`${json(MUTATION)}\0`],
  "before a comment": [`${json(MUTATION)} // x`],
  "before another value": [`${json(MUTATION)}{}`],
  "with a comma at the end": [json(MUTATION).replace("}}", "}},")],
  "with an escaped letter": [json(MUTATION).replace("mutation", "\\u006dutation")],
  "with an escaped member": [json(MUTATION).replace("query", "\\u0071uery")],
  "as application/graphql": [MUTATION, "application/graphql"],
  "as application/graphql in UTF-16": [utf16(MUTATION), "application/graphql; charset=utf-16"],
  "as application/graphql with a quoted charset": [MUTATION, 'application/graphql; charset="utf-8"'],
  "as application/graphql+json": [json(MUTATION), "application/graphql+json"],
  "as text": [json(MUTATION), "text/plain"],
  "as a form": [
    `query=${encodeURIComponent(MUTATION).replace("m", "%6d")}`,
    "application/x-www-form-urlencoded",
  ],
  "without a type": [json(MUTATION), ""],
  "with two types": [json(MUTATION), "application/json, text/plain"],
  "behind a comment in the document": [json(`# query { x }\n${MUTATION}`)],
  "behind commas in the document": [json(`,,\uFEFF${MUTATION}`)],
  "as the second of two operations": [
    JSON.stringify({
      query: `query A { version { id } } ${MUTATION.replace("mutation", "mutation B")}`,
      operationName: "B",
    }),
  ],
  "in a batch in a batch": [`[[${json(MUTATION)}]]`],
  "compressed by br": [brotliCompressSync(json(MUTATION)), "application/json", "br"],
  "compressed twice": [gzipSync(gzipSync(json(MUTATION))), "application/json", "gzip, gzip"],
  "compressed by GZIP": [gzipSync(json(MUTATION)), "application/json", "GZIP"],
  "compressed, and not said to be": [gzipSync(json(MUTATION))],
  "said to be compressed, and not": [json(MUTATION), "application/json", "gzip"],
  "as an upload": [
    `--b\r\nContent-Disposition: form-data; name="operations"\r\n\r\n${json(MUTATION)}\r\n--b--\r\n`,
    "multipart/form-data; boundary=b",
  ],
  "in a batch with a null": [`[null,${json(MUTATION)}]`],
};

test("a mutation is seen, whatever form its request has", async () => {
  let version = 1;
  const path = stage.at("/graphql/hidden", (_request, response, body) => {
    const isRead = body.toString() === json("{ version { name } }");
    if (!isRead && !body.includes("evergraph__")) version += 1;
    const thing = { __typename: "Version", id: "1", name: `v${version}` };
    response
      .writeHead(200, JSON_TYPE)
      .end(JSON.stringify({ data: { version: { evergraph__typename: "Version", name: thing.name } } }));
  });
  const post = (body, type = "application/json", coding = undefined) => {
    const headers = {
      ...(type ? { "content-type": type } : {}),
      ...(coding ? { "content-encoding": coding } : {}),
    };
    return stage.send("POST", path, { headers, body });
  };
  const read = () => post(json("{ version { name } }"));
  await each(Object.entries(HIDDEN_WRITES), async ([, request]) => {
    await stage.hit(read);
    await post(...request);
    assert.ok((await read()).text.includes(`"v${version}"`));
  });
});

test("a mutation by GET is seen, though its parameter stands twice", async () => {
  const shop = stage.graph(
    "type Version { name: String } type Query { version: Version } type Mutation { touch: Version }",
    () => ({ version: { name: "v" } }),
  );
  let version = 1;
  stage.at(shop.path, (request, response) => {
    if (request.url.includes("mutation")) version += 1;
    response
      .writeHead(200, JSON_TYPE)
      .end(JSON.stringify({ data: { version: { evergraph__typename: "Version", name: `v${version}` } } }));
  });
  const read = () => shop.post("{ version { name } }");
  const [query, another] = [MUTATION, "{ version { name } }"].map(
    (text) => `query=${encodeURIComponent(text)}`,
  );
  await each([`?${query}`, `?${another}&${query}`, `?${query}&${another}`], async (search) => {
    await stage.hit(read);
    await stage.get(`${shop.path}${search}`, JSON_TYPE);
    assert.ok((await read()).text.includes(`"v${version}"`));
  });
});

test("values that only look alike have answers of their own", async () => {
  const raw = [
    "1",
    '"1"',
    "1.0",
    "1e0",
    "10e-1",
    "true",
    '"true"',
    "null",
    '""',
    "[1]",
    '["1"]',
    "[[1]]",
    "{}",
    "[]",
    "0",
    "-0",
    "-0.0",
    "9007199254740992",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "1e400",
    "1e-400",
    "0.1",
    "0.10",
    "0.1000000000000000055",
    '"é"',
    '"e\\u0301"',
    '"\\u00e9"',
    '"\\ud83d\\ude00"',
    '"\\u0000"',
    '" "',
    '"\\n"',
    '"K"',
    '"\\u212a"',
    '{"a":1}',
    '{"a":1.0}',
    '{"A":1}',
    '{"a":null}',
  ];
  const path = stage.at("/graphql/values", (_request, response, body) =>
    response
      .writeHead(200, JSON_TYPE)
      .end(JSON.stringify({ data: { echo: body.subarray(body.indexOf('"variables"')).toString() } })),
  );
  const post = (value) =>
    stage.send("POST", path, {
      headers: JSON_TYPE,
      body: `{"query":"query ($v: JSON) { echo(v: $v) }","variables":{"v":${value}}}`,
    });
  const meaning = (value) => JSON.stringify(JSON.parse(value));
  const first = new Map();
  for (const value of raw) first.set(value, (await post(value)).text);
  for (const value of raw) {
    const { text } = await stage.hit(() => post(value));
    const echoed = JSON.parse(JSON.parse(text).data.echo.slice('"variables":'.length, -1)).v;
    assert.equal(text, first.get(value));
    assert.equal(JSON.stringify(echoed), meaning(value), value);
  }
  // What differs in spelling, and may be read differently, was requested separately.
  for (const [one, other] of [
    ["1", '"1"'],
    ["1", "1.0"],
    ["0", "-0"],
    ["9007199254740992", "9007199254740993"],
  ])
    assert.notEqual(first.get(one), first.get(other), `${one} and ${other}`);
  const absent = await stage.send("POST", path, {
    headers: JSON_TYPE,
    body: '{"query":"query ($v: JSON) { echo(v: $v) }"}',
  });
  assert.notEqual(absent.text, first.get("null"));
});

test("the same for literals, and for names in paths", async () => {
  const shop = api();
  const literals = [
    "n: 1",
    "n: 1.0",
    "n: 1e0",
    "n: -0.0",
    "n: 0.0",
    's: "1"',
    's: "é"',
    's: "e\\u0301"',
    "i: 1",
    "ok: true",
    "list: [1]",
    "list: 1",
    "s: null",
    "",
  ];
  const document = (literal) => `{ echo${literal ? `(${literal})` : ""} }`;
  for (const literal of literals) await shop.post(document(literal));
  for (const literal of literals) {
    const { text } = await stage.hit(() => shop.post(document(literal)));
    if (literal)
      assert.ok(JSON.parse(text).data.echo.includes(JSON.stringify(literal).slice(1, -1)), literal);
  }
  for (const path of [
    "/api/caf%C3%A9",
    "/api/cafe%CC%81",
    "/api/caf%c3%a9",
    "/api/s?q=a+b",
    "/api/s?q=a%20b",
    "/api/s?q=a%2Bb",
    "/api/s?q=1&q=2",
    "/api/s?q=2&q=1",
    "/api/s?q=1;q=2",
    "/api/s?q[]=1",
    "/api/s?Q=1",
  ]) {
    stage.at(path.split("?")[0], (request, response) => response.end(request.url));
    for (let n = 0; n < 2; n += 1) {
      assert.equal((await stage.get(path)).text, path);
      await stage.settle();
    }
    await stage.hit(() => stage.get(path));
  }
});

test("no spelling of the host leads to another host's answer", async () => {
  paths += 1;
  const path = stage.at(`/api/${paths}`, (request, response) =>
    response.end(`<${request.headers["x-forwarded-host"]}>`),
  );
  const hosts = [
    "a.example",
    "b.example",
    "a.example:80",
    "a.example:8080",
    "b.a.example",
    "A.EXAMPLE",
    "a.example.",
  ];
  for (const host of hosts) {
    const { text } = await stage.get(path, { host });
    assert.equal(text.toLowerCase().replace(":80>", ">"), `<${host.toLowerCase().replace(/:80$/, "")}>`);
    await stage.settle();
  }
  const evil = `GET http://evil.example${path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`;
  await say(world.url(), evil);
  const twice = `GET ${path} HTTP/1.1\r\nHost: a.example\r\nHost: evil.example\r\nConnection: close\r\n\r\n`;
  await say(world.url(), twice);
  await stage.settle();
  for (const host of ["a.example", "b.example"])
    assert.equal((await stage.hit(() => stage.get(path, { host }))).text, `<${host}>`);
});

test("a hash leads to its own document and to no other", async () => {
  const shop = api();
  const hash = (text) => createHash("sha256").update(text).digest("hex");
  const good = "{ products { name } }";
  const by = (sha256Hash, members = {}) =>
    shop.send({ ...members, extensions: { persistedQuery: { version: 1, sha256Hash } } });
  const evil = "{ products: whoami { name } }";
  for (const [sha256Hash, members] of [
    [hash(good), { query: evil }],
    [hash(good).toUpperCase(), { query: evil }],
    [` ${hash(good)}`, { query: evil }],
    [hash(good), { query: "" }],
    [[hash(good)], { query: evil }],
    [{ sha256Hash: hash(good) }, { query: evil }],
  ])
    await by(sha256Hash, members);
  await by(hash(good), { query: good });
  const { text } = await stage.hit(() => by(hash(good)));
  assert.equal(text, '{"data":{"products":{"name":"all"}}}');
  const nested = {
    persistedQuery: {
      version: 1,
      sha256Hash: hash(evil),
      persistedQuery: { version: 1, sha256Hash: hash(good) },
    },
  };
  assert.match((await shop.send({ extensions: nested })).text, /PersistedQueryNotFound/);
});

test("a client's own directives do not bring back what was purged", async () => {
  paths += 1;
  let version = 1;
  const path = stage.at(`/api/${paths}`, (_request, response) => response.end(`v${version}`));
  const directives = [
    "max-stale=99999999",
    "only-if-cached",
    "max-stale, only-if-cached",
    "max-age=99999999",
  ];
  for (const directive of directives) {
    await stage.hit(() => stage.get(path));
    assert.equal((await stage.get(path, { "cache-control": directive })).xCache, "HIT", directive);
    version += 1;
    await stage.send("PUT", path, { body: "{}" });
    const { text, status } = await stage.get(path, { "cache-control": directive });
    assert.ok(status === 504 || text === `v${version}`, `${directive}: ${text}`);
  }
});

test("the admin routes and what they show need the token, in whatever spelling", async () => {
  const path = echoes();
  const body = '{"all":true}';
  for (const [route, headers] of [
    ["/__evergraph/purge", {}],
    ["/__evergraph/purge", { authorization: "Bearer wrong" }],
    ["/__evergraph/purge", { authorization: "test-admin-token" }],
    ["/__evergraph/purge", { authorization: "Basic test-admin-token" }],
    ["/__evergraph/purge", { cookie: "authorization=Bearer test-admin-token" }],
    ["/__evergraph/purge?authorization=Bearer+test-admin-token", {}],
    ["/__evergraph//purge", {}],
    ["//__evergraph/purge", {}],
    ["/x/../__evergraph/purge", {}],
    ["/__evergraph%2fpurge", {}],
    ["/%5f_evergraph/purge", {}],
    ["/__EVERGRAPH/purge", {}],
  ]) {
    await stage.hit(() => stage.get(path));
    await stage.send("POST", route, { headers: { ...JSON_TYPE, ...headers }, body });
    assert.equal((await stage.get(path)).xCache, "HIT", `${route} ${JSON.stringify(headers)}`);
  }
  for (const route of [
    "//__evergraph/purge",
    "///__evergraph/stats",
    "//%5f_evergraph/purge",
    "/__evergraph%2fpurge",
    "/__EVERGRAPH/purge",
    "/__evergraph;v=1/purge",
    "/__evergraph",
  ]) {
    const headers = { ...JSON_TYPE, authorization: "Bearer test-admin-token" };
    const answer = await stage.send("POST", route, { headers, body });
    assert.equal(answer.status, 404, route);
    assert.match(answer.text, /did you mean \/__evergraph\//);
  }
  const slashless = await stage.get("/__evergraph");
  assert.deepEqual([slashless.status, slashless.headers.location], [308, "/__evergraph/"]);
  const admins = world.origin.requests.filter(({ url }) => /^[^?]*(_|%5f)_evergraph/i.test(url));
  assert.deepEqual(admins, [], "the token is not for the origin");
  for (const authorization of ["", "Bearer wrong", "Bearer test-admin-token,"]) {
    const { headers } = await stage.get(path, {
      "evergraph-debug": "1",
      ...(authorization ? { authorization } : {}),
    });
    assert.deepEqual([headers["evergraph-key"], headers["evergraph-tags"]], [undefined, undefined]);
  }
  await world.admin("purge", { body: { all: true } });
  assert.notEqual((await stage.get(path)).xCache, "HIT");
});
