// Who may use the admin routes: tokens with roles, their rotation, Cloudflare Access, limits for those who
// guess, and the audit.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Issuer, tampered } from "../lib/issuer.mjs";
import { TOKEN } from "../lib/purge-token.mjs";
import { startWorld } from "../lib/world.mjs";

const [READER, PURGER, ADMIN] = ["reader", "purger", "admin"].map((name) => `${name}-0123456789abcdef`);
const TOKENS = `grafana:read:${READER},ci:purge:${PURGER},ops:admin:${ADMIN}`;
const AUDIENCE = "4714c1358e65fe4b";

const issuer = await new Issuer().listen();
after(() => issuer.close());
issuer.addKey("team-1", "RS256", { alg: "RS256", use: "sig" });
issuer.addKey("unpublished", "RS256");
issuer.published.pop();
const team = issuer.server.url;

const config = {
  types: { product: { match: ["rest:/api/**"], ttl: 600 } },
  admin: {
    access_team: team,
    access_audience: AUDIENCE,
    access_role: "read",
    access_admins: ["ann@example.com"],
  },
};
const world = await startWorld({ config, places: 2, adminTokens: TOKENS, stats: true });
world.origin.saysJson({ n: 1 });

const session = (claims, header) =>
  issuer.token("team-1", { iss: team, aud: [AUDIENCE], email: "bob@example.com", ...claims }, header);
/** A request with a session of Access, as a browser sends it: without a content type unless one is given. */
const signedIn = (token, route, { method = "GET", headers = {}, body } = {}) =>
  world.ask(`/__evergraph/${route}`, {
    method,
    body,
    headers: { "cf-access-jwt-assertion": token, ...headers },
  });
const from = (address, token, route = "stats", path = `/__evergraph/${route}`, headers = {}) =>
  world.ask(path, {
    headers: { "cf-connecting-ip": address, authorization: `Bearer ${token}`, ...headers },
  });
const hits = async () => {
  await world.ask("/api/x");
  return (await world.ask("/api/x")).xCache === "HIT";
};
const isKept = async () => (await world.ask("/api/x")).xCache === "HIT";

test("a token opens what its role permits, and no more", async () => {
  assert.ok(await hits());
  for (const [token, route, body, status] of [
    [READER, "stats", undefined, 200],
    [READER, "purge", { all: true }, 403],
    [READER, "schema", "type Query { a: Int }", 403],
    [PURGER, "stats", undefined, 200],
    [PURGER, "schema", "type Query { a: Int }", 403],
    [`ci:purge:${PURGER}`, "purge", { all: true }, 401],
  ]) {
    const answer = await world.admin(route, { body, token });
    assert.equal(answer.status, status, `${token} ${route}: ${answer.text}`);
  }
  const forbidden = await world.admin("purge", { body: { all: true }, token: READER });
  assert.deepEqual(forbidden.json, { error: "use a token with the role purge" });
  assert.ok(await isKept(), "nothing was purged");
  assert.equal((await world.admin("purge", { body: { all: true }, token: PURGER })).status, 200);
  assert.ok(!(await isKept()));
  for (const token of [READER, PURGER, ADMIN]) {
    const headers = { "evergraph-debug": "1", authorization: `Bearer ${token}` };
    const answer = await world.ask("/api/x", { headers });
    assert.ok(answer.headers.has("evergraph-key"), token);
  }
  assert.ok(!JSON.stringify(world.origin.requests).includes("0123456789abcdef"), "the origin saw a token");
});

test("a session of Access opens what its role permits", async () => {
  const [bob, ann] = [session(), session({ email: "Ann@example.com" })];
  assert.equal((await signedIn(bob, "stats")).status, 200);
  assert.ok((await signedIn(bob, "health")).json.deployment);
  const json = { method: "POST", headers: { "content-type": "application/json" } };
  const purge = { ...json, body: JSON.stringify({ tags: ["Product"] }) };
  assert.equal((await signedIn(bob, "purge", purge)).status, 403);
  assert.equal((await signedIn(ann, "purge", purge)).status, 200);
  const robot = session({ email: undefined, common_name: "robot.access" });
  assert.equal((await signedIn(robot, "stats")).status, 200);
  const changes = world.events("admin");
  assert.equal(changes.at(-1).token, "Ann@example.com");
  assert.equal(issuer.server.requests.at(-1).url, "/cdn-cgi/access/certs");
  // Elsewhere the header says nothing to Evergraph.
  const debug = { "evergraph-debug": "1", "cf-access-jwt-assertion": ann };
  assert.ok(!(await world.ask("/api/x", { headers: debug })).headers.has("evergraph-key"));
});

const soon = (seconds) => Math.floor(Date.now() / 1000) + seconds;

test("a session that is forged, expired or of another application opens nothing", async () => {
  const good = session({ email: "ann@example.com" });
  assert.equal((await signedIn(good, "stats")).status, 200);
  const own = { iss: team, aud: AUDIENCE, email: "ann@example.com" };
  for (const [name, bad] of Object.entries({
    expired: session({ exp: soon(-10) }),
    "without an end": session({ exp: undefined }),
    "of another application": session({ aud: ["other"] }),
    "of another team": session({ iss: "https://other.cloudflareaccess.com" }),
    "by a key that is not published": issuer.token("unpublished", own, { kid: "team-1" }),
    "with another e-mail than was signed": tampered(session(), 1, (bytes) =>
      Buffer.from(bytes.toString().replace("bob@", "ann@")),
    ),
    "that is none": "ann@example.com",
  })) {
    const answer = await signedIn(bad, "stats");
    assert.deepEqual([answer.status, answer.headers.has("www-authenticate")], [401, true], name);
    assert.equal((await signedIn(bad, "health")).json.deployment, undefined, name);
  }
  const both = await signedIn(good, "stats", { headers: { authorization: "Bearer wrong" } });
  assert.equal(both.status, 401, "a token that is sent decides");
});

test("a form of another site changes nothing by a session", async () => {
  assert.ok(await hits());
  const ann = session({ email: "ann@example.com" });
  const body = JSON.stringify({ all: true });
  const types = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=application/json",
    "text/plain; application/json",
  ];
  for (const type of types) {
    const headers = { "content-type": type, origin: "https://evil.example" };
    const answer = await signedIn(ann, "purge", { method: "POST", headers, body });
    assert.equal(answer.status, 403, type);
  }
  assert.ok(await isKept(), "nothing was purged");
  const preflight = await world.ask("/__evergraph/purge", {
    method: "OPTIONS",
    headers: {
      origin: "https://evil.example",
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type",
    },
  });
  assert.ok(!preflight.headers.has("access-control-allow-origin"));
  const deliberate = { method: "POST", headers: { "evergraph-admin": "1" }, body };
  assert.equal((await signedIn(ann, "purge", deliberate)).status, 200);
});

test("an address that guesses waits, even if it guesses right", async () => {
  const [guesser, other] = ["203.0.113.4", "203.0.113.5"];
  const debug = { "evergraph-debug": "1" };
  const guesses = [
    () => from(guesser, "guess"),
    () => from(guesser, "guess", "health"),
    () => from(guesser, "guess", "", "/api/x", debug),
  ];
  for (let n = 0; n < 20; n += 1) {
    const answer = await guesses[n % 3]();
    assert.equal(answer.status, n % 3 === 0 ? 401 : 200);
  }
  const limited = await from(guesser, ADMIN);
  assert.equal(limited.status, 429, limited.text);
  const seconds = Number(limited.headers.get("retry-after"));
  assert.ok(seconds > 0 && seconds <= 60, `${seconds}`);
  assert.match(limited.json.error, /try again in \d+ s$/);
  assert.equal((await from(guesser, "wrong")).status, 429);
  const health = await from(guesser, ADMIN, "health");
  assert.deepEqual([health.status, health.json.deployment], [200, undefined]);
  const seen = world.origin.requests.length;
  const guessed = [];
  for (const token of [ADMIN, "wrong"]) {
    const shown = await from(guesser, token, "", `/api/${guesser}`, debug);
    guessed.push([shown.headers.has("evergraph-key"), shown.xCache, shown.cacheStatus]);
  }
  assert.deepEqual(guessed[0], guessed[1], "the response tells whether a guess is right");
  assert.deepEqual([guessed[0][0], guessed[0][1]], [false, "BYPASS"]);
  const asked = world.origin.requests.slice(seen).map(({ headers }) => headers.authorization);
  assert.equal(asked[1], "Bearer wrong");
  assert.match(asked[0], /^Bearer [0-9a-f]+$/);
  assert.equal(asked[0].length, `Bearer ${ADMIN}`.length);
  assert.notEqual(asked[0], `Bearer ${ADMIN}`, "the origin saw an admin token");
  assert.equal((await from(other, ADMIN)).status, 200);
  assert.equal((await world.admin("stats", { token: ADMIN })).status, 200, "no address");
});

test("a page of another site locks nobody out: a request without a token is no attempt", async () => {
  const address = { "cf-connecting-ip": "203.0.113.6" };
  for (let n = 0; n < 25; n += 1) {
    const image = await world.ask(`/__evergraph/stats?${n}`, { headers: address });
    assert.equal(image.status, 401);
  }
  const operator = await from(address["cf-connecting-ip"], ADMIN);
  assert.equal(operator.status, 200, operator.text);
});

test("the audit shows who changed what, wherever it was", async () => {
  const audit = async (query = "", place = 0) => {
    const answer = await world.admin(`audit${query}`, { token: READER, place });
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  };
  const [last] = (await audit("?limit=1")).changes;
  const began = Date.now();
  const purge = (body, options) => world.admin("purge", { body, ...options });
  const here = await purge({ tags: ["Product:1", "Product:2"] }, { token: PURGER });
  // Another isolate's change takes up to a second to get there.
  const there = await purge({ all: true, soft: true }, { token: ADMIN, place: 1 });
  await purge({ tags: "x" }, { token: ADMIN });
  await purge({ all: true }, { token: READER });
  await purge({ all: true }, { token: "wrong", place: 1 });
  assert.equal((await world.admin("purge", { method: "GET", token: ADMIN })).status, 405);
  const since = ({ id }) => id > last.id;
  await world.until(async () => (await audit("", 0)).changes.filter(since).length === 2, "both are there");
  const changes = (await audit("?limit=1000", 1)).changes.filter(since);
  const shown = (change) =>
    `${change.token} (${change.role}) ${change.route} ${change.status}: ${change.detail}`;
  assert.deepEqual(changes.map(shown).sort(), [
    `ci (purge) POST purge 200: patterns=0 seq=${here.json.seq} tags=2`,
    `ops (admin) POST purge 200: everything, soft patterns=0 seq=${there.json.seq} tags=0`,
  ]);
  for (const { at, address } of changes) {
    assert.ok(at >= began - 1_000 && at <= Date.now() + 1_000, `${at}`);
    assert.equal(address, null);
  }
  const [second, first] = changes;
  assert.deepEqual((await audit(`?limit=1&before=${second.id}`)).changes, [first]);
  assert.deepEqual((await audit(`?before=${last.id + 1}&limit=1`)).changes, [last]);
  const { denied } = await audit();
  assert.ok(denied.forbidden > 0 && denied.unauthorized > 0 && denied.limited > 0, JSON.stringify(denied));
  for (const [query, path] of [
    ["?limit=0", "limit"],
    ["?limit=1001", "limit"],
    ["?limit=x", "limit"],
    ["?before=-1", "before"],
  ]) {
    const answer = await world.admin(`audit${query}`, { token: READER });
    assert.deepEqual([answer.status, answer.json.path], [400, path], query);
  }
  assert.equal((await world.admin("audit", { token: null })).status, 401);
  for (const secret of [READER, PURGER, ADMIN]) assert.ok(!world.output.includes(secret));
});

test("an audit that fails or hangs delays no purge, and is written when it works again", async () => {
  const purge = async () =>
    (await world.admin("purge", { body: { tags: ["Late"] }, token: PURGER })).json.seq;
  const failures = () => world.events("failure").filter(({ part }) => part === "audit").length;
  const [last] = (await world.admin("audit?limit=1", { token: READER })).json.changes;
  const seqs = [];
  for (const mode of ["error", "garbage"]) {
    world.statsMode = mode;
    const before = failures();
    seqs.push(await purge());
    await world.until(() => failures() > before, mode);
    assert.equal((await world.admin("audit", { token: READER })).status, 503, mode);
  }
  world.statsMode = "ok";
  const { changes } = (await world.admin("audit", { token: READER })).json;
  const details = changes.filter(({ id }) => id > last.id).map(({ detail }) => detail);
  assert.deepEqual(
    details,
    seqs.reverse().map((seq) => `patterns=0 seq=${seq} tags=1`),
  );
  world.statsMode = "hang";
  const before = failures();
  assert.ok((await purge()) > seqs[0]);
  assert.equal(failures(), before, "nobody has waited for it");
  world.statsMode = "ok";
});

test("a token is replaced without a refusal, and one that cannot be used is reported", async () => {
  const [old, next] = ["old-0123456789abcdef0123", "new-0123456789abcdef0123"];
  const rotated = await startWorld({ config: {}, adminTokens: old });
  for (const [tokens, statuses] of [
    [old, [200, 401]],
    [`ci:purge:${old},ci:purge:${next}`, [200, 200]],
    [`ci:purge:${next}`, [401, 200]],
    [`ci:purge ${old},ci:purges:${old},ci:purge:${next}`, [401, 200]],
  ]) {
    await rotated.redeployWith({ adminTokens: tokens });
    for (const [index, token] of [old, next].entries()) {
      const purge = await rotated.admin("purge", { body: { tags: ["Product"] }, token });
      assert.equal(purge.status, statuses[index], tokens);
      if (purge.status === 200) assert.match(purge.headers.get("evergraph-purge"), TOKEN);
    }
  }
  // Without the statistics' object nothing is kept, and the log line remains.
  assert.equal((await rotated.admin("audit", { token: next })).status, 501);
  const health = await rotated.admin("health", { token: next });
  assert.deepEqual(health.json.deployment.unusable_admin_tokens, [1, 2]);
  const reports = rotated.events("failure").filter(({ part }) => part === "admin-tokens");
  assert.deepEqual(
    reports.map(({ fault }) => /^entry \d/.exec(fault)[0]),
    ["entry 1", "entry 2"],
  );
  assert.ok(!rotated.output.includes("0123456789abcdef"), "no secret is logged");
});

test("by Access alone there are admin routes too", async () => {
  const alone = await startWorld({ config, adminTokens: null });
  const ask = (headers) => alone.ask("/__evergraph/stats", { headers });
  assert.equal((await ask({ "cf-access-jwt-assertion": session() })).status, 200);
  assert.equal((await ask({})).status, 401);
  assert.equal((await alone.ask("/__evergraph/health")).status, 200);
  // While the keys cannot be fetched, nobody is let in.
  await alone.restart();
  issuer.server.says(500, {}, "");
  assert.equal((await ask({ "cf-access-jwt-assertion": session() })).status, 401);
  issuer.publish();
  await alone.until(
    async () => (await ask({ "cf-access-jwt-assertion": session() })).status === 200,
    "the keys are there",
  );
});
