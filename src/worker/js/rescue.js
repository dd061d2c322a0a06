// The client's answer where Wasm failed. A new instance of Wasm says what the origin is asked and what
// of its answer the client gets, by the same rules as for everything that is passed through.

import { headersToText } from "./headers.js";
import { report } from "./report.js";
import { untilWasmFails, wasm } from "./wasm.js";

/** How long a write may take before it purges without its answer. */
const SLOW_MILLIS = 5_000;

/**
 * Answers the client, who gets the origin's answer; a write that may have run purges everything. Where
 * this very code fails, the runtime sends a read to the origin by itself, and a write is answered here:
 * it would run unpurged, or twice.
 */
export async function rescue(exchange, error, env, context) {
  try {
    return await rescued(exchange, error, env, context);
  } catch (again) {
    report("worker", again);
    if (exchange.failsOpen) throw again;
    if (exchange.mayHaveWritten) context.waitUntil(purgeEverything(exchange, env, context));
    return noAnswer(exchange);
  }
}

async function rescued(exchange, error, env, context) {
  report("worker", error);
  // On a socket whose messages nobody reads, mutations would go unseen. The client opens another.
  if (exchange.request.headers.get("upgrade")?.toLowerCase() === "websocket") {
    return failed(503, "the worker failed; try again");
  }
  // What a write changes is known to be over once the origin has answered it. The runtime may end this
  // before: what takes long is purged without that, and again later.
  const settled = exchange.settled();
  if (exchange.mayHaveWritten && !(await isSoon(settled))) await purgeEverything(exchange, env, context);
  await settled;
  try {
    if (exchange.lastForClient() === null && !exchange.mayHaveWritten) {
      const asked = await askAgain(exchange, env, context);
      if (!asked) return failed(503, "the worker failed; try again");
    }
    if (exchange.mayHaveWritten) await purgeEverything(exchange, env, context);
    if (exchange.lastForClient() !== null) return await replyRescued(exchange, env, context);
  } catch (again) {
    report("worker", again);
  }
  return noAnswer(exchange);
}

async function isSoon(promise) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, SLOW_MILLIS, false);
  });
  const soon = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return soon;
}

function noAnswer(exchange) {
  const mayHaveRun = "the origin did not answer; the write may have run";
  return failed(502, exchange.mayHaveWritten ? mayHaveRun : "the origin did not answer");
}

/** Asks the origin what the client asked, which it was not asked yet. False where it is not to be asked. */
async function askAgain(exchange, env, context) {
  const { request } = exchange;
  const forwarded = await anew(env, context, (instance) =>
    instance.rescuedRequest(request.method, exchange.url, headersToText(request.headers), env),
  );
  if (forwarded === undefined) return false;
  const [kind, url] = forwarded.split("\n", 2);
  const headers = forwarded.slice(kind.length + url.length + 2);
  await exchange.ask(url, headers, kind === "read", false).catch((error) => report("origin", error));
  return true;
}

async function replyRescued(exchange, env, context) {
  const { request } = exchange;
  const { handle, status, headers } = exchange.lastForClient();
  if (exchange.mayHaveWritten) context.waitUntil(exchange.purgeAtEnd(handle));
  const rescued = await anew(env, context, (instance) =>
    instance.rescuedAnswer(
      request.method,
      exchange.url,
      headersToText(request.headers),
      status,
      headersToText(headers),
      env,
    ),
  );
  return exchange.replyAnswer(handle, status, rescued);
}

/** Purges everything, since nobody knows what a write did. */
export async function purgeEverything(exchange, env, context) {
  const isOver = exchange.lastForClient() !== null;
  try {
    await anew(env, context, (instance) => instance.purgeEverything(env, context, exchange, isOver));
  } catch (error) {
    report("purge-log-write", error);
  }
}

/** Calls an instance of Wasm that starts anew; where it fails again, another one. */
async function anew(env, context, call) {
  const calling = () => untilWasmFails(async () => call(wasm(context, env)));
  try {
    return await calling();
  } catch (error) {
    report("worker", error);
    return calling();
  }
}

/** An answer of Evergraph's own, for which there need not be any Wasm. */
function failed(status, error) {
  const headers = {
    "cache-control": "no-store",
    "x-cache": "BYPASS",
    "cache-status": "evergraph; fwd=bypass; detail=worker-failed",
  };
  return Response.json({ error }, { status, headers });
}
