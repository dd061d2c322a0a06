// Wasm's exports, and what tells that Wasm has trapped.

import Evergraph from "evergraph-wasm";
import { releaseAll } from "./budget.js";
import { Expiring } from "./expiring.js";

/** What fails each of the requests that Wasm is busy with, by their numbers. */
const busy = new Expiring(15 * 60_000, 10_000);
let lastBusy = 0;

// Wasm traps in whichever task it runs, seldom in the one that called it. A trap may come wrapped;
// the wrapper's listener for starting Wasm anew knows it only bare.
addEventListener("error", (event) => {
  const trap = trapOf(event.error);
  if (trap !== null && trap !== event.error) dispatchEvent(new ErrorEvent("error", { error: trap }));
  else if (trap !== null) {
    releaseAll();
    for (const fail of busy.values()) fail(trap);
  }
});

addEventListener("unhandledrejection", (event) => {
  const trap = trapOf(event.reason);
  if (trap !== null) dispatchEvent(new ErrorEvent("error", { error: trap }));
});

function trapOf(error) {
  return [error, error?.cause].find((one) => one instanceof WebAssembly.RuntimeError) ?? null;
}

/** What `work` resolves to, or a rejection as soon as Wasm traps, whichever request it was for. */
export async function untilWasmFails(work) {
  const { promise, resolve, reject } = Promise.withResolvers();
  lastBusy += 1;
  const number = lastBusy;
  busy.set(number, reject);
  try {
    work().then(resolve, reject);
    return await promise;
  } finally {
    busy.delete(number);
  }
}

let evergraph = null;

/** Wasm's exports. They take all that they need as arguments, so one object serves every request. */
export function wasm(context, env) {
  evergraph ??= new Evergraph(context, env);
  return evergraph;
}
