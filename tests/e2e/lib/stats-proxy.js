// A proxy between the Workers and the real statistics object, which fails or waits on a test's request.

export class FaultyStatistics {
  constructor(state, env) {
    this.state = state;
    this.env = env;
  }

  async fetch(request) {
    const message = await request.text();
    const told = await this.env.CONTROL.fetch("http://control/statistics");
    const [mode, name] = (await told.text()).split(" ");
    if (mode === "error") throw new Error("the object is broken");
    if (mode === "hang") await new Promise(() => setInterval(() => {}, 1_000));
    if (mode === "garbage") return new Response("\u0000 no message");
    // Each object has one of its own behind it, and another one where the test has its storage lost.
    const real = this.env.REAL.get(this.env.REAL.idFromName(`${name} ${this.state.id}`));
    const response = await real.fetch("https://statistics/", { method: "POST", body: message });
    // A reply that is lost after the work was done.
    if (mode === "lost-reply") throw new Error("the connection broke");
    return response;
  }
}

export default { fetch: () => new Response(null, { status: 404 }) };
