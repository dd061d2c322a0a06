// Random numbers from a seed.

/** The seed of a run: that of `EVERGRAPH_SEED`, or else always the same. */
export const SEED = Number(process.env.EVERGRAPH_SEED ?? 20_261_121);

export class Random {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 to 1 (SplitMix, 32 bits). */
  next() {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  }

  /** A whole number below the limit. */
  below(limit) {
    return Math.floor(this.next() * limit);
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  /** Whether something happens that happens so many times in a hundred. */
  chance(percent) {
    return this.next() * 100 < percent;
  }
}
