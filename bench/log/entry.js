// The shipped purge log, with additions to measure: a route that does nothing, one that fills the log, and
// a subscription. A subscriber gets a reply of the log at once, and then one with each record and at
// least every so many milliseconds. Four bytes before each reply are its length.

import worker, { PurgeLog as Log } from "./index.js";

/** For how long a subscription lasts: the runtime ends what is left of a request after 30 seconds. */
const LASTS_MILLIS = 25_000;
/** The length of a log request without a mark. */
const READS_ALL_BYTES = 14;

export class PurgeLog extends Log {
  #sql;
  #subscribers = new Set();
  #timer;
  /** The log request whose reply is usable by all subscribers. */
  #question;
  /** Whether isolates report their marks. Otherwise `/follow` does. */
  #follows;

  constructor(state, env) {
    super(state, env);
    this.#sql = state.storage.sql;
    this.#follows = env.SUBSCRIBE !== undefined;
  }

  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/nothing") return new Response(await request.arrayBuffer());
    if (pathname === "/fill") return this.#fill(Number(searchParams.get("tags")));
    if (pathname === "/follow") {
      this.#question = await request.arrayBuffer();
      return new Response();
    }
    if (pathname === "/subscribe") return this.#subscribe(request, Number(searchParams.get("every")));
    if (pathname === "/since" && this.#follows) return this.#since(request);
    const answer = await super.fetch(request);
    if (pathname === "/append" && answer.ok && this.#subscribers.size > 0) await this.#tell();
    return answer;
  }

  /** Records as a version without pages left them: this object reads them when it starts next. */
  #fill(tags) {
    const each = 10_000;
    const below = (limit) => Math.floor(Math.random() * limit);
    const hash = () => String(1 + below(1.8e9)) + String(below(1e10)).padStart(10, "0");
    this.#sql.exec(
      "CREATE TABLE records (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, record TEXT NOT NULL)",
    );
    this.#sql.exec("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)");
    this.#sql.exec("INSERT INTO meta VALUES ('epoch', '1234567890123456')");
    for (let seq = 1; seq <= tags / each; seq += 1) {
      const record = `{"t":[${Array.from({ length: each }, hash).join()}]}`;
      this.#sql.exec("INSERT INTO records VALUES (?, ?, ?)", seq, Date.now(), record);
    }
    return new Response();
  }

  async #subscribe(request, every) {
    this.#question ??= await request.arrayBuffer();
    const said = await this.#said();
    let subscriber;
    const body = new ReadableStream({
      start: (controller) => {
        subscriber = controller;
        controller.enqueue(said);
        this.#subscribers.add(controller);
      },
      cancel: () => this.#leave(subscriber),
    });
    setTimeout(() => {
      if (!this.#subscribers.has(subscriber)) return;
      this.#leave(subscriber);
      subscriber.close();
    }, LASTS_MILLIS);
    this.#timer ??= setInterval(() => this.#tell(), every);
    return new Response(body);
  }

  /** The mark in an isolate's request is that of its data center. */
  async #since(request) {
    const question = await request.arrayBuffer();
    if (question.byteLength > READS_ALL_BYTES) this.#question = question;
    return super.fetch(new Request(request.url, { method: "POST", body: question }));
  }

  #leave(subscriber) {
    this.#subscribers.delete(subscriber);
    if (this.#subscribers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Sends one reply to all subscribers. */
  async #tell() {
    const said = await this.#said();
    for (const subscriber of this.#subscribers) subscriber.enqueue(said);
  }

  async #said() {
    const asked = new Request("https://purge-log/since", { method: "POST", body: this.#question });
    const said = new Uint8Array(await (await super.fetch(asked)).arrayBuffer());
    const framed = new Uint8Array(4 + said.length);
    new DataView(framed.buffer).setUint32(0, said.length);
    framed.set(said, 4);
    return framed;
  }
}

let subscribed = 0;

/** Receives the log's replies, and stores them in the edge cache under the key that isolates read. */
async function subscribe(env, every) {
  const log = env.PURGE_LOG.get(env.PURGE_LOG.idFromName("test"));
  const asked = { method: "POST", body: Uint8Array.from(env.READS_ALL.split(",")) };
  const { body } = await log.fetch(`https://purge-log/subscribe?every=${every}`, asked);
  let rest = new Uint8Array();
  for await (const chunk of body) {
    const bytes = new Uint8Array(rest.length + chunk.length);
    bytes.set(rest);
    bytes.set(chunk, rest.length);
    rest = bytes;
    for (;;) {
      const view = new DataView(rest.buffer, rest.byteOffset, rest.byteLength);
      if (rest.length < 4 || rest.length < 4 + view.getUint32(0)) break;
      const said = rest.slice(4, 4 + view.getUint32(0));
      rest = rest.slice(4 + said.length);
      await keep(said);
    }
  }
}

/** Stores a reply for the other isolates. Those that have a snapshot need no other one. */
async function keep(said) {
  let at = 21;
  while (said[at++] >= 0x80);
  const isSnapshot = said[at] === 1;
  if (isSnapshot) return;
  const epoch = new DataView(said.buffer, said.byteOffset).getBigUint64(at + 1, true);
  const url = `https://evergraph.internal/test/log/${said[3]}/${epoch.toString(16).padStart(16, "0")}`;
  await caches.default.put(url, new Response(said, { headers: { "cache-control": "max-age=5" } }));
}

export default {
  fetch(request, env, context) {
    const url = new URL(request.url);
    if (url.pathname.startsWith("/log/")) {
      const log = env.PURGE_LOG.get(env.PURGE_LOG.idFromName("test"));
      return log.fetch(new Request(`https://purge-log${url.pathname.slice(4)}${url.search}`, request));
    }
    if (env.SUBSCRIBE && subscribed < Date.now()) {
      subscribed = Date.now() + LASTS_MILLIS;
      context.waitUntil(subscribe(env, Number(env.SUBSCRIBE)));
    }
    return worker.fetch(request, env, context);
  },
};
