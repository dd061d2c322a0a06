// The Worker's entry point: answers what answers.js knows, passes each other request to Wasm, and keeps what
// must survive a failure of Wasm.
//
// If Wasm panics it loses its memory, and with it every request in progress. So bodies and the origin's
// responses are held in JavaScript, in an `Exchange`. Then the client still gets the origin's response, a
// write is never sent twice, and a write that may have run purges everything.

import "./configuration.js";
import "./openapi.js";
import "./page.js";
import { answerByBody, answerTo, bodyOf, known, tellGiven } from "./answers.js";
import { Exchange } from "./exchange.js";
import { headersToText } from "./headers.js";
import { report } from "./report.js";
import { purgeEverything, rescue } from "./rescue.js";
import { PurgeLog, Statistics, untilWasmFails, wasm } from "./wasm.js";

export { PurgeLog, Statistics };

export default {
  fetch(request, env, context) {
    const found = known(request);
    if (found === undefined) return handle(request, env, context);
    const response = answerTo(found);
    if (response !== undefined) return response;
    if (found instanceof Map) return handleByBody(request, env, context, found);
    return handle(request, env, context, { answer: found });
  },

  /** The cron trigger: records purges that wait in the outbox while no requests come in, and reports statistics. */
  async scheduled(_controller, env, context) {
    const exchange = new Exchange(null, null, env);
    try {
      await untilWasmFails(() => {
        tellGiven(undefined, env);
        return wasm().recordOutbox(env, context, exchange);
      });
    } catch (error) {
      report("worker", error);
    } finally {
      exchange.responded();
    }
  },
};

/** A request whose answer is known by its body. */
async function handleByBody(request, env, context, found) {
  const body = await bodyOf(request);
  const answer = body && answerByBody(found, body);
  return (answer && answerTo(answer)) ?? (await handle(request, env, context, { body, answer }));
}

/** A request that Wasm handles. `body`: its body, if that was read; `answer`: the last one to it. */
async function handle(request, env, context, { body, answer } = {}) {
  const exchange = new Exchange(request, () => purgeEverything(exchange, env, context), env);
  if (body !== undefined) exchange.bodyIsRead(body);
  const done = Promise.withResolvers();
  // If the client leaves, its write still has to be purged, and other requests may wait for its response.
  context.waitUntil(done.promise);
  try {
    return await untilWasmFails(() => {
      const times = tellGiven(answer, env);
      const headers = headersToText(request.headers);
      return wasm().handle(request.method, exchange.url, headers, env, context, exchange, times);
    });
  } catch (error) {
    return await rescue(exchange, error, env, context);
  } finally {
    exchange.responded();
    done.resolve();
  }
}
