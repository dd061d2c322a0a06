// A main module under which Wasm panics when a test says so.
//
// Timers and waitUntil that throw make Wasm panic for real: the code around them takes for granted
// that they work. Timers are set before look-ups, while the origin is asked and while a purge is
// recorded; waitUntil is called when a response is about to be stored.

/** The module: a route fires the cron trigger, another makes what comes next panic, and a request's `evergraph-panic-after` says after how many of them Wasm panics. */
export const panickingEntry = `
import worker, { PurgeLog } from "./index.js";
export { PurgeLog };

let left = Infinity;
const count = () => {
  // What the entry itself asks for works.
  if (!new Error().stack.includes("wasm")) return;
  left -= 1;
  if (left >= 0) return;
  left = Infinity;
  throw new Error("this part is broken");
};
const { setTimeout } = globalThis;
globalThis.setTimeout = (...args) => {
  count();
  return setTimeout(...args);
};

export default {
  async fetch(request, env, context) {
    if (request.url.endsWith("/the-cron-trigger")) {
      await worker.scheduled({}, env, context);
      return new Response("done");
    }
    if (request.url.endsWith("/panic-next")) {
      left = 0;
      return new Response("done");
    }
    left = Number(request.headers.get("evergraph-panic-after") ?? Infinity);
    return worker.fetch(request, env, {
      passThroughOnException: () => context.passThroughOnException(),
      waitUntil(promise) {
        count();
        context.waitUntil(promise);
      },
    });
  },
};
`;

/** After how many of them Wasm panics: from the first to one more than there are. */
export const PANICS = Array.from({ length: 8 }, (_, n) => String(n));

/** The part of a module that lets Wasm trap once when it next looks at the clock, after `armed` was set. */
export const trappingClock = `
let armed = false;
const { now } = Date;
Date.now = () => {
  // Wasm looks at the clock before anything else. JavaScript looks at it too, and is left alone.
  if (!armed || !new Error().stack.includes("wasm")) return now();
  armed = false;
  throw new WebAssembly.RuntimeError("unreachable");
};`;

/** A module under which Wasm traps before the origin is asked, for each request with `x-trap`. */
export const trappingEntry = `
import worker, { PurgeLog } from "./index.js";
export { PurgeLog };

${trappingClock}

export default {
  fetch(request, env, context) {
    armed = request.headers.has("x-trap");
    return worker.fetch(request, env, context);
  },
};
`;
