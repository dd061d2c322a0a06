// A proxy between the Workers and the real purge log, which fails or damages messages on a test's request.

/** What happens to a message on its way. Byte 3 is its version. */
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
    const tell = (what) => this.env.CONTROL.fetch(`http://control${what}`);
    const { pathname } = new URL(request.url);
    request.signal.addEventListener("abort", () => tell("/aborted"));
    const bytes = new Uint8Array(await request.arrayBuffer());
    // The first byte of a question says from where it asks.
    const [mode, name] = (await (await tell(`${pathname}/${bytes[13]}`)).text()).split(" ");
    if (mode === "error" || (mode === "read-only" && pathname !== "/since"))
      throw new Error("the log is broken");
    if (mode === "hang") await new Promise(() => setInterval(() => {}, 1_000));
    if (mode === "garbage") return new Response("\u0000 no message");
    if (mode === "slow") await new Promise((resolve) => setTimeout(resolve, 500));
    // Each log has one of its own behind it, and another one where the test has its storage lost.
    const real = this.env.REAL.get(this.env.REAL.idFromName(`${name} ${this.state.id}`));
    if (mode.startsWith("reads-only-")) {
      await tell(`/asked-in-version/${bytes[3]}`);
      if (bytes[3] !== Number(mode.slice("reads-only-".length)))
        return new Response("version", { status: 400 });
    }
    const body = mode === "damaged-question" ? SPOILED.damaged(bytes) : bytes;
    const response = await real.fetch(new Request(request.url, { method: "POST", body }));
    if (mode === "damaged-question") return response;
    const spoil = SPOILED[mode];
    if (spoil) return new Response(spoil(new Uint8Array(await response.arrayBuffer())));
    // A reply that is lost after the work was done.
    if (mode === "lost-reply") throw new Error("the connection broke");
    return response;
  }
}

export default { fetch: () => new Response(null, { status: 404 }) };
