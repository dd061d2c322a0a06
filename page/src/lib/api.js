// Calls of the admin routes. The token lives in this module, that is in the tab's memory, and nowhere else.

let token = null;

/** The event that ends a session; its detail says why. */
export const SIGNED_OUT = "evergraph-signed-out";

export const setToken = (text) => {
  token = text;
};
/** Why a call failed. `kind` is a word that views decide by; the message is for people. */
export class ApiError extends Error {
  constructor(kind, message, { path, status } = {}) {
    super(message);
    Object.assign(this, { kind, path, status });
  }
}

/**
 * Calls an admin route and resolves with its JSON. `accepts`: statuses that are answers too, though not 2xx.
 * `tried`: a token that is not in use yet. A token in use that is no longer valid ends the session.
 */
export async function call(route, { accepts = [], tried, ...request } = {}) {
  const used = tried ?? token;
  const { response, content } = await send(route, used, request);
  const json = readJson(content);
  if ((response.ok || accepts.includes(response.status)) && json !== null) return json;
  throw failed(response, json, used);
}

/** Calls a route that answers with anything, and resolves with its text. `null`: the bytes are no text. */
export async function callForText(route) {
  const { response, content } = await send(route, token, {});
  if (!response.ok) throw failed(response, readJson(content), token);
  return readText(content);
}

function readText(content) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch {
    return null;
  }
}

function readJson(content) {
  try {
    return JSON.parse(readText(content));
  } catch {
    return null;
  }
}

/** A request that is aborted, or whose connection breaks, fails until its last byte is there. */
async function send(route, used, { body, signal }) {
  const headers = { accept: "application/json" };
  if (used !== null) headers.authorization = `Bearer ${used}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  try {
    const response = await fetch(route, {
      method: body === undefined ? "GET" : "POST",
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      cache: "no-store",
      redirect: "manual",
      // With Cloudflare Access in front, its cookie is what signs the operator in.
      credentials: "same-origin",
    });
    return { response, content: await response.arrayBuffer() };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("unreachable", "The Worker cannot be reached. Check the connection, then try again.");
  }
}

function failed(response, json, used) {
  const error = failure(response, json, used);
  // A late answer to a session before says nothing about this one.
  if (error.kind === "token" && used !== null && used === token)
    dispatchEvent(
      new CustomEvent(SIGNED_OUT, { detail: "The token is not valid any more. Sign in with another." }),
    );
  return error;
}

function failure(response, json, used) {
  const said = typeof json?.error === "string" ? json.error : null;
  const [kind, message] = explained(response, said, json?.path, used);
  return new ApiError(kind, message, { status: response.status, path: json?.path });
}

function explained(response, said, path, used) {
  if (response.type === "opaqueredirect")
    return [
      "redirect",
      "The answer is a redirect, as where a session of Cloudflare Access has ended: reload this page.",
    ];
  switch (response.status) {
    case 400:
      return ["invalid", `${path ? `${path}: ` : ""}${said ?? "the request is invalid"}`];
    case 401:
      return ["token", used === null ? "A token is needed." : "This token is not one of ADMIN_TOKENS."];
    case 403:
      return ["role", `Your token's role does not suffice: ${said ?? "use another token"}.`];
    case 404:
      return said === null || said.startsWith("no such route")
        ? ["absent", "This Worker has no such route."]
        : ["gone", `It is not there any more: ${said}.`];
    case 429:
      return ["limited", `Too many failed attempts. ${retryAfter(response)}`];
  }
  if (response.status === 501 && said !== null) return ["unbound", said];
  return ["failed", said ?? `The Worker answered with status ${response.status}.`];
}

function retryAfter(response) {
  const seconds = Number(response.headers.get("retry-after"));
  return seconds > 0 ? `Try again in ${seconds} s.` : "Try again in a minute.";
}

/** A route with parameters; those that are null, undefined or empty are left out. */
export function route(path, parameters) {
  const given = Object.entries(parameters).filter(
    ([, value]) => value !== null && value !== undefined && value !== "",
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}
