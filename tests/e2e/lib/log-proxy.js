// Stands between the workers and the real purge log, and spoils it where the test says so.

/** What becomes of a message on its way. Byte 3 is its version. */
const SPOILED = {
  cut: (bytes) => bytes.subarray(0, bytes.length - 1),
  damaged: (bytes) => bytes.with(bytes.length - 1, bytes.at(-1) ^ 1),
  future: (bytes) => bytes.with(3, bytes[3] + 1),
};

export class FaultyLog {
  constructor(state, env) {
    this.state = state;
    this.env = env;
  }

  async fetch(request) {
    const { pathname } = new URL(request.url);
    // The test sees what the log is asked.
    const answer = await (await this.env.CONTROL.fetch(`http://control${pathname}`)).text();
    const [mode, name] = answer.split(" ");
    if (mode === "error" || (mode === "read-only" && pathname !== "/since"))
      throw new Error("the log is broken");
    if (mode === "hang") await new Promise(() => setInterval(() => {}, 1_000));
    if (mode === "garbage") return new Response("\u0000 no message");
    // Each log has one of its own behind it, and another one where the test has its storage lost.
    const real = this.env.REAL.get(this.env.REAL.idFromName(`${name} ${this.state.id}`));
    if (mode === "damaged-question") {
      const question = SPOILED.damaged(new Uint8Array(await request.arrayBuffer()));
      return real.fetch(new Request(request.url, { method: "POST", body: question }));
    }
    if (mode.startsWith("reads-only-")) {
      const question = new Uint8Array(await request.arrayBuffer());
      await this.env.CONTROL.fetch(`http://control/asked-in-version/${question[3]}`);
      if (question[3] !== Number(mode.slice("reads-only-".length)))
        return new Response("version", { status: 400 });
      return real.fetch(new Request(request.url, { method: "POST", body: question }));
    }
    const response = await real.fetch(request);
    const spoil = SPOILED[mode];
    if (spoil) return new Response(spoil(new Uint8Array(await response.arrayBuffer())));
    // A reply that is lost after the work was done.
    if (mode === "lost-reply") throw new Error("the connection broke");
    return response;
  }
}

export default { fetch: () => new Response(null, { status: 404 }) };
