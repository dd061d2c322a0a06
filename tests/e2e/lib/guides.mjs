// The guides in docs/guides, followed: their own configuration in front of the API that they are for.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "smol-toml";
import { root } from "../../../tools/processes.mjs";
import { ADMIN_TOKEN, startWorld } from "./world.mjs";

/** The first block of a language on a guide's page. */
export function blockOf(page, language) {
  const text = readFileSync(join(root, "docs/guides", page), "utf8");
  const block = new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, "m").exec(text);
  assert.ok(block, `${page} has a block of ${language}`);
  return block[1];
}

/** The configuration on a guide's page. */
export const configurationOf = (page) => parse(blockOf(page, "toml"));

/** The function `purge` of the guides, as their readers copy it. */
async function purgeOfTheGuides() {
  const module = blockOf("README.md", "js");
  return (await import(`data:text/javascript,${encodeURIComponent(module)}`)).purge;
}

/**
 * Tests what every guide promises, with the configuration on its page.
 *
 * - `start(world)`: starts the API and resolves with its URL; the world's own origin if it is omitted
 * - `read`, `readMine`: send the read that is the same for everyone, and the one that is not; given a
 *   function that sends a request, and the headers that say who is asking
 * - `write(send, name)`: renames the product through Evergraph
 * - `change(name)`: renames it behind Evergraph's back
 * - `tags`: what the guide's hook purges after that
 * - `people`: who reads, as `{ name, headers, reads }`: `headers` say who is asking, `name` is in what
 *   they read, and `reads` is what `X-Cache` says when they read their own data for the second time
 */
export async function follow(page, api) {
  const { origin: _, ...configuration } = configurationOf(page);
  const world = await startWorld({ config: configuration, secrets: api.secrets });
  if (api.start) {
    const url = await api.start();
    await world.redeploy({ ...configuration, origin: url });
  } else {
    world.origin.answer = api.answer;
  }
  const send = (path, init) => world.ask(path, init);
  const read = (headers = {}) => api.read(send, headers);
  const readUntilHit = () => world.until(async () => (await read()).xCache === "HIT", `${page}: a hit`);
  const named = (title) => `${page}: ${title}`;

  test(named("the second read is a hit"), async () => {
    const first = await read();
    assert.deepEqual([first.status, first.xCache], [200, "MISS"], first.cacheStatus);
    await readUntilHit();
    assert.ok((await read()).text.includes("Chair"));
  });

  test(named("what is the same for everyone is shared"), async () => {
    for (const { headers, shares = true } of api.people) {
      if (shares) assert.equal((await read(headers)).xCache, "HIT", JSON.stringify(headers));
    }
  });

  test(named("two users never share an entry"), async () => {
    for (const round of [1, 2, 3]) {
      for (const { name, headers, reads } of api.people) {
        const answer = await api.readMine(send, headers);
        const others = api.people.filter((person) => person.name !== name);
        assert.equal(answer.status, 200, answer.text);
        assert.ok(answer.text.includes(name), `${name} read ${answer.text}`);
        for (const other of others)
          assert.ok(!answer.text.includes(other.name), `${name} read ${answer.text}`);
        if (round === 3) assert.equal(answer.xCache, reads, `${name}: ${answer.cacheStatus}`);
        await world.admin("health"); // what is being stored is stored
      }
      const nobody = await api.readMine(send, {});
      for (const { name } of api.people) assert.ok(!nobody.text.includes(name), `nobody read ${nobody.text}`);
    }
  });

  test(named("a write is visible at once"), async () => {
    await readUntilHit();
    const written = await api.write(send, "Table");
    assert.equal(written.status, 200, written.text);
    const next = await read();
    assert.deepEqual([next.xCache, next.text.includes("Table")], ["MISS", true], next.cacheStatus);
  });

  test(named("a write from elsewhere is visible after the hook"), async () => {
    await readUntilHit();
    api.change("Lamp");
    assert.ok((await read()).text.includes("Table"));
    process.env.EVERGRAPH_URL = world.url("").replace(/\/$/, "");
    process.env.EVERGRAPH_TOKEN = ADMIN_TOKEN;
    await (await purgeOfTheGuides())(api.tags);
    const next = await read();
    assert.deepEqual([next.xCache, next.text.includes("Lamp")], ["MISS", true], next.cacheStatus);
  });
}

/** A GraphQL request as clients post it. */
export function posted(query, headers = {}) {
  return {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query }),
  };
}
