// The Worker's entry: hands each request to Wasm, and keeps what must survive a failure of Wasm.
//
// Wasm that panics loses its memory, and with it every request that it was busy with. So bodies and
// answers are held in JavaScript, in an `Exchange`: if Wasm fails, the client still gets the origin's
// answer, a write is never sent twice, and one that may have run purges everything.

import { PurgeLog } from "evergraph-wasm";
import { Exchange } from "./exchange.js";
import { headersToText } from "./headers.js";
import { report } from "./report.js";
import { purgeEverything, rescue } from "./rescue.js";
import { untilWasmFails, wasm } from "./wasm.js";

export { PurgeLog };

export default {
  async fetch(request, env, context) {
    const exchange = new Exchange(request, () => purgeEverything(exchange, env, context));
    const done = Promise.withResolvers();
    // A client that leaves must not keep a write from being purged, nor others from the answer that
    // they wait for.
    context.waitUntil(done.promise);
    try {
      return await untilWasmFails(() =>
        wasm(context, env).handle(
          request.method,
          exchange.url,
          headersToText(request.headers),
          env,
          context,
          exchange,
        ),
      );
    } catch (error) {
      return await rescue(exchange, error, env, context);
    } finally {
      exchange.replied();
      done.resolve();
    }
  },

  // The cron trigger, for purges that wait and that no request comes for.
  async scheduled(_controller, env, context) {
    try {
      await untilWasmFails(() => wasm(context, env).tend(env, context, new Exchange(null, null)));
    } catch (error) {
      report("worker", error);
    }
  },
};
