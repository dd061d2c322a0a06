// A write on a socket that has no outcome for long: the purge log is told, as `service/intent.rs` does it
// for requests.

/** How long a write may take before the log is told. */
const SLOW_MILLIS = 5_000;

/** How long after that it is told again: before the log stops recording the intent. */
const AGAIN_MILLIS = 240_000;

export class SlowWrite {
  #tell; // a function that tells the log; a promise of the intent's number
  #telling = null;
  #timer = null;

  constructor(tell) {
    this.#tell = tell;
    this.#wait(SLOW_MILLIS);
  }

  #wait(millis) {
    this.#timer = setTimeout(() => {
      this.#telling = this.#tell();
      this.#wait(AGAIN_MILLIS);
    }, millis);
  }

  /** Whether the log was told. */
  get isTold() {
    return this.#telling !== null;
  }

  /** A promise of the intent's number, for the record that closes it; 0 where there is none. */
  async intent() {
    return (await this.#telling?.catch(() => 0)) ?? 0;
  }

  /** The write has an outcome, or nobody waits for one. */
  end() {
    clearTimeout(this.#timer);
  }
}
