// A response body whose end is held back: a write may still be committed while its response streams.

import { lengthOf } from "./streams.js";
import { untilWasmFails } from "./wasm.js";

/** How many bytes are read ahead of a slow client, because the end of the body is waited for. */
const READ_AHEAD = 64 << 10;

/** Passes a body on to the client, and holds its end back until `release`. */
export class HeldBody {
  #ended = Promise.withResolvers();
  #released = Promise.withResolvers();
  #held; // resolves when the end is released, or when Wasm has failed and everything is purged
  #begun = false;

  constructor(purgeEverything) {
    // If Wasm fails, the code that waits for the end is gone, so everything is purged instead.
    this.#held = untilWasmFails(() => this.#released.promise).catch(async () => {
      await this.ended;
      await purgeEverything();
    });
  }

  /** Resolves when the body has ended: with `true` if it was complete. */
  get ended() {
    return this.#ended.promise;
  }

  release() {
    this.#released.resolve();
  }

  /** The response was returned. A body that was not passed on by now never will be. */
  responded() {
    if (!this.#begun) this.#ended.resolve(false);
  }

  #end(isComplete) {
    this.#ended.resolve(isComplete);
    return this.#held;
  }

  /** The body for the client. It is read even if the client does not read: that a client left shows late. */
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
      // Aborting discards what the client has not read yet, so wait for it.
      await written?.catch(() => {});
      writer.abort(error).catch(() => {});
    }
  }
}
