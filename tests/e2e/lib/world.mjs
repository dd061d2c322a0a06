// The Worker in real workerd, with stores, purge log and origin that a test controls. Several
// data centers are several workers: each has its own edge cache and isolate, and all share KV
// and the purge log.

import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { bin, freePort, start, stop, untilAnswers } from "../../../tools/processes.mjs";
import { copyWorker } from "../../../tools/worker-modules.mjs";
import { Origin } from "./origin.mjs";
import { Store } from "./stores.mjs";

export const ADMIN_TOKEN = "test-admin-token";
const library = fileURLToPath(new URL(".", import.meta.url));

/**
 * Starts a world; it ends with the test file.
 *
 * - `config`: the configuration in the binding, without `origin` if the origin is the test's own. Null: no
 *   binding
 * - `built`: the configuration that the build wrote, completed like `config`
 * - `configs`: one configuration for each data center, instead of `config`
 * - `places`: how many data centers there are; with `oneEdge` they are isolates of one
 * - `bindings`: `kv` and `log` may be left out; another world's `kv` is shared
 * - `stats`: whether the statistics object is bound
 * - `logKey`: distinguishes the purge log's namespace from those of other worlds
 * - `adminTokens`: the secret `ADMIN_TOKENS`; an array has one for each place
 * - `secrets`: more secrets by name
 * - `versions`: the id of the deployed version for each place, if it is bound
 * - `entry`: another main module, which imports `./index.js`
 * - `originUrl`: another origin than the test's own
 * - `cfBlobHeader`: the header in which the origin sees the `cf` options of each request
 * - `inspector`: whether workerd's inspector listens, at `inspectorPort`
 */
export async function startWorld(options = {}) {
  const world = new World();
  after(() => world.stop());
  await world.start(withDefaults(options));
  return world;
}

/** Starts a world for a program that is not a test. The program ends it with `stop`. */
export async function openWorld(options = {}) {
  const world = new World();
  try {
    await world.start(withDefaults(options));
  } catch (error) {
    await world.stop();
    throw error;
  }
  return world;
}

function withDefaults(options) {
  return { config: {}, places: 1, kv: true, adminTokens: ADMIN_TOKEN, ...options };
}

/** Most tests want to see in KV what was stored, without a second request. */
function withKv(config = {}) {
  const isFaulty = config.kv !== undefined && typeof config.kv !== "object";
  return isFaulty ? config : { ...config, kv: { writes: "always", ...config.kv } };
}

const STATS_PROXY = `const statsProxy :Workerd.Worker = (
  modules = [(name = "stats-proxy.js", esModule = embed "stats-proxy.js")],
  compatibilityDate = "2026-11-01",
  bindings = [
    (name = "REAL", durableObjectNamespace = (className = "Statistics", serviceName = "place0")),
    (name = "CONTROL", service = "control")
  ],
  durableObjectNamespaces = [(className = "FaultyStatistics", uniqueKey = "faulty-statistics")],
  durableObjectStorage = (inMemory = void),
  globalOutbound = "network"
);`;

class World {
  logMode = "ok";
  /** Under another name the log has lost its storage, and the isolates do not know. */
  logName = "the-log";
  statsMode = "ok";
  /** Under another name the statistics object has lost its storage. */
  statsName = "the-statistics";
  output = "";

  async start(options) {
    this.origin = await new Origin().listen();
    this.sharesKv = typeof options.kv === "object";
    this.kv = this.sharesKv ? options.kv : await new Store("kv").listen();
    const first = await new Store("cache").listen();
    const another = (n) => (n === 0 || options.oneEdge ? first : new Store("cache").listen());
    this.caches = await Promise.all(Array.from({ length: options.places }, (_, n) => another(n)));
    this.control = await new Origin().listen();
    this.control.answer = ({ url }, response) =>
      response.end(
        url === "/statistics" ? `${this.statsMode} ${this.statsName}` : `${this.logMode} ${this.logName}`,
      );
    this.options = options;
    this.configs = this.#configs(options.configs ?? this.caches.map(() => options.config));
    this.folder = mkdtempSync(join(tmpdir(), "evergraph-"));
    this.ports = await Promise.all(this.caches.map(() => freePort()));
    this.#write(options);
    if (options.inspector) this.inspectorPort = await freePort();
    await this.startWorkerd();
  }

  async startWorkerd() {
    const inspector = this.inspectorPort ? [`--inspector-addr=127.0.0.1:${this.inspectorPort}`] : [];
    this.process = start(bin("workerd"), ["serve", "--experimental", ...inspector, "config.capnp"], {
      cwd: this.folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const keep = (data) => {
      this.output += data;
    };
    this.process.stdout.on("data", keep);
    this.process.stderr.on("data", keep);
    try {
      await Promise.all(
        this.ports.map((port) =>
          untilAnswers(`http://127.0.0.1:${port}/__evergraph/`, { child: this.process, seconds: 30 }),
        ),
      );
    } catch (error) {
      throw new Error(`${error.message}\n${this.output}`);
    }
  }

  async stop() {
    await stop(this.process);
    if (!this.sharesKv) this.kv.close();
    for (const server of [this.origin, this.control, ...this.caches]) server.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Ends the isolates, and starts new ones over the same stores and the same log. */
  async restart() {
    await stop(this.process);
    await this.startWorkerd();
  }

  /** Deploys other configurations, one for each data center; stores and logs stay. */
  async redeploy(...configs) {
    this.configs = this.#configs(configs);
    await this.redeployWith({});
  }

  /** Deploys the same configurations with other options, such as `versions` or `adminTokens`. */
  async redeployWith(options) {
    Object.assign(this.options, options);
    writeFileSync(join(this.folder, "config.capnp"), this.#capnp(this.options));
    await this.restart();
  }

  /** Deploys another build of the configuration, for Workers without the binding. */
  async rebuilt(configuration) {
    copyWorker(this.folder, this.#completed(configuration));
    await this.restart();
  }

  #configs(configs) {
    return configs.map((config) => this.#completed(config));
  }

  #completed(config) {
    const origin = this.options.originUrl ?? this.origin.url;
    return config === null ? null : { service: "test", origin, ...withKv(config) };
  }

  url(path = "/", place = 0) {
    return `http://127.0.0.1:${this.ports[place]}${path}`;
  }

  /**
   * How often isolates read the purge log, by what they knew before: "nothing", their "replica", or a
   * neighbor's "snapshot". Without `from`, how often in all.
   */
  logReads(from) {
    const forms = { nothing: "0", replica: "1", snapshot: "2" };
    const reads = this.control.requests.filter(({ url }) => url.startsWith("/since/"));
    return from ? reads.filter(({ url }) => url === `/since/${forms[from]}`).length : reads.length;
  }

  /** Sends a request to the Worker of a place. The response has its body as `text`. */
  async ask(path, init = {}, place = 0) {
    const response = await fetch(this.url(path, place), { redirect: "manual", ...init });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      get json() {
        return JSON.parse(text);
      },
      xCache: response.headers.get("x-cache"),
      cacheStatus: response.headers.get("cache-status"),
    };
  }

  /** Posts a GraphQL request as JSON. */
  graphql(query, { variables, operationName, headers = {}, place = 0 } = {}) {
    return this.ask(
      "/graphql",
      {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify({ query, variables, operationName }),
      },
      place,
    );
  }

  admin(route, { body, method, token = ADMIN_TOKEN, place = 0 } = {}) {
    return this.ask(
      `/__evergraph/${route}`,
      {
        method: method ?? (body === undefined ? "GET" : "POST"),
        headers: {
          ...(token ? { authorization: `Bearer ${token}` } : {}),
          "content-type": "application/json",
        },
        body: typeof body === "object" ? JSON.stringify(body) : body,
      },
      place,
    );
  }

  /** Waits until a condition holds, for 20 s at least. `what` names it in the error. */
  async until(condition, what) {
    for (let tries = 0; tries < 800; tries += 1) {
      if (await condition()) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`waited in vain: ${what}\n${this.output.slice(-2_000)}`);
  }

  /** The log lines of an event so far. */
  events(name) {
    return this.output
      .split("\n")
      .filter((line) => line.includes(`"event":"${name}"`))
      .map((line) => JSON.parse(line.slice(line.indexOf("{"))));
  }

  #write(options) {
    this.modules = copyWorker(this.folder, this.#completed(options.built ?? null));
    for (const proxy of ["log-proxy.js", "stats-proxy.js"])
      copyFileSync(join(library, proxy), join(this.folder, proxy));
    mkdirSync(join(this.folder, "storage"));
    if (options.entry) writeFileSync(join(this.folder, "entry.js"), options.entry);
    writeFileSync(join(this.folder, "config.capnp"), this.#capnp(options));
  }

  #capnp(options) {
    const { kv, adminTokens, secrets = {}, versions, entry, log = true, logKey = "", cfBlobHeader } = options;
    const { stats = false } = options;
    const objects = (n) => [
      `(className = "PurgeLog", uniqueKey = "purge-log-${n}", enableSql = true)`,
      ...(stats ? [`(className = "Statistics", uniqueKey = "statistics-${n}", enableSql = true)`] : []),
    ];
    const quoted = (text) => JSON.stringify(text);
    const external = (name, address) => `(name = "${name}", external = (address = "${address}", http = ()))`;
    const places = this.caches.map((_, n) => n);
    const binding = (name, value) => `(name = "${name}", ${value})`;
    const tokensOf = (n) => (Array.isArray(adminTokens) ? adminTokens[n] : adminTokens);
    const configured = (n) => {
      const config = this.configs[n];
      return config === null ? null : binding("EVERGRAPH", `json = ${quoted(JSON.stringify(config))}`);
    };
    const bindingsOf = (n) => [
      configured(n),
      tokensOf(n) ? binding("ADMIN_TOKENS", `text = ${quoted(tokensOf(n))}`) : null,
      ...Object.entries(secrets).map(([name, secret]) => binding(name, `text = ${quoted(secret)}`)),
      versions?.[n]
        ? binding("VERSION_METADATA", `json = ${quoted(JSON.stringify({ id: versions[n] }))}`)
        : null,
      kv ? binding("CACHE_KV", 'kvNamespace = "kv"') : null,
      log
        ? binding(
            "PURGE_LOG",
            'durableObjectNamespace = (className = "FaultyLog", serviceName = "log-proxy")',
          )
        : null,
      stats
        ? binding(
            "STATS",
            'durableObjectNamespace = (className = "FaultyStatistics", serviceName = "stats-proxy")',
          )
        : null,
    ];
    const network = cfBlobHeader
      ? `(name = "network", external = (address = "127.0.0.1:${this.origin.port}", http = (cfBlobHeader = "${cfBlobHeader}")))`
      : '(name = "network", network = (allow = ["private", "public"]))';
    const modules = [entry ? '(name = "entry.js", esModule = embed "entry.js")' : null, this.modules]
      .filter(Boolean)
      .join(", ");
    const worker = (n) => `const place${n} :Workerd.Worker = (
  modules = [${modules}],
  compatibilityDate = "2026-11-01",
  bindings = [${bindingsOf(n).filter(Boolean).join(", ")}],
  durableObjectNamespaces = [${objects(n).join(", ")}],
  durableObjectStorage = (localDisk = "storage"),
  cacheApiOutbound = "cache${n}",
  globalOutbound = "network"
);`;
    return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ${network},
    (name = "storage", disk = (path = "storage", writable = true)),
    ${external("kv", this.kv.address)},
    ${external("control", `127.0.0.1:${this.control.port}`)},
    ${places.map((n) => external(`cache${n}`, this.caches[n].address)).join(", ")},
    (name = "log-proxy", worker = .logProxy),
    ${stats ? '(name = "stats-proxy", worker = .statsProxy),' : ""}
    ${places.map((n) => `(name = "place${n}", worker = .place${n})`).join(", ")}
  ],
  sockets = [${places.map((n) => `(name = "s${n}", address = "127.0.0.1:${this.ports[n]}", http = (), service = "place${n}")`).join(", ")}]
);
const logProxy :Workerd.Worker = (
  modules = [(name = "log-proxy.js", esModule = embed "log-proxy.js")],
  compatibilityDate = "2026-11-01",
  compatibilityFlags = ["enable_request_signal"],
  bindings = [
    (name = "REAL", durableObjectNamespace = (className = "PurgeLog", serviceName = "place0")),
    (name = "CONTROL", service = "control")
  ],
  durableObjectNamespaces = [(className = "FaultyLog", uniqueKey = "faulty-log${logKey}")],
  durableObjectStorage = (inMemory = void),
  globalOutbound = "network"
);
${stats ? STATS_PROXY : ""}
${places.map(worker).join("\n")}
`;
  }
}
