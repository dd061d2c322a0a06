// One client's request and the origin's answers to it, as Wasm and the rescue use them.

import { Expiring } from "./expiring.js";
import { accepts, headersFromText, headersToText, UNDONE } from "./headers.js";
import { verify } from "./signature.js";
import { relay } from "./socket.js";
import { copied, ofLength, readAtMost } from "./streams.js";

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

  constructor(request) {
    this.#request = request;
  }

  get request() {
    return this.#request;
  }

  /** Whether the origin may have been sent a write. */
  get mayHaveWritten() {
    return this.#mayHaveWritten;
  }

  /** The request's body as bytes, or "too-large" or "broken". */
  async requestBody(limit) {
    if (this.#body instanceof Uint8Array) return this.#body;
    const read = await readAtMost(this.#request, limit);
    if (read.fault === "broken") return "broken";
    this.#body = read.bytes ?? read.stream;
    return read.bytes ?? "too-large";
  }

  /**
   * Asks the origin; with `again`, once more where the connection breaks. With `altered`, it is not
   * asked what the client asked; with a body, by POST.
   */
  ask(url, headersText, again, altered, body) {
    this.#mayHaveWritten ||= !again && !isSafe(this.#request.method);
    const init = { headers: headersFromText(headersText), redirect: "manual" };
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
      return this.#tell(await fetch(url, init), altered);
    } catch (error) {
      if (!again || !replayable) throw error;
      return this.#tell(await fetch(url, init), altered);
    }
  }

  /** Asks for a change of protocol, whose answer is passed on as it is. */
  async askUntouched(url, headersText) {
    const headers = headersFromText(headersText);
    return this.#tell(await fetch(url, { headers, redirect: "manual" }), false);
  }

  /** What is under way goes on if Wasm fails, and has to be waited for then. */
  #busyWith(work) {
    this.#work.push(work.catch(() => {}));
    return work;
  }

  #tell(response, altered) {
    const handle = this.#answers.push({ response, body: null, altered }) - 1;
    return `${handle}\n${response.status}\n${headersToText(response.headers)}`;
  }

  /** An answer's body as bytes, or "too-large" or "broken". */
  answerBody(handle, limit) {
    return this.#busyWith(this.#readAnswer(handle, limit));
  }

  /** The same while the client gets the body as it comes. */
  copiedBody(handle, limit) {
    const answer = this.#answers[handle];
    if (answer.body !== null || answer.response.body === null) return this.answerBody(handle, limit);
    const { forClient, copy } = copied(answer.response.body, limit);
    answer.body = ofLength(forClient, answer.response.headers);
    return this.#busyWith(copy);
  }

  async #readAnswer(handle, limit) {
    const answer = this.#answers[handle];
    if (answer.body instanceof Uint8Array) return answer.body;
    if (answer.body !== null) return "too-large";
    const read = await readAtMost(answer.response, limit);
    // What broke off is passed on up to there, and then breaks off for the client too.
    answer.body = read.bytes ?? read.stream;
    return read.bytes ?? read.fault;
  }

  /** The text at another server's address, after its `Cache-Control` and a line's end. */
  async fetchText(url, limit, millis) {
    const signal = AbortSignal.timeout(millis);
    // Who can redirect could name an address that is not to be trusted.
    const init = { headers: { accept: "application/json" }, redirect: "manual", signal };
    const response = await fetch(url, init);
    if (response.status !== 200) throw new Error(`answered ${response.status}`);
    const { bytes, fault } = await readAtMost(response, limit);
    if (bytes === undefined) throw new Error(`the answer is ${fault}`);
    return `${response.headers.get("cache-control") ?? ""}\n${new TextDecoder().decode(bytes)}`;
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

  replyWhole(status, headersText, body) {
    const empty = body.length === 0 || hasNoBody(status) || this.#request.method === "HEAD";
    // The bytes are Wasm's own memory, which the next call may move.
    return new Response(empty ? null : body.slice(), { status, headers: headersFromText(headersText) });
  }

  replyAnswer(handle, status, headersText) {
    const { response, body } = this.#answers[handle];
    // A status that nobody may make, such as 999, can only be passed on.
    if (status < 200 || status > 599) return response;
    const headers = headersFromText(headersText);
    // The runtime counts what it sends, and undoes an encoding that the client did not ask for.
    if (this.#request.method !== "HEAD") headers.delete("content-length");
    const coding = (headers.get("content-encoding") ?? "").trim().toLowerCase();
    if (UNDONE.includes(coding) && !accepts(this.#request, coding)) headers.delete("content-encoding");
    return new Response(hasNoBody(status) ? null : (body ?? response.body), {
      status,
      statusText: response.statusText,
      headers,
    });
  }

  replyUntouched(handle) {
    return this.#answers[handle].response;
  }

  /** The origin's socket, whose messages are read on the way. */
  replySocket(handle, url, headersText, env, context) {
    return relay(this.#answers[handle].response, { url, headersText, env, context, exchange: this });
  }

  /** Waits until nothing that was begun is under way. */
  async settled() {
    await Promise.all(this.#work);
  }

  /** The handle and the origin's response of the last answer to what the client asked, if there is one. */
  lastForClient() {
    const handle = this.#answers.findLastIndex((answer) => !answer.altered);
    return handle === -1 ? null : { handle, response: this.#answers[handle].response };
  }
}

export const isSafe = (method) => method === "GET" || method === "HEAD" || method === "OPTIONS";
const hasBody = (method) => method !== "GET" && method !== "HEAD";
const hasNoBody = (status) => status === 101 || status === 204 || status === 205 || status === 304;
