// The same as cache-api.js with Workers KV as the store: all data centers share it, and a read is slower.

const SECONDS = 300;

export default {
  async fetch(request, env, context) {
    const url = new URL(request.url);
    const body = request.method === "POST" ? await request.text() : null;
    const key = await sha256(`${request.method} ${request.url}\n${body ?? ""}`);
    const headers = { "content-type": "application/json" };
    const found = await env.KV.get(key, "stream");
    if (found) return new Response(found, { headers });
    const answer = await fetch(env.ORIGIN + url.pathname + url.search, {
      method: request.method,
      headers: request.headers,
      body,
    });
    const [toStore, toSend] = answer.body.tee();
    const stored = new Response(toStore).arrayBuffer();
    context.waitUntil(stored.then((bytes) => env.KV.put(key, bytes, { expirationTtl: SECONDS })));
    return new Response(toSend, { headers });
  },
};

async function sha256(text) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
