// The demo shop in a process of its own, for benchmarks and tests.

import { join } from "node:path";
import { freePort, launch, node, root, untilAnswers } from "./processes.mjs";

/** Starts the shop; resolves with its `url` and `port`, how often it was asked, and its end. */
export async function startOrigin() {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const { child, stop } = launch(node, ["--no-warnings", join(root, "examples/shop/server.mjs")], {
    env: { ORIGIN_PORT: String(port) },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const count = async () => (await (await fetch(`${url}/__origin/requests`)).json()).requests;
  try {
    await untilAnswers(`${url}/__origin/requests`, { child });
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, port, count, stop };
}
