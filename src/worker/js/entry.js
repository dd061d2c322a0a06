// The Worker's entry point: passes each request to Wasm, and keeps what must survive a failure of Wasm.
//
// If Wasm panics it loses its memory, and with it every request in progress. So bodies and the origin's
// responses are held in JavaScript, in an `Exchange`. Then the client still gets the origin's response, a
// write is never sent twice, and a write that may have run purges everything.

import "./configuration.js";
import { Exchange } from "./exchange.js";
import { headersToText } from "./headers.js";
import { report } from "./report.js";
import { purgeEverything, rescue } from "./rescue.js";
import { PurgeLog, untilWasmFails, wasm } from "./wasm.js";

export { PurgeLog };

export default {
  async fetch(request, env, context) {
    const exchange = new Exchange(request, () => purgeEverything(exchange, env, context));
    const done = Promise.withResolvers();
    // If the client leaves, its write still has to be purged, and other requests may wait for its response.
    context.waitUntil(done.promise);
    try {
      return await untilWasmFails(() =>
        wasm().handle(request.method, exchange.url, headersToText(request.headers), env, context, exchange),
      );
    } catch (error) {
      return await rescue(exchange, error, env, context);
    } finally {
      exchange.responded();
      done.resolve();
    }
  },

  /** The cron trigger: records purges that wait in the outbox while no requests come in. */
  async scheduled(_controller, env, context) {
    const exchange = new Exchange(null, null);
    try {
      await untilWasmFails(() => wasm().recordOutbox(env, context, exchange));
    } catch (error) {
      report("worker", error);
    }
  },
};
