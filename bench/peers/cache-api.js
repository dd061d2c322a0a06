// What one writes by hand to cache an API on Workers: GET and POST in the Cache API, POST under a SHA-256
// of the body. It follows Cloudflare's example (developers.cloudflare.com/workers/examples/cache-post-request),
// without the example's copies of the request. No types, no purge, no scopes.

const SECONDS = 300;

export default {
  async fetch(request, env, context) {
    const url = new URL(request.url);
    const body = request.method === "POST" ? await request.text() : null;
    const path = body === null ? "" : `/cached${url.pathname}/${await sha256(request.url + body)}`;
    const key = new Request(body === null ? request.url : url.origin + path);
    const found = await caches.default.match(key);
    if (found) return found;
    const answer = await fetch(env.ORIGIN + url.pathname + url.search, {
      method: request.method,
      headers: request.headers,
      body,
    });
    const kept = new Response(answer.body, answer);
    kept.headers.set("cache-control", `public, max-age=${SECONDS}`);
    context.waitUntil(caches.default.put(key, kept.clone()));
    return kept;
  },
};

async function sha256(text) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
