// The client's answer where Wasm failed.

import { isSafe } from "./exchange.js";
import { headersToText } from "./headers.js";
import { report } from "./report.js";
import { untilWasmFails, wasm } from "./wasm.js";

/** Answers the client, who gets the origin's answer; a write that may have run purges everything. */
export async function rescue(exchange, error, env, context) {
  report("worker", error);
  // Only Evergraph itself could have answered its own routes; their tokens are not the origin's.
  if (new URL(exchange.request.url).pathname.startsWith("/__evergraph/")) {
    return failed(503, "the worker failed; try again");
  }
  // On a socket whose messages nobody reads, mutations would go unseen. The client opens another.
  if (exchange.request.headers.get("upgrade")?.toLowerCase() === "websocket") {
    return failed(503, "the worker failed; try again");
  }
  // What a write changes is known to be over once the origin has answered it.
  await exchange.settled();
  try {
    if (exchange.lastForClient() === null && !exchange.mayHaveWritten) await askAgain(exchange, env);
    if (exchange.mayHaveWritten) await purgeEverything(exchange, env, context);
    if (exchange.lastForClient() !== null) return replyRescued(exchange);
  } catch (again) {
    report("worker", again);
  }
  return failed(502, "the origin did not answer");
}

/** The origin was not asked yet what the client asked. */
async function askAgain(exchange, env) {
  const { request } = exchange;
  const url = new URL(request.url);
  const origin = originOf(env);
  const target = origin === null ? request.url : origin + url.pathname + url.search;
  const headers = new Headers(request.headers);
  headers.delete("host");
  headers.delete("evergraph-purge");
  const cookies = (headers.get("cookie") ?? "").split(";");
  const others = cookies.filter((pair) => pair.split("=")[0].trim() !== "evergraph-purge");
  if (others.length === 0) headers.delete("cookie");
  else if (others.length < cookies.length) headers.set("cookie", others.join(";").trim());
  const again = isSafe(request.method);
  await exchange.ask(target, headersToText(headers), again, false).catch((error) => report("origin", error));
}

function replyRescued(exchange) {
  const { handle, response } = exchange.lastForClient();
  return exchange.replyAnswer(handle, response.status, headersToText(rescued(response.headers)));
}

/** Wasm starts anew for this; where it fails again there is nothing left to do it with. */
export async function purgeEverything(exchange, env, context) {
  for (let tries = 0; tries < 2; tries += 1) {
    try {
      return await untilWasmFails(() => wasm(context, env).purgeEverything(env, context, exchange));
    } catch (error) {
      report("purge-log-write", error);
    }
  }
}

function failed(status, error) {
  return Response.json({ error }, { status, headers: rescued() });
}

function rescued(headers) {
  const own = new Headers(headers);
  for (const name of ["cache-tag", "surrogate-key", "surrogate-control", "cdn-cache-control", "xkey"]) {
    own.delete(name);
  }
  own.set("x-cache", "BYPASS");
  own.append("cache-status", "evergraph; fwd=bypass; detail=worker-failed");
  return own;
}

function originOf(env) {
  try {
    const config = typeof env.EVERGRAPH === "string" ? JSON.parse(env.EVERGRAPH) : env.EVERGRAPH;
    return config?.origin?.replace(/\/+$/, "") ?? null;
  } catch {
    return null;
  }
}
