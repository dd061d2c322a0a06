// Bad input to every admin route: its exact status, a message that says what to do, and nothing changed. The
// routes, their bodies and their queries are those of openapi.json, so a new route is tested without a change
// here, unless its method is one that OpenAPI cannot name.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../../tools/processes.mjs";
import { ADMIN_TOKEN, startWorld } from "../lib/world.mjs";

const openapi = JSON.parse(readFileSync(join(root, "openapi.json"), "utf8"));
const METHODS = ["get", "post", "put", "patch", "delete", "purge", "ban"];
const routes = Object.entries(openapi.paths).flatMap(([path, operations]) =>
  Object.entries(operations).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path.slice(1)}`,
    method: method.toUpperCase(),
    path: path.slice(1).replaceAll(/\{\w+\}/g, "any"),
    operation,
    body: operation.requestBody?.content,
  })),
);

/** The routes whose methods OpenAPI cannot name. They read no body. */
const byMethod = [
  { name: "PURGE souin", method: "PURGE", path: "souin" },
  { name: "PURGE *", method: "PURGE", url: "/api/products" },
  { name: "BAN *", method: "BAN", url: "/api/products" },
].map((route) => ({ ...route, operation: { security: [{ token: ["purge"] }] } }));
const allRoutes = [...routes, ...byMethod];

/** A right body, to which a fault is added. Without one, the fault stands alone. */
const BASES = { "POST purge": { all: true }, "POST explain": { url: "/api/products" } };

/** A message says what is expected, or which limit there is. */
const MESSAGE =
  /expect|must|unknown|at most|over a limit|use |send |name |needs|missing|broke off|has no |is named|more than/;

/** The roles, from the lowest. */
const ROLES = ["read", "purge", "admin"];
const tokenOf = (role) => `test-${role}-token`;

const DEEP = 100_000;
const broken = [
  ["no body", ""],
  ["broken JSON", '{"all":true'],
  ["two values", '{"all":true}{"all":true}'],
  ["null", "null"],
  ["a number", "1"],
  ["a string", '"all"'],
  ["a list", '[{"all":true}]'],
  ["deep lists", "[".repeat(DEEP)],
  ["deep lists that end", "[".repeat(DEEP) + "]".repeat(DEEP)],
  ["deep objects", `${'{"a":'.repeat(DEEP)}1${"}".repeat(DEEP)}`],
  ["bytes that are no UTF-8", Buffer.from('{"tags":["\xff\xfe"]}', "latin1")],
];

const world = await startWorld({
  stats: true,
  adminTokens: [[ADMIN_TOKEN, ...ROLES.map((role) => `${role}er:${role}:${tokenOf(role)}`)].join(",")],
  config: {
    types: { product: { match: ["rest:/api/products"], ttl: 600 } },
    purge: { methods: true },
  },
});
world.origin.answer = (_request, response) => {
  response.writeHead(200, { "content-type": "application/json", "cache-control": "max-age=600" });
  response.end("{}");
};
await world.admin("schema", { body: "type Query { a: Int }" });
await world.admin("documents", { body: { one: "{ a }" } });
await world.until(async () => (await world.ask("/api/products")).xCache === "HIT", "a hit");

/** What bad input must not change. */
async function state() {
  const of = async (route) => (await world.admin(route)).text;
  const stats = (await world.admin("stats")).json;
  return {
    schema: await of("schema"),
    documents: await of("documents"),
    config: await of("config"),
    purges: [stats.purges, stats.purges_of_everything],
    appended: world.control.requests.filter(({ url }) => url.startsWith("/append")).length,
    written: [...world.kv.entries.keys()].sort(),
    hit: (await world.ask("/api/products")).xCache,
  };
}

/** Sends bad input, and compares the response and what it changed. */
async function refused(
  what,
  route,
  status,
  { body, token = ADMIN_TOKEN, query = "", method = route.method, headers = {} },
) {
  const authorization = token ? { authorization: `Bearer ${token}` } : {};
  const response = await world.ask(`${route.url ?? `/__evergraph/${route.path}`}${query}`, {
    method,
    headers: { ...authorization, "content-type": "application/json", ...headers },
    body,
  });
  const context = `${route.name}: ${what}: ${response.status} ${response.text.slice(0, 300)}`;
  assert.equal(response.status, status, context);
  assert.equal(response.headers.get("content-type"), "application/json", context);
  const { error, path } = response.json;
  assert.match(error, MESSAGE, context);
  assert.ok(error.length < 1_000, context);
  if (status === 400) assert.equal(typeof path, "string", context);
  return response;
}

/** Runs a test that must leave everything as it was. */
function unchanged(name, work) {
  test(name, async () => {
    const before = await state();
    assert.equal(before.hit, "HIT");
    await work();
    assert.deepEqual(await state(), before);
    assert.equal((await world.admin("health", { token: null })).status, 200);
  });
}

unchanged("a token that is missing or wrong", async () => {
  for (const route of allRoutes.filter(({ operation }) => operation.security.length > 0)) {
    const body = route.body && JSON.stringify(BASES[route.name] ?? {});
    for (const token of [null, "wrong", `${ADMIN_TOKEN}x`, ADMIN_TOKEN.slice(1), "a, b"]) {
      const response = await refused(`token ${token}`, route, 401, { body, token });
      assert.match(response.headers.get("www-authenticate"), /^Bearer /);
    }
  }
});

unchanged("a token of too low a role", async () => {
  for (const route of allRoutes) {
    const needed = ROLES.indexOf(route.operation.security[0]?.token[0]);
    for (const role of ROLES.slice(0, Math.max(0, needed))) {
      const body = route.body && JSON.stringify(BASES[route.name] ?? {});
      const response = await refused(role, route, 403, { body, token: tokenOf(role) });
      assert.match(response.json.error, new RegExp(`\\b${ROLES[needed]}\\b`));
    }
  }
});

unchanged("a method that a path does not have", async () => {
  // With a path of the API, any other method is the origin's.
  const named = allRoutes.filter((route) => route.url === undefined);
  for (const path of new Set(named.map((route) => route.path))) {
    const known = named.filter((route) => route.path === path).map(({ method }) => method.toLowerCase());
    for (const method of METHODS.filter((method) => !known.includes(method))) {
      const route = { name: path, path, method: method.toUpperCase() };
      const body = method === "get" ? undefined : '{"all":true}';
      const response = await refused(method, route, 405, { body });
      const allowed = response.headers.get("allow").toLowerCase().split(", ");
      assert.deepEqual(
        allowed.filter((one) => one !== "head"),
        known.sort(),
        path,
      );
    }
  }
});

unchanged("a parameter of the query that is wrong", async () => {
  for (const route of routes) {
    const parameters = route.operation.parameters ?? [];
    for (const { name, schema } of parameters.filter((one) => one.in === "query")) {
      for (const value of wrongTexts(schema)) {
        const query = `?${name}=${encodeURIComponent(value)}`;
        const response = await refused(query, route, 400, { query, body: route.body && "{}" });
        assert.equal(response.json.path, name, `${route.name}${query}`);
      }
    }
  }
});

unchanged("a pattern, a cursor or a key that is wrong", async () => {
  const entries = { name: "GET entries", method: "GET", path: "entries" };
  for (const [name, value] of [
    ["pattern", "product/**"],
    ["pattern", "x".repeat(600)],
    ["cursor", "x"],
    ["cursor", "test/1/"],
    ["cursor", "x".repeat(3_000)],
    ["key", "x"],
    ["key", "outbox/test/1"],
  ]) {
    const query = `?${name}=${encodeURIComponent(value)}`;
    const response = await refused(query, entries, 400, { query });
    assert.equal(response.json.path, name, query);
  }
});

unchanged("tags in a header that are wrong", async () => {
  for (const route of byMethod.filter(({ method }) => method === "PURGE")) {
    for (const [name, value] of [
      ["surrogate-key", "x".repeat(1_025)],
      ["surrogate-key", "Product caf\u00e9"],
      ["xkey", "x".repeat(1_025)],
      ["cache-tag", ", ,"],
    ]) {
      const headers = { [name]: value };
      const response = await refused(`${name}: ${value.slice(0, 20)}`, route, 400, { headers });
      assert.equal(response.json.path, name, route.name);
    }
  }
  const [souin] = byMethod;
  assert.equal((await refused("no tags", souin, 400, {})).json.path, "");
});

function wrongTexts(schema) {
  if (schema.enum) return ["", "x", "-1", `${schema.enum[0]} `];
  if (schema.type !== "integer") return [];
  const beyond = [schema.minimum - 1, schema.maximum + 1].filter(Number.isInteger);
  return ["", "x", "1.5", "-1", "1e2", "9".repeat(30), ...beyond.map(String)];
}

unchanged("a body that is no JSON object, or too deep", async () => {
  for (const route of routes.filter(({ body }) => body?.["application/json"] && !body["text/plain"])) {
    const mayLack = route.operation.requestBody.required === false;
    for (const [what, body] of broken) {
      if (body !== "" || !mayLack) await refused(what, route, 400, { body });
    }
  }
});

unchanged("a body that is too large", async () => {
  for (const route of routes.filter(({ body }) => body)) {
    const { status, text } = await announced(route, 16 << 20);
    assert.equal(status, 413, `${route.name}: ${text}`);
    assert.match(JSON.parse(text).error, /at most \d+ [KM]iB/, route.name);
  }
});

/** Announces a body of so many bytes, and sends none of it: the response comes before that. */
function announced({ method, path }, bytes) {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-length": bytes };
    const sending = request(world.url(`/__evergraph/${path}`), { method, headers, timeout: 10_000 });
    sending.on("response", async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode, text });
      sending.destroy();
    });
    sending.on("timeout", () => sending.destroy(new Error(`no response to ${path}`)));
    sending.on("error", reject);
    sending.flushHeaders();
  });
}

unchanged("a member that is unknown, or of another type", async () => {
  for (const route of routes.filter(({ body }) => body?.["application/json"])) {
    const schema = resolved(route.body["application/json"].schema);
    const base = BASES[route.name] ?? {};
    const send = (what, members, path) =>
      refused(what, route, 400, { body: JSON.stringify({ ...base, ...members }) }).then((response) => {
        if (path !== undefined) assert.ok(response.json.path.startsWith(path), `${route.name}: ${what}`);
      });
    if (schema.additionalProperties === false) {
      for (const name of ["nothing", "__proto__x", "", "Tags"]) await send(name, { [name]: [] }, "");
    }
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      const types = [resolved(property).type ?? []].flat();
      if (types.length === 0) continue;
      for (const [type, value] of Object.entries({
        object: { a: 1 },
        number: 7.5,
        string: "x",
        boolean: true,
        array: [[]],
      })) {
        const isRight = types.includes(type);
        // A list of lists is wrong for each list that there is.
        if (!isRight || type === "array")
          await send(`${name}: ${type}`, { [name]: value }, isRight ? "" : name);
      }
    }
  }
});

function resolved(schema) {
  return schema.$ref ? openapi.components.schemas[schema.$ref.split("/").at(-1)] : schema;
}

const purge = { name: "POST purge", method: "POST", path: "purge" };
const documents = { name: "POST documents", method: "POST", path: "documents" };
const schema = { name: "POST schema", method: "POST", path: "schema" };

unchanged("a purge with a fault in it, as a whole", async () => {
  for (const [what, body, path] of [
    ["nothing", {}, ""],
    ["only soft", { soft: true }, ""],
    ["an empty list", { tags: [] }, ""],
    ["empty lists", { tags: [], keys: [], patterns: [], all: false, soft: true }, ""],
    ["a preview of nothing", { paths: [], preview: true }, ""],
    ["a key that is none", { keys: ["typo"] }, "keys[0]"],
    ["a key in capital letters", { keys: ["0".repeat(64), "A".repeat(64)], all: true }, "keys[1]"],
    ["a key of another service", { keys: [`other/2/gql/a/b/public/${"0".repeat(64)}`] }, "keys[0]"],
    ["a key without its service", { keys: [`gql/a/b/public/${"0".repeat(64)}`] }, "keys[0]"],
    ["a number among tags", { tags: ["Product", 1] }, "tags[1]"],
    ["an empty tag", { tags: [""], all: true }, "tags[0]"],
    ["a tag with a space", { tags: ["a b"], all: true }, "tags[0]"],
    ["an unknown scope", { tags: ["scope:nobody:1"] }, "tags[0]"],
    ["an unknown type", { types: ["prodct"], all: true }, "types[0]"],
    ["a path without a slash", { paths: ["api"] }, "paths[0]"],
    ["a path with a pattern", { paths: ["/api/**"] }, "paths[0]"],
    ["a pattern that is too long", { patterns: ["x".repeat(600)] }, "patterns[0]"],
    ["too many tags", { tags: Array(10_001).fill("Product") }, "tags"],
  ]) {
    const response = await refused(what, purge, 400, { body: JSON.stringify(body) });
    assert.equal(response.json.path, path, what);
  }
});

unchanged("a purge with two members of one name", async () => {
  for (const body of ['{"tags":["A"],"tags":["B"]}', '{"all":false,"\\u0061ll":true}']) {
    await refused(body, purge, 400, { body });
  }
});

unchanged("documents and schemas with a fault in them", async () => {
  const nested = (open, close) => open.repeat(DEEP) + close.repeat(DEEP);
  for (const [what, body] of [
    ["no text", { one: 1 }],
    ["a broken document", { one: "{ a", two: "{ b }" }],
    ["a deep document", { one: nested("{a", "}") }],
    ["an unknown format", { format: "other", version: 1, operations: [] }],
    ["an empty id", { "": "{ a }" }],
    ["a long id", { ["x".repeat(300)]: "{ a }" }],
  ]) {
    await refused(what, documents, 400, { body: JSON.stringify(body) });
  }
  for (const [what, body] of [
    ["nothing", ""],
    ["no types", "query { a }"],
    ["an open brace", "type Query { a: Int"],
    ["deep types", `type Query { a: ${nested("[", "]")} }`],
    ["deep values", `type Query { a(b: Int = ${nested("[", "]")}): Int }`],
    ["deep introspection", `{"data":${nested("[", "]")}}`],
    ["no introspection", '{"data":{"a":1}}'],
    ["bytes that are no UTF-8", Buffer.from([0x74, 0xff, 0xfe])],
  ]) {
    await refused(what, schema, 400, { body });
  }
});
