// `npm start` and `npm run deploy` as a user runs them, over wrangler itself. None of it uses the
// evergraph.toml at the root, which is the user's own.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { freePort, root, run, stop, untilAnswers } from "../../../tools/processes.mjs";
import { openWorld } from "../lib/world.mjs";

const [port, originPort] = [await freePort(), await freePort()];
const worker = `http://localhost:${port}`;
const shop = `http://127.0.0.1:${originPort}`;

// A copy of the demo's configuration, to be edited, in a folder that wrangler watches.
const config = "examples/shop/evergraph.e2e.toml";
const demo = readFileSync(join(root, "examples/shop/evergraph.toml"), "utf8");
const save = (text) => writeFileSync(join(root, config), text);
save(demo);
const scratch = mkdtempSync(join(tmpdir(), "evergraph-config-"));
after(() => {
  rmSync(join(root, config));
  rmSync(scratch, { recursive: true });
});

const ports = { PORT: String(port), ORIGIN_PORT: String(originPort) };
const started = spawn(process.execPath, [join(root, "scripts/start.mjs")], {
  env: { ...process.env, ...ports, EVERGRAPH_CONFIG: config },
  stdio: ["ignore", "pipe", "pipe"],
});
let output = "";
for (const stream of [started.stdout, started.stderr])
  stream.on("data", (data) => {
    output += data;
  });
after(() => stop(started));

const graphql = async (query) => {
  const response = await fetch(`${worker}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query }),
  });
  return { xCache: response.headers.get("x-cache"), ...(await response.json()) };
};
const requests = async () => (await (await fetch(`${shop}/__origin/requests`)).json()).requests;

test("npm start brings the shop and the worker up, and says what to try", async () => {
  await untilAnswers(`${worker}/__evergraph/health`, { child: started, seconds: 120 }).catch((error) => {
    throw new Error(`${error.message}\n${output}`);
  });
  while (!output.includes("Press Ctrl-C to stop both."))
    await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(output.includes(`curl -i ${worker}/api/dashboard`));
});

test("the dashboard is answered from the cache", async () => {
  const first = await fetch(`${worker}/api/dashboard`);
  const body = await first.text();
  assert.equal(first.headers.get("x-cache"), "MISS");
  const asked = await requests();
  const second = await fetch(`${worker}/api/dashboard`);
  assert.deepEqual(
    [second.headers.get("x-cache"), await second.text(), await requests()],
    ["HIT", body, asked],
  );
});

test("a mutation shows at once, in GraphQL and in REST", async () => {
  const query = "{ product(id: 1) { __typename id name } }";
  await graphql(query);
  assert.equal((await graphql(query)).xCache, "HIT");
  const rest = async () => (await (await fetch(`${worker}/api/products/1`)).json()).name;
  await rest();
  await graphql('mutation { update_product(id: 1, name: "Brand new") { ok } }');
  assert.equal((await graphql(query)).data.product.name, "Brand new");
  assert.equal(await rest(), "Brand new");
});

test("the admin purges with the development token", async () => {
  const purge = await fetch(`${worker}/__evergraph/purge`, {
    method: "POST",
    headers: { authorization: "Bearer dev-token" },
    body: '{"types":["dashboard"]}',
  });
  assert.equal(purge.status, 200);
  assert.equal((await fetch(`${worker}/api/dashboard`)).headers.get("x-cache"), "MISS");
});

/** Waits until a condition holds; what `npm start` prints is in the error. */
async function until(condition, what) {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain: ${what}\n${output.slice(-3_000)}`);
}

/** The lifetime of a new entry, as the second response shows it. */
let entries = 0;
const lifetime = async () => {
  entries += 1;
  const ask = () => fetch(`${worker}/api/analytics?entry=${entries}`);
  // While wrangler restarts the Worker there may be no response.
  const response = await ask()
    .then(ask)
    .catch(() => null);
  return response?.headers.get("cache-status") ?? "";
};
const dated = (ttl) =>
  demo.replace('graphql:Query.analytics"]\nttl = 600', `graphql:Query.analytics"]\nttl = ${ttl}`);

test("an edit of the configuration is picked up, with the ports where they are", async () => {
  assert.notEqual(dated(7000), demo);
  save(dated(7000));
  await until(async () => /hit; ttl=(7000|6999)/.test(await lifetime()), "the new ttl");
});

test("a typo is one line, the last valid configuration stays, and the next save is tried", async () => {
  save(dated(5000).replace("sie = 86400", "  sei = 86400"));
  const fault = `${config}:${demo.split("\n").indexOf("sie = 86400") + 1}:3: types.product.sei: unknown key; did you mean sie?`;
  await until(() => output.includes(fault), fault);
  // wrangler reloads the Worker nevertheless, and prints what it has loaded. The fault is shown again below.
  const isLast = () => output.lastIndexOf(fault) > output.lastIndexOf("server updated and ready");
  await until(() => output.split(fault).length === 3 && isLast(), "the fault is the last that is seen");
  await until(async () => /hit; ttl=(7000|6999)/.test(await lifetime()), "the last valid ttl");
  save(dated(4000));
  await until(async () => /hit; ttl=(4000|3999)/.test(await lifetime()), "the corrected ttl");
  assert.doesNotMatch(output, /custom build.*failed/);
});

test("a port in use is named as the cause", async () => {
  const second = await run(process.execPath, [join(root, "scripts/start.mjs")], {
    capture: true,
    env: { ...ports, EVERGRAPH_CONFIG: config },
  }).catch((error) => error);
  assert.match(second.stderr, new RegExp(`Port ${port} is in use\\. Choose another with PORT=`));
});

test("a port that is none, and a misspelled option, are named in one line", async () => {
  const failed = async (name, args, env) => {
    const { stderr } = await run(process.execPath, [join(root, "scripts", name), ...args], {
      capture: true,
      env,
    }).catch((error) => error);
    return stderr.trim();
  };
  const isNone = "PORT=abc is not a port. Use a number from 1 to 65535.";
  for (const name of ["start.mjs", "dev.mjs"]) {
    assert.equal(await failed(name, [], { PORT: "abc" }), isNone);
    assert.match(await failed(name, [], { PORT: "70000" }), /^PORT=70000 is not a port/);
  }
  assert.equal(
    await failed("dev.mjs", ["--orign", "http://127.0.0.1:9"], ports),
    "--orign is not an option; did you mean --origin?",
  );
});

test("what ends npm start ends both", async () => {
  await stop(started);
  assert.equal(started.exitCode, 0);
  await assert.rejects(fetch(worker));
  await assert.rejects(fetch(shop));
});

test("npm run dev -- --origin URL runs in front of another API, and ends with npm", async () => {
  const asked = [];
  const api = createServer((request, response) => {
    asked.push(request.url);
    response.setHeader("cache-control", "max-age=60");
    response.end("mine");
  }).listen(0, "127.0.0.1");
  await once(api, "listening");
  const address = `http://127.0.0.1:${api.address().port}`;
  save('origin = "http://127.0.0.1:9"\n');
  const dev = spawn("npm", ["run", "dev", "--", "--origin", address], {
    cwd: root,
    env: { ...process.env, ...ports, EVERGRAPH_CONFIG: config },
    stdio: "ignore",
  });
  try {
    await untilAnswers(`${worker}/__evergraph/health`, { child: dev, seconds: 120 });
    const get = async () => {
      const response = await fetch(`${worker}/own`);
      return [response.headers.get("x-cache"), await response.text()];
    };
    assert.deepEqual(await get(), ["MISS", "mine"]);
    assert.deepEqual(await get(), ["HIT", "mine"]);
    assert.deepEqual(
      asked.filter((path) => path === "/own"),
      ["/own"],
    );
  } finally {
    await stop(dev);
    api.close();
  }
  await until(
    () =>
      fetch(worker).then(
        () => false,
        () => true,
      ),
    "wrangler dev has ended",
  );
});

const script = (name, args, env) =>
  run(process.execPath, [join(root, "scripts", name), ...args], {
    capture: true,
    // Nothing is deployed, so the Worker that the tests run is good enough.
    env: { EVERGRAPH_PROFILE: "quick", CLOUDFLARE_ENV: "", EVERGRAPH_ORIGIN: "", ...env },
  });
const built = () => JSON.parse(readFileSync(join(root, "build/config.txt"), "utf8"));

test("25 cache types and 25 resources are built, accepted by wrangler, and served", async () => {
  const numbers = Array.from({ length: 25 }, (_, n) => n);
  const text = numbers.map(
    (n) => `
[types.type-with-a-long-name-${n}]
match = ["graphql:Type${n}", "graphql:Query.type${n}", "graphql:Query.allTypes${n}", "rest:/api/resources-${n}/**"]
ttl = ${1_000 + n}
swr = 60
sie = 86400
tags = ["some-additional-tag-${n}"]

[[resources]]
path = "/api/resources-${n}/:id"
tags = ["Type${n}", "Type${n}:{id}"]
`,
  );
  const file = join(scratch, "evergraph.toml");
  writeFileSync(file, `service = "large"\norigin = "https://api.example"\n${text.join("")}`);
  // Nothing is deployed, so the Worker that the tests run is good enough.
  const env = { EVERGRAPH_CONFIG: file, EVERGRAPH_PROFILE: "quick" };
  const said = await script("deploy.mjs", ["--dry-run"], env);
  assert.match(said, /25 cache types, 0 scopes, 25 resources/);
  assert.match(said, /index_bg\.wasm/);
  assert.match(said, /config\.txt/);
  assert.match(said, /PURGE_LOG/);
  const configuration = built();
  const { origin, ...served } = configuration;
  assert.equal(origin, "https://api.example");
  assert.ok(JSON.stringify(configuration).length > 5 * 1024, "more than a variable holds");
  const world = await openWorld({ config: null, built: served });
  try {
    world.origin.answer = (_request, response) => response.end("{}");
    const path = "/api/resources-24/7";
    assert.equal((await world.ask(path)).xCache, "MISS");
    assert.match((await world.ask(path)).cacheStatus, /hit; ttl=1024/);
    assert.equal((await world.admin("purge", { body: { tags: ["Type24:7"] } })).status, 200);
    assert.equal((await world.ask(path)).xCache, "MISS");
  } finally {
    await world.stop();
  }
});

test("an environment's file is merged over the configuration", async () => {
  const file = join(scratch, "evergraph.toml");
  writeFileSync(
    file,
    'service = "shop"\norigin = "https://api.example"\n[kv]\nmin_ttl = 5\ntimeout_ms = 60\n',
  );
  writeFileSync(
    join(scratch, "evergraph.staging.toml"),
    'origin = "https://staging.example"\n[kv]\nmin_ttl = 6\n',
  );
  const wrangler = join(scratch, "wrangler.toml");
  const own = readFileSync(join(root, "wrangler.toml"), "utf8");
  writeFileSync(wrangler, `${own}\n[env.staging]\nroutes = []\n`);
  const env = { EVERGRAPH_CONFIG: file };
  await script("build.mjs", [], env);
  assert.deepEqual(built().kv, { min_ttl: 5, timeout_ms: 60 });
  const said = await script("build.mjs", ["--env", "staging", "--config", wrangler], env);
  const kv = { min_ttl: 6, timeout_ms: 60 };
  assert.deepEqual(built(), { service: "shop", origin: "https://staging.example", kv });
  assert.match(said, /evergraph\.staging\.toml/);
  assert.match(said, /environment staging/);
  assert.match(said, /this environment does not inherit bindings/);
});

test("an environment that wrangler's file does not have is refused before anything is built", async () => {
  // There is no such profile, so a build that began would say that.
  const env = { EVERGRAPH_CONFIG: join(scratch, "evergraph.toml"), EVERGRAPH_PROFILE: "none" };
  writeFileSync(join(scratch, "evergraph.toml"), 'origin = "https://api.example"\n');
  writeFileSync(join(scratch, "evergraph.staging.toml"), 'service = "staging"\n');
  for (const name of ["build.mjs", "deploy.mjs"]) {
    for (const environment of ["staging", "nope"]) {
      const { stderr } = await script(name, ["--env", environment], env).catch((error) => error);
      assert.ok(stderr.trim().startsWith(`wrangler.toml: no [env.${environment}].`), stderr);
    }
  }
});

test("a faulty configuration fails the build, and leaves the last one in place", async () => {
  const before = readFileSync(join(root, "build/config.txt"), "utf8");
  const file = join(scratch, "evergraph.toml");
  writeFileSync(file, "[purge]\nmax-lag = 5\n[kv]\ntimeout_ms = 0\n");
  const failed = await script("build.mjs", [], { EVERGRAPH_CONFIG: file }).catch((error) => error);
  const lines = failed.stderr.trim().split("\n");
  assert.deepEqual(lines, [
    `${file}:4:1: kv.timeout_ms: expected a whole number of milliseconds from 1 to 30000, found 0`,
    `${file}:2:1: purge.max-lag: unknown key; did you mean max_lag?`,
  ]);
  assert.equal(readFileSync(join(root, "build/config.txt"), "utf8"), before);
  const missing = await script("build.mjs", [], { EVERGRAPH_CONFIG: join(scratch, "no.toml") }).catch(
    (e) => e,
  );
  assert.match(missing.stderr, /no\.toml is missing/);
});

test("what is on this machine is not deployed without a warning", async () => {
  const said = await script("build.mjs", [], { EVERGRAPH_CONFIG: "examples/shop/evergraph.toml" });
  assert.match(said, /Warning: origin: http:\/\/127\.0\.0\.1:4000 is this machine/);
  const other = { EVERGRAPH_CONFIG: "examples/shop/evergraph.toml", EVERGRAPH_ORIGIN: "https://api.example" };
  assert.doesNotMatch(await script("build.mjs", [], other), /this machine/);
  assert.equal(built().origin, "https://api.example");
});
