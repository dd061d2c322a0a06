// Scopes by the claims of a verified token, and purging by a scope's value.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Issuer, secretToken, signed, tampered } from "../lib/issuer.mjs";
import { startWorld } from "../lib/world.mjs";

const SECRET = "a secret that only this test and its worker know";
const issuer = await startIssuer();
const rsa = issuer.addKey("rsa-1", "RS256", { alg: "RS256", use: "sig" });
issuer.addKey("ec-1", "ES256");
issuer.addKey("unpublished", "ES256");
issuer.published.pop();

const SCOPES = {
  user: { by: ["jwt:sub"], ignore: ["cookie:theme"] },
  roles: { by: ["jwt:realm.roles"] },
  mixed: { by: ["header:x-key", "cookie:session", "jwt:sub"] },
  session: { by: ["header:authorization"] },
};
const TYPES = {
  mine: { match: ["rest:/api/me/**", "graphql:Query.me"], ttl: 600, scope: "user" },
  roles: { match: ["rest:/api/roles/**"], ttl: 600, scope: "roles" },
  mixed: { match: ["rest:/api/mixed/**"], ttl: 600, scope: "mixed" },
  session: { match: ["rest:/api/session/**"], ttl: 600, scope: "session" },
  open: { match: ["rest:/api/open/**"], ttl: 600 },
};
const JWT = {
  algorithms: ["HS256", "RS256", "ES256"],
  jwks: issuer.url,
  issuer: "issuer",
  audience: "shop",
  leeway: 0,
};
const world = await start();

async function startIssuer() {
  const started = await new Issuer().listen();
  after(() => started.close());
  return started;
}

async function start({ jwt = {}, secrets = { JWT_SECRET: SECRET }, ...options } = {}) {
  const config = { types: TYPES, scopes: SCOPES, jwt: { ...JWT, ...jwt } };
  const started = await startWorld({ config, secrets, ...options });
  // Every answer differs, so that only the cache can repeat one.
  let count = 0;
  started.origin.answer = (request, response) => {
    count += 1;
    const body = request.url.startsWith("/graphql") ? { data: { me: { n: count } } } : { n: count };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
  return started;
}

const bearer = (token) => ({ authorization: `Bearer ${token}` });
const ask = (path, headers = {}) => world.ask(path, { headers });
const mine = (path, token) => ask(`/api/me/${path}`, bearer(token));

const detail = (answer) => /detail="?([\w-]+(?:: \w+)?)"?$/.exec(answer.cacheStatus)?.[1] ?? null;
const stored = (answer) => assert.match(answer.cacheStatus, /; stored/);
const sameAnswer = (one, other) => {
  assert.equal(other.xCache, "HIT", other.cacheStatus);
  assert.equal(other.text, one.text);
};
const passedThrough = (answer, reason = "jwt-unverified") => {
  assert.deepEqual([answer.status, answer.xCache, detail(answer)], [200, "BYPASS", reason]);
};

before(() => assert.equal(issuer.asked, 0));

for (const [algorithm, token] of [
  ["HS256", (claims) => secretToken(SECRET, claims)],
  ["RS256", (claims) => issuer.token("rsa-1", claims)],
  ["ES256", (claims) => issuer.token("ec-1", claims)],
]) {
  test(`${algorithm}: two tokens of one person share, those of two people do not`, async () => {
    const first = await mine(algorithm, token({ sub: "alice" }));
    stored(first);
    sameAnswer(first, await mine(algorithm, token({ sub: "alice", iat: 1, jti: "another" })));
    const bob = await mine(algorithm, token({ sub: "bob" }));
    stored(bob);
    assert.notEqual(bob.text, first.text);
    sameAnswer(bob, await ask(`/api/me/${algorithm}`, { authorization: `bEARER ${token({ sub: "bob" })}` }));
    const nobody = await ask(`/api/me/${algorithm}`);
    stored(nobody);
    assert.ok(![first.text, bob.text].includes(nobody.text), "who is not signed in has another entry");
    assert.ok(issuer.asked <= 1, "the keys are asked for once");
  });
}

test("a token of any algorithm is the same person, in GraphQL too", async () => {
  const me = (token) => world.graphql("{ me { n } }", { headers: bearer(token) });
  const first = await me(secretToken(SECRET, { sub: "alice" }));
  stored(first);
  sameAnswer(first, await me(issuer.token("ec-1", { sub: "alice" })));
  assert.notEqual((await me(issuer.token("rsa-1", { sub: "bob" }))).text, first.text);
  passedThrough(await me(issuer.token("unpublished", { sub: "alice" })));
});

const good = { sub: "alice" };
const flipped = (bytes) => Buffer.concat([Buffer.from([bytes[0] ^ 1]), bytes.subarray(1)]);
const asBob = (bytes) => Buffer.from(bytes.toString().replace("alice", "bobby"));
const soon = (seconds) => Math.floor(Date.now() / 1000) + seconds;
const BAD = {
  "that has expired": () => issuer.token("rsa-1", { ...good, exp: soon(-1) }),
  "that does not expire": () => issuer.token("rsa-1", { ...good, exp: undefined }),
  "that expires at a text": () => issuer.token("rsa-1", { ...good, exp: String(soon(600)) }),
  "that is not valid yet": () => issuer.token("rsa-1", { ...good, nbf: soon(60) }),
  "of another issuer": () => issuer.token("rsa-1", { ...good, iss: "somebody" }),
  "for another audience": () => issuer.token("rsa-1", { ...good, aud: "other" }),
  "by an unpublished key": () => issuer.token("unpublished", good, { kid: "ec-1" }),
  "that names an unknown key": () => issuer.token("rsa-1", good, { kid: "rsa-0" }),
  "that names a key of another kind": () => issuer.token("rsa-1", good, { kid: "ec-1" }),
  "by another secret": () => secretToken(`${SECRET}!`, good),
  "with other claims than were signed": () => tampered(issuer.token("rsa-1", good), 1, asBob),
  "with another RS256 signature": () => tampered(issuer.token("rsa-1", good), 2, flipped),
  "with another ES256 signature": () => tampered(issuer.token("ec-1", good), 2, flipped),
  "with another HS256 signature": () => tampered(secretToken(SECRET, good), 2, flipped),
  "with an empty signature": () => tampered(issuer.token("rsa-1", good), 2, () => ""),
  "without an algorithm": () => signed({ alg: "none" }, good, () => ""),
  "that takes a public key for a secret": () =>
    secretToken(rsa.publicKey.export({ format: "pem", type: "spki" }), good, { kid: "rsa-1" }),
  "that takes a published JWK for a secret": () =>
    secretToken(JSON.stringify(issuer.jwk("rsa-1")), good, { kid: "rsa-1" }),
  "with an extension to be understood": () => issuer.token("rsa-1", good, { crit: ["exp"] }),
  "with padding": () => `${issuer.token("rsa-1", good)}==`,
  "of four parts": () => `${issuer.token("rsa-1", good)}.AAAA`,
  "that is none": () => "alice",
};

for (const [name, make] of Object.entries(BAD)) {
  test(`a token ${name} proves nothing, and the origin judges it`, async () => {
    const kept = await mine("bad", issuer.token("rsa-1", good));
    const token = make();
    for (let n = 0; n < 2; n += 1) {
      passedThrough(await mine("bad", token));
      assert.equal(world.origin.requests.at(-1).headers.authorization, `Bearer ${token}`);
    }
    sameAnswer(kept, await mine("bad", issuer.token("rsa-1", good)));
  });
}

test("what is in the token's place and is no token proves nothing", async () => {
  const token = issuer.token("rsa-1", good);
  for (const authorization of [
    "Basic YTpi",
    "Bearer",
    `Bearer ${token}, Bearer ${token}`,
    `Token ${token}`,
  ]) {
    passedThrough(await ask("/api/me/bad", { authorization }));
  }
});

test("a claim may be nested and be any JSON; without it a good token says nothing", async () => {
  const roles = (claims) => ask("/api/roles/1", bearer(secretToken(SECRET, claims)));
  const first = await roles({ sub: "alice", realm: { roles: ["admin", "user"] } });
  stored(first);
  sameAnswer(first, await roles({ sub: "bob", realm: { roles: ["admin", "user"] } }));
  const other = await roles({ sub: "alice", realm: { roles: ["user", "admin"] } });
  stored(other);
  assert.notEqual(other.text, first.text);
  for (const claims of [{}, { realm: {} }, { realm: { roles: null } }, { realm: "roles" }]) {
    passedThrough(await roles(claims), "authorization-without-scope");
  }
});

test("a token is verified only where a scope goes by a claim", async () => {
  const expired = issuer.token("rsa-1", { ...good, exp: 1 });
  const asked = issuer.asked;
  passedThrough(await ask("/api/open/1", bearer(expired)), "authorization-without-scope");
  const session = await ask("/api/session/1", bearer(expired));
  stored(session);
  sameAnswer(session, await ask("/api/session/1", bearer(expired)));
  assert.equal(issuer.asked, asked);
});

test("beside other identities every one of them counts, and a bad token still proves nothing", async () => {
  const mixed = (headers) => ask("/api/mixed/1", headers);
  const token = secretToken(SECRET, good);
  const key = { "x-key": "k" };
  const answers = [
    await mixed(key),
    await mixed({ ...key, ...bearer(token) }),
    await mixed(bearer(token)),
    await mixed({ cookie: "session=alice" }),
  ];
  answers.forEach(stored);
  assert.equal(new Set(answers.map(({ text }) => text)).size, answers.length);
  sameAnswer(answers[1], await mixed({ ...key, ...bearer(secretToken(SECRET, { ...good, jti: "2" })) }));
  passedThrough(await mixed({ ...key, ...bearer(`${token}x`) }));
});

test("a token that was good is not good after it has expired", async () => {
  const exp = soon(2);
  const token = issuer.token("ec-1", { sub: "short", exp });
  const first = await mine("short", token);
  stored(first);
  sameAnswer(first, await mine("short", token));
  await world.until(async () => detail(await mine("short", token)) === "jwt-unverified", "it has expired");
  assert.ok(Date.now() >= exp * 1000);
  sameAnswer(first, await mine("short", issuer.token("ec-1", { sub: "short" })));
});

test("a new key is found, a withdrawn one counts no more, and who invents keys asks for none", async () => {
  const rotating = await startIssuer();
  rotating.addKey("old", "ES256");
  const own = await start({ jwt: { jwks: rotating.url, algorithms: ["ES256"] } });
  const tokens = {};
  const by = (key) => {
    tokens[key] ??= rotating.token(key, { sub: "alice" });
    return own.ask("/api/me/1", { headers: bearer(tokens[key]) });
  };
  // The keys take a while, and nobody asks for them a second time meanwhile.
  const { answer } = rotating.server;
  rotating.server.answer = async (...exchange) => {
    await new Promise((resolve) => setTimeout(resolve, 200));
    answer(...exchange);
  };
  // One of them asks the origin, and the others may wait for it.
  const first10 = await Promise.all(Array.from({ length: 10 }, () => by("old")));
  for (const { xCache } of first10) assert.ok(["MISS", "HIT"].includes(xCache), xCache);
  assert.ok(first10.some(({ xCache }) => xCache === "MISS"));
  assert.equal(rotating.asked, 1);
  const first = await by("old");
  assert.equal(first.xCache, "HIT");
  rotating.addKey("new", "ES256");
  rotating.published = ["new"];
  sameAnswer(first, await by("new"));
  assert.equal(rotating.asked, 2);
  passedThrough(await by("old"));
  for (let n = 0; n < 5; n += 1) {
    const token = rotating.token("old", { sub: "alice" }, { kid: `invented-${n}` });
    passedThrough(await own.ask("/api/me/1", { headers: bearer(token) }));
  }
  assert.equal(rotating.asked, 2, "once in 30 seconds");
  // Nobody answers, and what is known still counts.
  rotating.server.says(500, {}, "");
  sameAnswer(first, await by("new"));
});

test("keys that cannot be had leave every token unverified until they can", async () => {
  const failing = await startIssuer();
  failing.addKey("key", "RS256");
  const keys = JSON.stringify({ keys: [failing.jwk("key")] });
  const own = await start({ jwt: { jwks: failing.url } });
  const asks = () => own.ask("/api/me/1", { headers: bearer(failing.token("key", { sub: "alice" })) });
  for (const [name, answer, fault] of [
    ["an error", (_, response) => response.writeHead(500).end(keys), /^answered 500$/],
    [
      "a redirect",
      (request, response) => {
        if (request.url === "/jwks") response.writeHead(302, { location: "/elsewhere" }).end();
        else response.writeHead(200).end(keys);
      },
      /^answered 302$/,
    ],
    ["no key set", (_, response) => response.end("<html>"), /^the key set: not JSON$/],
    ["too much", (_, response) => response.end(`${keys}${" ".repeat(70_000)}`), /too-large/],
    ["nothing", (_, response) => response.destroy(), /./],
    ["no end", (_, response) => response.writeHead(200).write(keys.slice(0, 9)), /./],
  ]) {
    failing.server.answer = answer;
    const failures = () => own.events("failure").filter(({ part }) => part === "jwks");
    const before = failures().length;
    await own.until(async () => {
      passedThrough(await asks());
      return failures().length > before;
    }, name);
    assert.match(failures().at(-1).fault, fault, name);
  }
  failing.publish();
  await own.until(async () => (await asks()).xCache !== "BYPASS", "the keys are there");
  assert.equal((await asks()).xCache, "HIT");
});

test("without a secret that is long enough no token by a secret is good", async () => {
  for (const secrets of [{}, { JWT_SECRET: "short" }]) {
    const own = await start({ jwt: { algorithms: ["HS256"], jwks: undefined }, secrets });
    for (let n = 0; n < 2; n += 1) {
      const token = secretToken(secrets.JWT_SECRET ?? "", good);
      passedThrough(await own.ask("/api/me/1", { headers: bearer(token) }));
    }
    const [{ part, fault }, ...others] = own.events("failure");
    assert.deepEqual([part, others], ["jwt-key", []]);
    assert.match(fault, /^JWT_SECRET/);
  }
});

test("a token may be in a cookie, which says who is asking even where it is ignored", async () => {
  const own = await start({ jwt: { header: undefined, cookie: "token" } });
  const asks = (cookie, path = "/api/me/1") => own.ask(path, { headers: { cookie } });
  const first = await asks(`token=${secretToken(SECRET, good)}`);
  stored(first);
  sameAnswer(first, await asks(`theme=dark; token=${issuer.token("rsa-1", good)}`));
  const token = secretToken(SECRET, good);
  passedThrough(await asks(`token=${token}; token=${token}`));
  passedThrough(await asks("token="));
  passedThrough(await asks(`token=${token}; lang=de`), "cookie-without-scope: lang");
  passedThrough(await asks(`token=${token}`, "/api/open/1"), "cookie-without-scope: token");
});

test("a scope's entries are purged by a value, whichever identity had it", async () => {
  const purge = async (...tags) => {
    const answer = await world.admin("purge", { body: { tags } });
    assert.equal(answer.status, 200, answer.text);
  };
  const readers = {
    claim: { path: "/api/me/p", headers: () => bearer(issuer.token("ec-1", { sub: "carol" })) },
    otherClaim: { path: "/api/me/p", headers: () => bearer(issuer.token("ec-1", { sub: "dave" })) },
    nobody: { path: "/api/me/p", headers: () => ({}) },
    list: {
      path: "/api/roles/p",
      headers: () => bearer(secretToken(SECRET, { realm: { roles: [{ b: 1, a: "x, y" }] } })),
    },
    header: { path: "/api/session/p", headers: () => ({ authorization: "Bearer se cret" }) },
    cookie: { path: "/api/mixed/p", headers: () => ({ cookie: "session=carol" }) },
    both: { path: "/api/mixed/p", headers: () => ({ cookie: "session=erin", "x-key": "carol" }) },
    mixedClaim: { path: "/api/mixed/p", headers: () => bearer(secretToken(SECRET, { sub: "carol" })) },
  };
  const states = async () => {
    const found = {};
    for (const [name, { path, headers }] of Object.entries(readers)) {
      found[name] = (await ask(path, headers())).xCache;
    }
    return Object.keys(found).filter((name) => found[name] !== "HIT");
  };
  await states();
  assert.deepEqual(await states(), []);
  await purge("scope:user:carol");
  assert.deepEqual(await states(), ["claim"]);
  await purge("scope:mixed:carol");
  assert.deepEqual(await states(), ["cookie", "both", "mixedClaim"]);
  await purge("scope:mixed:erin");
  assert.deepEqual(await states(), ["both"]);
  await purge("scope:session:Bearer se cret", 'scope:roles:[{"a":"x, y","b":1}]');
  assert.deepEqual(await states(), ["list", "header"]);
  await purge("scope:user:nobody", "scope:user:carol ", "scope:user:Carol");
  assert.deepEqual(await states(), []);
  const unknown = await world.admin("purge", { body: { tags: ["Product", "scope:users:carol"] } });
  assert.deepEqual([unknown.status, unknown.json.path], [400, "tags[1]"]);
});

test("an answer that changes the cookie purges what that cookie had beside other identities", async () => {
  const headers = { cookie: "session=frank", "x-key": "k2" };
  await ask("/api/mixed/c", headers);
  assert.equal((await ask("/api/mixed/c", headers)).xCache, "HIT");
  const { answer } = world.origin;
  world.origin.says(200, { "set-cookie": "session=; Max-Age=0" }, "bye");
  await world.ask("/logout", { method: "POST", headers: { cookie: "session=frank" } });
  world.origin.answer = answer;
  assert.match((await ask("/api/mixed/c", headers)).cacheStatus, /detail=purged/);
});

test("neither tokens nor values are in stores or log lines", async () => {
  const sub = "a-person-nobody-may-read-of";
  const token = issuer.token("rsa-1", { sub });
  await mine("secret", token);
  assert.equal((await mine("secret", token)).xCache, "HIT");
  await world.admin("purge", { body: { tags: [`scope:user:${sub}`] } });
  assert.match((await mine("secret", token)).cacheStatus, /detail=purged/);
  const keptIn = (store) => [...store.entries].filter(([key]) => key.includes("api~me~secret"));
  const stores = [world.kv, ...world.caches];
  await world.until(() => stores.every((store) => keptIn(store).length > 0), "it is stored");
  const kept = stores.flatMap(keptIn).map(([key, value]) => `${key}\n${value.toString("latin1")}`);
  const told = [...kept, world.output].join("\n");
  for (const secret of [sub, token, token.split(".")[1], token.split(".")[2], SECRET]) {
    assert.ok(!told.includes(secret), secret);
  }
});
