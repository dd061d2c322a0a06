// The exports of Wasm, the detection of its traps, and its restart after one.

import * as bindings from "evergraph-wasm";
import { ExpiringMap } from "./expiring_map.js";
import { releaseAll } from "./memory_budget.js";

// A panic's own frames would fill the ten that are kept by default.
Error.stackTraceLimit = 100;

/** The number of Wasm's instance. */
export let instance = bindings.__worker_init_state().instanceId;

// Each step of a future in Wasm is a microtask. The runtime's `queueMicrotask` wraps and unwraps the function in
// C++, which costs more than the step; a reaction to a promise is one as well. It reports an exception as an
// unhandled rejection.
const resolved = Promise.resolve();
globalThis.queueMicrotask = (task) => {
  resolved.then(task);
};

/** Functions that fail the calls into Wasm that are in progress, by number. */
const calls = new ExpiringMap(15 * 60_000, 10_000);
let lastCall = 0;

// Wasm traps in whichever task it runs, which is seldom the one that called it.
addEventListener("error", (event) => restartIfTrapped(event.error));
addEventListener("unhandledrejection", (event) => restartIfTrapped(event.reason));

/**
 * If Wasm has trapped: starts another instance, and fails the calls that were in progress with `error`.
 *
 * The bindings know of every trap, whatever it throws: a stack overflow is a `RangeError`, a failed import a
 * `TypeError`. Any call through them first starts another instance if the last one has trapped. A call with
 * arguments must not be the first one: its arguments would be in the memory of the instance that trapped.
 */
function restartIfTrapped(error) {
  const { instanceId } = bindings.__worker_init_state();
  if (instanceId === instance) return;
  instance = instanceId;
  releaseAll();
  for (const fail of calls.values()) fail(error);
}

/** Resolves like the promise of `work`, but rejects as soon as Wasm traps, whichever request caused it. */
export async function untilWasmFails(work) {
  const { promise, resolve, reject } = Promise.withResolvers();
  lastCall += 1;
  const number = lastCall;
  try {
    const working = work();
    // Only now: if `work` had to start another instance, it failed the calls of the last one.
    calls.set(number, reject);
    working.then(resolve, reject);
    return await promise;
  } catch (error) {
    restartIfTrapped(error);
    throw error;
  } finally {
    calls.delete(number);
  }
}

/** The exports of Wasm, for one call. Starts another instance first if Wasm has trapped. */
export function wasm() {
  restartIfTrapped(new Error("Wasm has trapped"));
  return bindings;
}

/** A Durable Object. The object in Wasm behind it is created again after a restart of Wasm. */
class ObjectInWasm {
  #name;
  #state;
  #env;
  #object = null;
  #instance = 0;

  constructor(name, state, env) {
    this.#name = name;
    this.#state = state;
    this.#env = env;
  }

  fetch(request) {
    return untilWasmFails(() => this.current().fetch(request));
  }

  current() {
    const { [this.#name]: Class } = wasm();
    if (this.#instance !== instance) {
      this.#object = new Class(this.#state, this.#env);
      this.#instance = instance;
    }
    return this.#object;
  }
}

/** The purge log. */
export class PurgeLog extends ObjectInWasm {
  constructor(state, env) {
    super("PurgeLog", state, env);
  }

  alarm() {
    return untilWasmFails(() => this.current().alarm());
  }
}

/** What all isolates have counted. */
export class Statistics extends ObjectInWasm {
  constructor(state, env) {
    super("Statistics", state, env);
  }

  alarm() {
    return untilWasmFails(() => this.current().alarm());
  }
}
