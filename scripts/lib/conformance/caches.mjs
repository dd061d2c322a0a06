// The caches that the suite is run against, each in front of the suite's origin and on a port of
// its own: Evergraph in workerd, and others to compare its results with.

import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { openWorld } from "../../../tests/e2e/lib/world.mjs";
import { freePort, launch, untilAnswers } from "../../../tools/processes.mjs";
import { Advice } from "../../../tools/script.mjs";

/**
 * Evergraph as a general HTTP cache: no cache type matches, so that the origin's headers alone say
 * what is stored and for how long, and nothing is bypassed by its path. `origin` is the suite's.
 */
const EVERGRAPH = {
  service: "conformance",
  ignore_cookies: ["*"],
  rest: { heuristic: true, authorization: "origin", cdn_cache_control: "keep" },
  types: { all: { match: ["rest:/**"], ttl: "origin", sie: 60 } },
};

/** Functions that start each cache in front of `origin`. `scratch` is an empty folder for their files. */
const CACHES = {
  async evergraph(origin) {
    const world = await openWorld({ config: EVERGRAPH, originUrl: origin.url });
    return { url: world.url(""), stop: () => world.stop() };
  },

  nginx: (origin, scratch) =>
    startProgram("nginx", (port) => {
      const file = join(scratch, "nginx.conf");
      writeFileSync(file, nginxConfiguration(port, origin, scratch));
      return ["-p", scratch, "-e", join(scratch, "error.log"), "-c", file];
    }),

  varnish: (origin, scratch) =>
    startProgram("varnishd", (port) => {
      const file = join(scratch, "default.vcl");
      const backend = `backend default { .host = "127.0.0.1"; .port = "${origin.port}"; }`;
      writeFileSync(file, `vcl 4.1;\n${backend}\n`);
      // Nothing lives by itself, but what can be validated is kept for it.
      const lifetimes = ["-p", "default_ttl=0", "-p", "default_grace=0", "-p", "default_keep=3600"];
      const place = ["-n", join(scratch, "working"), "-j", "none", "-T", "none"];
      return ["-F", ...place, "-a", `127.0.0.1:${port}`, "-f", file, "-s", "malloc,64M", ...lifetimes];
    }),

  /** No cache at all: which tests an origin and the suite's client pass by themselves. */
  direct: async (origin) => ({ url: origin.url, stop: async () => {} }),
};

const PROGRAMS = { nginx: ["nginx", "-v"], varnish: ["varnishd", "-V"] };

/** The names of the caches to run: those asked for, or all that are there. */
export function whichCaches(asked) {
  const unknown = asked?.find((name) => !(name in CACHES));
  if (unknown !== undefined) {
    throw new Advice(`--only ${unknown}: there are ${Object.keys(CACHES).join(", ")}.`);
  }
  const missing = (name) => name in PROGRAMS && !isOnPath(PROGRAMS[name][0]);
  if (asked !== undefined) {
    const lacking = asked.find(missing);
    if (lacking === undefined) return asked;
    throw new Advice(
      `${PROGRAMS[lacking][0]} is not on the PATH: install the system's package ${lacking}, or add its folder (often /usr/sbin) to the PATH.`,
    );
  }
  return Object.keys(CACHES).filter((name) => {
    if (missing(name)) console.log(`${name} is left out: ${PROGRAMS[name][0]} is not on the PATH`);
    return name !== "direct" && !missing(name);
  });
}

/** Starts a cache by its name; resolves with its `url`, its `version` and what ends it. */
export async function startCache(name, origin, scratch) {
  const place = join(scratch, name);
  mkdirSync(place, { mode: 0o755 });
  const cache = await CACHES[name](origin, place);
  return { ...cache, version: versionOf(name) };
}

async function startProgram(program, configure) {
  const port = await freePort();
  let said = "";
  const { child, stop } = launch(program, configure(port), { stdio: ["ignore", "pipe", "pipe"] });
  const keep = (data) => {
    said = `${said}${data}`.slice(-4_000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const url = `http://127.0.0.1:${port}`;
  try {
    await untilAnswers(`${url}/index.html`, { child, seconds: 30 });
  } catch (error) {
    await stop();
    throw new Error(`${program}: ${error.message}\n${said}`);
  }
  return { url, stop };
}

function nginxConfiguration(port, origin, scratch) {
  const temporary = ["client_body", "fastcgi", "proxy", "scgi", "uwsgi"];
  return `daemon off;
pid ${scratch}/nginx.pid;
worker_processes auto;
events { worker_connections 2048; }
http {
  access_log off;
  ${temporary.map((kind) => `${kind}_temp_path ${scratch}/${kind};`).join("\n  ")}
  proxy_cache_path ${scratch}/cache levels=1:2 keys_zone=conformance:8m max_size=1000m inactive=600m;
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass ${origin.url};
      proxy_http_version 1.1;
      proxy_cache conformance;
      proxy_cache_revalidate on;
    }
  }
}
`;
}

function versionOf(name) {
  if (!(name in PROGRAMS)) return null;
  const [program, ...args] = PROGRAMS[name];
  const { stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  return /\d+\.\d+\.\d+/.exec(`${stdout}${stderr}`)?.[0] ?? null;
}

function isOnPath(program) {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
