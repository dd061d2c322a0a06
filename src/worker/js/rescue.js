// The response to a client if Wasm has failed.
//
// A new instance of Wasm decides what the origin is sent and which headers the client gets, by the rules
// for everything that is passed through.

import { headersToText } from "./headers.js";
import { report } from "./report.js";
import { untilWasmFails, wasm } from "./wasm.js";

/** Milliseconds after which a write is purged without waiting for its response. */
const SLOW_MILLIS = 5_000;

/**
 * Responds with the origin's response. A write that may have run purges everything.
 *
 * If this code fails as well, the runtime sends a read to the origin. A write gets an error from here:
 * sent by the runtime, it would run without a purge, or twice.
 */
export async function rescue(exchange, error, env, context) {
  try {
    return await rescued(exchange, error, env, context);
  } catch (secondError) {
    report("worker", secondError);
    if (exchange.failsOpen) throw secondError;
    if (exchange.mayHaveWritten) context.waitUntil(purgeEverything(exchange, env, context));
    return noOriginResponse(exchange);
  }
}

async function rescued(exchange, error, env, context) {
  report("worker", error);
  // If nobody read the messages of a socket, its mutations would not be purged. The client can open
  // another one.
  if (exchange.request.headers.get("upgrade")?.toLowerCase() === "websocket") {
    return errorResponse(503, "the worker failed; try again");
  }
  // A write is known to be over once the origin has responded. The runtime may end this request before
  // that, so a slow write is purged now, and again later.
  const settled = exchange.settled();
  if (exchange.mayHaveWritten && !(await isSoon(settled))) await purgeEverything(exchange, env, context);
  await settled;
  try {
    if (exchange.lastClientResponse() === null && !exchange.mayHaveWritten) {
      const wasSent = await sendToOrigin(exchange, env);
      if (!wasSent) return errorResponse(503, "the worker failed; try again");
    }
    if (exchange.mayHaveWritten) await purgeEverything(exchange, env, context);
    if (exchange.lastClientResponse() !== null) return await respondRescued(exchange, env, context);
  } catch (secondError) {
    report("worker", secondError);
  }
  return noOriginResponse(exchange);
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

function noOriginResponse(exchange) {
  const mayHaveRun = "the origin did not answer; the write may have run";
  return errorResponse(502, exchange.mayHaveWritten ? mayHaveRun : "the origin did not answer");
}

/** Sends the client's request to the origin. Returns `false` if it must not be sent. */
async function sendToOrigin(exchange, env) {
  const { request } = exchange;
  const forwarded = await withNewInstance((instance) =>
    instance.rescuedRequest(request.method, exchange.url, headersToText(request.headers), env),
  );
  if (forwarded === undefined) return false;
  const [kind, url] = forwarded.split("\n", 2);
  const headers = forwarded.slice(kind.length + url.length + 2);
  const sending = exchange.fetchOrigin(url, headers, kind === "read", false);
  await sending.catch((error) => report("origin", error));
  return true;
}

async function respondRescued(exchange, env, context) {
  const { request } = exchange;
  const { handle, status, headers } = exchange.lastClientResponse();
  if (exchange.mayHaveWritten) context.waitUntil(exchange.purgeAtBodyEnd(handle));
  const rescuedHeaders = await withNewInstance((instance) =>
    instance.rescuedResponse(
      request.method,
      exchange.url,
      headersToText(request.headers),
      status,
      headersToText(headers),
      env,
    ),
  );
  return exchange.respondWithOriginBody(handle, status, rescuedHeaders);
}

/** Purges everything, because it is unknown what a write changed. */
export async function purgeEverything(exchange, env, context) {
  const isOver = exchange.lastClientResponse() !== null;
  try {
    await withNewInstance((instance) => instance.purgeEverything(env, context, exchange, isOver));
  } catch (error) {
    report("purge-log-write", error);
  }
}

/** Calls a new instance of Wasm, and if that fails, another one. */
async function withNewInstance(call) {
  const attempt = () => untilWasmFails(async () => call(wasm()));
  try {
    return await attempt();
  } catch (error) {
    report("worker", error);
    return attempt();
  }
}

/**
 * An error response that needs no Wasm: it is sent when Wasm has failed repeatedly, so the headers cannot
 * come from the service's table of response headers. `tests/reference.rs` compares them with it.
 */
function errorResponse(status, error) {
  const headers = {
    "cache-control": "no-store",
    "x-cache": "BYPASS",
    "cache-status": "evergraph; fwd=bypass; detail=worker-failed",
  };
  return Response.json({ error }, { status, headers });
}
