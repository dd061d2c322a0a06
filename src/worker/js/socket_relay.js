// Relays a GraphQL socket between client and origin. Messages pass unchanged, and are read on their way
// because mutations may be among them.
//
// Wasm decides what a client's message runs, and purges what the server's answers tell. The state of a
// socket is in JavaScript, so the socket survives a failure of Wasm. A message that is not understood may be
// a mutation.

import { report } from "./report.js";
import { purgeEverything } from "./rescue.js";
import { SlowSocketWrite } from "./slow_socket_write.js";
import { SocketOperations } from "./socket_operations.js";
import { untilWasmFails, wasm } from "./wasm.js";

/** Messages with more characters are not read. */
const MAX_READ_LENGTH = 1 << 20;

/** The maximum length of an operation's id. Ids are kept as long as their operations. */
const MAX_ID_LENGTH = 256;

/** In longer messages of the server, the end of a query or subscription is not looked for. */
const MAX_END_LENGTH = 4_096;

/** Characters or bytes for the client that may wait for a purge. If there are more, none waits. */
const MAX_HELD_LENGTH = 1 << 18;

/** If a closed socket has more writes without an outcome than this, everything is purged. */
const MAX_PURGES_AT_CLOSE = 5;

/** Messages of a client that run no operation, in either subprotocol. */
const CLIENT_CONTROL = ["connection_init", "ping", "pong", "complete", "stop", "connection_terminate"];

/** Messages of a server that answer no operation. */
const SERVER_CONTROL = ["connection_ack", "connection_error", "ka", "ping", "pong"];

/** Close codes by which a server refuses the last message that it got, besides 4400 to 4499. */
const REFUSAL_CODES = [1002, 1003, 1007, 1009];

/**
 * The client's response to a protocol upgrade. `opening` is the request that asked for the upgrade;
 * `opening.handshake` lists the headers of the origin's handshake that the runtime writes itself.
 */
export function relaySocket(response, opening) {
  const origin = response.webSocket;
  if (!origin) return response;
  const [forClient, client] = Object.values(new WebSocketPair());
  const headers = new Headers(response.headers);
  for (const name of opening.handshake.split("\n")) headers.delete(name);
  const relay = new SocketRelay(client, origin, opening);
  opening.context.waitUntil(relay.ended);
  relay.begin();
  return new Response(null, { status: 101, headers, webSocket: forClient });
}

class SocketRelay {
  #client;
  #origin;
  #opening;
  #operations = new SocketOperations();
  #undecided = new Set(); // promises: what the client's messages run is not known yet
  #sent = 0; // how many messages the client has sent
  #unclear = null; // the last message that was not understood and may have run a mutation
  #slowUnclear = null;
  #isAcknowledged = false; // whether the server has accepted the connection
  #held = []; // messages that the client gets once a purge is recorded, in order
  #heldLength = 0;
  #overflow = Promise.withResolvers();
  #purges = new Set(); // promises of purges in progress
  #ended = Promise.withResolvers();
  #openSides = 2;

  constructor(client, origin, opening) {
    this.#client = client;
    this.#origin = origin;
    this.#opening = opening;
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

  /** Resolves when both sides are closed and everything is purged. */
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
    // The relay closes each side like the other one, and the runtime must not close it before.
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
    // Of two members with the same name, a server may use another one than JSON.parse.
    if (/subscribe|start|\\|"type".*"type"/is.test(text)) this.#decide(text, null);
    if (id !== null && (type === "complete" || type === "stop")) this.#canceled(id);
  }

  /** Asks Wasm what a message runs. Messages of the origin wait for that. */
  #decide(text, operation) {
    const { url, headersText, env, context, exchange } = this.#opening;
    const number = this.#sent;
    const deciding = untilWasmFails(() =>
      wasm().socketMessage(url, headersText, text, env, context, exchange),
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
    // The operation was dropped, so its answer will count as unknown.
    if (isWrite && !isKept) this.#notUnderstood(operation.number);
    else if (isWrite) operation.slow = this.#slowWrite(operation.message);
  }

  #notUnderstood(number) {
    this.#unclear = { number, isFirst: this.#unclear === null };
    this.#slowUnclear ??= this.#slowWrite(null);
  }

  /** Announces to the log what a message would purge, if it has no outcome for a long time. */
  #slowWrite(message) {
    const { url, headersText, env, context, exchange } = this.#opening;
    return new SlowSocketWrite(() => {
      const announcing = untilWasmFails(() =>
        wasm().socketIntent(url, headersText, message ?? undefined, env, context, exchange),
      );
      announcing.catch((error) => report("worker", error));
      return announcing;
    });
  }

  /** The client has canceled an operation. A mutation may run nevertheless. */
  #canceled(id) {
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

  /** Purges what a message of the origin shows to be written. Returns a promise to wait for, or null. */
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
    // Some servers end an operation when a later message has its id. That message may be the unclear one.
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
   * Notes the end of an operation in a message for which there is nothing to purge. Otherwise the end of the
   * next operation with the same id would be taken for this one's. If an end is missed here, a write only
   * counts as open for longer.
   */
  #notice(data) {
    if (this.#isAcknowledged && lengthOf(data) > MAX_END_LENGTH) return null;
    const text = textOf(data);
    const message = text !== null && /complete|error|connection_ack/.test(text) ? parsed(text) : null;
    this.#isAcknowledged ||= message?.type === "connection_ack";
    if (message?.type === "complete" || message?.type === "error") this.#operations.end(idOf(message));
    return null;
  }

  /** Sends to the client in order: after the purge of this message, and after all messages before it. */
  #forClient(judging, length, act) {
    if (judging === null && this.#held.length === 0) return act();
    this.#held.push({ judging, length, act });
    this.#heldLength += length;
    if (this.#heldLength > MAX_HELD_LENGTH) this.#overflow.resolve();
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

  /** Purges what a write has changed, according to its answer if there is one. */
  #purge(write, answer, refused = 0) {
    const { url, headersText, env, context, exchange } = this.#opening;
    const message = write.message ?? undefined;
    const purge = (intent) =>
      wasm().socketPurge(
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
      purge(write.slow?.isAnnounced ? await write.slow.intent() : 0),
    ).catch((error) => {
      report("worker", error);
      return purgeEverything(exchange, env, context);
    });
    this.#purges.add(purging);
    return purging.finally(() => this.#purges.delete(purging));
  }

  /** Purges for a message that was not understood. */
  #purgeUnclear() {
    this.#endUnclear();
    return this.#purge({ message: null }, null);
  }

  #endUnclear() {
    this.#slowUnclear?.end();
    this.#slowUnclear = null;
  }

  /** Purges for the only write without an outcome, which was refused: as a rule nothing. */
  #purgeRefused(status) {
    const [write] = this.#operations.allWrites();
    this.#purge(write ?? { message: null, slow: this.#slowUnclear }, null, status);
    this.#endUnclear();
    this.#unclear = null;
    if (write !== undefined) this.#operations.drop(write);
  }

  #purgeAll() {
    const writes = this.#operations.allWrites();
    if (this.#unclear !== null || writes.length > MAX_PURGES_AT_CLOSE) return this.#purgeUnclear();
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

  /** Purges for the writes without an outcome, which may have run. */
  async #closed(code) {
    await Promise.all(this.#undecided);
    this.#operations.endAll();
    const refused = this.#refusedBy(code);
    if (refused === 0) this.#purgeAll();
    else this.#purgeRefused(refused);
    this.#endUnclear();
    this.#openSides -= 1;
    if (this.#openSides > 0) return;
    await Promise.all(this.#purges);
    this.#ended.resolve();
  }

  /**
   * The HTTP status that corresponds to a close code, if the server refused the only write without an
   * outcome; otherwise 0.
   *
   * A refusal is about the last message, so no message may have come after the write. Once the server has
   * accepted the connection, a mutation that was understood may be running, and the code may be about
   * something else, such as an expired token.
   */
  #refusedBy(code) {
    const isRefusal = (code >= 4400 && code <= 4499) || REFUSAL_CODES.includes(code);
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

/** A message as text. Null if it is too long to be read. */
function textOf(data) {
  if (lengthOf(data) > MAX_READ_LENGTH) return null;
  return typeof data === "string" ? data : new TextDecoder().decode(data);
}

function lengthOf(data) {
  return typeof data === "string" ? data.length : data.byteLength;
}

/** A message as a JSON object. Null if it is not one. */
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
  return text !== null && text.length <= MAX_ID_LENGTH ? text : null;
}

function send(socket, data) {
  try {
    socket.send(data);
  } catch {
    // The socket is closed, and the other side is about to be closed.
  }
}

/** Closes a socket like the other one. Codes that stand for a missing code cannot be sent. */
function close(socket, code, reason, instead) {
  try {
    if (code === 1005) socket.close();
    else if (code === 1006 || code === 1015) socket.close(instead);
    else socket.close(code, reason);
  } catch {
    // The socket is closed already.
  }
}
