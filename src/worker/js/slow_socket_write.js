// A write on a socket that has no outcome for a long time: it is announced to the purge log as an intent.
// The service does the same for HTTP requests.

/** Milliseconds after which a write is announced to the log. */
const SLOW_MILLIS = 5_000;

/** Milliseconds after which it is announced again: before the log stops recording the intent. */
const REPEAT_MILLIS = 240_000;

export class SlowSocketWrite {
  #announce; // announces the write; returns a promise of the intent's id
  #announcement = null;
  #timer = null;

  constructor(announce) {
    this.#announce = announce;
    this.#wait(SLOW_MILLIS);
  }

  #wait(millis) {
    this.#timer = setTimeout(() => {
      this.#announcement = this.#announce();
      this.#wait(REPEAT_MILLIS);
    }, millis);
  }

  /** Whether the write was announced. */
  get isAnnounced() {
    return this.#announcement !== null;
  }

  /** Resolves to the intent's id, for the record that closes it. 0: there is no intent. */
  async intent() {
    return (await this.#announcement?.catch(() => 0)) ?? 0;
  }

  /** Stops the timer: the write has an outcome, or nobody waits for one. */
  end() {
    clearTimeout(this.#timer);
  }
}
