// POST explain: what it says is what then happens; its bad inputs; the examples of docs/explain.md.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "smol-toml";
import { root } from "../../../tools/processes.mjs";
import { ADMIN_TOKEN, startWorld } from "../lib/world.mjs";

const page = readFileSync(join(root, "docs/explain.md"), "utf8");
const [configuration] = [...page.matchAll(/```toml\n([\s\S]*?)```/g)].map(([, text]) => parse(text));
const { service: _, ...config } = configuration;
const world = await startWorld({ config: { ...config, purge: { max_lag: 1 } } });
const QUERY = "query One($id: ID) { product(id: $id) { __typename id } }";

world.origin.answer = (request, response) => {
  const headers = { "content-type": "application/json" };
  if (request.url.startsWith("/api/news")) headers["cache-control"] = "no-store";
  const product = { __typename: "Product", id: "42" };
  const body = request.url.startsWith("/graphql") ? { data: { product } } : { id: 42 };
  response.writeHead(200, headers).end(JSON.stringify(body));
};

const explain = (body) => world.admin("explain", { method: "POST", body });

/** Whether all members of one value are in another; lists are compared whole, but for their objects. */
function contains(actual, expected, path = "") {
  if (expected === null || typeof expected !== "object") return assert.deepEqual(actual, expected, path);
  assert.ok(actual && typeof actual === "object", path);
  if (Array.isArray(expected))
    assert.equal(actual.length, expected.length, `${path}: ${JSON.stringify(actual)}`);
  for (const [name, value] of Object.entries(expected)) contains(actual[name], value, `${path}.${name}`);
}

/** Runs a curl command of the documentation. */
async function curl(command) {
  const words = command
    .replaceAll("\\\n", " ")
    .match(/'[^']*'|"(?:\\.|[^"])*"|\S+/g)
    .map((word) => word.replace(/^(['"])(.*)\1$/s, "$2"));
  const filled = words.map((word) => word.replace("$token", ADMIN_TOKEN).replace("$url", world.url("")));
  const init = { method: "GET", headers: {} };
  let url;
  for (const [at, word] of filled.entries()) {
    const before = filled[at - 1];
    if (before === "-H") {
      const [name, value] = word.split(": ");
      init.headers[name] = value;
    } else if (before === "-d") Object.assign(init, { method: "POST", body: word });
    else if (at > 0 && !word.startsWith("-")) url = word;
  }
  const response = await fetch(url, init);
  const text = await response.text();
  assert.equal(response.status, 200, `${command}\n${text}`);
  return JSON.parse(text);
}

test("the examples of docs/explain.md give what the page says", async () => {
  const examples = [...page.matchAll(/```console\n([\s\S]*?)```\s*```json\n([\s\S]*?)```/g)];
  assert.equal(examples.length, 5);
  for (const [, commands, expected] of examples) {
    let answer;
    const sent = world.origin.requests.length;
    const split = commands.split(/^\$ /m).filter(Boolean);
    for (const command of split) answer = await curl(command.trim());
    // Tags that end with a digest are left out of the page.
    answer.tags = answer.tags.filter((tag) => !/^(key|op):/.test(tag));
    contains(answer, JSON.parse(expected));
    const asked = split.filter((command) => !command.includes("__evergraph")).length;
    assert.equal(world.origin.requests.length - sent, asked, "only the requests themselves reach the origin");
  }
});

test("an explanation says what a request then gets, before it is stored and after, and after a purge", async () => {
  const described = { url: "/graphql", body: { query: QUERY, variables: { id: "42" } } };
  const ask = () => world.graphql(QUERY, { variables: { id: "42" } });
  const before = (await explain(described)).json;
  assert.equal(before.entry, null);
  assert.deepEqual(before.request.operation, { kind: "query", name: "One" });
  assert.deepEqual(before.request.variables, { id: "42" });
  assert.deepEqual([before.x_cache, (await ask()).xCache], ["MISS", "MISS"]);

  const stored = (await explain(described)).json;
  assert.deepEqual([stored.entry.tier, stored.entry.verdict, stored.key], ["memory", "valid", before.key]);
  assert.ok(stored.entry.tags.includes("Product:42"), stored.entry.tags);
  await world.until(() => world.kv.entries.has(stored.key), "the entry is in KV");

  // Another isolate, elsewhere, finds it in KV. It stays there: explaining it moves nothing.
  await world.restart();
  world.caches[0].entries.clear();
  for (const _ of [1, 2]) {
    const elsewhere = (await explain(described)).json;
    assert.deepEqual([elsewhere.x_cache, elsewhere.entry.tier], ["HIT", "kv"]);
  }
  assert.match((await ask()).cacheStatus, /hit; .*detail=kv/);
  assert.equal((await explain(described)).json.entry.tier, "memory");

  const { seq } = (await world.admin("purge", { body: { tags: ["Product:42"] } })).json;
  const purged = (await explain(described)).json;
  assert.deepEqual([purged.x_cache, purged.reason.word, purged.entry.verdict], ["MISS", "purged", "purged"]);
  assert.deepEqual(purged.entry.purged_by, { seq, by: "tag Product:42" });
  assert.match((await ask()).cacheStatus, /fwd=miss; .*detail=purged/);
  assert.equal((await explain(described)).json.entry.verdict, "valid");
});

test("nothing in an explanation shows a signal's value", async () => {
  const secret = "s3cret-value";
  const described = {
    url: "/graphql",
    headers: { authorization: `Bearer ${secret}`, cookie: `sid=${secret}`, "x-tenant": [secret] },
    body: { query: "{ me { id } }" },
  };
  const { text, status } = await explain(described);
  assert.equal(status, 200);
  assert.ok(!text.includes(secret), text);
  assert.ok(text.includes("header: x-tenant"));
});

test("browsers that keep a copy are warned about", async () => {
  world.origin.answer = (_request, response) =>
    response
      .writeHead(200, { "content-type": "application/json", "cache-control": "s-maxage=600" })
      .end("{}");
  await world.ask("/api/shared");
  const { warnings } = (await explain({ url: "/api/shared" })).json;
  assert.deepEqual(
    warnings.map(({ word }) => word),
    ["browser-keeps-copy"],
  );
});

test("a body that is no request is refused, with the path of what is wrong", async () => {
  const deep = `{"url":"/graphql","body":${"[".repeat(2_000)}1${"]".repeat(2_000)}}`;
  for (const [body, status, path] of [
    ["", 400, ""],
    ["{", 400, ""],
    ["null", 400, ""],
    ["[]", 400, ""],
    ['"/graphql"', 400, ""],
    ["{}", 400, "url"],
    ['{"url":"/","url":"/"}', 400, ""],
    ['{"url":7}', 400, "url"],
    ['{"url":"graphql"}', 400, "url"],
    ['{"url":"javascript:alert(1)"}', 400, "url"],
    ['{"url":"/","method":7}', 400, "method"],
    ['{"url":"/","method":"GET POST"}', 400, "method"],
    ['{"url":"/","headers":["a"]}', 400, "headers"],
    ['{"url":"/","headers":{"a":{}}}', 400, "headers.a"],
    ['{"url":"/","headers":{"a":["1",2]}}', 400, "headers.a[1]"],
    ['{"url":"/","headers":{"a\\n":"1"}}', 400, "headers.a\n"],
    ['{"url":"/","header":{}}', 400, "header"],
    [`{"url":"/${"a".repeat(1 << 20)}"}`, 413, undefined],
    // These are requests, if odd ones, and are explained.
    [deep, 200],
    [`{"url":"/${"a".repeat(100_000)}"}`, 200],
    ['{"url":"/graphql","body":"nonsense","headers":{"content-type":"application/json"}}', 200],
    ['{"url":"/graphql","body":{"query":"{ a","query":"{ b }"}}', 200],
    ['{"url":"/graphql","body":[]}', 200],
    ['{"url":"/__evergraph/purge","body":{"all":true}}', 200],
    ['{"url":"/","method":"FOO"}', 200],
    ['{"url":"https://elsewhere.example/graphql?query=%7Ba%7D"}', 200],
  ]) {
    const answer = await explain(body);
    assert.equal(answer.status, status, `${body.slice(0, 80)}: ${answer.text.slice(0, 200)}`);
    if (status !== 200) {
      assert.equal(answer.json.path, path, body.slice(0, 80));
      assert.ok(answer.json.error.length > 0);
    }
  }
  const get = await world.ask("/__evergraph/explain", {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  assert.deepEqual([get.status, get.headers.get("allow")], [405, "POST"]);
  for (const token of [null, "wrong"])
    assert.equal((await world.admin("explain", { body: { url: "/" }, token })).status, 401);
  const { purges_of_everything: all } = (await world.admin("stats")).json;
  assert.equal(all.total, 0, "an explained purge purges nothing");
});
