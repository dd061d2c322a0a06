// How much memory a Worker takes: its JavaScript heap and the memory of its Wasm, as V8 counts them. The
// memory of the process does not show it, since allocators keep freed memory.

/** A main module that says at `/wasm-memory` how many bytes Wasm's memory has. */
export const measuredEntry = `
const { Instance } = WebAssembly;
let memory;
WebAssembly.Instance = class extends Instance {
  constructor(...args) {
    super(...args);
    memory = this.exports.memory;
  }
};
const { default: worker, PurgeLog } = await import("./index.js");
export { PurgeLog };

export default {
  fetch(request, env, context) {
    if (!request.url.endsWith("/wasm-memory")) return worker.fetch(request, env, context);
    return new Response(\`\${memory.buffer.byteLength}\`);
  },
};
`;

/** The memory of a world that was started with `inspector` and with `measuredEntry`. */
export class Heap {
  #waiting = new Map();
  #last = 0;

  static async of(world) {
    const heap = new Heap();
    heap.world = world;
    const targets = await (await fetch(`http://127.0.0.1:${world.inspectorPort}/json`)).json();
    const target = targets.find(({ id, title }) => `${id} ${title}`.includes("place0"));
    heap.socket = new WebSocket(target.webSocketDebuggerUrl);
    await new Promise((resolve, reject) => {
      heap.socket.addEventListener("open", resolve);
      heap.socket.addEventListener("error", reject);
    });
    heap.socket.addEventListener("message", ({ data }) => {
      const { id, result, error } = JSON.parse(data);
      heap.#waiting.get(id)?.(error ?? result);
      heap.#waiting.delete(id);
    });
    return heap;
  }

  #call(method) {
    this.#last += 1;
    const answered = new Promise((resolve) => this.#waiting.set(this.#last, resolve));
    this.socket.send(JSON.stringify({ id: this.#last, method }));
    return answered;
  }

  /** Bytes of live objects, of the memory behind buffers, and of Wasm. */
  async alive() {
    let collected = false;
    const collecting = this.#call("HeapProfiler.collectGarbage").then(() => {
      collected = true;
    });
    // It is collected once the isolate runs.
    do await this.#wasm();
    while (!collected);
    await collecting;
    return this.used();
  }

  /** The same, with objects that are to be collected. */
  async used() {
    const wasm = await this.#wasm();
    const { usedSize, backingStorageSize } = await this.#call("Runtime.getHeapUsage");
    return { js: usedSize + backingStorageSize, wasm, all: usedSize + backingStorageSize + wasm };
  }

  async #wasm() {
    return Number((await this.world.ask("/wasm-memory")).text);
  }

  close() {
    this.socket.close();
  }
}
