// GraphQL over HTTP, as graphql-http audits it: a server is as good through the worker as without.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, test } from "node:test";
import { serverAudits } from "graphql-http";
import { createHandler } from "graphql-http/lib/use/http";
import { schema, yogaOn } from "../lib/graph.mjs";
import { startWorld } from "../lib/world.mjs";

const SERVERS = {
  "graphql-http": createHandler({ schema }),
  "graphql-yoga": yogaOn("/graphql"),
};

async function listen(handler) {
  const server = createServer(handler);
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${server.address().port}`;
}

/** Every audit of a URL, ready to run: what it finds, and every answer that it got. */
function auditsOf(url) {
  let answers = [];
  let caches = [];
  const audits = serverAudits({
    url,
    async fetchFn(...request) {
      const answer = await fetch(...request);
      const { status, headers } = answer;
      const body = Buffer.from(await answer.clone().arrayBuffer()).toString();
      answers.push({ status, type: headers.get("content-type"), allow: headers.get("allow"), body });
      caches.push(headers.get("x-cache"));
      return answer;
    },
  });
  return audits.map(({ id, name, fn }) => ({
    id,
    name,
    async run() {
      [answers, caches] = [[], []];
      const { status, reason } = await fn();
      return { found: { status, reason, answers }, caches };
    },
  }));
}

for (const [name, handler] of Object.entries(SERVERS)) {
  test(`${name} passes and fails the same audits through the worker`, async (t) => {
    const originUrl = await listen(handler);
    const world = await startWorld({ originUrl, config: { default: { ttl: 600 } } });
    const direct = auditsOf(`${originUrl}/graphql`);
    const through = auditsOf(world.url("/graphql"));
    assert.ok(direct.length > 50, `${direct.length} audits`);
    const differing = [];
    const counts = {};
    let hits = 0;
    for (const [n, audit] of direct.entries()) {
      const { found: expected } = await audit.run();
      counts[expected.status] = (counts[expected.status] ?? 0) + 1;
      // An earlier audit may have asked the same.
      await world.admin("purge", { body: { all: true } });
      for (const time of ["miss", "hit"]) {
        const { found, caches } = await through[n].run();
        hits += caches.filter((cache) => cache === "HIT").length;
        assert.ok(time === "hit" || !caches.slice(0, 1).includes("HIT"), audit.id);
        try {
          assert.deepEqual(found, expected);
        } catch (error) {
          differing.push(`${audit.id} ${audit.name} (${time}): ${error.message}`);
        }
      }
    }
    t.diagnostic(`${direct.length} audits, ${JSON.stringify(counts)}; ${hits} hits`);
    assert.deepEqual(differing, []);
    assert.ok(hits > 10, `${hits} hits`);
  });
}
