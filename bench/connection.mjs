// An HTTP/1.1 client on a bare socket, one request at a time. It does as little as a client can,
// so that on few cores the servers are measured and not the client.

import { connect } from "node:net";

const HEAD_END = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");
const EMPTY = Buffer.alloc(0);

export class Connection {
  #socket;
  #waiting = null;
  #received = EMPTY;

  /** Connects to a port on loopback. */
  static open(port) {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1");
      socket.setNoDelay(true);
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new Connection(socket));
      });
    });
  }

  constructor(socket) {
    this.#socket = socket;
    socket.on("data", (data) => this.#take(data));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the server closed the connection")));
  }

  /** Sends a request; resolves with the answer's `status`, `head` and `body`. */
  ask(bytes) {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(bytes);
    });
  }

  close() {
    this.#socket.destroy();
  }

  #take(data) {
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    const answer = parse(this.#received);
    if (answer === null) return;
    this.#received = EMPTY;
    const { resolve } = this.#waiting;
    this.#waiting = null;
    resolve(answer);
  }

  #fail(error) {
    this.#waiting?.reject(error);
    this.#waiting = null;
  }
}

/** The answer, once all of it is there. */
function parse(bytes) {
  const end = bytes.indexOf(HEAD_END);
  if (end < 0) return null;
  const head = bytes.latin1Slice(0, end).toLowerCase();
  const rest = bytes.subarray(end + HEAD_END.length);
  const length = /\r\ncontent-length: *(\d+)/.exec(head);
  const body = length ? whole(rest, Number(length[1])) : dechunked(rest);
  return body && { status: Number(head.slice(9, 12)), head, body };
}

function whole(bytes, length) {
  return bytes.length < length ? null : bytes.subarray(0, length);
}

/** A body in chunks, once all of it is there. */
export function dechunked(bytes) {
  const chunks = [];
  for (let at = 0; ; ) {
    const line = bytes.indexOf(LINE_END, at);
    if (line < 0) return null;
    const size = Number.parseInt(bytes.latin1Slice(at, line), 16);
    const next = line + 2 + size + 2;
    if (bytes.length < next) return null;
    if (size === 0) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(line + 2, line + 2 + size));
    at = next;
  }
}
