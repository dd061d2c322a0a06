// What Evergraph does not understand, or is not to touch: byte for byte, and streamed.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { startWorld } from "../lib/world.mjs";

const world = await startWorld({
  config: { types: { product: { match: ["rest:/api/**"], ttl: 60 } } },
});

/** Answers with what came, as bytes. */
const echo = (request, response, body) => {
  response.writeHead(200, { "content-type": "application/octet-stream", "x-method": request.method });
  response.end(body);
};

const detail = (answer) => /detail=([\w-]+)$/.exec(answer.cacheStatus)?.[1];

test("every method reaches the origin with its body", async () => {
  world.origin.answer = echo;
  for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "REPORT"]) {
    const answer = await world.ask("/other", { method, body: `body of ${method}` });
    assert.deepEqual(
      [answer.headers.get("x-method"), answer.text, answer.xCache],
      [method, `body of ${method}`, "BYPASS"],
    );
  }
});

test("bodies over the cap go through whole, with and without a declared length", async () => {
  world.origin.answer = (_request, response, body) => response.end(`${body.length} ${body.subarray(-5)}`);
  const json = { "content-type": "application/json" };
  const large = Buffer.concat([
    Buffer.from('{"query":"{ a }","x":"'),
    Buffer.alloc(3 << 20, "x"),
    Buffer.from('"}END'),
  ]);
  const stream = () =>
    new ReadableStream({
      start(controller) {
        for (let at = 0; at < large.length; at += 65_536) controller.enqueue(large.subarray(at, at + 65_536));
        controller.close();
      },
    });
  for (const body of [large, stream()]) {
    const answer = await world.ask("/graphql", { method: "POST", headers: json, body, duplex: "half" });
    assert.deepEqual(
      [answer.text, detail(answer)],
      [`${large.length} ${large.subarray(-5)}`, "body-too-large"],
    );
  }
  const put = await world.ask("/upload", { method: "PUT", body: large });
  assert.equal(put.text, `${large.length} ${large.subarray(-5)}`);
});

test("answers too large to store go through whole", async () => {
  const large = randomBytes(9 << 20);
  const notStored = () => world.events("not-stored").filter(({ reason }) => reason === "too-large").length;
  for (const [headers, status] of [
    [{ "content-length": large.length }, /detail=too-large$/],
    // Nobody knows its length before it is there.
    [{}, /; stored$/],
  ]) {
    world.origin.answer = (_request, response) => response.writeHead(200, headers).end(large);
    for (let time = 0; time < 2; time += 1) {
      const response = await fetch(world.url("/api/large"));
      assert.equal(response.headers.get("x-cache"), "MISS");
      assert.match(response.headers.get("cache-status"), status);
      assert.ok(large.equals(Buffer.from(await response.arrayBuffer())));
    }
  }
  await world.until(() => notStored() === 2, "the log says why it was not stored");
});

test("an answer that breaks off breaks off for the client too, and is not stored", async () => {
  let broken = false;
  world.origin.answer = (_request, response) => {
    response.writeHead(200, { "content-type": "text/plain", "content-length": "100" });
    response.write("half of it");
    setTimeout(() => response.destroy(), 50);
    broken = true;
  };
  await assert.rejects(world.ask("/api/broken-off"));
  assert.ok(broken);
  world.origin.says(200, { "content-type": "text/plain" }, "whole");
  assert.equal((await world.ask("/api/broken-off")).text, "whole");
});

test("event streams flow while they come", async () => {
  let next;
  world.origin.answer = (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: 1\n\n");
    next = () => response.end("data: 2\n\n");
  };
  const sources = [
    () => fetch(world.url("/api/events"), { headers: { accept: "text/event-stream" } }),
    () =>
      fetch(world.url("/graphql"), {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
        body: JSON.stringify({ query: "subscription { a }" }),
      }),
  ];
  for (const ask of sources) {
    const reader = (await ask()).body.getReader();
    const decode = async () => new TextDecoder().decode((await reader.read()).value);
    assert.equal(await decode(), "data: 1\n\n");
    next();
    assert.equal(await decode(), "data: 2\n\n");
    await reader.cancel();
  }
});

test("an answer in parts goes through, whatever Accept lists", async () => {
  world.origin.says(200, { "content-type": "multipart/mixed; boundary=-" }, "---\r\n\r\n{}\r\n-----\r\n");
  const answer = await world.graphql("{ a ...F @defer } fragment F on Query { b }");
  assert.deepEqual([answer.text, detail(answer)], ["---\r\n\r\n{}\r\n-----\r\n", "incremental"]);
  const unforeseen = await world.graphql("{ unforeseen }");
  assert.deepEqual([unforeseen.xCache, unforeseen.text], ["MISS", "---\r\n\r\n{}\r\n-----\r\n"]);
});

test("uploads, forms and compressed bodies arrive as they were sent", async () => {
  world.origin.answer = echo;
  const form = new FormData();
  form.append("operations", '{"query":"mutation { a }"}');
  form.append("0", new Blob([randomBytes(1000)]));
  const encoded = new Response(form);
  const type = encoded.headers.get("content-type");
  const bytes = Buffer.from(await encoded.arrayBuffer());
  const gzip = gzipSync('{"query":"{ a }"}');
  for (const [body, headers, reason] of [
    [bytes, { "content-type": type }, "content-type"],
    [Buffer.from("query=%7Ba%7D"), { "content-type": "application/x-www-form-urlencoded" }, "content-type"],
    [gzip, { "content-type": "application/json", "content-encoding": "x-own" }, "content-encoding"],
  ]) {
    const response = await fetch(world.url("/graphql"), { method: "POST", headers, body });
    assert.match(response.headers.get("cache-status"), new RegExp(`detail=${reason}$`));
    assert.ok(body.equals(Buffer.from(await response.arrayBuffer())), reason);
  }
});

test("compressed answers reach the client with the same content, on misses and hits", async () => {
  const text = "compress me ".repeat(500);
  world.origin.answer = (request, response) => {
    const gzip = (request.headers["accept-encoding"] ?? "").includes("gzip");
    response.writeHead(200, {
      "content-type": "text/plain",
      vary: "Accept-Encoding",
      ...(gzip ? { "content-encoding": "gzip" } : {}),
    });
    response.end(gzip ? gzipSync(text) : text);
  };
  for (const path of ["/api/gzip", "/api/gzip", "/graphql?raw"]) {
    for (const encoding of ["gzip", "identity", "br, gzip"]) {
      const answer = await world.ask(path, { headers: { "accept-encoding": encoding } });
      assert.equal(answer.text, text, `${path} ${encoding}`);
    }
  }
});

test("redirects are passed on, and the origin's address becomes the public one", async () => {
  for (const [location, expected] of [
    [`${world.origin.url}/api/x/?y=1`, world.url("/api/x/?y=1")],
    ["/relative", "/relative"],
    ["https://elsewhere.example/", "https://elsewhere.example/"],
    [`${world.origin.url}0/evil`, `${world.origin.url}0/evil`],
  ]) {
    for (const status of [301, 307, 308]) {
      world.origin.says(status, { location }, "");
      const answer = await world.ask("/api/redirect");
      assert.deepEqual([answer.status, answer.headers.get("location")], [status, expected]);
    }
  }
});

test("statuses without a body stay without one", async () => {
  for (const status of [204, 205, 304]) {
    world.origin.says(status, { etag: '"x"' }, "");
    const answer = await world.ask("/other", { method: "POST", body: "x" });
    assert.deepEqual([answer.status, answer.text], [status, ""]);
  }
});

test("a HEAD that is not cached is the origin's own", async () => {
  world.origin.answer = (request, response) =>
    request.method === "HEAD"
      ? response.writeHead(405, { allow: "GET" }).end()
      : response.writeHead(200).end("x");
  const answer = await world.ask("/api/head-only", { method: "HEAD" });
  assert.deepEqual([answer.status, answer.headers.get("allow")], [405, "GET"]);
});

test("several cookies are set as several", async () => {
  world.origin.says(200, { "set-cookie": ["a=1; Path=/", "b=2, with a comma"] }, "x");
  const answer = await world.ask("/other");
  assert.deepEqual(answer.headers.getSetCookie(), ["a=1; Path=/", "b=2, with a comma"]);
});

test("a range of what is not stored is the origin's to answer", async () => {
  world.origin.says(206, { "content-range": "bytes 0-1/10" }, "ab");
  const answer = await world.ask("/api/range", { headers: { range: "bytes=0-1" } });
  assert.deepEqual([answer.status, answer.text, detail(answer)], [206, "ab", "range"]);
});

test("a page is not GraphQL's answer", async () => {
  world.origin.says(200, { "content-type": "text/html" }, "<h1>GraphiQL</h1>");
  const answer = await world.ask("/graphql?query=%7Ba%7D", { headers: { accept: "text/html,*/*" } });
  assert.deepEqual([answer.text, detail(answer)], ["<h1>GraphiQL</h1>", "accept-html"]);
});

test("a connection that changes its protocol is the origin's", async () => {
  world.origin.server.once("upgrade", (request, socket) => {
    // RFC 6455 §4.2.2: the key with a fixed suffix, digested.
    const accept = createHash("sha1")
      .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.write(Buffer.from([0x81, 0x02, 0x68, 0x69]));
    socket.on("error", () => {});
  });
  const received = await new Promise((resolve, reject) => {
    const socket = connect(world.ports[0], "127.0.0.1");
    let bytes = Buffer.alloc(0);
    socket.on("error", reject);
    socket.on("close", () => reject(new Error(`closed after ${bytes}`)));
    socket.on("data", (data) => {
      bytes = Buffer.concat([bytes, data]);
      if (!bytes.includes("hi")) return;
      socket.destroy();
      resolve(bytes.toString("latin1"));
    });
    socket.write(
      "GET /socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
  });
  assert.match(received, /^HTTP\/1\.1 101 /);
});
