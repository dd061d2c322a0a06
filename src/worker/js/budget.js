// The isolate's budget for the memory of bodies in flight. All copies count, those in Wasm too: whoever
// reads a body says how many there will be of it.

/** Milliseconds after which a share counts no more: the runtime ends some requests without a word. */
const LONGEST = 600_000;

let most = 0;
let used = 0;
const shares = new Set();

export function setBudget(bytes) {
  most = bytes;
}

/** What the bodies of one request take of the budget. */
export class Share {
  #bytes = 0;
  #since = 0;

  /** Takes so many bytes more, or returns false where there is no room for them. */
  take(bytes) {
    if (used + bytes > most) releaseOlderThan(Date.now() - LONGEST);
    if (used + bytes > most) return false;
    if (this.#bytes === 0) this.#since = Date.now();
    this.#bytes += bytes;
    used += bytes;
    shares.add(this);
    return true;
  }

  /** Gives back so many bytes, or all. */
  give(bytes = this.#bytes) {
    const given = Math.min(bytes, this.#bytes);
    this.#bytes -= given;
    used -= given;
    if (this.#bytes === 0) shares.delete(this);
  }

  get since() {
    return this.#since;
  }
}

function releaseOlderThan(before) {
  for (const share of shares) if (share.since < before) share.give();
}

/** For a Wasm that starts anew: its copies are gone. */
export function releaseAll() {
  for (const share of shares) share.give();
}
