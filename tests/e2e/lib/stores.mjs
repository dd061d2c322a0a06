// Workers KV and the edge cache as workerd reaches them: HTTP servers whose answers a test can
// spoil. Modes: "ok", "error" (500), "hang", "reset", "garbage", "slow", "lose" (writes vanish),
// "read-only" (500 for writes).

import { createServer } from "node:http";
import { setTimeout as wait } from "node:timers/promises";

/** Fields of a stored response that are not its own. */
const OF_THE_TRANSFER = ["connection", "content-length", "transfer-encoding"];

export class Store {
  entries = new Map();
  /** The metadata of values in KV, as JSON. */
  metadata = new Map();
  mode = "ok";
  slowMillis = 400;
  /** How many requests are served at once: the others queue, as in the runtime. */
  atOnce = Number.POSITIVE_INFINITY;
  /** The most that were there at once. */
  mostAtOnce = 0;
  #present = 0;
  #queue = [];
  reads = 0;
  writes = 0;
  lists = 0;
  lastWrite = null;

  constructor(kind) {
    this.kind = kind;
  }

  async listen() {
    this.server = createServer((request, response) =>
      this.#inTurn(() => this.#serve(request, response)).catch(() => response.destroy()),
    );
    await new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.address = `127.0.0.1:${this.server.address().port}`;
    return this;
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }

  async #inTurn(serve) {
    this.#present += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#present);
    if (this.#present > this.atOnce) await new Promise((resolve) => this.#queue.push(resolve));
    try {
      await serve();
    } finally {
      this.#present -= 1;
      this.#queue.shift()?.();
    }
  }

  async #serve(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const read = request.method === "GET";
    if (read) this.reads += 1;
    if (this.mode === "hang") return;
    if (this.mode === "reset") return request.socket.destroy();
    if (this.mode === "error" || (this.mode === "read-only" && !read))
      return response.writeHead(500).end("broken");
    if (this.mode === "slow") await wait(this.slowMillis);
    const url = new URL(request.url, "http://store");
    if (this.kind === "kv" && read && url.pathname === "/") return this.#serveList(url, response);
    const key =
      this.kind === "kv"
        ? decodeURIComponent(url.pathname.slice(1))
        : `${request.headers.host}${request.url}`;
    if (request.method === "PUT") {
      this.writes += 1;
      this.lastWrite = { key, ttl: url.searchParams.get("expiration_ttl"), body };
      if (this.mode !== "lose") this.#put(key, body, request.headers["cf-kv-metadata"]);
      return response.writeHead(this.kind === "kv" ? 200 : 204).end();
    }
    if (!read) {
      this.entries.delete(key);
      return response.writeHead(200).end();
    }
    const found =
      this.mode === "garbage"
        ? Buffer.from("\x00garbage, and more of it\xff", "latin1")
        : this.entries.get(key);
    if (this.kind === "kv") {
      return found === undefined ? response.writeHead(404).end() : response.writeHead(200).end(found);
    }
    return this.#serveCached(response, found);
  }

  #put(key, body, metadata) {
    this.entries.set(key, body);
    if (metadata === undefined) this.metadata.delete(key);
    else this.metadata.set(key, metadata);
  }

  /** A page of the keys with a prefix, in their order, with their metadata. */
  #serveList(url, response) {
    this.lists += 1;
    if (this.mode === "garbage") return response.writeHead(200).end("\x00garbage");
    const prefix = url.searchParams.get("prefix") ?? "";
    const limit = Number(url.searchParams.get("key_count_limit") ?? 1_000);
    const after = url.searchParams.get("cursor") ?? "";
    if (after !== "" && !after.startsWith(prefix)) return response.writeHead(400).end("invalid cursor");
    const isListed = (key) => key.startsWith(prefix) && key > after;
    const names = [...this.entries.keys()].filter(isListed).sort();
    const keys = names.slice(0, limit).map((name) => {
      const metadata = this.metadata.get(name);
      // The runtime parses it.
      return metadata === undefined ? { name } : { name, metadata };
    });
    const list_complete = keys.length === names.length;
    const cursor = list_complete ? undefined : keys.at(-1)?.name;
    response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify({ keys, list_complete, cursor }));
  }

  /** What was put is a whole HTTP response. */
  #serveCached(response, found) {
    if (found === undefined) return response.writeHead(504, { "cf-cache-status": "MISS" }).end();
    const end = this.mode === "garbage" ? -4 : found.indexOf("\r\n\r\n");
    // Node writes header values as latin1, so the bytes stay what they are.
    const lines = found.subarray(0, Math.max(end, 0)).toString("latin1").split("\r\n").slice(1);
    for (const line of lines) {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon).toLowerCase();
      if (!OF_THE_TRANSFER.includes(name)) response.appendHeader(name, line.slice(colon + 1).trim());
    }
    response.setHeader("cf-cache-status", "HIT");
    return response.writeHead(200).end(found.subarray(end + 4));
  }
}
