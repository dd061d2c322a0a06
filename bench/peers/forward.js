// The floor of a miss: a worker that asks the origin, and does nothing else.

export default {
  fetch(request, env) {
    const url = new URL(request.url);
    return fetch(env.ORIGIN + url.pathname + url.search, request);
  },
};
