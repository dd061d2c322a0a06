// The peers, each in a workerd process of its own: Evergraph as it was built, and the JavaScript
// workers in peers/.

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { bin, freePort, launch, root, untilAnswers } from "../tools/processes.mjs";
import { copyWorker } from "../tools/worker-modules.mjs";

export const ADMIN_TOKEN = "bench";
const COMPATIBILITY_DATE = "2026-11-01";
const TICKS_A_SECOND = 100; // the unit of CPU time on Linux

/**
 * Starts all peers. `backends` are the same for all: `origin`, a URL; `cache` and `kv`, addresses;
 * `answer`, the bytes that the constant worker answers.
 */
export async function startPeers(folder, backends) {
  const peers = [];
  try {
    for (const [name, prepare] of Object.entries(WORKERS)) {
      const place = join(folder, name);
      mkdirSync(join(place, "storage"), { recursive: true });
      peers.push(await startPeer(name, place, prepare(place, backends), backends));
    }
  } catch (error) {
    await Promise.all(peers.map((peer) => peer.stop()));
    throw error;
  }
  return Object.fromEntries(peers.map((peer) => [peer.name, peer]));
}

/** What each peer's worker is, as workerd's configuration has it. */
const WORKERS = {
  evergraph(place, { origin }) {
    const configuration = parse(readFileSync(join(root, "examples/shop/evergraph.toml"), "utf8"));
    return `
  modules = [${copyWorker(place)}],
  bindings = [
    (name = "EVERGRAPH", json = ${quoted(JSON.stringify({ ...configuration, origin }))}),
    (name = "ADMIN_TOKENS", text = ${quoted(ADMIN_TOKEN)}),
    (name = "CACHE_KV", kvNamespace = "kv"),
    (name = "PURGE_LOG", durableObjectNamespace = "PurgeLog")
  ],
  durableObjectNamespaces = [(className = "PurgeLog", uniqueKey = "purge-log", enableSql = true)],
  durableObjectStorage = (localDisk = "storage"),`;
  },
  constant(place, { answer }) {
    writeFileSync(join(place, "answer.json"), answer);
    return script(place, "constant.js", '(name = "ANSWER", text = embed "answer.json")');
  },
  "cache-api": (place, { origin }) => script(place, "cache-api.js", originBinding(origin)),
  forward: (place, { origin }) => script(place, "forward.js", originBinding(origin)),
};

function originBinding(origin) {
  return `(name = "ORIGIN", text = ${quoted(origin)})`;
}

function script(place, file, binding) {
  copyFileSync(join(root, "bench/peers", file), join(place, file));
  return `
  modules = [(name = "${file}", esModule = embed "${file}")],
  bindings = [${binding}],`;
}

async function startPeer(name, place, worker, { cache, kv }) {
  const port = await freePort();
  writeFileSync(
    join(place, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "peer", worker = .peer),
    (name = "storage", disk = (path = "storage", writable = true)),
    (name = "network", network = (allow = ["private", "public"])),
    (name = "cache", external = (address = "${cache}", http = ())),
    (name = "kv", external = (address = "${kv}", http = ()))
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "peer")]
);
const peer :Workerd.Worker = (${worker}
  compatibilityDate = "${COMPATIBILITY_DATE}",
  cacheApiOutbound = "cache",
  globalOutbound = "network"
);
`,
  );
  // Log lines are discarded: a reader would take CPU time from what is measured.
  const { child, stop } = launch(bin("workerd"), ["serve", "--experimental", "config.capnp"], {
    cwd: place,
    stdio: ["ignore", "ignore", "inherit"],
  });
  try {
    await untilAnswers(`http://127.0.0.1:${port}/`, { child, seconds: 30 });
  } catch (error) {
    await stop();
    throw error;
  }
  return { name, port, cpuSeconds: () => cpuSeconds(child.pid), cpuNanos: () => cpuNanos(child.pid), stop };
}

/** The CPU time that a workerd has taken, all its threads together; null if the system does not say. */
function cpuSeconds(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [, program, rest] = /^\d+ \((.*)\) (.*)$/s.exec(stat);
    const fields = rest.split(" ");
    return program === "workerd" ? (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND : null;
  } catch {
    return null;
  }
}

/**
 * The CPU time that a process's first thread has taken, in nanoseconds; null if the system does not say.
 * In workerd it is the thread of the isolate; the others compile and collect garbage.
 */
function cpuNanos(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8").split(" ")[0]);
  } catch {
    return null;
  }
}

function quoted(text) {
  return JSON.stringify(text);
}
