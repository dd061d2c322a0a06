// Caches that are no Workers, where they are installed: nginx and Varnish. They cache GET alone, in a program
// of their own, so they show what a cache costs without the Workers runtime.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { freePort, launch, untilAnswers } from "../tools/processes.mjs";
import { cpuMillis } from "./peers.mjs";

const SECONDS = 300;

/** How each is started: its program, and its arguments for a port, an origin and an empty folder. */
const PROGRAMS = {
  nginx: {
    program: "nginx",
    arguments(port, origin, place) {
      const file = join(place, "nginx.conf");
      writeFileSync(file, nginxConfiguration(port, origin, place));
      return ["-p", place, "-e", join(place, "error.log"), "-c", file];
    },
  },
  varnish: {
    program: "varnishd",
    arguments(port, origin, place) {
      const file = join(place, "default.vcl");
      writeFileSync(file, `vcl 4.1;\nbackend default { .host = "127.0.0.1"; .port = "${origin.port}"; }\n`);
      const where = ["-n", join(place, "working"), "-j", "none", "-T", "none", "-a", `127.0.0.1:${port}`];
      return ["-F", ...where, "-f", file, "-s", "malloc,64M", "-p", `default_ttl=${SECONDS}`];
    },
  },
};

// As root, nginx would become a user who may not write into the folder.
const nginxConfiguration = (port, origin, place) => `daemon off;
${process.getuid?.() === 0 ? "user root;" : ""}
pid ${place}/nginx.pid;
worker_processes 1;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000;
${["client_body", "fastcgi", "proxy", "scgi", "uwsgi"].map((kind) => `  ${kind}_temp_path ${place}/${kind};`).join("\n")}
  proxy_cache_path ${place}/cache levels=1:2 keys_zone=bench:8m;
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass ${origin.url};
      proxy_http_version 1.1;
      proxy_cache bench;
      proxy_cache_valid 200 ${SECONDS}s;
    }
  }
}
`;

/** Starts those that are installed, and says which are not. They are peers like those of peers.mjs. */
export async function startNative(folder, origin, say) {
  const started = [];
  for (const [name, { program, arguments: of }] of Object.entries(PROGRAMS)) {
    if (!isOnPath(program)) {
      say(`${name} is left out: there is no ${program} on the PATH`);
      continue;
    }
    const place = join(folder, name);
    mkdirSync(place, { recursive: true });
    const port = await freePort();
    const { child, stop } = launch(program, of(port, origin, place), { stdio: "ignore", cwd: place });
    started.push({ name, port, stop, cpuMillis: () => cpuOfFamily(child.pid) });
    await untilAnswers(`http://127.0.0.1:${port}/api/products?after=0`, { child, seconds: 30 });
  }
  return started;
}

/** The CPU time of a program with those that it has started. */
function cpuOfFamily(pid) {
  const own = cpuMillis(pid);
  if (own === null) return null;
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean),
  );
  return children.reduce((sum, child) => sum + (cpuOfFamily(child) ?? 0), own);
}

const isOnPath = (program) =>
  (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, program)));
