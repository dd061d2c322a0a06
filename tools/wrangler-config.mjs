// What wrangler's file means for Evergraph: what the build refuses, what it warns about, and a summary of
// what will be deployed. All of it is computed from values.

/** The most bytes that Cloudflare allows for a variable (developers.cloudflare.com/workers/platform/limits). */
export const VARIABLE_BYTES = 5 * 1024;

/** The top level and each environment, with the path that leads to it. */
function parts(wrangler) {
  const environments = Object.entries(wrangler.env ?? {});
  return [
    { path: "", of: undefined, part: wrangler },
    ...environments.map(([name, part]) => ({ path: `env.${name}.`, of: name, part })),
  ];
}

/** The keys that turn Workers Cache on before the Worker, at the top and in each environment. */
export function workersCacheKeys(wrangler) {
  return parts(wrangler).flatMap(({ path, part }) => {
    const own = part.exports?.default?.cache?.enabled;
    if (own) return [`${path}exports.default.cache.enabled`];
    return part.cache?.enabled && own !== false ? [`${path}cache.enabled`] : [];
  });
}

/** What must not be deployed. */
export function refusals(wrangler) {
  const why = "Workers Cache answers before the Worker, and no purge reaches it (docs/operations.md)";
  return workersCacheKeys(wrangler).map((key) => `${key}: turn it off. ${why}`);
}

/** Every binding `EVERGRAPH`, with its path and its environment. */
export function bindings(wrangler) {
  return parts(wrangler)
    .map(({ path, of, part }) => ({ path: `${path}vars.EVERGRAPH`, of, value: part.vars?.EVERGRAPH }))
    .filter(({ value }) => value !== undefined);
}

/** Bindings that Cloudflare would refuse, or that are not JSON. */
export function bindingFaults(wrangler) {
  return bindings(wrangler).flatMap(({ path, value }) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    const bytes = Buffer.byteLength(text);
    if (bytes > VARIABLE_BYTES) {
      return `${path} has ${bytes} bytes, and Cloudflare allows ${VARIABLE_BYTES} for a variable. Move its keys to evergraph.toml, without the prefix "vars.EVERGRAPH", and remove the variable.`;
    }
    return isJson(text) ? [] : `${path} is text that is not JSON.`;
  });
}

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Values that `[env.<name>]` does not inherit, and which bindings they are. */
const NOT_INHERITED = [
  ["durable_objects", "PURGE_LOG", (part) => part.durable_objects?.bindings?.map(({ name }) => name)],
  ["durable_objects", "STATS", (part) => part.durable_objects?.bindings?.map(({ name }) => name)],
  ["kv_namespaces", "CACHE_KV", (part) => part.kv_namespaces?.map(({ binding }) => binding)],
  [
    "version_metadata",
    "VERSION_METADATA",
    (part) => part.version_metadata && [part.version_metadata.binding],
  ],
];

const isBound = (binding, part) =>
  NOT_INHERITED.find(([, name]) => name === binding)[2](part)?.includes(binding) ?? false;

/** The environment must be in the file. Otherwise wrangler would deploy the top level, or fail after the build. */
export function environmentFaults(wrangler, environment) {
  if (environment === undefined || wrangler.env?.[environment] !== undefined) return [];
  const names = Object.keys(wrangler.env ?? {});
  const others = names.length > 0 ? `It has: ${names.join(", ")}.` : "It has no environments.";
  const bound = NOT_INHERITED.filter(([, binding]) => isBound(binding, wrangler));
  const keys = bound.map(([key, binding]) => `${key} (${binding})`).join(", ");
  return [
    `no [env.${environment}]. ${others} To add one, repeat the bindings under [env.${environment}]: ${keys}. See docs/configuration.md#environments.`,
  ];
}

/** The part of wrangler's file that is deployed, with what it inherits. */
function deployedPart(wrangler, environment) {
  if (environment === undefined) return wrangler;
  const { name, routes, route, placement, triggers } = wrangler;
  const own = wrangler.env?.[environment] ?? {};
  return { name: `${name}-${environment}`, routes, route, placement, triggers, ...own };
}

/** What works on this machine and not on Cloudflare, one line each. */
export function warnings({ wrangler, environment, configuration }) {
  const part = deployedPart(wrangler, environment);
  return [
    ...bindingWarnings(wrangler, part, environment),
    ...warmWarnings(part, configuration),
    ...originWarnings(part, configuration),
    ...inheritedRoutes(wrangler, environment),
    ...routeWarnings(part),
    ...placementWarnings(part),
  ];
}

function bindingWarnings(wrangler, part, environment) {
  const found = [];
  if (!isBound("PURGE_LOG", part)) {
    found.push("PURGE_LOG: no Durable Object has this binding, so nothing is served from the cache.");
  }
  for (const { binding, id } of part.kv_namespaces ?? []) {
    if (/^0+$/.test(id ?? "")) {
      found.push(`${binding}: the id is a placeholder. Remove it; the deploy then creates the namespace.`);
    }
  }
  for (const [name, other] of Object.entries(wrangler.env ?? {})) {
    const missing = NOT_INHERITED.filter(
      ([, binding]) => isBound(binding, wrangler) && !isBound(binding, other),
    );
    const keys = missing.map(([key, binding]) => `${key} (${binding})`);
    if (keys.length > 0) {
      const whose = name === environment ? "this environment" : `env.${name}`;
      found.push(`${whose} does not inherit bindings. Repeat under [env.${name}]: ${keys.join(", ")}.`);
    }
  }
  return found;
}

/** What warming by itself needs (docs/warming.md#automatically). */
function warmWarnings(part, { warm }) {
  const on = warm?.on ?? [];
  const needed = [
    ["STATS", on.length > 0],
    ["VERSION_METADATA", on.includes("deploy")],
  ];
  return needed
    .filter(([binding, isNeeded]) => isNeeded && !isBound(binding, part))
    .map(([binding]) => `warm.on: without the binding ${binding}, nothing is warmed by itself.`);
}

/** Each option of `placement` except "off" moves the Worker (developers.cloudflare.com/workers/configuration/placement). */
function placementWarnings({ placement = {} }) {
  const moves = Object.entries(placement).some(([key, value]) => !(key === "mode" && value === "off"));
  return moves
    ? ["placement: it moves the Worker, and with it memory and edge cache, away from the users. Remove it."]
    : [];
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\])$|\.localhost$/;

function originWarnings(part, { origin }) {
  if (origin === undefined) {
    return patternsOf(part).length > 0
      ? []
      : ["no origin and no route: set `origin` in evergraph.toml, or `routes` in wrangler.toml."];
  }
  const host = URL.canParse(origin) ? new URL(origin).hostname : "";
  return LOOPBACK.test(host)
    ? [`origin: ${origin} is this machine, which Cloudflare cannot reach. Every request would fail.`]
    : [];
}

/** The patterns of routes; custom domains take every path. */
function patternsOf({ routes, route }) {
  const list = routes ?? (route === undefined ? [] : [route]);
  return list.map((one) => (typeof one === "string" ? { pattern: one } : one));
}

/** Unlike bindings, routes are inherited: an environment without its own takes those of the top level. */
function inheritedRoutes(wrangler, environment) {
  const patterns = patternsOf(wrangler).map(({ pattern }) => pattern);
  if (patterns.length === 0) return [];
  return Object.entries(wrangler.env ?? {})
    .filter(([, { route, routes }]) => route === undefined && routes === undefined)
    .map(([name]) => {
      const whose = name === environment ? "this environment" : `env.${name}`;
      return `routes: ${whose} inherits ${patterns.join(", ")}, and its deploy takes the traffic from the top level's Worker. Set \`routes\` under [env.${name}]; \`routes = []\` for none.`;
    });
}

/** Hosts of which the Worker gets some paths, but not the admin routes. */
function routeWarnings(part) {
  const hosts = new Map();
  for (const { pattern, custom_domain: whole } of patternsOf(part)) {
    const [host, ...path] = pattern.replace(/^https?:\/\//, "").split("/");
    const takes = whole || matches(`/${path.join("/")}`, "/__evergraph/health");
    hosts.set(host, takes || hosts.get(host) === true);
  }
  return [...hosts]
    .filter(([, takes]) => !takes)
    .map(
      ([host]) =>
        `routes: no pattern covers ${host}/__evergraph/*, so the admin routes (purge, health) cannot be reached. Add one.`,
    );
}

function matches(pattern, path) {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(path);
}

/** What will be deployed, as lines. */
export function summary({ wrangler, environment, configuration, files }) {
  const part = deployedPart(wrangler, environment);
  const count = (value) => Object.keys(value ?? {}).length;
  const number = (count, one) => `${count} ${one}${count === 1 ? "" : "s"}`;
  const routes = patternsOf(part).map(({ pattern }) => pattern);
  const bound = NOT_INHERITED.map(([, binding]) => binding).filter((binding) => isBound(binding, part));
  const rows = {
    worker: environment === undefined ? part.name : `${part.name} (environment ${environment})`,
    service: configuration.service ?? "evergraph",
    configuration: files.length > 0 ? files.join(", ") : "the binding EVERGRAPH",
    origin: configuration.origin ?? "where the route leads",
    routes: routes.length > 0 ? routes.join(", ") : "none",
    rules: [
      number(count(configuration.types), "cache type"),
      number(count(configuration.scopes), "scope"),
      number(count(configuration.resources), "resource"),
      number(count(configuration.mutations?.rules), "mutation rule"),
    ].join(", "),
    bindings: bound.length > 0 ? bound.join(", ") : "none",
  };
  return Object.entries(rows).map(([name, value]) => `  ${name.padEnd(14)}${value}`);
}
