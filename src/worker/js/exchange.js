// One client's request and the origin's answers to it, as Wasm and the rescue use them.

import { Share, setBudget } from "./budget.js";
import { Expiring } from "./expiring.js";
import { headersFromText, headersToText } from "./headers.js";
import { Passing } from "./passing.js";
import { verify } from "./signature.js";
import { relay } from "./socket.js";
import { copied, ofLength, ROOM, readAtMost, readRequest } from "./streams.js";

/** Signals that were not given yet. Nobody waits longer for one than the runtime lets work go on. */
const signals = new Expiring(30_000, 10_000);
let lastSignal = 0;

/** One client's request and the origin's answers to it. */
export class Exchange {
  #request;
  #body = null; // bytes or a stream, once the request's body was touched
  #answers = [];
  #work = []; // promises of what was begun
  #mayHaveWritten = false;
  #failsOpen = false;
  #purgeEverything;
  #share = new Share();

  constructor(request, purgeEverything) {
    this.#request = request;
    this.#purgeEverything = purgeEverything;
  }

  get request() {
    return this.#request;
  }

  /**
   * Its URL without dot segments and backslashes, as `fetch` sends it: what is looked up, and what a
   * write purges, is what the origin is asked for.
   */
  get url() {
    const { url } = this.#request;
    if (PLAIN_URL.test(url)) return url;
    return URL.canParse(url) ? new URL(url).href : url;
  }

  /** Whether the origin may have been sent a write. */
  get mayHaveWritten() {
    return this.#mayHaveWritten;
  }

  /** The request's body as bytes, or why there are none. There will be so many copies of it. */
  async requestBody(limit, copies) {
    if (this.#body instanceof Uint8Array) return this.#body;
    const read = await readRequest(this.#request, limit, this.#room(copies));
    if (read.fault === "broken") return "broken";
    this.#body = read.bytes ?? read.stream;
    return read.bytes ?? read.fault;
  }

  /** Room for bodies of which there will be so many copies; without any they do not count. */
  #room(copies) {
    const share = this.#share;
    if (copies === 0) return ROOM;
    return { take: (bytes) => share.take(bytes * copies), give: (bytes) => share.give(bytes * copies) };
  }

  /** The runtime sends the request to the origin by itself where nothing here can answer it. */
  failOpen(context) {
    this.#failsOpen = true;
    context.passThroughOnException();
  }

  get failsOpen() {
    return this.#failsOpen;
  }

  /** Sets how much memory the bodies of all requests may take. */
  setBudget(bytes) {
    setBudget(bytes);
  }

  /** Takes memory for what is made of a body; false where there is no room. */
  reserve(bytes) {
    return this.#share.take(bytes);
  }

  /** Nothing that was read or reserved is needed any more. */
  release() {
    this.#share.give();
  }

  /**
   * Asks the origin; with `again`, once more where the connection breaks: only a write is never sent
   * twice. With `altered`, it is not asked what the client asked; with a body, by POST.
   */
  ask(url, headersText, again, altered, body) {
    this.#mayHaveWritten ||= !again;
    const init = { headers: headersFromText(headersText, this.#request.headers) };
    // The bytes are Wasm's own memory, which the next call may move.
    if (body !== undefined) Object.assign(init, { method: "POST", body: body.slice() });
    else Object.assign(init, this.#asItCame());
    return this.#busyWith(this.#fetch(url, init, again, altered));
  }

  #asItCame() {
    const { method } = this.#request;
    const body = this.#body ?? this.#request.body;
    if (body instanceof ReadableStream) this.#body = body;
    return { method, body: hasBody(method) ? body : undefined };
  }

  async #fetch(url, init, again, altered) {
    const replayable = !(init.body instanceof ReadableStream);
    try {
      return this.#tell(await fetchOrigin(url, init), altered);
    } catch (error) {
      if (!again || !replayable) throw error;
      return this.#tell(await fetchOrigin(url, init), altered);
    }
  }

  /** Asks for a change of protocol, whose answer is passed on as it is. */
  async askUntouched(url, headersText) {
    const headers = headersFromText(headersText, this.#request.headers);
    return this.#tell(await fetchOrigin(url, { headers }), false);
  }

  /** What is under way goes on if Wasm fails, and has to be waited for then. */
  #busyWith(work) {
    this.#work.push(work.catch(() => {}));
    return work;
  }

  #tell(response, altered) {
    const { body: source, headers } = response;
    const answer = { response, headers, source, body: null, fault: "too-large", altered, passing: null };
    const handle = this.#answers.push(answer) - 1;
    return `${handle}\n${response.status}\n${headersToText(response.headers)}`;
  }

  /** Undoes an answer's gzip, which the runtime has left in place because of its name. */
  undoGzip(handle) {
    const answer = this.#answers[handle];
    if (answer.source === null) return;
    answer.source = answer.source.pipeThrough(new DecompressionStream("gzip"));
    // By that name the runtime does it again for a client that takes it.
    answer.headers = new Headers(answer.headers);
    answer.headers.set("content-encoding", "gzip");
  }

  /** The headers of an answer. */
  answerHeaders(handle) {
    return this.#answers[handle].headers;
  }

  /** An answer's body as bytes, or why there are none; with `millis` "late" where it takes longer. */
  answerBody(handle, limit, copies, millis) {
    return this.#busyWith(this.#readAnswer(handle, limit, copies, millis));
  }

  /** The same, in chunks, while the client gets the body as it comes. */
  copiedBody(handle, limit, copies) {
    const answer = this.#answers[handle];
    if (answer.body !== null || answer.source === null) return this.answerBody(handle, limit, copies);
    const { forClient, copy } = copied(answer.source, limit, this.#room(copies));
    answer.body = ofLength(forClient, answer.headers);
    return this.#busyWith(copy);
  }

  async #readAnswer(handle, limit, copies, millis) {
    const answer = this.#answers[handle];
    if (answer.body instanceof Uint8Array) return answer.body;
    if (answer.body !== null) return answer.fault;
    const read = await readAtMost(answer.source, answer.headers, limit, this.#room(copies), millis);
    // What broke off is passed on up to there, and then breaks off for the client too.
    answer.body = read.bytes ?? read.stream;
    answer.fault = read.fault ?? null;
    return read.bytes ?? read.fault;
  }

  /**
   * Resolves when an answer's body has ended for the client: with `true` where it was whole. From then on
   * it is held until `releaseEnd`.
   */
  passedBody(handle) {
    const passing = new Passing(this.#purgeEverything);
    this.#answers[handle].passing = passing;
    return passing.ended;
  }

  /**
   * Purges everything once more when the body of an answer has ended, before the client sees that: the
   * write may go on until then. Nothing for a body that has been read, or whose end is waited for.
   */
  async purgeAtEnd(handle) {
    const answer = this.#answers[handle];
    if (answer.passing !== null || !((answer.body ?? answer.source) instanceof ReadableStream)) return;
    const ended = this.passedBody(handle);
    await ended;
    await this.#purgeEverything();
    this.releaseEnd(handle);
  }

  releaseEnd(handle) {
    this.#answers[handle].passing?.release();
  }

  /** The client has its answer: a body that is not passed on by now never is. */
  replied() {
    for (const { passing } of this.#answers) passing?.replied();
  }

  /** The text at another server's address, after its `Cache-Control` and a line's end. */
  async fetchText(url, limit, millis) {
    const signal = AbortSignal.timeout(millis);
    // Who can redirect could name an address that is not to be trusted.
    const init = { headers: { accept: "application/json" }, redirect: "manual", signal };
    const response = await fetch(url, init);
    if (response.status !== 200) throw new Error(`answered ${response.status}`);
    const { bytes, fault } = await readAtMost(response.body, response.headers, limit, ROOM);
    if (bytes === undefined) throw new Error(`the answer is ${fault}`);
    return `${response.headers.get("cache-control") ?? ""}\n${new TextDecoder().decode(bytes)}`;
  }

  /** Stores bytes in the edge cache, with header fields beside them. */
  async putAtEdge(url, value, fields, seconds) {
    const headers = new Headers(fields ?? undefined);
    headers.set("cache-control", `public, max-age=${seconds}`);
    headers.set("content-type", "application/octet-stream");
    // The bytes are Wasm's own memory, which the next call may move.
    const stored = new Response(value.slice(), { headers });
    await caches.default.put(url, stored);
  }

  async askLog(namespace, name, route, message, signal) {
    const log = namespace.get(namespace.idFromName(name));
    // The bytes are Wasm's own memory, which the next call may move.
    const init = { method: "POST", body: message.slice(), signal };
    const response = await log.fetch(`https://purge-log/${route}`, init);
    if (response.status !== 200) {
      throw new Error(`the purge log answered ${response.status}: ${await response.text()}`);
    }
    return new Uint8Array(await response.arrayBuffer());
  }

  verify(algorithm, key, signed, signature) {
    // The bytes are Wasm's own memory, which the next call may move.
    return verify(algorithm, key, signed, signature.slice());
  }

  /** A signal that other requests of this isolate may wait for: a promise crosses requests. */
  signal() {
    lastSignal += 1;
    signals.set(lastSignal, Promise.withResolvers());
    return lastSignal;
  }

  give(signal) {
    signals.get(signal)?.resolve();
    signals.delete(signal);
  }

  async wait(signal) {
    await signals.get(signal)?.promise;
  }

  replyWhole(status, headersText, original, body) {
    const empty = body.length === 0 || hasNoBody(status) || this.#request.method === "HEAD";
    const headers = headersFromText(headersText, original);
    // The bytes are Wasm's own memory, which the next call may move.
    return new Response(empty ? null : body.slice(), { status, headers });
  }

  replyAnswer(handle, status, headersText) {
    const { response, headers: original, source, body, passing } = this.#answers[handle];
    // A status that nobody may make, such as 999, can only be passed on.
    if (status < 200 || status > 599) return response;
    const headers = headersFromText(headersText, original);
    // The runtime counts what it sends.
    if (this.#request.method !== "HEAD") headers.delete("content-length");
    let forClient = hasNoBody(status) ? null : (body ?? source);
    if (passing !== null && forClient instanceof ReadableStream) {
      forClient = ofLength(passing.through(forClient, original), original);
    }
    return new Response(forClient, {
      status,
      statusText: response.statusText,
      headers,
    });
  }

  replyUntouched(handle) {
    return this.#answers[handle].response;
  }

  /** The origin's socket, whose messages are read on the way. */
  replySocket(handle, url, headersText, handshake, env, context) {
    const opened = { url, headersText, handshake, env, context, exchange: this };
    return relay(this.#answers[handle].response, opened);
  }

  /** Waits until nothing that was begun is under way. */
  async settled() {
    await Promise.all(this.#work);
  }

  /** The last answer to what the client asked, if there is one. */
  lastForClient() {
    const handle = this.#answers.findLastIndex((answer) => !answer.altered);
    if (handle === -1) return null;
    const { response, headers } = this.#answers[handle];
    return { handle, status: response.status, headers };
  }
}

/**
 * Asks the origin, and nobody else: `cf` tells the zone's cache what the runtime tells it for the option
 * `cache: "no-store"`, which adds headers to the request (docs/decisions/0024).
 */
function fetchOrigin(url, init) {
  return fetch(url, { ...init, redirect: "manual", cf: { cacheLevel: "bypass", cacheTtl: -1 } });
}

/** What parsing leaves as it is: no escapes, and no segment that begins with a dot. */
const PLAIN_URL = /^(?:[\w:?&=,;+$!*'()@~.-]|\/(?!\.))*$/;

const hasBody = (method) => method !== "GET" && method !== "HEAD";
const hasNoBody = (status) => status === 101 || status === 204 || status === 205 || status === 304;
