// The edge cache as workerd reaches it: an HTTP server in memory that gives back the responses
// that it was given, head and all, so that a worker can pass them on.

import { createServer } from "node:http";
import { dechunked } from "./connection.mjs";

const HEAD_END = "\r\n\r\n";
const OF_THE_CONNECTION = new Set(["connection", "content-length", "transfer-encoding"]);

/** Starts an empty cache; resolves with its `address` and `close`. */
export async function startCache() {
  const entries = new Map();
  const server = createServer((request, response) => {
    const key = `${request.headers.host}${request.url}`;
    if (request.method === "GET") return answer(entries.get(key), response);
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      if (request.method === "PUT") entries.set(key, parse(Buffer.concat(chunks)));
      else entries.delete(key);
      response.writeHead(204).end();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${server.address().port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function answer(found, response) {
  if (!found) return response.writeHead(504, { "cf-cache-status": "MISS" }).end();
  return response.writeHead(200, found.headers).end(found.body);
}

/** What was put is a whole HTTP response, its body as it would go over the wire. */
function parse(bytes) {
  const end = bytes.indexOf(HEAD_END);
  const lines = bytes
    .latin1Slice(0, end)
    .split("\r\n")
    .slice(1)
    .map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    });
  const wire = bytes.subarray(end + HEAD_END.length);
  const chunked = lines.some(([name]) => name === "transfer-encoding");
  const body = chunked ? dechunked(wire) : wire;
  const kept = lines.filter(([name]) => !OF_THE_CONNECTION.has(name));
  return { body, headers: [...kept, ["content-length", body.length], ["cf-cache-status", "HIT"]].flat() };
}
