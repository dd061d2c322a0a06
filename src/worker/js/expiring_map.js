// A map whose entries expire: a request that the runtime cancels cannot remove its own.

/** A map that holds each entry for at least `millis` milliseconds, and at most `limit` entries. */
export class ExpiringMap {
  #millis;
  #limit;
  #entries = new Map(); // in the order in which they were set

  constructor(millis, limit) {
    this.#millis = millis;
    this.#limit = limit;
  }

  /** Sets an entry. Removes expired entries, and the oldest ones beyond the limit. */
  set(key, value) {
    const now = Date.now();
    this.#entries.delete(key);
    this.#entries.set(key, { value, since: now });
    for (const [oldest, { since }] of this.#entries) {
      if (now - since < this.#millis && this.#entries.size <= this.#limit) break;
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
