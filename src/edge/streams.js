// Bodies as bytes and as streams.

/** Reads a request's body whole if it has at most `limit` bytes; else a stream of all of it. */
export async function readRequest(request, limit) {
  const { body, headers } = request;
  const length = headers.get("content-length");
  if (body === null || length === null) return readAtMost(body, headers, limit);
  if (Number(length) > limit) return { stream: body, fault: "too-large" };
  // Of a request nobody wants what came before it broke off, so the quick way will do.
  try {
    return { bytes: new Uint8Array(await request.arrayBuffer()) };
  } catch {
    return { fault: "broken" };
  }
}

/** Reads a body whole if it has at most `limit` bytes; else a stream of all of it. */
export async function readAtMost(body, headers, limit) {
  if (body === null) return { bytes: new Uint8Array(0) };
  const length = headers.get("content-length");
  // Of an answer's coded body it is the length before the runtime has undone the coding.
  if (length !== null && !headers.has("content-encoding") && Number(length) > limit) {
    return { stream: body, fault: "too-large" };
  }
  const reader = body.getReader();
  const chunks = [];
  let size = 0;
  for (;;) {
    let read;
    try {
      read = await reader.read();
    } catch (error) {
      return { stream: joined(chunks, () => Promise.reject(error)), fault: "broken" };
    }
    if (read.done) return { bytes: concatenated(chunks, size) };
    chunks.push(read.value);
    size += read.value.byteLength;
    if (size > limit) return { stream: joined(chunks, () => reader.read()), fault: "too-large" };
  }
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
 * A body for the client, and a copy of it as bytes, "too-large" or "broken". Unlike a branch of `tee` the
 * copy waits for no client: others wait for it. What a slow client has not read yet is in the copy too.
 */
export function copied(body, limit) {
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
