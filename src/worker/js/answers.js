// The answers that this isolate has given from memory and may give again without a call into Wasm
// (docs/decisions/0054-hits-that-do-not-enter-wasm.md).
//
// No rule is written here. Wasm says of an answer that it may be given again to requests that are the same in
// all that counts. It says which headers count, until when, and which numbers in its memory must not have
// changed. This file only tests for equality. Everything else goes to Wasm, and so does a request from time to
// time.

import { Share } from "./memory_budget.js";
import { sentLength } from "./streams.js";
import { instance, wasm } from "./wasm.js";

/** How many bytes all answers may take, with all that belongs to them, and how many there may be. */
const MOST_BYTES = 16 << 20;
const MOST_ANSWERS = 5_000;
/** How many bytes one may take: not more than an entry in the memory of Wasm. */
const LARGEST_ANSWER = 1 << 20;
/** How many bytes the body of a request may have, so that it is looked up here. */
const LARGEST_REQUEST = 16 << 10;
/** How many names of headers are known at most. Clients invent names. */
const MOST_NAMES = 1_000;
/** How long such a name may be. */
const LONGEST_NAME = 100;
/** What an answer takes besides its texts and its body, about. */
const OVERHEAD = 1_500;

/** What the value of a header may change, as Wasm says. */
const [NOTHING, ANSWER] = [0, 1];

/** What Wasm has said of headers, by their names. */
const uses = new Map();
/** The requests by what counts of them besides the body: an answer, or a map of answers by bodies. */
const heads = new Map();
/** All answers, the oldest first. */
const all = new Set();
/** The answers that were given since Wasm counted them. */
let given = [];
let bytes = 0;

/** The numbers in the memory of Wasm, as long as that does not grow or restart. */
let numbers = new Float64Array(0);
let counters = new Uint32Array(0);
/** Of which instance of Wasm these are, and all answers. */
let ofInstance = -1;

const latin1 = new TextDecoder("latin1");

/** An answer, by what Wasm has told of it. */
class Answer {
  /** How often it was given since Wasm counted that, and since Wasm noted how popular the request is. */
  given = 0;
  unnoted = 0;
  /** For how many seconds the entry was stored when the headers were last written. */
  #seconds = -1;

  constructor(status, headers, body, [version, sum, from, until, storedAt, age, ttl], places, texts) {
    [, this.before, this.after, this.counted] = texts;
    Object.assign(this, { body, version, sum, from, until, storedAt, age, ttl, places });
    this.init = { status, headers };
  }

  /** Whether it may be given now. */
  holds(now) {
    // Wasm may have restarted while the request's body was read, and counts from the beginning then.
    if (this.instance !== instance || now < this.from || now >= this.until) return false;
    // Of memory that has grown the view is empty, and nothing is equal to what it has.
    if (numbers[0] !== this.version) return false;
    if (!(now >= numbers[1] && now < numbers[2] && now < numbers[3])) return false;
    let sum = 0;
    for (const place of this.places) sum += counters[place];
    return sum === this.sum;
  }

  /** The response, which Wasm is to count. */
  response(now) {
    if (this.given === 0) given.push(this);
    this.given += 1;
    this.unnoted += 1;
    return this.uncounted(now);
  }

  uncounted(now) {
    const seconds = Math.floor((now - this.storedAt) / 1000);
    if (seconds !== this.#seconds) {
      const { headers } = this.init;
      headers.age = String(this.age + seconds);
      headers["cache-status"] = this.before + (this.ttl - seconds) + this.after;
      this.#seconds = seconds;
    }
    return new Response(this.body, this.init);
  }
}

/** What is known of a request before its body was read: an answer, a map of answers by bodies, or undefined. */
export function known(request) {
  if (heads.size === 0 || ofInstance !== instance) return undefined;
  const head = headOf(request);
  return head === null ? undefined : heads.get(head);
}

/** The response to a request that is known so, if it may be given. */
export function answerTo(found) {
  const now = Date.now();
  return found instanceof Answer && found.holds(now) ? found.response(now) : undefined;
}

/**
 * A promise of the body of a request whose answer depends on it, as bytes. Undefined if it is not read: Wasm
 * may still have it as a stream. Of undefined if it broke off, as Wasm will find out too.
 */
export function bodyOf(request) {
  const length = sentLength(request.headers);
  const share = new Share();
  if (length === null || length > LARGEST_REQUEST || !share.take(length)) return undefined;
  const read = (buffer) => {
    share.give();
    return new Uint8Array(buffer);
  };
  return request.arrayBuffer().then(read, () => share.give());
}

/** The answer to a body. Its bytes are compared: as latin1 no two are the same text. */
export const answerByBody = (found, body) => found.get(latin1.decode(body));

/**
 * Remembers an answer with this status, these headers, which take `headerBytes`, and this content, or null.
 * `body`: the bytes of the request's body, or null if its method has none. `memo`, `places` and `texts` are what Wasm has told.
 * Returns the response.
 */
export function remember(request, body, env, { status, headers, headerBytes, content, memo, places, texts }) {
  const answer = new Answer(status, headers, content, memo, places, texts);
  // Every header has one character for each byte.
  const size =
    (content?.byteLength ?? 0) + headerBytes + answer.counted.length + places.byteLength + OVERHEAD;
  if (size <= LARGEST_ANSWER) {
    // In this order: it may forget what counts, and then the headers of this answer's `Vary` count again.
    learnHeaders(request.headers, env);
    if (countHeadersOf(texts[0], env)) put(request, body, answer, size);
  }
  return answer.uncounted(Date.now());
}

/** Sees to it that all headers that an answer depends on count. Returns `false` if it cannot be kept. */
function countHeadersOf(vary, env) {
  if (ofInstance !== instance || numbers.length === 0) attachNumbers(env);
  for (const name of vary === "" ? [] : vary.split(",")) {
    const use = uses.get(name) ?? wasm().headerUse(name, env);
    if (use !== NOTHING && use !== ANSWER) return false;
    if (uses.get(name) === ANSWER) continue;
    if (uses.size >= MOST_NAMES || name.length > LONGEST_NAME) return false;
    // What was stored before says nothing of this header.
    clear();
    uses.set(name, ANSWER);
  }
  return true;
}

function put(request, body, answer, size) {
  const head = headOf(request);
  if (head === null || body?.byteLength > LARGEST_REQUEST) return;
  const found = heads.get(head);
  if (body === null) {
    if (found !== undefined) remove(found);
    heads.set(head, answer);
  } else {
    const text = latin1.decode(body);
    if (found?.has(text)) remove(found.get(text));
    // The map of the answer before may have been its last.
    const bodies = heads.get(head) ?? new Map();
    heads.set(head, bodies.set(text, answer));
    answer.text = text;
  }
  answer.instance = ofInstance;
  answer.head = head;
  // A text with a character beyond latin1 takes two bytes for each: among the bytes 0x80 to 0x9f there are some.
  answer.size = size + 2 * (head.length + (answer.text?.length ?? 0));
  all.add(answer);
  bytes += answer.size;
  for (const oldest of all) {
    if (bytes <= MOST_BYTES && all.size <= MOST_ANSWERS) break;
    remove(oldest);
  }
}

function remove(answer) {
  const { head, text } = answer;
  const found = heads.get(head);
  if (text !== undefined) found.delete(text);
  if (text === undefined || found.size === 0) heads.delete(head);
  all.delete(answer);
  bytes -= answer.size;
}

/** What counts of a request besides its body, as text. Null if Wasm has to see the request. */
function headOf(request) {
  const { headers } = request;
  let head = `${request.method} ${request.url}`;
  for (const name of headers.keys()) {
    const use = uses.get(name);
    if (use === NOTHING) continue;
    if (use !== ANSWER) return null;
    head += `\n${name}:${headers.get(name)}`;
  }
  return head;
}

/** Asks Wasm what the headers of a request may change, unless that is known. Of too many all are forgotten. */
function learnHeaders(headers, env) {
  for (const name of headers.keys()) {
    if (uses.has(name) || name.length > LONGEST_NAME) continue;
    if (uses.size >= MOST_NAMES) {
      uses.clear();
      clear();
    }
    uses.set(name, wasm().headerUse(name, env));
  }
}

/**
 * Lets Wasm count the answers that were given. Returns how often the answer to this request was, for Wasm to
 * note how popular the request is.
 */
export function tellGiven(answer, env) {
  const times = answer?.unnoted ?? 0;
  if (times > 0) answer.unnoted = 0;
  if (given.length === 0) return times;
  let lines = "";
  for (const one of given) {
    lines += `${one.given}\t${one.counted}\n`;
    one.given = 0;
  }
  given = [];
  wasm().countAnswers(lines, env);
  return times;
}

/** Looks where the numbers are in the memory of Wasm. */
function attachNumbers(env) {
  if (ofInstance !== instance) clear();
  const [memory, first, second, count] = wasm().answerStamps(env);
  numbers = new Float64Array(memory.buffer, first, 4);
  counters = new Uint32Array(memory.buffer, second, count);
  ofInstance = instance;
}

function clear() {
  heads.clear();
  all.clear();
  bytes = 0;
}
