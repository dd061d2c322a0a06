// GET metrics after real traffic: the format by promtool, and numbers that are right. The rules and the
// configuration in examples/monitoring, by promtool.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../../tools/processes.mjs";
import { findProgram, required } from "../lib/required.mjs";
import { startWorld } from "../lib/world.mjs";

const promtool = findProgram("promtool");
const skip = !required("promtool", promtool);
const examples = join(root, "examples/monitoring");

const world = await startWorld({
  stats: true,
  config: {
    types: {
      product: { match: ["rest:/api/products/**"], ttl: 7200 },
      short: { match: ["rest:/short/**"], ttl: 1, swr: 60 },
    },
  },
});

function promtoolOn(args, options) {
  const ran = spawnSync(promtool, args, { encoding: "utf8", ...options });
  return { status: ran.status, said: `${ran.stdout}${ran.stderr}` };
}

/** The samples by series: `name{labels}` → number. */
function samples(text) {
  const lines = text.split("\n").filter((line) => line && !line.startsWith("#"));
  return new Map(lines.map((line) => line.match(/^(.*) (\S+)$/).slice(1, 3)));
}

async function scrape() {
  const answer = await world.admin("metrics");
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  return answer.text;
}

test("metrics have what happened, and promtool accepts them", async () => {
  world.origin.answer = (request, response) => {
    const status = request.url.startsWith("/api/products/broken") ? 503 : 200;
    response.writeHead(status, { "content-type": "application/json" }).end('{"a":1}');
  };
  await world.ask("/api/products/1");
  for (let n = 0; n < 3; n += 1) await world.ask("/api/products/1");
  await world.ask("/api/products/1", { headers: { cookie: 'a"b=1' } });
  await world.ask("/api/products/broken");
  await world.ask("/api/products/1", { method: "DELETE" });
  await world.admin("purge", { body: { all: true } });
  await world.ask("/short/1");
  await world.until(async () => (await world.ask("/short/1")).xCache === "STALE", "a stale response");
  await world.graphql('mutation Weird { do(text: "x") }');
  await world.graphql("{ products { name } }");

  const first = await scrape();
  const found = samples(first);
  const of = (series) => Number(found.get(series));
  assert.equal(of('evergraph_requests_total{type="product",result="hit"}'), 3, first);
  assert.equal(of('evergraph_requests_total{type="product",result="miss"}'), 1, first);
  assert.ok(of('evergraph_requests_total{type="short",result="stale"}') >= 1, first);
  assert.ok(of('evergraph_bypass_total{reason="cookie-without-scope"}') >= 1, first);
  assert.ok(of('evergraph_hits_total{tier="memory"}') >= 3, first);
  assert.ok(of('evergraph_purges_total{source="admin"}') >= 1, first);
  assert.ok(of('evergraph_purges_of_everything_total{source="admin"}') >= 1, first);
  const buckets = [...found].filter(([series]) => series.includes('_bucket{cached="true"'));
  assert.equal(buckets.length, 13);
  assert.equal(
    of('evergraph_request_duration_seconds_count{cached="true"}'),
    of('evergraph_request_duration_seconds_bucket{cached="true",le="+Inf"}'),
  );
  assert.ok(of("evergraph_log_age_seconds") < 5, first);
  assert.equal(of('evergraph_health{part="kv"}'), 3, first);
  assert.equal(of('evergraph_counted_by{by="service"}'), 1, first);
  assert.equal(of('evergraph_alert_firing{alert="kv"}'), 0, first);
  if (!skip) {
    const checked = promtoolOn(["check", "metrics"], { input: first });
    assert.deepEqual(checked, { status: 0, said: "" });
  }

  await world.ask("/api/products/1");
  const later = samples(await scrape());
  for (const [series, value] of found) {
    const rises = /^evergraph_\w+_(total|bucket|sum|count)\b/.test(series);
    if (rises) assert.ok(Number(later.get(series)) >= Number(value), series);
  }
});

test("while the statistics object fails there are no counters, and the state is still there", async () => {
  world.statsMode = "error";
  const text = await scrape();
  world.statsMode = "ok";
  const found = samples(text);
  assert.equal(found.get('evergraph_counted_by{by="none"}'), "1", text);
  assert.ok(![...found.keys()].some((series) => series.startsWith("evergraph_requests_total")), text);
  assert.equal(found.get('evergraph_health{part="statistics"}'), "1", text);
  assert.equal(found.get('evergraph_health{part="service"}'), "3", text);
});

test("a scrape needs a token", async () => {
  const refused = await world.admin("metrics", { token: null });
  assert.deepEqual(
    [refused.status, refused.headers.get("www-authenticate")],
    [401, 'Bearer realm="evergraph"'],
  );
  assert.equal((await world.admin("metrics", { token: "another" })).status, 401);
  assert.equal((await world.admin("metrics", { method: "POST", body: "" })).status, 405);
});

test("promtool notices metrics with bad names", { skip }, () => {
  const { status, said } = promtoolOn(["check", "metrics"], {
    input: "# HELP evergraph_hits Hits.\n# TYPE evergraph_hits counter\nevergraph_hits 1\n",
  });
  assert.notEqual(status, 0);
  assert.match(said, /counter metrics should have "_total" suffix/);
});

test("the alert rules are valid and pass their tests", { skip }, () => {
  for (const args of [
    ["check", "rules", "--lint=all", "--lint-fatal", "alerts.yml"],
    ["test", "rules", "alerts.test.yml"],
  ]) {
    const { status, said } = promtoolOn(args, { cwd: examples });
    assert.equal(status, 0, said);
  }
});

test("the rules' tests notice a rule that is wrong", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "evergraph-rules-"));
  try {
    copyFileSync(join(examples, "alerts.test.yml"), join(folder, "alerts.test.yml"));
    const rules = readFileSync(join(examples, "alerts.yml"), "utf8");
    for (const [right, wrong] of [
      ["evergraph:hit_rate:5m < 0.5", "evergraph:hit_rate:5m < 0.2"],
      ['result=~"hit|stale|revalidated"}', 'result=~"hit"}'],
      ["* 60 > 10", "* 60 > 1"],
      ["for: 2m", "for: 20m"],
    ]) {
      assert.ok(rules.includes(right), right);
      writeFileSync(join(folder, "alerts.yml"), rules.replaceAll(right, wrong));
      assert.notEqual(promtoolOn(["test", "rules", "alerts.test.yml"], { cwd: folder }).status, 0, wrong);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the scrape configuration is valid", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "evergraph-prometheus-"));
  try {
    for (const name of ["prometheus.yml", "alerts.yml"]) {
      copyFileSync(join(examples, name), join(folder, name));
    }
    writeFileSync(join(folder, "evergraph-token"), "a-token");
    const { status, said } = promtoolOn(["check", "config", "prometheus.yml"], { cwd: folder });
    assert.equal(status, 0, said);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
