// The exports of Wasm, and the detection of its traps.

import Evergraph from "evergraph-wasm";
import { ExpiringMap } from "./expiring_map.js";
import { releaseAll } from "./memory_budget.js";

/** Functions that fail the calls into Wasm that are in progress, by number. */
const calls = new ExpiringMap(15 * 60_000, 10_000);
let lastCall = 0;

// Wasm traps in whichever task it runs, which is seldom the one that called it. A trap may be wrapped in
// another error. wasm-bindgen's listener, which restarts Wasm, only recognizes the bare trap.
addEventListener("error", (event) => {
  const trap = trapOf(event.error);
  if (trap !== null && trap !== event.error) dispatchEvent(new ErrorEvent("error", { error: trap }));
  else if (trap !== null) {
    releaseAll();
    for (const fail of calls.values()) fail(trap);
  }
});

addEventListener("unhandledrejection", (event) => {
  const trap = trapOf(event.reason);
  if (trap !== null) dispatchEvent(new ErrorEvent("error", { error: trap }));
});

function trapOf(error) {
  return [error, error?.cause].find((one) => one instanceof WebAssembly.RuntimeError) ?? null;
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
  } finally {
    calls.delete(number);
  }
}

let evergraph = null;

/** The exports of Wasm. They take everything as arguments, so one object serves all requests. */
export function wasm(context, env) {
  evergraph ??= new Evergraph(context, env);
  return evergraph;
}
