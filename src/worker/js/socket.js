// A socket on which GraphQL is spoken: its messages pass unchanged, and are read on the way, since
// mutations travel on it too.
//
// Wasm says what a client's message runs, and purges what the server's answers say. Nothing of a
// socket is in Wasm, so it outlives a failure there. What cannot be understood is possibly a mutation.

import { Operations } from "./operations.js";
import { report } from "./report.js";
import { purgeEverything } from "./rescue.js";
import { SlowWrite } from "./slow_write.js";
import { untilWasmFails, wasm } from "./wasm.js";

/** Characters of a message that is read. */
const READ_LENGTH = 1 << 20;

/** Characters of an operation's id. Ids are kept as long as their operations are. */
const ID_LENGTH = 256;

/** Characters of a server's message in which the end of a query or subscription is looked for. */
const END_LENGTH = 4_096;

/** Characters or bytes for the client that wait for a purge. With more of them none waits. */
const HELD_LENGTH = 1 << 18;

/** Writes without an outcome that a closed socket purges one by one. */
const PURGED_AT_CLOSE = 5;

/** What a client sends without running an operation, in either subprotocol. */
const CLIENT_CONTROL = ["connection_init", "ping", "pong", "complete", "stop", "connection_terminate"];

/** What a server sends without answering an operation. */
const SERVER_CONTROL = ["connection_ack", "connection_error", "ka", "ping", "pong"];

/** Codes by which a server refuses the last message that it got, beside 4400 to 4499. */
const REFUSING = [1002, 1003, 1007, 1009];

/**
 * The client's response to the origin's change of protocol. `opened` is the request that asked for it;
 * `opened.handshake` names the headers of the origin's handshake that the runtime writes itself.
 */
export function relay(response, opened) {
  const origin = response.webSocket;
  if (!origin) return response;
  const [forClient, client] = Object.values(new WebSocketPair());
  const headers = new Headers(response.headers);
  for (const name of opened.handshake.split("\n")) headers.delete(name);
  const relayed = new Relay(client, origin, opened);
  opened.context.waitUntil(relayed.ended);
  relayed.begin();
  return new Response(null, { status: 101, headers, webSocket: forClient });
}

class Relay {
  #client;
  #origin;
  #opened;
  #operations = new Operations();
  #undecided = new Set(); // promises of what is not known yet of the client's messages
  #sent = 0; // messages of the client
  #unclear = null; // the last of them that was not understood, and that may have run a mutation
  #slowUnclear = null;
  #isAcknowledged = false; // whether the server has accepted the connection
  #held = []; // what the client gets once a purge is recorded, in order
  #heldLength = 0;
  #overflow = Promise.withResolvers();
  #purges = new Set(); // promises of purges under way
  #ended = Promise.withResolvers();
  #open = 2;

  constructor(client, origin, opened) {
    this.#client = client;
    this.#origin = origin;
    this.#opened = opened;
  }

  begin() {
    this.#listen(
      this.#client,
      (data) => this.#fromClient(data),
      (event) => this.#clientClosed(event),
    );
    this.#listen(
      this.#origin,
      (data) => this.#fromOrigin(data),
      (event) => this.#originClosed(event),
    );
  }

  /** A promise that resolves once both sides are closed and all is purged. */
  get ended() {
    return this.#ended.promise;
  }

  #listen(socket, onMessage, onClose) {
    let isOpen = true;
    const close = (event) => {
      if (isOpen) onClose(event);
      isOpen = false;
    };
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => onMessage(data));
    socket.addEventListener("close", close);
    socket.addEventListener("error", () => close({ code: 1006, reason: "" }));
    // Each side is closed as the other was, and not by the runtime before.
    socket.accept({ allowHalfOpen: true });
  }

  #fromClient(data) {
    this.#sent += 1;
    send(this.#origin, data);
    const text = textOf(data);
    const message = text === null ? null : parsed(text);
    const id = idOf(message);
    const type = message?.type;
    if (text === null || message === null) return this.#notUnderstood(this.#sent);
    if (type === "subscribe" || type === "start") {
      if (id === null || !this.#operations.hasRoom()) return this.#notUnderstood(this.#sent);
      return this.#decide(text, this.#operations.add(id, text, this.#sent));
    }
    if (!CLIENT_CONTROL.includes(type)) return this.#notUnderstood(this.#sent);
    // Of two members with one name servers may take another than JSON.parse does.
    if (/subscribe|start|\\|"type".*"type"/is.test(text)) this.#decide(text, null);
    if (id !== null && (type === "complete" || type === "stop")) this.#givenUp(id);
  }

  /** Has Wasm say what a message runs. What the origin says meanwhile waits for that. */
  #decide(text, operation) {
    const { url, headersText, env, context, exchange } = this.#opened;
    const number = this.#sent;
    const deciding = untilWasmFails(() =>
      wasm(context, env).socketMessage(url, headersText, text, env, context, exchange),
    ).then(
      (word) => {
        if (word === "unclear") this.#notUnderstood(number);
        if (operation === null) return;
        if (word === "unclear") this.#operations.disown(operation);
        else this.#decided(operation, word === "write");
      },
      (error) => {
        report("worker", error);
        if (operation === null) this.#notUnderstood(number);
        else this.#decided(operation, true);
      },
    );
    this.#undecided.add(deciding);
    deciding.finally(() => this.#undecided.delete(deciding));
  }

  #decided(operation, isWrite) {
    const isKept = this.#operations.decide(operation, isWrite);
    // Its answer is then one of an unknown operation, too.
    if (isWrite && !isKept) this.#notUnderstood(operation.number);
    else if (isWrite) operation.slow = this.#slowWrite(operation.message);
  }

  #notUnderstood(number) {
    this.#unclear = { number, isFirst: this.#unclear === null };
    this.#slowUnclear ??= this.#slowWrite(null);
  }

  /** Has the log told what a message would purge, if it has no outcome for long. */
  #slowWrite(message) {
    const { url, headersText, env, context, exchange } = this.#opened;
    return new SlowWrite(() => {
      const telling = untilWasmFails(() =>
        wasm(context, env).socketIntent(url, headersText, message ?? undefined, env, context, exchange),
      );
      telling.catch((error) => report("worker", error));
      return telling;
    });
  }

  /** The client wants no answer any more. A mutation may run all the same. */
  #givenUp(id) {
    const purgeWrites = () => {
      for (const write of this.#operations.writes(id)) this.#purge(write, write.answer);
    };
    if (this.#undecided.size === 0) purgeWrites();
    else Promise.all(this.#undecided).then(purgeWrites);
  }

  #fromOrigin(data) {
    const undecided = this.#undecided.size > 0;
    const judging = undecided
      ? Promise.all(this.#undecided).then(() => this.#judge(data))
      : this.#judge(data);
    this.#forClient(judging, lengthOf(data), () => send(this.#client, data));
  }

  /** Purges what a message of the origin says is written; a promise, where it is worth waiting for. */
  #judge(data) {
    if (this.#unclear === null && !this.#operations.hasWrites) return this.#notice(data);
    const text = textOf(data);
    const message = text === null ? null : parsed(text);
    if (message === null) return this.#purgeAll();
    this.#isAcknowledged ||= message.type === "connection_ack";
    if (SERVER_CONTROL.includes(message.type)) return null;
    const id = idOf(message);
    if (id === null || !this.#operations.has(id)) return this.#unclear === null ? null : this.#purgeUnclear();
    const writes = this.#operations.writes(id);
    const isEnd = message.type === "complete";
    // Some servers end an operation for a later message with its id, which may be one of these.
    if (isEnd && this.#unclear !== null && writes.length === 0) {
      this.#operations.end(id);
      return this.#purgeUnclear();
    }
    if (!isEnd) for (const write of writes) this.#operations.answered(write, text);
    const purges = writes.map((write) => this.#purge(write, isEnd ? write.answer : text));
    if (isEnd || message.type === "error") this.#operations.end(id);
    return purges.length === 0 ? null : Promise.all(purges);
  }

  /**
   * Reads what counts later of a message for which there is nothing to purge: that an operation has
   * ended, so that the end of the next one with its id is not taken for its own. An end that is not
   * seen here only makes a write count as open for longer.
   */
  #notice(data) {
    if (this.#isAcknowledged && lengthOf(data) > END_LENGTH) return null;
    const text = textOf(data);
    const message = text !== null && /complete|error|connection_ack/.test(text) ? parsed(text) : null;
    this.#isAcknowledged ||= message?.type === "connection_ack";
    if (message?.type === "complete" || message?.type === "error") this.#operations.end(idOf(message));
    return null;
  }

  /** What waits goes to the client in its order, and so does what comes behind it. */
  #forClient(judging, length, act) {
    if (judging === null && this.#held.length === 0) return act();
    this.#held.push({ judging, length, act });
    this.#heldLength += length;
    if (this.#heldLength > HELD_LENGTH) this.#overflow.resolve();
    if (this.#held.length === 1) this.#release();
  }

  async #release() {
    while (this.#held.length > 0) {
      const [{ judging, length, act }] = this.#held;
      await Promise.race([judging, this.#overflow.promise]).catch((error) => report("worker", error));
      this.#held.shift();
      this.#heldLength -= length;
      act();
    }
    this.#overflow = Promise.withResolvers();
  }

  /** Purges what a write has changed, by the answer to it, if there is one. */
  #purge(write, answer, refused = 0) {
    const { url, headersText, env, context, exchange } = this.#opened;
    const message = write.message ?? undefined;
    const purge = (intent) =>
      wasm(context, env).socketPurge(
        url,
        headersText,
        message,
        answer ?? undefined,
        refused,
        intent,
        env,
        context,
        exchange,
      );
    const purging = untilWasmFails(async () =>
      purge(write.slow?.isTold ? await write.slow.intent() : 0),
    ).catch((error) => {
      report("worker", error);
      return purgeEverything(exchange, env, context);
    });
    this.#purges.add(purging);
    return purging.finally(() => this.#purges.delete(purging));
  }

  /** Purges what a message has changed that was not understood. */
  #purgeUnclear() {
    this.#endUnclear();
    return this.#purge({ message: null }, null);
  }

  #endUnclear() {
    this.#slowUnclear?.end();
    this.#slowUnclear = null;
  }

  /** Purges what the only write has changed that has no outcome: as a rule nothing. */
  #purgeRefused(status) {
    const [write] = this.#operations.allWrites();
    this.#purge(write ?? { message: null, slow: this.#slowUnclear }, null, status);
    this.#endUnclear();
    this.#unclear = null;
    if (write !== undefined) this.#operations.drop(write);
  }

  #purgeAll() {
    const writes = this.#operations.allWrites();
    if (this.#unclear !== null || writes.length > PURGED_AT_CLOSE) return this.#purgeUnclear();
    return Promise.all(writes.map((write) => this.#purge(write, write.answer)));
  }

  #clientClosed({ code, reason }) {
    close(this.#origin, code, reason, 1001);
    this.#closed(0);
  }

  #originClosed({ code, reason }) {
    this.#forClient(null, 0, () => close(this.#client, code, reason, 1014));
    this.#closed(code);
  }

  /** What has no outcome by now may have been written. */
  async #closed(code) {
    await Promise.all(this.#undecided);
    this.#operations.endAll();
    const refused = this.#refusedBy(code);
    if (refused === 0) this.#purgeAll();
    else this.#purgeRefused(refused);
    this.#endUnclear();
    this.#open -= 1;
    if (this.#open > 0) return;
    await Promise.all(this.#purges);
    this.#ended.resolve();
  }

  /**
   * The HTTP status that says the same as a close code by which the server refuses the only write that
   * has no outcome; 0 where it does not. That is so if no message came behind it: the code is for the
   * last one. Once the server has accepted the connection a mutation that was understood may be running,
   * and the code may be for something else, such as a token that has expired.
   */
  #refusedBy(code) {
    const isRefusal = (code >= 4400 && code <= 4499) || REFUSING.includes(code);
    const writes = this.#operations.allWrites();
    const unclear = this.#unclear;
    const isOnlyUnclear = unclear?.isFirst && writes.length === 0 && unclear.number === this.#sent;
    const isOnlyWrite =
      !this.#isAcknowledged &&
      unclear === null &&
      writes.length === 1 &&
      writes[0].number === this.#sent &&
      writes[0].answer === null;
    if (!isRefusal || !(isOnlyUnclear || isOnlyWrite)) return 0;
    return code >= 4400 ? code - 4000 : 400;
  }
}

/** A message as text, whether it came as text or as bytes; null where it is too long to be read. */
function textOf(data) {
  if (lengthOf(data) > READ_LENGTH) return null;
  return typeof data === "string" ? data : new TextDecoder().decode(data);
}

function lengthOf(data) {
  return typeof data === "string" ? data.length : data.byteLength;
}

/** A message's members; null where it is no JSON object. */
function parsed(text) {
  try {
    const message = JSON.parse(text);
    return typeof message === "object" && !Array.isArray(message) ? message : null;
  } catch {
    return null;
  }
}

function idOf(message) {
  const id = message?.id;
  const text = typeof id === "string" || typeof id === "number" ? String(id) : null;
  return text !== null && text.length <= ID_LENGTH ? text : null;
}

function send(socket, data) {
  try {
    socket.send(data);
  } catch {
    // It is closed: that is on its way to the other side.
  }
}

/** Closes a socket as the other was closed. No side may send a code that says that none came. */
function close(socket, code, reason, instead) {
  try {
    if (code === 1005) socket.close();
    else if (code === 1006 || code === 1015) socket.close(instead);
    else socket.close(code, reason);
  } catch {
    // It is closed already.
  }
}
