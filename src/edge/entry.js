// The Worker's entry: hands each request to Wasm, and keeps what must survive a failure of Wasm.
//
// Wasm that panics loses its memory, and with it every request that it was busy with. So bodies
// and answers are held here: if Wasm fails, the client still gets the origin's answer, a write is
// never sent twice, and one that may have run purges everything.

import Evergraph, { PurgeLog } from "evergraph-wasm";
import { verify } from "./signature.js";

export { PurgeLog };

export default {
  async fetch(request, env, context) {
    // For a failure of this very code: the runtime then sends the request on itself.
    context.passThroughOnException();
    const exchange = new Exchange(request, env, context);
    const done = Promise.withResolvers();
    // A client that leaves must not keep a write from being purged, nor others from the answer that
    // they wait for.
    context.waitUntil(done.promise);
    try {
      return await untilWasmFails(() =>
        wasm(context, env).handle(
          request.method,
          asFetchHasIt(request.url),
          headersToText(request.headers),
          env,
          context,
          exchange,
        ),
      );
    } catch (error) {
      return await exchange.rescue(error, env, context);
    } finally {
      exchange.replied();
      done.resolve();
    }
  },

  // The cron trigger, for purges that wait and that no request comes for.
  async scheduled(_controller, env, context) {
    try {
      await untilWasmFails(() => wasm(context, env).tend(env, context, new Exchange(null, env, context)));
    } catch (error) {
      report("worker", error);
    }
  },
};

/**
 * A URL without dot segments and backslashes, as `fetch` sends it: what is looked up, and what a write
 * purges, is what the origin is asked for.
 */
function asFetchHasIt(url) {
  if (PLAIN_URL.test(url)) return url;
  return URL.canParse(url) ? new URL(url).href : url;
}

/** What parsing leaves as it is: no escapes, and no segment that begins with a dot. */
const PLAIN_URL = /^(?:[\w:?&=,;+$!*'()@~.-]|\/(?!\.))*$/;

/** The requests that Wasm is busy with, each by what fails it. */
const busy = new Set();

// Wasm traps in whichever task it runs, seldom in the one that called it. A trap may come wrapped;
// the wrapper's listener for starting Wasm anew knows it only bare.
addEventListener("error", (event) => {
  const trap = trapOf(event.error);
  if (trap !== null && trap !== event.error) dispatchEvent(new ErrorEvent("error", { error: trap }));
  else if (trap !== null) for (const fail of busy) fail(trap);
});

addEventListener("unhandledrejection", (event) => {
  const trap = trapOf(event.reason);
  if (trap !== null) dispatchEvent(new ErrorEvent("error", { error: trap }));
});

function trapOf(error) {
  return [error, error?.cause].find((one) => one instanceof WebAssembly.RuntimeError) ?? null;
}

/** What `work` resolves to, or a rejection as soon as Wasm traps, whichever request it was for. */
async function untilWasmFails(work) {
  const { promise, resolve, reject } = Promise.withResolvers();
  busy.add(reject);
  try {
    work().then(resolve, reject);
    return await promise;
  } finally {
    busy.delete(reject);
  }
}

let evergraph = null;

const signals = new Map();
let lastSignal = 0;

/** Wasm's exports. They take all that they need as arguments, so one object serves every request. */
function wasm(context, env) {
  evergraph ??= new Evergraph(context, env);
  return evergraph;
}

/** One client's request and the origin's answers to it. */
class Exchange {
  #request;
  #origin;
  #body = null; // bytes or a stream, once the request's body was touched
  #answers = [];
  #work = []; // promises of what was begun
  #mayHaveWritten = false;
  #purge; // purges everything

  constructor(request, env, context) {
    this.#request = request;
    this.#origin = originOf(env);
    this.#purge = () => this.#purgeEverything(env, context);
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
    const init = { headers: headersFromText(headersText) };
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
    const headers = headersFromText(headersText);
    return this.#tell(await fetchOrigin(url, { headers }), false);
  }

  /** What is under way goes on if Wasm fails, and has to be waited for then. */
  #busyWith(work) {
    this.#work.push(work.catch(() => {}));
    return work;
  }

  #tell(response, altered) {
    const handle = this.#answers.push({ response, body: null, altered, passing: null }) - 1;
    return `${handle}\n${response.status}\n${headersToText(response.headers)}`;
  }

  /** An answer's body as bytes, or "too-large" or "broken"; with `millis` "late" where it takes longer. */
  answerBody(handle, limit, millis) {
    return this.#busyWith(this.#readAnswer(handle, limit, millis));
  }

  /** The same while the client gets the body as it comes. */
  copiedBody(handle, limit) {
    const answer = this.#answers[handle];
    if (answer.body !== null || answer.response.body === null) return this.answerBody(handle, limit);
    const { forClient, copy } = copied(answer.response.body, limit);
    answer.body = ofLength(forClient, answer.response.headers);
    return this.#busyWith(copy);
  }

  async #readAnswer(handle, limit, millis) {
    const answer = this.#answers[handle];
    if (answer.body instanceof Uint8Array) return answer.body;
    if (answer.body !== null) return "too-large";
    const read = await readAtMost(answer.response, limit, millis);
    // What broke off is passed on up to there, and then breaks off for the client too.
    answer.body = read.bytes ?? read.stream;
    return read.bytes ?? read.fault;
  }

  /**
   * Resolves when an answer's body has ended for the client: with `true` where it was whole. From then on
   * it is held until `releaseEnd`.
   */
  passedBody(handle) {
    const passing = new Passing(this.#purge);
    this.#answers[handle].passing = passing;
    return passing.ended;
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
    const { response, body, passing } = this.#answers[handle];
    // A status that nobody may make, such as 999, can only be passed on.
    if (status < 200 || status > 599) return response;
    const headers = headersFromText(headersText);
    // The runtime counts what it sends, and undoes an encoding that the client did not ask for.
    if (this.#request.method !== "HEAD") headers.delete("content-length");
    const coding = (headers.get("content-encoding") ?? "").trim().toLowerCase();
    if (UNDONE.includes(coding) && !accepts(this.#request, coding)) headers.delete("content-encoding");
    let forClient = hasNoBody(status) ? null : (body ?? response.body);
    if (passing !== null && forClient instanceof ReadableStream) {
      forClient = ofLength(passing.through(forClient, response.headers), response.headers);
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

  /** The client's answer where Wasm failed. */
  async rescue(error, env, context) {
    report("worker", error);
    // Only Evergraph itself could have answered its own routes; their tokens are not the origin's.
    if (new URL(this.#request.url).pathname.startsWith("/__evergraph/")) {
      return failed(503, "the worker failed; try again");
    }
    // What a write changes is known to be over once the origin has answered it.
    await Promise.all(this.#work);
    try {
      if (this.#lastForClient() === -1 && !this.#mayHaveWritten) await this.#askAgain();
      if (this.#mayHaveWritten) await this.#purgeEverything(env, context);
      if (this.#lastForClient() !== -1) return this.#replyRescued();
    } catch (again) {
      report("worker", again);
    }
    return failed(502, "the origin did not answer");
  }

  /** The last answer to what the client asked. */
  #lastForClient() {
    return this.#answers.findLastIndex((answer) => !answer.altered);
  }

  /** The origin was not asked yet what the client asked. */
  async #askAgain() {
    const url = new URL(this.#request.url);
    const target = this.#origin === null ? this.#request.url : this.#origin + url.pathname + url.search;
    const headers = new Headers(this.#request.headers);
    headers.delete("host");
    headers.delete("evergraph-purge");
    const cookies = (headers.get("cookie") ?? "").split(";");
    const others = cookies.filter((pair) => pair.split("=")[0].trim() !== "evergraph-purge");
    if (others.length === 0) headers.delete("cookie");
    else if (others.length < cookies.length) headers.set("cookie", others.join(";").trim());
    const again = isSafe(this.#request.method);
    await this.ask(target, headersToText(headers), again, false).catch((error) => report("origin", error));
  }

  #replyRescued() {
    const handle = this.#lastForClient();
    const { response } = this.#answers[handle];
    return this.replyAnswer(handle, response.status, headersToText(rescued(response.headers)));
  }

  /** Wasm starts anew for this; where it fails again there is nothing left to do it with. */
  async #purgeEverything(env, context) {
    const isOver = this.#lastForClient() !== -1;
    for (let tries = 0; tries < 2; tries += 1) {
      try {
        return await untilWasmFails(() => wasm(context, env).purgeEverything(env, context, this, isOver));
      } catch (error) {
        report("purge-log-write", error);
      }
    }
  }
}

/** How many bytes of a passing body are read before a slow client wants them: its end is waited for. */
const READ_AHEAD = 64 << 10;

/** The passing on of a body whose end is waited for, and held until what depends on it is done. */
class Passing {
  #ended = Promise.withResolvers();
  #released = Promise.withResolvers();
  #held; // what comes first: the release, or a failure of Wasm
  #begun = false;

  constructor(purge) {
    // With Wasm whoever waits for the end is gone.
    this.#held = untilWasmFails(() => this.#released.promise).catch(async () => {
      await this.ended;
      await purge();
    });
  }

  /** `true` where the body was whole. */
  get ended() {
    return this.#ended.promise;
  }

  release() {
    this.#released.resolve();
  }

  replied() {
    if (!this.#begun) this.#ended.resolve(false);
  }

  #end(whole) {
    this.#ended.resolve(whole);
    return this.#held;
  }

  /** The body for the client. It is read whether or not the client reads: a client that leaves shows late. */
  through(body, headers) {
    this.#begun = true;
    const size = (chunk) => chunk.byteLength;
    const { readable, writable } = new TransformStream({}, { highWaterMark: READ_AHEAD, size });
    this.#pass(body.getReader(), writable.getWriter(), lengthOf(headers));
    return readable;
  }

  async #pass(reader, writer, length) {
    let left = length;
    let written = null;
    writer.closed.catch(() => {});
    try {
      for (;;) {
        const { value, done } = await reader.read();
        left -= value?.byteLength ?? 0;
        if (done || left <= 0) await this.#end(true);
        if (done) return await writer.close();
        await writer.ready;
        written = writer.write(value);
        written.catch(() => {});
      }
    } catch (error) {
      await this.#end(false);
      reader.cancel(error).catch(() => {});
      // An error drops what the client has not read yet.
      await written?.catch(() => {});
      writer.abort(error).catch(() => {});
    }
  }
}

/**
 * Asks the origin, and nobody else: `cf` tells the zone's cache what the runtime tells it for the option
 * `cache: "no-store"`, which adds headers to the request (docs/decisions/0024).
 */
function fetchOrigin(url, init) {
  return fetch(url, { ...init, redirect: "manual", cf: { cacheLevel: "bypass", cacheTtl: -1 } });
}

function report(part, error) {
  const fault = String(error?.message ?? error).slice(0, 200);
  console.log(JSON.stringify({ event: "failure", part, fault }));
}

function failed(status, error) {
  return Response.json({ error }, { status, headers: rescued() });
}

/** Reads a body whole if it has at most `limit` bytes and ends within `millis`; else a stream of all of it. */
async function readAtMost(message, limit, millis) {
  if (message.body === null) return { bytes: new Uint8Array(0) };
  const length = message.headers.get("content-length");
  const encoded = !(message instanceof Request) && message.headers.has("content-encoding");
  if (length !== null && !encoded && Number(length) > limit) {
    return { stream: message.body, fault: "too-large" };
  }
  // Of a request nobody wants what came before it broke off, so the quick way will do.
  if (length !== null && message instanceof Request) {
    try {
      return { bytes: new Uint8Array(await message.arrayBuffer()) };
    } catch {
      return { fault: "broken" };
    }
  }
  const reader = message.body.getReader();
  const chunks = [];
  let size = 0;
  const late = millis === undefined ? [] : [sleep(millis)];
  for (;;) {
    const reading = reader.read();
    let read;
    try {
      read = await Promise.race([reading, ...late]);
    } catch (error) {
      return { stream: joined(chunks, () => Promise.reject(error)), fault: "broken" };
    }
    if (read === null) return { stream: joined(chunks, continued(reading, reader)), fault: "late" };
    if (read.done) return { bytes: concatenated(chunks, size) };
    chunks.push(read.value);
    size += read.value.byteLength;
    if (size > limit) return { stream: joined(chunks, () => reader.read()), fault: "too-large" };
  }
}

/** Resolves to null once the time is over. */
async function sleep(millis) {
  await null; // not while Wasm is on the stack
  return new Promise((resolve) => setTimeout(resolve, millis, null));
}

/** Reads on, where a read is under way. */
function continued(reading, reader) {
  reading.catch(() => {});
  let first = reading;
  return () => {
    const read = first ?? reader.read();
    first = null;
    return read;
  };
}

/** How long a body is as it is read here, where the origin has said it; else infinite. */
function lengthOf(headers) {
  const length = headers.get("content-length");
  const isSaid = length !== null && /^\d{1,15}$/.test(length) && !headers.has("content-encoding");
  return isSaid ? Number(length) : Infinity;
}

/** A stream that tells the client how long it is, where the origin has said it. */
function ofLength(stream, headers) {
  const length = lengthOf(headers);
  if (length === Infinity) return stream;
  const fixed = new FixedLengthStream(length);
  // What breaks off, and who leaves, shows at either end.
  stream.pipeTo(fixed.writable).catch(() => {});
  return fixed.readable;
}

/**
 * A body for the client, and a copy of it as bytes, "too-large" or "broken". Unlike a branch of `tee` the
 * copy waits for no client: others wait for it. What a slow client has not read yet is in the copy too.
 */
function copied(body, limit) {
  const reader = body.getReader();
  const reads = new Map();
  const place = { client: 0, copy: 0 };
  let copying = true;
  let left = false;
  /** The next read of one of the two, begun by the first that comes to it. */
  const next = (which) => {
    const at = place[which];
    place[which] += 1;
    const read = reads.get(at) ?? reader.read();
    const isLast = (which === "copy" ? left : !copying) || at < Math.min(place.client, place.copy);
    if (isLast) reads.delete(at);
    else reads.set(at, read);
    return read;
  };
  const copy = async () => {
    const chunks = [];
    let size = 0;
    while (size <= limit) {
      const { value, done } = await next("copy");
      if (done) return concatenated(chunks, size);
      chunks.push(value);
      size += value.byteLength;
    }
    return "too-large";
  };
  const giveUp = () => reader.cancel().catch(() => {});
  const stream = {
    async pull(controller) {
      const { value, done } = await next("client");
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel() {
      left = true;
      if (!copying) giveUp();
    },
  };
  const ended = () => {
    copying = false;
    if (left) giveUp();
  };
  return {
    // Nothing is taken before it is wanted: an error would drop it.
    forClient: new ReadableStream(stream, { highWaterMark: 0 }),
    copy: copy()
      .catch(() => "broken")
      .finally(ended),
  };
}

function concatenated(chunks, size) {
  if (chunks.length === 1) return chunks[0];
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

/** A stream of what was read and of what is still to come. */
function joined(chunks, read) {
  return new ReadableStream({
    async pull(controller) {
      const next = chunks.length > 0 ? { value: chunks.shift(), done: false } : await read();
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
  });
}

/** Headers as `name:value` lines: one crossing into Wasm instead of one for each. */
function headersToText(headers) {
  let text = "";
  for (const [name, value] of headers) text += `${name}:${value}\n`;
  return text;
}

function headersFromText(text) {
  const headers = new Headers();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1));
  }
  return headers;
}

function rescued(headers) {
  const own = new Headers(headers);
  for (const name of ["cache-tag", "surrogate-key", "surrogate-control", "cdn-cache-control", "xkey"]) {
    own.delete(name);
  }
  own.set("x-cache", "BYPASS");
  own.append("cache-status", "evergraph; fwd=bypass; detail=worker-failed");
  return own;
}

function originOf(env) {
  try {
    const config = typeof env.EVERGRAPH === "string" ? JSON.parse(env.EVERGRAPH) : env.EVERGRAPH;
    return config?.origin?.replace(/\/+$/, "") ?? null;
  } catch {
    return null;
  }
}

/** The codings that the runtime undoes in what it fetches, and does again in what it sends. */
const UNDONE = ["gzip", "br"];

/** Whether an answer may reach the client in a coding (RFC 9110 §12.5.3). */
function accepts(request, coding) {
  const members = (request.headers.get("accept-encoding") ?? "").toLowerCase().split(",");
  const [, weight] = members
    .map((member) => /^\s*(?:x-)?([\w*]+)\s*(?:;\s*q=([\d.]+))?\s*$/.exec(member) ?? [])
    .map(([, name, weight = "1"]) => [name, weight])
    .find(([name]) => name === coding) ?? [null, "0"];
  return Number(weight) > 0;
}

const isSafe = (method) => method === "GET" || method === "HEAD" || method === "OPTIONS";
const hasBody = (method) => method !== "GET" && method !== "HEAD";
const hasNoBody = (status) => status === 101 || status === 204 || status === 205 || status === 304;
