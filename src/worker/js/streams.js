// Bodies as bytes and as streams.
//
// Whoever reads a body whole says by `limit` how long it may be, and gives a `room` that takes so many
// bytes more, or refuses them.

/** Room without end. */
export const ROOM = { take: () => true, give() {} };

/** Reads a request's body whole if it may; else a stream of all of it. */
export async function readRequest(request, limit, room) {
  const { body, headers } = request;
  const length = headers.get("content-length");
  if (body === null || length === null) return readAtMost(body, headers, limit, room);
  if (Number(length) > limit) return { stream: body, fault: "too-large" };
  if (!room.take(Number(length))) return { stream: body, fault: "no-room" };
  // Of a request nobody wants what came before it broke off, so the quick way will do.
  try {
    return { bytes: new Uint8Array(await request.arrayBuffer()) };
  } catch {
    return { fault: "broken" };
  }
}

/** Reads a body whole if it may, and if it ends within `millis`; else a stream of all of it. */
export async function readAtMost(body, headers, limit, room, millis) {
  if (body === null) return { bytes: new Uint8Array(0) };
  // Of an answer's coded body it is the length before the runtime has undone the coding.
  const known = headers.has("content-encoding") ? 0 : Number(headers.get("content-length") ?? 0);
  if (known > limit) return { stream: body, fault: "too-large" };
  const reading = new Reading(limit, room);
  if (!reading.expects(known)) return { stream: body, fault: "no-room" };
  const reader = body.getReader();
  const late = millis === undefined ? [] : [sleep(millis)];
  for (;;) {
    const next = reader.read();
    let read;
    try {
      read = await Promise.race([next, ...late]);
    } catch (error) {
      return { stream: joined(reading.chunks, () => Promise.reject(error)), fault: "broken" };
    }
    if (read === null) {
      reading.giveUp();
      return { stream: joined(reading.chunks, continued(next, reader)), fault: "late" };
    }
    if (read.done) return { bytes: concatenated(reading.chunks, reading.size) };
    const fault = reading.add(read.value);
    if (fault !== null) return { stream: joined(reading.chunks, () => reader.read()), fault };
  }
}

/** The chunks of a body that is read, as long as it may be. */
class Reading {
  chunks = [];
  size = 0;
  #taken = 0;

  constructor(limit, room) {
    this.limit = limit;
    this.room = room;
  }

  /** Whether there is room for a body of that size. */
  expects(size) {
    if (size <= this.#taken) return true;
    if (!this.room.take(size - this.#taken)) return false;
    this.#taken = size;
    return true;
  }

  /** Adds a chunk; why it was the last, where it was. */
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
export function lengthOf(headers) {
  const length = headers.get("content-length");
  const isSaid = length !== null && /^\d{1,15}$/.test(length) && !headers.has("content-encoding");
  return isSaid ? Number(length) : Infinity;
}

/** A stream that tells the client how long it is, where the origin has said it. */
export function ofLength(stream, headers) {
  const length = lengthOf(headers);
  if (length === Infinity) return stream;
  const fixed = new FixedLengthStream(length);
  // What breaks off, and who leaves, shows at either end.
  stream.pipeTo(fixed.writable).catch(() => {});
  return fixed.readable;
}

/**
 * A body for the client, and a copy of it as chunks of bytes, or why there is none. Unlike a branch of
 * `tee` the copy waits for no client: others wait for it. What a slow client has not read yet is in the
 * copy too.
 */
export function copied(body, limit, room) {
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
    const reading = new Reading(limit, room);
    for (;;) {
      const { value, done } = await next("copy");
      if (done) return reading.chunks;
      const fault = reading.add(value);
      if (fault !== null) return fault;
    }
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
