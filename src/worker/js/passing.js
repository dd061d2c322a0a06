// The passing on of a body whose end matters: a write may be committed while its answer still streams.

import { lengthOf } from "./streams.js";
import { untilWasmFails } from "./wasm.js";

/** How many bytes of a passing body are read before a slow client wants them: its end is waited for. */
const READ_AHEAD = 64 << 10;

/** The passing on of a body whose end is waited for, and held until what depends on it is done. */
export class Passing {
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
