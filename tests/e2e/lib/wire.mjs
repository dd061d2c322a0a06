// REST as it is on the wire: a client that adds nothing of its own, as `fetch` would, and an origin
// whose paths answer each in its own way.

import { request as begin } from "node:http";
import { createServer, connect as dial } from "node:net";

/** Begins a request; its answer's body is read by `next` and `rest`. */
export async function open(url, { method = "GET", headers = {}, body } = {}) {
  const { origin, port, hostname } = new URL(url);
  // A path that is to come as it is written, `//` and all.
  const path = url.slice(origin.length) || "/";
  const asking = begin({ hostname, port, path, method, headers, agent: false, maxHeaderSize: 1 << 17 });
  const answer = await new Promise((resolve, reject) => {
    asking.on("response", resolve).on("error", reject);
    asking.end(body);
  });
  asking.on("error", () => {});
  const chunks = answer[Symbol.asyncIterator]();
  /** The next bytes: none at the end, "broken" if the body breaks off. */
  const next = async () => {
    try {
      const { value, done } = await chunks.next();
      return done ? null : value;
    } catch {
      return "broken";
    }
  };
  /** All that is still to come, and whether it broke off. */
  const rest = async () => {
    const read = [];
    for (;;) {
      const chunk = await next();
      if (chunk === null || chunk === "broken") return { bytes: Buffer.concat(read), broken: chunk !== null };
      read.push(chunk);
    }
  };
  return { status: answer.statusCode, headers: answer.headers, next, rest, leave: () => asking.destroy() };
}

/** Asks, and reads the whole answer. */
export async function ask(url, init) {
  const { status, headers, rest } = await open(url, init);
  const { bytes, broken } = await rest();
  return {
    status,
    headers,
    bytes,
    broken,
    text: bytes.toString(),
    xCache: headers["x-cache"],
    cacheStatus: headers["cache-status"],
  };
}

/** The paths of a world's origin. */
export class Paths {
  #answers = new Map();
  #last = 0;

  constructor(world) {
    this.world = world;
    world.origin.answer = (request, response, body) => {
      const answer = this.#answers.get(request.url.split("?")[0]);
      return answer === undefined ? response.writeHead(404).end() : answer(request, response, body);
    };
  }

  /** A path that no test has had; it may be answered by a function or by status, headers and body. */
  add(...answer) {
    this.#last += 1;
    return this.at(`/p/${this.#last}`, ...answer);
  }

  at(path, first, headers = {}, body = "") {
    const says = (_request, response) => response.writeHead(first, headers).end(body);
    this.#answers.set(path, typeof first === "function" ? first : says);
    return path;
  }

  /** What the origin was asked of a path, of any query or of this one. */
  asked(path) {
    return this.world.origin.requests.filter(({ url }) => url === path || url.split("?")[0] === path);
  }

  get(path, headers = {}, place = 0) {
    return ask(this.world.url(path, place), { headers });
  }

  send(method, path, { headers = {}, body, place = 0 } = {}) {
    return ask(this.world.url(path, place), { method, headers, body });
  }
}

/** An answer that is held back until `release`. */
export function held() {
  const { promise, resolve } = Promise.withResolvers();
  return { promise, release: resolve };
}

/** An origin that says the bytes that a test gives for a path, whatever they are. */
export class RawOrigin {
  requests = [];
  #answers = new Map();
  #sockets = new Set();

  async listen() {
    this.server = createServer((socket) => this.#talk(socket));
    await new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  /** `text` is all of the answer, or says it for a request; the connection is closed after it. */
  at(path, text) {
    this.#answers.set(path, text);
    return path;
  }

  /** How often a path was asked for. */
  asked(path) {
    return this.requests.filter(({ url }) => url === path).length;
  }

  close() {
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
  }

  #talk(socket) {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket)).on("error", () => {});
    let text = "";
    socket.on("data", (data) => {
      text += data.toString("latin1");
      if (!text.includes("\r\n\r\n")) return;
      const [, method, url] = /^(\S+) (\S+)/.exec(text);
      const request = { method, url, text };
      this.requests.push(request);
      text = "";
      const said = this.#answers.get(url);
      const answer =
        (typeof said === "function" ? said(request) : said) ??
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
      socket.end(Buffer.from(answer, "latin1"));
    });
  }
}

/** Sends bytes as they are, and returns all that comes back as text. */
export function say(url, text) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = dial(Number(port), hostname);
    let came = "";
    socket.on("data", (data) => {
      came += data.toString("latin1");
    });
    socket.on("close", () => resolve(came)).on("error", reject);
    socket.write(Buffer.from(text, "latin1"));
  });
}
