// A table whose entries end by themselves: a request that the runtime cancels takes nothing back.

/** Values by key, each for `millis` milliseconds at least, and the oldest out beyond `most`. */
export class Expiring {
  #millis;
  #most;
  #entries = new Map(); // in the order in which they were set

  constructor(millis, most) {
    this.#millis = millis;
    this.#most = most;
  }

  set(key, value) {
    const now = Date.now();
    this.#entries.delete(key);
    this.#entries.set(key, { value, since: now });
    for (const [oldest, { since }] of this.#entries) {
      if (now - since < this.#millis && this.#entries.size <= this.#most) break;
      this.#entries.delete(oldest);
    }
  }

  get(key) {
    return this.#entries.get(key)?.value;
  }

  delete(key) {
    this.#entries.delete(key);
  }

  values() {
    return [...this.#entries.values()].map(({ value }) => value);
  }
}
