// The exports of Wasm, the detection of its traps, and its restart after one.

import * as bindings from "evergraph-wasm";
import { ExpiringMap } from "./expiring_map.js";
import { releaseAll } from "./memory_budget.js";

// A panic's own frames would fill the ten that are kept by default.
Error.stackTraceLimit = 100;

/** What the crate `worker` knows of Wasm: whether it has panicked, and the number of its instance. */
const state = bindings.__worker_init_state();

/** Functions that fail the calls into Wasm that are in progress, by number. */
const calls = new ExpiringMap(15 * 60_000, 10_000);
let lastCall = 0;

/** The traps that are dealt with: most of them come here more than once. */
const knownTraps = new WeakSet();

// Wasm traps in whichever task it runs, which is seldom the one that called it.
addEventListener("error", (event) => noticeTrap(event.error));
addEventListener("unhandledrejection", (event) => noticeTrap(event.reason));

/** If the error is a trap: fails the calls in progress, and has Wasm restarted before the next one. */
function noticeTrap(error) {
  // A trap may be wrapped in another error.
  const trap = [error, error?.cause].find((one) => one instanceof WebAssembly.RuntimeError);
  if (trap === undefined || knownTraps.has(trap)) return;
  knownTraps.add(trap);
  state.criticalError = true;
  releaseAll();
  for (const fail of calls.values()) fail(trap);
}

/** Resolves like the promise of `work`, but rejects as soon as Wasm traps, whichever request caused it. */
export async function untilWasmFails(work) {
  const { promise, resolve, reject } = Promise.withResolvers();
  lastCall += 1;
  const number = lastCall;
  calls.set(number, reject);
  try {
    work().then(resolve, reject);
    return await promise;
  } catch (error) {
    noticeTrap(error);
    throw error;
  } finally {
    calls.delete(number);
  }
}

/** The exports of Wasm, for one call. Restarts Wasm first if it has trapped. */
export function wasm() {
  if (state.criticalError) {
    bindings.__wbg_reset_state();
    state.criticalError = false;
  }
  return bindings;
}

/** The Durable Object. The object in Wasm behind it is created again after a restart of Wasm. */
export class PurgeLog {
  #state;
  #env;
  #log = null;
  #instance = 0;

  constructor(state, env) {
    this.#state = state;
    this.#env = env;
  }

  fetch(request) {
    return untilWasmFails(() => this.#current().fetch(request));
  }

  alarm() {
    return untilWasmFails(() => this.#current().alarm());
  }

  #current() {
    // The call makes sure that the instance is a sound one, so its number is the one that comes next.
    const { instanceId } = wasm().__worker_init_state();
    if (this.#instance !== instanceId) {
      this.#log = new bindings.PurgeLog(this.#state, this.#env);
      this.#instance = instanceId;
    }
    return this.#log;
  }
}
