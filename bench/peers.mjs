// The peers, each in a workerd process of its own: Evergraph as it was built, and the JavaScript
// workers in peers/.

import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { parse } from "smol-toml";
import { bin, freePort, launch, root, untilAnswers } from "../tools/processes.mjs";
import { copyWorker } from "../tools/worker-modules.mjs";

export const ADMIN_TOKEN = "bench";
const COMPATIBILITY_DATE = "2026-11-01";

/** The configuration of Evergraph: the demo shop's, with the default log lines, and exact purges. */
export function configuration(origin) {
  const { log, ...shop } = parse(readFileSync(join(root, "examples/shop/evergraph.toml"), "utf8"));
  return { ...shop, mutations: { policy: "entity" }, origin };
}

/** What each peer's worker is, as workerd's configuration has it. */
const WORKERS = {
  constant(place, { answer }) {
    writeFileSync(join(place, "answer.json"), answer);
    return script(place, "constant.js", '(name = "ANSWER", text = embed "answer.json")');
  },
  map: (place, { origin }) => script(place, "map.js", originBinding(origin)),
  "cache-api": (place, { origin }) => script(place, "cache-api.js", originBinding(origin)),
  kv: (place, { origin }) =>
    script(place, "kv.js", `${originBinding(origin)}, (name = "KV", kvNamespace = "kv")`),
  "edge-kv": (place, { origin }) =>
    script(place, "edge-kv.js", `${originBinding(origin)}, (name = "KV", kvNamespace = "kv")`),
  yoga: (place, { origin, yoga }) => {
    writeFileSync(join(place, "yoga.js"), yoga);
    return worker("yoga.js", originBinding(origin));
  },
  forward: (place, { origin }) => script(place, "forward.js", originBinding(origin)),
  evergraph: (place, backends) => evergraph(place, backends, "shop"),
};

/** Each build has a service of its own, so that they do not share what is stored. */
function evergraph(place, { origin }, service, folder) {
  const configured = { ...configuration(origin), service };
  return `
  modules = [${copyWorker(place, null, folder)}],
  bindings = [
    (name = "EVERGRAPH", json = ${quoted(JSON.stringify(configured))}),
    (name = "ADMIN_TOKENS", text = ${quoted(ADMIN_TOKEN)}),
    (name = "CACHE_KV", kvNamespace = "kv"),
    (name = "PURGE_LOG", durableObjectNamespace = "PurgeLog"),
    (name = "STATS", durableObjectNamespace = "Statistics")
  ],
  durableObjectNamespaces = [
    (className = "PurgeLog", uniqueKey = "purge-log", enableSql = true),
    (className = "Statistics", uniqueKey = "statistics", enableSql = true)
  ],
  durableObjectStorage = (localDisk = "storage"),`;
}

const originBinding = (origin) => `(name = "ORIGIN", text = ${quoted(origin)})`;

function script(place, file, bindings) {
  copyFileSync(join(root, "bench/peers", file), join(place, file));
  return worker(file, bindings);
}

const worker = (file, bindings) => `
  modules = [(name = "${file}", esModule = embed "${file}")],
  bindings = [${bindings}],`;

/** The Worker of Yoga in one file. */
export async function bundleYoga() {
  const { outputFiles } = await build({
    entryPoints: [join(root, "bench/peers/yoga.js")],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    conditions: ["worker", "browser"],
    define: { "process.env.NODE_ENV": '"production"' },
  });
  return outputFiles[0].contents;
}

/**
 * Prepares a peer in a folder: it can be started, and stopped, again and again. `backends` are the same for
 * all: `origin`, a URL; `cache` and `kv`, addresses; `answer`, the bytes that the constant worker answers;
 * `yoga`, the bundle. `builds` are other builds of Evergraph, by name.
 */
export function preparePeer(name, folder, backends, builds = {}) {
  const place = join(folder, name);
  mkdirSync(join(place, "storage"), { recursive: true });
  const made =
    name in builds ? evergraph(place, backends, name, builds[name]) : WORKERS[name](place, backends);
  return { name, start: () => startPeer(name, place, made, backends) };
}

/** Starts a peer and waits until it answers. */
export async function startReady(prepared) {
  const peer = await prepared.start();
  try {
    await untilAnswers(`http://127.0.0.1:${peer.port}/`, { child: peer.child, seconds: 30 });
  } catch (error) {
    await peer.stop();
    throw error;
  }
  return peer;
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
  const { pid } = child;
  return { name, port, child, cpuMillis: () => cpuMillis(pid), cpuNanos: () => cpuNanos(pid), stop };
}

/** The CPU time of all threads of a process in milliseconds; null if the system does not say. */
export function cpuMillis(pid) {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`);
    return tasks.reduce((sum, task) => sum + nanosOf(`/proc/${pid}/task/${task}`), 0) / 1e6;
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
    return nanosOf(`/proc/${pid}/task/${pid}`);
  } catch {
    return null;
  }
}

const nanosOf = (task) => Number(readFileSync(`${task}/schedstat`, "utf8").split(" ")[0]);

const quoted = (text) => JSON.stringify(text);
