// GraphQL over WebSocket: messages pass unchanged, and mutations on them purge.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { afterEach, beforeEach, test } from "node:test";
import { createClient } from "graphql-ws";
import legacy from "subscriptions-transport-ws";
import { WebSocket } from "ws";
import { panickingEntry } from "../lib/panics.mjs";
import { Client, NEW, OLD, SocketApi } from "../lib/sockets.mjs";
import { openWorld, startWorld } from "../lib/world.mjs";

const types = { product: { match: ["graphql:Query.*"], ttl: 600 } };
let world;
let api;

const PRODUCT = '{ product(id: "1") { __typename id name } }';
const SHELF = "{ shelf { __typename id name } }";
const RENAME = "mutation Rename($name: String!) { rename(id: 1, name: $name) { __typename id name } }";
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
let count = 0;
const newName = () => {
  count += 1;
  return `name ${count}`;
};
/** A mutation, and what it does behind the socket's back. */
const rename = (name) => ({ query: RENAME, variables: { name } });
const result = (name) => ({ data: { rename: { __typename: "Product", id: "1", name } } });
const subscribe = (payload, id = "1") => ({ type: "subscribe", id, payload });

async function read(at = world) {
  const answer = await at.graphql(PRODUCT);
  return [answer.xCache, answer.json.data.product.name];
}
const shelf = async () => (await world.graphql(SHELF)).xCache;
const purges = () => world.events("purge").length;

/** Has both reads in the cache, so that what is purged shows. */
async function fill() {
  // What another socket has purged when it was closed may come late.
  let hits = 0;
  await world.until(async () => {
    const isHit = (await read())[0] === "HIT" && (await shelf()) === "HIT";
    hits = isHit ? hits + 1 : 0;
    return hits === 4;
  }, "both are stored");
}

/** A socket whose server is the test. */
async function byHand({ protocols = [NEW], at = world, path = "/graphql", options } = {}) {
  const got = [];
  api.byHand = (_socket, text) => got.push(text);
  const client = await Client.open(at.url(path), protocols, options);
  const server = api.opened;
  return {
    client,
    server,
    got,
    say: (message) => server.send(typeof message === "string" ? message : JSON.stringify(message)),
    /** Sends a message of the client, and waits until the server has it. */
    async send(message) {
      const before = got.length;
      client.send(message);
      await world.until(() => got.length > before, "the server gets it");
    },
    /** Waits until the worker has handled all that was sent so far, in both directions. */
    async settle() {
      client.send('{"type":"ping"}');
      await world.until(() => got.at(-1) === '{"type":"ping"}', "the server gets the ping");
      server.send('{"type":"pong"}');
      while ((await client.next()) !== '{"type":"pong"}');
    },
  };
}

// The log repeats a purge of unknown outcome, so each test has a log of its own.
beforeEach(async () => {
  world = await openWorld({ entry: panickingEntry, config: { types } });
  api = new SocketApi(world.origin);
  await fill();
});

afterEach(async () => {
  api.close();
  await world.stop();
});

const clients = {
  [NEW](url) {
    const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 });
    return {
      run: (payload) =>
        new Promise((resolve, reject) => {
          let last;
          const sink = { next: (value) => (last = value), error: reject, complete: () => resolve(last) };
          client.subscribe(payload, sink);
        }),
      subscribe: (payload, next) => client.subscribe(payload, { next, error() {}, complete() {} }),
      close: () => client.dispose(),
    };
  },
  [OLD](url) {
    const client = new legacy.SubscriptionClient(url, { reconnect: false }, WebSocket);
    return {
      run: (payload) =>
        new Promise((resolve, reject) => {
          let last;
          const observer = { next: (value) => (last = value), error: reject, complete: () => resolve(last) };
          client.request(payload).subscribe(observer);
        }),
      subscribe(payload, next) {
        const { unsubscribe } = client.request(payload).subscribe({ next });
        return unsubscribe;
      },
      close: () => client.close(),
    };
  },
};

for (const protocol of [NEW, OLD]) {
  test(`${protocol}: a mutation purges what it touched, and reads purge nothing`, async () => {
    const client = clients[protocol](world.url("/graphql").replace("http", "ws"));
    const before = purges();
    const asked = await client.run({ query: PRODUCT });
    assert.equal(asked.data.product.id, "1");
    const renamed = [];
    const stop = client.subscribe({ query: "subscription { renamed { id name } }" }, (value) =>
      renamed.push(value.data.renamed.name),
    );
    await world.until(() => api.renames.listenerCount("rename") > 0, "the subscription is there");
    assert.deepEqual([purges() - before, await shelf(), (await read())[0]], [0, "HIT", "HIT"]);
    for (let n = 0; n < 3; n += 1) {
      const name = newName();
      assert.equal((await client.run(rename(name))).data.rename.name, name);
      assert.deepEqual(await read(), ["MISS", name]);
      assert.deepEqual(await read(), ["HIT", name]);
      assert.equal(await shelf(), "HIT", "what it does not touch stays");
      await world.until(() => renamed.at(-1) === name, "the subscription receives it");
    }
    stop();
    await client.close();
  });
}

test("messages, subprotocols and closing codes pass unchanged", async () => {
  const one = await byHand({ protocols: ["other", OLD], options: { headers: { cookie: "a=b" } } });
  assert.equal(one.client.socket.protocol, "other");
  assert.equal(one.server.request.headers.cookie, "a=b");
  assert.equal(one.server.request.headers["x-forwarded-host"], `127.0.0.1:${world.ports[0]}`);
  api.byHand = (socket, _text, isBinary, data) => socket.send(data, { binary: isBinary });
  const texts = ["", "{", '{"type":"ping" }', "é\u0000😀", "x".repeat(3 << 20)];
  for (const text of texts) {
    one.client.send(text);
    assert.equal(await one.client.next(), text);
  }
  const bytes = Buffer.from([0, 255, 128, 1]);
  one.client.send(bytes);
  assert.deepEqual(await one.client.next(), bytes);
  const closing = new Promise((resolve) => one.server.on("close", (...args) => resolve(args)));
  assert.deepEqual(await one.client.close(4123, "enough"), { code: 4123, reason: "enough" });
  const [code, reason] = await closing;
  assert.deepEqual([code, reason.toString()], [4123, "enough"]);
});

for (const [how, close, expected] of [
  ["a code and a reason", (socket) => socket.close(4400, "bad"), { code: 4400, reason: "bad" }],
  ["1000", (socket) => socket.close(1000), { code: 1000, reason: "" }],
  ["no code", (socket) => socket.close(), { code: 1005, reason: "" }],
  ["a broken connection", (socket) => socket.terminate(), { code: 1014, reason: "" }],
]) {
  test(`the client is closed as the server closes: ${how}`, async () => {
    const { client, server } = await byHand();
    close(server);
    assert.deepEqual(await client.untilClosed(), expected);
  });
}

test("a socket on another path, and an upgrade that is refused, pass", async () => {
  api.byHand = (socket, text) => socket.send(text);
  const client = await Client.open(world.url("/echo"));
  const before = purges();
  client.send("mutation { x }");
  assert.equal(await client.next(), "mutation { x }");
  await client.close();
  assert.equal(purges(), before);
  const refusing = await startWorld({ config: { types } });
  refusing.origin.server.on("upgrade", (_request, socket) =>
    socket.end("HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno"),
  );
  const refused = await Client.open(refusing.url("/graphql")).catch((error) => error.message);
  assert.match(refused, /401/);
});

test("a socket on another spelling of a GraphQL path is read as well", async () => {
  for (const [path, isRead] of [
    ["/graphql", true],
    ["/GraphQL", true],
    ["//graphql", true],
    ["/graphql/", true],
    ["/graphql;x=1", true],
    ["/graphql%2f", true],
    ["/%67raphql", true],
    ["/graphqls", false],
  ]) {
    const { client, say, send } = await byHand({ path });
    const name = newName();
    await send(subscribe(rename(name)));
    api.names.set("1", name);
    say({ type: "next", id: "1", payload: result(name) });
    await client.next();
    assert.deepEqual([(await read())[0], await shelf()], [isRead ? "MISS" : "HIT", "HIT"], path);
    await client.close(1000);
    await fill();
  }
});

test("a result is held until its purge is recorded, and again at complete", async () => {
  const { client, say, send } = await byHand();
  const name = newName();
  await send(subscribe(rename(name)));
  const before = purges();
  // The origin commits after it has sent the result.
  say({ type: "next", id: "1", payload: result(name) });
  assert.equal(JSON.parse(await client.next()).type, "next");
  assert.equal(purges(), before + 1);
  const [xCache, old] = await read();
  assert.equal(xCache, "MISS");
  assert.notEqual(old, name);
  assert.equal((await read())[0], "HIT", "what was read before the commit is stored");
  api.names.set("1", name);
  say({ type: "complete", id: "1" });
  assert.equal(JSON.parse(await client.next()).type, "complete");
  assert.deepEqual(await read(), ["MISS", name]);
  assert.equal(await shelf(), "HIT");
  await client.close();
});

test("messages behind a held one stay in order, and none is held for ever", async () => {
  const { client, say, send } = await byHand();
  await send(subscribe(rename("x")));
  world.logMode = "hang";
  say({ type: "next", id: "1", payload: result("x") });
  for (let n = 0; n < 5; n += 1) say({ type: "next", id: "other", payload: { n } });
  const got = [];
  while (got.length < 6) got.push(JSON.parse(await client.next()));
  assert.deepEqual(
    got.map(({ id, payload }) => (id === "1" ? "result" : payload.n)),
    ["result", 0, 1, 2, 3, 4],
  );
  assert.ok(
    world.events("failure").some(({ part }) => part === "purge-log-write"),
    "the log did not take it in time",
  );
  world.logMode = "ok";
  await client.close();
});

const outcomes = {
  async "is closed by the server"({ server }) {
    server.close(1011);
  },
  async "is cut off by the server"({ server }) {
    server.terminate();
  },
  async "is closed by the client"({ client }) {
    await client.close(1000);
  },
  async "is cut off by the client"({ client }) {
    client.socket.terminate();
  },
  async "goes on, and the client completes it"({ send }) {
    await send({ type: "complete", id: "1" });
  },
  async "goes on, and the client stops it"({ send }) {
    await send({ type: "stop", id: "1" });
  },
};
for (const [name, end] of Object.entries(outcomes)) {
  test(`a mutation without an answer purges if its socket ${name}`, async () => {
    const one = await byHand();
    const written = newName();
    await one.send(subscribe(rename(written)));
    await one.settle();
    assert.equal((await read())[0], "HIT", "it has no outcome yet");
    api.names.set("1", written);
    await end(one);
    await world.until(async () => (await read())[1] === written, "it is purged");
    one.client.socket.terminate();
  });
}

/** The messages that may run a mutation though nobody can tell. */
const unclear = {
  "a number that is none": (name) =>
    `{"type":"subscribe","id":"1","payload":{"query":"mutation{a}","variables":{"a":NaN,"n":"${name}"}}}`,
  "two types": () => '{"type":"subscribe","id":"1","payload":{"query":"mutation{a}"},"type":"ping"}',
  "a type in another case": () =>
    '{"type":"ping","Type":"subscribe","id":"1","payload":{"query":"mutation{a}"}}',
  "two payloads": () =>
    '{"type":"subscribe","id":"1","payload":{"query":"mutation{a}"},"payload":{"query":"{b}"}}',
  "a list": () => '["1","2","doc",{"query":"mutation{a}"}]',
  "another protocol": () => '{"command":"message","data":"mutation"}',
  "no text": () => Buffer.from([1, 2, 3, 255]),
  "a message too long to be read": () => JSON.stringify(subscribe({ query: `{a}${" ".repeat(1 << 20)}` })),
};
for (const [name, message] of Object.entries(unclear)) {
  test(`a message that is not understood may be a mutation: ${name}`, async () => {
    const one = await byHand();
    const written = newName();
    await one.send(message(written));
    await one.settle();
    assert.equal((await read())[0], "HIT", "it has no outcome yet");
    // An answer that nothing known has asked for.
    api.names.set("1", written);
    one.say({ type: "next", id: "1", payload: { data: { a: 1 } } });
    assert.equal(JSON.parse(await one.client.next()).type, "next");
    assert.deepEqual(await read(), ["MISS", written]);
    await fill();
    api.names.set("1", newName());
    await one.client.close(1000);
    await world.until(async () => (await read())[1] === api.names.get("1"), "and once it is closed");
  });
}

test("a mutation in bytes is read like one in text", async () => {
  const { client, say, send } = await byHand();
  const name = newName();
  await send(Buffer.from(JSON.stringify(subscribe(rename(name)))));
  api.names.set("1", name);
  say({ type: "next", id: "1", payload: result(name) });
  await client.next();
  assert.deepEqual(await read(), ["MISS", name]);
  assert.equal(await shelf(), "HIT");
  await client.close();
});

test("a hash that nobody knows may be a mutation, and one that is known is what it is", async () => {
  const extensions = (text) => ({ persistedQuery: { version: 1, sha256Hash: sha256(text) } });
  const text = "{ product(id: 2) { __typename id name } }";
  await world.ask("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: text, extensions: extensions(text) }),
  });
  const { client, say, send } = await byHand();
  const before = purges();
  await send(subscribe({ extensions: extensions(text) }, "known"));
  say({ type: "next", id: "known", payload: { data: { product: null } } });
  await client.next();
  assert.equal(purges(), before, "a query");
  for (const [id, payload, purged] of [
    ["refused", { errors: [{ message: "PersistedQueryNotFound" }] }, 0],
    ["ran", { data: { anything: true } }, 1],
  ]) {
    await send(subscribe({ extensions: extensions(`mutation { ${id} }`) }, id));
    say({ type: "next", id, payload });
    await client.next();
    assert.equal(purges(), before + purged, id);
  }
  assert.equal(await shelf(), "MISS");
  await client.close();
});

test("what was refused purges nothing", async () => {
  const refusals = [
    [NEW, { type: "error", id: "1", payload: [{ message: "invalid" }] }],
    [NEW, { type: "next", id: "1", payload: { errors: [{ message: "not allowed" }] } }],
    [OLD, { type: "error", id: "1", payload: { message: "invalid" } }],
    [OLD, { type: "data", id: "1", payload: { errors: [{ message: "invalid" }] } }],
  ];
  const before = purges();
  for (const [protocol, refusal] of refusals) {
    const { client, say, send } = await byHand({ protocols: [protocol] });
    await send({ ...subscribe(rename("x")), type: protocol === NEW ? "subscribe" : "start" });
    say(refusal);
    await client.next();
    if (refusal.type === "error") await client.close(1000);
    else client.socket.terminate();
  }
  for (const message of [
    "junk",
    "{}",
    '{"type":"subscribe","id":"1"}',
    JSON.stringify(subscribe(rename("x"))),
  ]) {
    for (const code of [4400, 4401, 1007]) {
      const { client, server, send } = await byHand();
      await send(message);
      server.close(code, "no");
      assert.equal((await client.untilClosed()).code, code);
    }
  }
  await world.admin("health");
  assert.deepEqual([purges() - before, await shelf()], [0, "HIT"]);
});

test("a refusal of a later message is none of an earlier one", async () => {
  const one = await byHand();
  const name = newName();
  await one.send(subscribe(rename(name)));
  await one.send("junk");
  api.names.set("1", name);
  one.server.close(4400, "no");
  await world.until(async () => (await read())[1] === name, "it is purged");
});

/** What a client sends so that an end which is not the mutation's own comes before its result. */
const reused = {
  async "of an operation that runs"({ send, settle }) {
    await send(subscribe({ query: PRODUCT }));
    await settle();
  },
  async "of an operation that the client has stopped"({ send, settle }) {
    await send(subscribe({ query: "subscription { renamed { id } }" }));
    await settle();
    await send({ type: "complete", id: "1" });
  },
  async "of an operation for which there was no room any more"({ client, got, send, settle }) {
    await send(subscribe({ query: PRODUCT }));
    for (let n = 0; n < 1_000; n += 1) client.send(subscribe({ query: "{ shelf { id } }" }, `s${n}`));
    await world.until(() => got.length >= 1_001, "the server gets them");
    await settle();
  },
};
for (const [name, before] of Object.entries(reused)) {
  test(`a mutation with the id ${name} is purged when its own result comes`, async () => {
    const one = await byHand();
    const written = newName();
    await before(one);
    await one.send(subscribe(rename(written)));
    one.say({ type: "complete", id: "1" });
    assert.equal(JSON.parse(await one.client.next()).type, "complete");
    await fill();
    api.names.set("1", written);
    one.say({ type: "next", id: "1", payload: result(written) });
    assert.equal(JSON.parse(await one.client.next()).type, "next");
    assert.deepEqual([await read(), await shelf()], [["MISS", written], "HIT"]);
    await one.client.close(1000);
  });
}

test("an id is free once its operation has ended", async () => {
  const { client, say, send, settle } = await byHand();
  say({ type: "connection_ack" });
  for (let n = 0; n < 3; n += 1) {
    await send(subscribe({ query: PRODUCT }));
    await settle();
    say({ type: "next", id: "1", payload: { data: { product: null } } });
    say(n === 0 ? { type: "error", id: "1", payload: [{ message: "no" }] } : { type: "complete", id: "1" });
    await settle();
    const name = newName();
    await send(subscribe(rename(name)));
    api.names.set("1", name);
    say({ type: "next", id: "1", payload: result(name) });
    say({ type: "complete", id: "1" });
    await settle();
    assert.equal((await read())[1], name);
    const before = purges();
    await send(subscribe({ query: PRODUCT }));
    say({ type: "next", id: "1", payload: { data: { product: null } } });
    say({ type: "complete", id: "1" });
    await settle();
    assert.equal(purges(), before, "a query with the id of a mutation purges nothing");
  }
  const before = purges();
  await client.close(1000);
  await world.admin("health");
  assert.equal(purges(), before, "nothing is without an outcome");
});

test("a mutation may be running where the server closes the socket for another reason", async () => {
  const one = await byHand();
  one.say({ type: "connection_ack" });
  const name = newName();
  await one.settle();
  await one.send(subscribe(rename(name)));
  assert.equal((await read())[0], "HIT", "it has no outcome yet");
  api.names.set("1", name);
  one.server.close(4401, "the token has expired");
  await world.until(async () => (await read())[1] === name, "it is purged");
  const before = purges();
  const other = await byHand();
  other.say({ type: "connection_ack" });
  await other.send("junk");
  other.server.close(4400, "no");
  await other.client.untilClosed();
  await world.admin("health");
  assert.equal(purges(), before, "what is no message was refused");
});

for (const [name, message, isHeld] of [
  [
    "in a known form",
    '{"type":"ping","type":"subscribe","id":"1","payload":{"query":"mutation { rename }"}}',
    true,
  ],
  [
    "in an unknown form",
    '{"Type":"subscribe","type":"ping","id":"1","payload":{"query":"mutation { rename }"}}',
    false,
  ],
]) {
  test(`a message that is not understood may take an id ${name}`, async () => {
    const { client, say, send, settle } = await byHand();
    await send(subscribe({ query: "subscription { renamed { id } }" }));
    await send(message);
    await settle();
    assert.deepEqual([(await read())[0], await shelf()], ["HIT", "HIT"]);
    const written = newName();
    api.names.set("1", written);
    say({ type: "next", id: "1", payload: { data: { renamed: null } } });
    if (!isHeld) say({ type: "complete", id: "1" });
    await settle();
    assert.deepEqual(await read(), ["MISS", written]);
    await client.close(1000);
  });
}

test("an id that is too long to be kept is none", async () => {
  const { client, say, send, settle } = await byHand();
  const [long, longest] = ["i".repeat(256), "i".repeat(257)];
  const before = purges();
  for (const [id, expected] of [
    [long, 0],
    [longest, 1],
  ]) {
    await send(subscribe({ query: PRODUCT }, id));
    await settle();
    say({ type: "next", id, payload: { data: { product: null } } });
    await settle();
    assert.equal(purges() - before, expected);
  }
  await client.close(1000);
});

test("sockets with many operations know them all", async () => {
  const { client, say, send, got } = await byHand();
  for (let n = 0; n < 1_200; n += 1)
    client.send(subscribe({ query: "subscription { renamed { id } }" }, `s${n}`));
  await world.until(() => got.length === 1_200, "the server gets them");
  const before = purges();
  const name = newName();
  await send(subscribe(rename(name), "write"));
  for (let n = 0; n < 3; n += 1) {
    say({ type: "next", id: "s7", payload: { data: { renamed: { id: n } } } });
    await client.next();
  }
  assert.equal(purges(), before, "subscriptions purge nothing");
  api.names.set("1", name);
  say({ type: "next", id: "write", payload: result(name) });
  await client.next();
  assert.deepEqual([await read(), await shelf()], [["MISS", name], "HIT"]);
  for (let n = 0; n < 1_001; n += 1) client.send(subscribe(rename("x"), `w${n}`));
  client.send('{"type":"ping"}');
  await world.until(() => got.at(-1) === '{"type":"ping"}', "the server gets all of it");
  say({ type: "next", id: "w1000", payload: result("x") });
  await client.next();
  assert.equal(await shelf(), "MISS", "beyond that nobody knows whose answer it is");
  await client.close();
});

test("where Wasm fails the socket goes on, and everything is purged", async () => {
  for (const stage of ["before the message", "before the result"]) {
    const one = await byHand();
    const name = newName();
    const panic = () => world.ask("/panic-next");
    if (stage === "before the message") await panic();
    // A hash is looked for in KV, for which a timer is set.
    const persistedQuery = { version: 1, sha256Hash: sha256(name) };
    await one.send(subscribe({ extensions: { persistedQuery } }));
    await one.settle();
    await fill();
    const before = world.events("failure").filter(({ part }) => part === "worker").length;
    if (stage === "before the result") await panic();
    api.names.set("1", name);
    one.say({ type: "next", id: "1", payload: result(name) });
    assert.equal(JSON.parse(await one.client.next()).type, "next");
    assert.equal((await read())[1], name);
    assert.equal(await shelf(), "MISS", "all of it");
    const failed = world.events("failure").filter(({ part }) => part === "worker").length - before;
    assert.ok(stage === "before the message" || failed > 0, "it did happen");
    await one.client.close();
  }
});

test("a socket whose messages nobody would read is not opened", async () => {
  api.byHand = () => {};
  const options = { headers: { "evergraph-panic-after": "0" } };
  const message = await Client.open(world.url("/graphql"), [NEW], options).catch((error) => error.message);
  assert.match(message, /503/);
  const client = await Client.open(world.url("/graphql"));
  await client.close();
});

test("a result too long to be read purges everything", async () => {
  const { client, say, send } = await byHand();
  const name = newName();
  await send(subscribe(rename(name)));
  api.names.set("1", name);
  const before = purges();
  say({ type: "next", id: "1", payload: { ...result(name), extensions: { more: "x".repeat(1 << 20) } } });
  await client.next();
  // A message this long does not wait for its purge, and a purge of everything may be delayed.
  await world.until(() => purges() > before, "it is purged");
  assert.deepEqual([await read(), await shelf()], [["MISS", name], "MISS"]);
  await client.close();
});

test("a path that is never cached is not read, and one of a faulty configuration is", async () => {
  const before = api;
  const passing = await startWorld({ config: { types, bypass: ["/graphql"] } });
  api = new SocketApi(passing.origin);
  const one = await byHand({ at: passing });
  await one.send("anything");
  one.say({ type: "next", id: "1", payload: {} });
  await one.client.next();
  await one.client.close();
  api.close();
  const faulty = await startWorld({ config: { types, no_such_key: true } });
  api = new SocketApi(faulty.origin);
  const other = await byHand({ at: faulty });
  await other.send(subscribe(rename("x")));
  other.say({ type: "next", id: "1", payload: result("x") });
  await other.client.next();
  assert.equal(passing.events("purge").length, 0);
  assert.ok(faulty.events("purge").length > 0);
  await other.client.close();
  api.close();
  api = before;
});

test("with purge.wait off nothing is held, and what is written is purged all the same", async () => {
  const near = await startWorld({ config: { types, purge: { wait: false } } });
  const before = api;
  api = new SocketApi(near.origin);
  const { client, say, send } = await byHand({ at: near });
  await near.until(async () => (await read(near))[0] === "HIT", "it is stored");
  const name = newName();
  await send(subscribe(rename(name)));
  api.names.set("1", name);
  near.logMode = "hang";
  say({ type: "next", id: "1", payload: result(name) });
  await client.next();
  near.logMode = "ok";
  await near.until(async () => (await read(near))[1] === name, "it is purged");
  await client.close();
  api.close();
  api = before;
});
