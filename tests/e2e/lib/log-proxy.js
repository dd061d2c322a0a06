// Stands between the workers and the real purge log, and spoils it where the test says so.

export class FaultyLog {
  constructor(state, env) {
    this.state = state;
    this.env = env;
  }

  async fetch(request) {
    const mode = await (await this.env.CONTROL.fetch("http://control/")).text();
    const appends = new URL(request.url).pathname === "/append";
    if (mode === "error" || (mode === "read-only" && appends)) throw new Error("the log is broken");
    if (mode === "hang") await new Promise(() => setInterval(() => {}, 1_000));
    if (mode === "garbage") return new Response("\u0000 no JSON");
    const real = this.env.REAL.get(this.env.REAL.idFromName("the-log"));
    const response = await real.fetch(request);
    // A reply that is lost after the work was done.
    if (mode === "lost-reply") throw new Error("the connection broke");
    return response;
  }
}

export default { fetch: () => new Response(null, { status: 404 }) };
