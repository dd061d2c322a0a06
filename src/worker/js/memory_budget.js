// The memory that bodies in flight may take in this isolate. All copies count, including those in Wasm, so
// the code that reads a body passes the number of copies.

/** Milliseconds after which a share expires: the runtime may end a request without running its cleanup. */
const EXPIRY_MILLIS = 600_000;

let budget = 0;
let used = 0;
const shares = new Set();

export function setBudget(bytes) {
  budget = bytes;
}

/** The part of the budget that the bodies of one request take. */
export class Share {
  #bytes = 0;
  #since = 0;
  #isHeld = false;

  /** Takes this many more bytes. Returns `false` if there is no room for them. */
  take(bytes) {
    // With NaN in `used` no comparison would hold any more, and nothing would be refused.
    if (!Number.isFinite(bytes) || bytes < 0) return false;
    if (used + bytes > budget) releaseOlderThan(Date.now() - EXPIRY_MILLIS);
    if (used + bytes > budget) return false;
    if (this.#bytes === 0) this.#since = Date.now();
    this.#bytes += bytes;
    used += bytes;
    shares.add(this);
    return true;
  }

  /** Gives back this many bytes, or all of them. */
  give(bytes = this.#bytes) {
    const given = Math.min(bytes, this.#bytes);
    this.#bytes -= given;
    used -= given;
    if (this.#bytes === 0) shares.delete(this);
  }

  /**
   * Counts exactly this many bytes, which JavaScript has in memory already. So they are not refused, and a restart
   * of Wasm does not free them.
   */
  hold(bytes) {
    this.give();
    this.#isHeld = bytes > 0;
    if (bytes === 0) return;
    this.#since = Date.now();
    this.#bytes = bytes;
    used += bytes;
    shares.add(this);
  }

  get isHeld() {
    return this.#isHeld;
  }

  get since() {
    return this.#since;
  }
}

function releaseOlderThan(before) {
  for (const share of shares) if (share.since < before) share.give();
}

/** Gives back all shares except what JavaScript holds. Called when Wasm restarts: its copies are gone. */
export function releaseAll() {
  for (const share of shares) if (!share.isHeld) share.give();
}
