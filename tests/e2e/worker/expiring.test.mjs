// The tables of an isolate in JavaScript: a request that the runtime cancels takes nothing back.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ExpiringMap } from "../../../src/worker/js/expiring_map.js";

test("the oldest make room", () => {
  const table = new ExpiringMap(60_000, 3);
  for (let n = 0; n < 10; n += 1) table.set(n, `value ${n}`);
  assert.deepEqual(table.values(), ["value 7", "value 8", "value 9"]);
  assert.deepEqual([table.get(6), table.get(7)], [undefined, "value 7"]);
  table.set(7, "again");
  table.set(10, "more");
  assert.deepEqual(table.values(), ["value 9", "again", "more"]);
  table.delete(9);
  assert.deepEqual(table.values(), ["again", "more"]);
});

test("what is over is dropped by the next touch", async () => {
  const table = new ExpiringMap(5, 1_000);
  for (let n = 0; n < 100; n += 1) table.set(n, n);
  const begun = Date.now();
  while (Date.now() < begun + 6) await new Promise((resolve) => setTimeout(resolve, 1));
  table.set("last", 1);
  assert.deepEqual(table.values(), [1]);
});
