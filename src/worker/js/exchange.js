// One client's request and the origin's responses to it. Wasm and the rescue work through it.

import { remember } from "./answers.js";
import { ExpiringMap } from "./expiring_map.js";
import { headersFromText, headersToText } from "./headers.js";
import { HeldBody } from "./held_body.js";
import { Share, setBudget } from "./memory_budget.js";
import { verifySignature } from "./signature.js";
import { relaySocket } from "./socket_relay.js";
import { copyBody, lengthOf, readAtMost, readRequest, sentLength, UNLIMITED, withLength } from "./streams.js";

/** Signals that are not resolved yet. The runtime ends background work after 30 s, so nobody waits longer. */
const signals = new ExpiringMap(30_000, 10_000);
let lastSignal = 0;

/** One client's request and the origin's responses to it, which have numbers as handles. */
export class Exchange {
  #request;
  #body = null; // bytes or a stream, once the request's body was read or sent
  #responses = [];
  #work = []; // promises of work that was started
  #mayHaveWritten = false;
  #failsOpen = false;
  #hasResponded = false;
  #purgeEverything;
  #share = new Share();
  #env;
  /** Whether the body was read before anybody asked for it, and takes no memory from the budget yet. */
  #isBodyEarly = false;
  /** What to call once the origin does not get the request's body any more. */
  #originLeaves;

  constructor(request, purgeEverything, env) {
    this.#request = request;
    this.#purgeEverything = purgeEverything;
    this.#env = env;
  }

  /** The request's body was read already. */
  bodyIsRead(bytes) {
    this.#body = bytes;
    this.#isBodyEarly = true;
  }

  get request() {
    return this.#request;
  }

  /**
   * The URL as `fetch` sends it, without dot segments and backslashes. Look-ups and purges have to use the
   * URL that the origin gets.
   */
  get url() {
    const { url } = this.#request;
    if (PLAIN_URL.test(url)) return url;
    return URL.canParse(url) ? new URL(url).href : url;
  }

  /** Whether a write may have been sent to the origin. */
  get mayHaveWritten() {
    return this.#mayHaveWritten;
  }

  /**
   * The request's body as bytes, or a word for why there are none, or a promise of either. `copies`: how many
   * there will be.
   */
  requestBody(limit, copies) {
    if (this.#isBodyEarly) {
      this.#isBodyEarly = false;
      if (this.#body.byteLength > limit) return "too-large";
      if (!this.#room(copies).take(this.#body.byteLength)) return "no-room";
    }
    if (this.#body instanceof Uint8Array) return this.#body;
    return this.#readRequest(limit, copies);
  }

  async #readRequest(limit, copies) {
    const read = await readRequest(this.#request, limit, this.#room(copies));
    this.#originLeaves = read.clientLeaves;
    if (read.fault === "broken") return "broken";
    this.#body = read.bytes ?? read.stream;
    return read.bytes ?? read.fault;
  }

  /** Room for bodies that exist in so many copies. With 0 copies they do not count. */
  #room(copies) {
    const share = this.#share;
    if (copies === 0) return UNLIMITED;
    return { take: (bytes) => share.take(bytes * copies), give: (bytes) => share.give(bytes * copies) };
  }

  /** Lets the runtime send the request to the origin if the Worker fails. */
  failOpen(context) {
    this.#failsOpen = true;
    context.passThroughOnException();
  }

  get failsOpen() {
    return this.#failsOpen;
  }

  /** Sets how much memory the bodies of all requests may take. */
  setMemoryBudget(bytes) {
    setBudget(bytes);
  }

  /** Takes memory for data made from a body. Returns `false` if there is no room. */
  reserveMemory(bytes) {
    return this.#share.take(bytes);
  }

  /** Gives back the memory of all that was read and reserved. */
  releaseMemory() {
    this.#share.give();
  }

  /**
   * Sends a request to the origin. With `mayRetry` it is sent again if the connection breaks; a write is
   * never sent twice. `isAltered`: it is not the client's request, so its response is not for the client.
   * `isGet`: it is a GET without a body, whatever the client's request is. With a body it is a POST.
   */
  fetchOrigin(url, headersText, mayRetry, isAltered, isGet, body) {
    this.#mayHaveWritten ||= !mayRetry;
    // The cron trigger has no request.
    const init = { headers: headersFromText(headersText, this.#request?.headers) };
    // The bytes are a view of Wasm's memory, which the next call may move.
    if (body !== undefined) Object.assign(init, { method: "POST", body: body.slice() });
    else if (!isGet) Object.assign(init, this.#clientMethodAndBody());
    return this.#track(this.#fetch(url, init, mayRetry, isAltered));
  }

  #clientMethodAndBody() {
    const { method } = this.#request;
    const body = this.#body ?? this.#request.body;
    if (body instanceof ReadableStream) this.#body = body;
    return { method, body: hasBody(method) ? body : undefined };
  }

  async #fetch(url, init, mayRetry, isAltered) {
    const canRepeat = !(init.body instanceof ReadableStream);
    try {
      return this.#add(await fetchUncached(url, init), isAltered);
    } catch (error) {
      if (!mayRetry || !canRepeat) throw error;
      return this.#add(await fetchUncached(url, init), isAltered);
    }
  }

  /** Sends a request for a protocol upgrade, whose response is passed on unchanged. */
  async fetchUpgrade(url, headersText) {
    const headers = headersFromText(headersText, this.#request.headers);
    return this.#add(await fetchUncached(url, { headers }), false);
  }

  /** Notes work that continues if Wasm fails, and that the rescue then has to wait for. */
  #track(work) {
    this.#work.push(work.catch(() => {}));
    return work;
  }

  /** Keeps a response. Returns its handle, status and headers as lines of text. */
  #add(response, isAltered) {
    const { body: source, headers } = response;
    const kept = {
      response,
      headers,
      source,
      body: null,
      fault: "too-large",
      isAltered,
      held: null,
      isPassedOn: false, // whether the client gets the body
      clientLeaves: null, // what to call if it does not
    };
    const handle = this.#responses.push(kept) - 1;
    return `${handle}\n${response.status}\n${headersToText(response.headers)}`;
  }

  /** Decodes a response's gzip that the runtime left in place because of its name, such as `x-gzip`. */
  decodeGzip(handle) {
    const kept = this.#responses[handle];
    if (kept.source === null) return;
    kept.source = kept.source.pipeThrough(new DecompressionStream("gzip"));
    // With the name `gzip` the runtime encodes it again for clients that accept it.
    kept.headers = new Headers(kept.headers);
    kept.headers.set("content-encoding", "gzip");
  }

  /** The headers of a response. */
  responseHeaders(handle) {
    return this.#responses[handle].headers;
  }

  /**
   * A response's body as bytes, or a word for why there are none. With `millis`, the word is "late" if the
   * body takes longer.
   */
  responseBody(handle, limit, copies, millis) {
    return this.#track(this.#readBody(handle, limit, copies, millis));
  }

  /** A copy of a response's body in chunks, made while the client gets the body. */
  copyBody(handle, limit, copies) {
    const kept = this.#responses[handle];
    // What was late can still be copied: a stream of all of it is there.
    const source = kept.fault === "late" ? kept.body : kept.source;
    if ((kept.body !== null && kept.fault !== "late") || source === null) {
      return this.responseBody(handle, limit, copies);
    }
    kept.fault = "too-large";
    const length = lengthOf(kept.headers);
    const { forClient, copy, clientLeaves } = copyBody(source, length, limit, this.#room(copies));
    kept.body = forClient;
    kept.clientLeaves = clientLeaves;
    if (this.#hasResponded && !kept.isPassedOn) clientLeaves();
    return this.#track(copy);
  }

  async #readBody(handle, limit, copies, millis) {
    const kept = this.#responses[handle];
    if (kept.body instanceof Uint8Array) return kept.body;
    // What was late can still be read: a stream of all of it is there.
    const isLate = kept.fault === "late";
    if (kept.body !== null && !isLate) return kept.fault;
    const source = isLate ? kept.body : kept.source;
    const read = await readAtMost(source, kept.headers, limit, this.#room(copies), millis);
    // A body that broke off is passed on up to there, and breaks off for the client as well.
    kept.body = read.bytes ?? read.stream;
    kept.fault = read.fault ?? null;
    kept.clientLeaves = read.clientLeaves ?? null;
    if (this.#hasResponded && !kept.isPassedOn) kept.clientLeaves?.();
    return read.bytes ?? read.fault;
  }

  /**
   * Resolves when a response's body has ended: with `true` if it was complete. Its end is held back from
   * the client until `releaseBodyEnd`.
   */
  bodyEnd(handle) {
    const held = new HeldBody(this.#purgeEverything);
    this.#responses[handle].held = held;
    return held.ended;
  }

  /**
   * Purges everything again when a response's body has ended, before the client sees the end: the write may
   * run until then. Does nothing if the body was read, or if other code waits for its end.
   */
  async purgeAtBodyEnd(handle) {
    const kept = this.#responses[handle];
    if (kept.held !== null || !((kept.body ?? kept.source) instanceof ReadableStream)) return;
    const ended = this.bodyEnd(handle);
    await ended;
    await this.#purgeEverything();
    this.releaseBodyEnd(handle);
  }

  releaseBodyEnd(handle) {
    this.#responses[handle].held?.release();
  }

  /** The response was returned: a body that was not passed on by now never will be. */
  responded() {
    this.#hasResponded = true;
    this.#originLeaves?.();
    for (const { held, isPassedOn, clientLeaves } of this.#responses) {
      held?.responded();
      if (!isPassedOn) clientLeaves?.();
    }
  }

  /** The text at another server's address, after its `Cache-Control` and a line break. */
  async fetchText(url, limit, millis) {
    const signal = AbortSignal.timeout(millis);
    // A redirect could lead to an address that is not trusted.
    const init = { headers: { accept: "application/json" }, redirect: "manual", signal };
    const response = await fetch(url, init);
    if (response.status !== 200) throw new Error(`answered ${response.status}`);
    const { bytes, fault, clientLeaves } = await readAtMost(
      response.body,
      response.headers,
      limit,
      UNLIMITED,
    );
    clientLeaves?.();
    if (bytes === undefined) throw new Error(`the answer is ${fault}`);
    return `${response.headers.get("cache-control") ?? ""}\n${new TextDecoder().decode(bytes)}`;
  }

  /**
   * What the edge cache has under a URL: its header fields and its bytes, or nothing. With more than `small`
   * bytes, the fields, the response and its length: Wasm asks for the bytes if there is room for them.
   */
  async readEdgeCache(url, small) {
    const found = await caches.default.match(url);
    if (found === undefined) return undefined;
    const { headers } = found;
    const length = sentLength(headers) ?? 0;
    return length > small ? [headers, found, length] : [headers, await this.responseBytes(found)];
  }

  async responseBytes(response) {
    return new Uint8Array(await response.arrayBuffer());
  }

  /** The bytes that a KV namespace has under a key, or nothing. */
  async readKv(namespace, key) {
    const value = await namespace.get(key, "arrayBuffer");
    return value === null ? undefined : new Uint8Array(value);
  }

  /** Writes bytes into a KV namespace, for so many `seconds` or without an end, with a text as metadata. */
  async writeKv(namespace, key, value, seconds, metadata) {
    // The bytes are a view of Wasm's memory, which the next call may move.
    await namespace.put(key, value.slice(), { expirationTtl: seconds, metadata });
  }

  /** Stores bytes in the edge cache, in two pieces, with header fields. */
  async putIntoEdgeCache(url, head, body, fields, seconds) {
    const headers = new Headers(fields ?? undefined);
    headers.set("cache-control", `public, max-age=${seconds}`);
    headers.set("content-type", "application/octet-stream");
    // Both are views of Wasm's memory, which the next call may move.
    const value = new Uint8Array(head.length + body.length);
    value.set(head);
    value.set(body, head.length);
    const stored = new Response(value, { headers });
    await caches.default.put(url, stored);
  }

  /** Sends a message to the purge log. Returns its reply as bytes. */
  async callLog(namespace, name, route, message, signal) {
    const log = namespace.get(namespace.idFromName(name));
    // The bytes are a view of Wasm's memory, which the next call may move.
    const init = { method: "POST", body: message.slice(), signal };
    const response = await log.fetch(`https://purge-log/${route}`, init);
    if (response.status !== 200) {
      throw new Error(`the purge log answered ${response.status}: ${await response.text()}`);
    }
    return new Uint8Array(await response.arrayBuffer());
  }

  /** Sends a message to the statistics object. Returns its reply as text. */
  async callStatistics(namespace, name, message) {
    const statistics = namespace.get(namespace.idFromName(name));
    const response = await statistics.fetch("https://statistics/", { method: "POST", body: message });
    if (response.status !== 200) {
      throw new Error(`the statistics object answered ${response.status}: ${await response.text()}`);
    }
    return await response.text();
  }

  /** Writes a data point into a data set of Workers Analytics Engine. */
  writeDataPoint(dataSet, index, doubles) {
    dataSet.writeDataPoint({ indexes: [index], blobs: [index], doubles: Array.from(doubles) });
  }

  verifySignature(algorithm, key, signed, signature) {
    // The bytes are a view of Wasm's memory, which the next call may move.
    return verifySignature(algorithm, key, signed, signature.slice());
  }

  /** Creates a signal that other requests of this isolate can wait for: a promise works across requests. */
  createSignal() {
    lastSignal += 1;
    signals.set(lastSignal, Promise.withResolvers());
    return lastSignal;
  }

  resolveSignal(signal) {
    signals.get(signal)?.resolve();
    signals.delete(signal);
  }

  async waitForSignal(signal) {
    await signals.get(signal)?.promise;
  }

  /** A response with these bytes. Headers that text cannot represent are taken from `original`. */
  respondWithBytes(status, headersText, original, body) {
    const empty = body.length === 0 || hasNoBody(status) || this.#request.method === "HEAD";
    const headers = headersFromText(headersText, original);
    // The bytes are a view of Wasm's memory, which the next call may move.
    return new Response(empty ? null : body.slice(), { status, headers });
  }

  /** The same, and it may be given again: `memo`, `places` and `texts` say when (answers.js). */
  respondAndRemember(status, headersText, body, memo, places, texts) {
    const { method } = this.#request;
    const empty = body.length === 0 || hasNoBody(status) || method === "HEAD";
    const headers = {};
    for (const line of headersText.split("\n")) {
      const colon = line.indexOf(":");
      if (colon > 0) headers[line.slice(0, colon)] = line.slice(colon + 1);
    }
    // All of it is a view of Wasm's memory, which the next call may move.
    const content = empty ? null : body.slice();
    const answer = {
      status,
      headers,
      headerBytes: headersText.length,
      content,
      memo: memo.slice(),
      places: places.slice(),
      texts: texts.split("\n"),
    };
    const bodyOfRequest = hasBody(method) ? this.#body : null;
    return remember(this.#request, bodyOfRequest, this.#env, answer);
  }

  /** A response with the origin's body. */
  respondWithOriginBody(handle, status, headersText) {
    const kept = this.#responses[handle];
    const { response, headers: original, source, body, held } = kept;
    // The constructor refuses a status such as 999, so that response can only be passed on.
    if (status < 200 || status > 599) return response;
    // The runtime sets the length of what it sends.
    const without = this.#request.method === "HEAD" ? undefined : "content-length";
    const headers = headersFromText(headersText, original, without);
    let forClient = hasNoBody(status) ? null : (body ?? source);
    kept.isPassedOn = forClient !== null;
    if (held !== null && forClient instanceof ReadableStream) {
      forClient = withLength(held.through(forClient, original), original);
    }
    return new Response(forClient, {
      status,
      statusText: response.statusText,
      headers,
    });
  }

  /** The origin's response itself. */
  respondUnchanged(handle) {
    return this.#responses[handle].response;
  }

  /** The origin's socket, whose messages are read on their way. */
  respondWithSocket(handle, url, headersText, handshake, env, context) {
    const opening = { url, headersText, handshake, env, context, exchange: this };
    return relaySocket(this.#responses[handle].response, opening);
  }

  /** Resolves when all work that was started has ended. */
  async settled() {
    await Promise.all(this.#work);
  }

  /** The last response to the client's own request, or null. */
  lastClientResponse() {
    const handle = this.#responses.findLastIndex(({ isAltered }) => !isAltered);
    if (handle === -1) return null;
    const { response, headers } = this.#responses[handle];
    return { handle, status: response.status, headers };
  }
}

/**
 * Fetches from the origin, past the zone's cache. `cf` has the effect of the option `cache: "no-store"`,
 * which would add headers to the request (docs/decisions/0024).
 */
function fetchUncached(url, init) {
  return fetch(url, { ...init, redirect: "manual", cf: { cacheLevel: "bypass", cacheTtl: -1 } });
}

/** A URL that parsing leaves unchanged: no escapes, and no segment that begins with a dot. */
const PLAIN_URL = /^(?:[\w:?&=,;+$!*'()@~.-]|\/(?!\.))*$/;

const hasBody = (method) => method !== "GET" && method !== "HEAD";
const hasNoBody = (status) => status === 101 || status === 204 || status === 205 || status === 304;
