// The floor: a worker that answers every request with the same body, and reads nothing.

export default {
  fetch: (_request, env) => new Response(env.ANSWER, { headers: { "content-type": "application/json" } }),
};
