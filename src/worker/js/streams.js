// Bodies as bytes and as streams.
//
// To read a body as bytes takes a `limit` on its length, and a `room` in the memory budget that takes more
// bytes or refuses them.

import { Share } from "./memory_budget.js";

/** A length of more than 15 digits may not be exact as a number. */
const LONGEST = 999_999_999_999_999;

/** Room without a limit. */
export const UNLIMITED = { take: () => true, give() {} };

/** Reads a request's body as bytes if the limit and the room allow. Otherwise returns a stream of all of it. */
export async function readRequest(request, limit, room) {
  const { body, headers } = request;
  const length = sentLength(headers);
  if (body === null || length === null) return readAtMost(body, headers, limit, room);
  if (length > limit) return { stream: body, fault: "too-large" };
  if (!room.take(length)) return { stream: body, fault: "no-room" };
  // If the body of a request breaks off, its beginning is not needed, so the faster way is good enough.
  try {
    return { bytes: new Uint8Array(await request.arrayBuffer()) };
  } catch {
    return { fault: "broken" };
  }
}

/**
 * Reads a body as bytes if the limit and the room allow, and if it ends within `millis`. Otherwise returns a
 * stream of all of it. If nobody will read that, call `clientLeaves`.
 */
export async function readAtMost(body, headers, limit, room, millis) {
  if (body === null) return { bytes: new Uint8Array(0) };
  // With a content coding, `Content-Length` is the length before the runtime decodes the body.
  const length = headers.has("content-encoding") ? 0 : (sentLength(headers) ?? 0);
  if (length > limit) return { stream: body, fault: "too-large" };
  const reading = new Reading(limit, room);
  if (!reading.expects(length)) return { stream: body, fault: "no-room" };
  const reader = new PieceReader(body, lengthOf(headers));
  const late = millis === undefined ? null : new Timer(millis);
  try {
    for (;;) {
      const next = reader.read();
      let read;
      try {
        read = await (late === null ? next : Promise.race([next, late.ended]));
      } catch (error) {
        return { ...joined(reading.chunks, () => brokenOff(error)), fault: "broken" };
      }
      if (read === null) {
        reading.giveUp();
        return { ...joined(reading.chunks, continued(next, reader)), fault: "late" };
      }
      if (read.done) return { bytes: concatenated(reading.chunks, reading.size) };
      const fault = reading.add(read.value);
      if (fault !== null) return { ...joined(reading.chunks, () => reader.read()), fault };
    }
  } finally {
    late?.clear();
  }
}

/** How many bytes are read at once, if a body is that long, and if its length is not known. */
const PIECE_BYTES = 256 * 1024;
const PIECE_BYTES_OF_UNKNOWN = 64 * 1024;

/**
 * Reads a body in pieces, none of which uses the memory of another. A reader that is given no memory gets 4 KB
 * at a time, which makes a long body five times as expensive.
 */
class PieceReader {
  #reader;
  #takesMemory = true;
  /** How many bytes are still to come. Once there are none, nothing is read: that would be one more turn. */
  #left;

  constructor(body, length) {
    this.#left = length;
    try {
      this.#reader = body.getReader({ mode: "byob" });
    } catch {
      // A stream made in JavaScript.
      this.#reader = body.getReader();
      this.#takesMemory = false;
    }
  }

  async read() {
    if (!this.#takesMemory) return this.#reader.read();
    if (this.#left === 0) return { done: true };
    const expected = this.#left === Infinity ? PIECE_BYTES_OF_UNKNOWN : Math.max(this.#left, 1);
    const size = Math.min(expected, PIECE_BYTES);
    const { value, done } = await this.#reader.read(new Uint8Array(size));
    if (done) return { done };
    this.#left -= value.byteLength;
    // A piece does not hold on to much more memory than it has bytes.
    return { value: value.byteLength * 2 < size ? value.slice() : value, done };
  }

  cancel() {
    return this.#reader.cancel();
  }
}

/** The chunks of a body that is being read. */
class Reading {
  chunks = [];
  size = 0;
  #taken = 0;

  constructor(limit, room) {
    this.limit = limit;
    this.room = room;
  }

  /** Takes room for a body of that size. Returns `false` if there is none. */
  expects(size) {
    if (size <= this.#taken) return true;
    if (!this.room.take(size - this.#taken)) return false;
    this.#taken = size;
    return true;
  }

  /** Adds a chunk. Returns a word for why reading has to stop, or null. */
  add(chunk) {
    this.chunks.push(chunk);
    this.size += chunk.byteLength;
    const fault = this.size > this.limit ? "too-large" : this.expects(this.size) ? null : "no-room";
    if (fault !== null) this.giveUp();
    return fault;
  }

  /** Gives back the room: the body is not kept. */
  giveUp() {
    this.room.give(this.#taken);
  }
}

/** `ended` resolves to null after that time, unless the timer is cleared. */
class Timer {
  #id;

  constructor(millis) {
    this.ended = this.#start(millis);
  }

  async #start(millis) {
    await null; // so that Wasm is not on the stack
    return new Promise((resolve) => {
      this.#id = setTimeout(resolve, millis, null);
    });
  }

  clear() {
    clearTimeout(this.#id);
  }
}

/** Breaks off with an error, after what came before it is on its way to the client. */
async function brokenOff(error) {
  await new Timer(0).ended;
  throw error;
}

/** A function that reads on: first it returns the read in progress. */
function continued(reading, reader) {
  reading.catch(() => {});
  let first = reading;
  return () => {
    const read = first ?? reader.read();
    first = null;
    return read;
  };
}

/**
 * The length that the sender of a body has announced, or null. Two lengths are none, even if they are the same:
 * they arrive as "5, 5". `Transfer-Encoding` overrides `Content-Length` (RFC 9112 §6.3).
 */
export function sentLength(headers) {
  const length = headers.get("content-length");
  if (length === null || !/^\d+$/.test(length)) return null;
  return headers.has("transfer-encoding") ? null : Number(length);
}

/** The length of a response's body as it is read here, if it is known; otherwise infinite. */
export function lengthOf(headers) {
  // The runtime decodes a body, and the length is that of the coded one.
  const length = headers.has("content-encoding") ? null : sentLength(headers);
  return length === null || length > LONGEST ? Infinity : length;
}

/** A stream with a `Content-Length` for the client, if the origin sent one. */
export function withLength(stream, headers) {
  const length = lengthOf(headers);
  if (length === Infinity) return stream;
  const fixed = new FixedLengthStream(length);
  // Both ends notice if the other one breaks off.
  stream.pipeTo(fixed.writable).catch(() => {});
  return fixed.readable;
}

/**
 * A body of that length for the client, and a copy of it as chunks of bytes, or a word for why there is none. Unlike a
 * branch of `tee` the copy does not wait for a slow client, because other requests wait for the copy. The
 * chunks that the client has not read yet are shared with the copy. Once the copy has ended they take room of their
 * own, until the client has read them, or has left. `clientLeaves` says that the client gets nothing more.
 */
export function copyBody(body, length, limit, room) {
  const reader = new PieceReader(body, length);
  const unread = new Share();
  const reads = new Map();
  const position = { client: 0, copy: 0 };
  const bytes = { client: 0, copy: 0 };
  let copying = true;
  let clientLeft = false;
  /** The next read for one of the two. The first one to reach a position starts the read. */
  const next = async (which) => {
    const at = position[which];
    position[which] += 1;
    const read = reads.get(at) ?? reader.read();
    const isLast =
      (which === "copy" ? clientLeft : !copying) || at < Math.min(position.client, position.copy);
    if (isLast) reads.delete(at);
    else reads.set(at, read);
    const { value, done } = await read;
    bytes[which] += value?.byteLength ?? 0;
    return { value, done };
  };
  /** Forgets what one of the two has read already, and the other one never will. */
  const forgetBefore = (end) => {
    for (const at of reads.keys()) if (at < end) reads.delete(at);
  };
  /** While the body is copied, the room for the copy is enough for these chunks too. */
  const holdUnread = () => {
    if (!copying) unread.hold(clientLeft ? 0 : Math.max(bytes.copy - bytes.client, 0));
  };
  const copy = async () => {
    const reading = new Reading(limit, room);
    for (;;) {
      const { value, done } = await next("copy");
      if (done) return reading.chunks;
      const fault = reading.add(value);
      if (fault !== null) return fault;
    }
  };
  const giveUp = () => reader.cancel().catch(() => {});
  const clientLeaves = () => {
    clientLeft = true;
    forgetBefore(position.copy);
    holdUnread();
    if (!copying) giveUp();
  };
  const stream = {
    async pull(controller) {
      // What it would read now, the copy needs.
      if (clientLeft) throw new Error("the client has left");
      const { value, done } = await next("client");
      holdUnread();
      if (clientLeft) return;
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: clientLeaves,
    // The client gets this as `Content-Length`. A `FixedLengthStream` would do it too, but it does not tell its
    // source that the client has left.
    ...(length === Infinity ? {} : { expectedLength: length }),
  };
  const ended = () => {
    copying = false;
    forgetBefore(position.client);
    holdUnread();
    if (clientLeft) giveUp();
  };
  return {
    // Nothing is read ahead: an error would discard it.
    forClient: new ReadableStream(stream, { highWaterMark: 0 }),
    copy: copy()
      .catch(() => "broken")
      .finally(ended),
    clientLeaves,
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

/** A stream of the chunks that were read, which take room until they are read again, and of those to come. */
function joined(chunks, read) {
  const unread = new Share();
  let size = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
  unread.hold(size);
  const clientLeaves = () => {
    size = 0;
    unread.hold(0);
  };
  const stream = new ReadableStream({
    async pull(controller) {
      const next = chunks.length > 0 ? { value: chunks.shift(), done: false } : await read();
      if (size > 0) {
        size -= next.value.byteLength;
        unread.hold(size);
      }
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
    cancel() {
      chunks.length = 0;
      clientLeaves();
    },
  });
  return { stream, clientLeaves };
}
