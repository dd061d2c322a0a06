// What a miss costs that looks into the Cache API and KV, asks the origin, and is stored in the Cache API: the
// subrequests of Evergraph's miss, in the cheapest form, without any decision. No types, no purge, no scopes.

const SECONDS = 300;

export default {
  async fetch(request, env, context) {
    const url = new URL(request.url);
    const body = request.method === "POST" ? await request.text() : null;
    const key = await sha256(`edge-kv ${request.method} ${request.url}\n${body ?? ""}`);
    const headers = { "content-type": "application/json" };
    const place = `${url.origin}/edge-kv/${key}`;
    const found = (await caches.default.match(place))?.body ?? (await env.KV.get(key, "stream"));
    if (found) return new Response(found, { headers });
    const answer = await fetch(env.ORIGIN + url.pathname + url.search, {
      method: request.method,
      headers: request.headers,
      body,
    });
    const bytes = await answer.arrayBuffer();
    const stored = { headers: { ...headers, "cache-control": `public, max-age=${SECONDS}` } };
    context.waitUntil(caches.default.put(place, new Response(bytes, stored)));
    return new Response(bytes, { headers });
  },
};

async function sha256(text) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
