// What the bundle consists of: bytes by crate and by module, and whether it is within its budget.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Advice } from "../../tools/script.mjs";
import { readWasm } from "./wasm.mjs";

/**
 * The most that the bundle may have, in KB of 1,024 bytes, gzipped. `npm run build` fails beyond it. Lower it
 * after a change that makes the bundle smaller.
 */
export const BUDGET_KB = 965;

/** Gzipped, as the platform counts it and as `gzip -9` does. */
export const gzipped = (bytes) => gzipSync(bytes, { level: 9 }).length;

/** The bytes of files in a folder, raw and gzipped one by one. */
export function sizeOf(folder, names) {
  const files = names.map((name) => readFileSync(join(folder, name)));
  const sum = (count) => files.reduce((total, file) => total + count(file), 0);
  return { raw: sum((file) => file.length), gzip: sum(gzipped) };
}

/** Fails with what to do if the bundle is beyond its budget. */
export function requireBudget(gzip) {
  if (gzip <= BUDGET_KB * 1024) return;
  throw new Advice(
    `The bundle is ${kilobytes(gzip)} gzipped, and its budget is ${BUDGET_KB} KB. target/worker/account.txt ` +
      "has its largest parts. If it must grow, raise BUDGET_KB in scripts/lib/account.mjs and say why in " +
      "docs/decisions/0055-the-size-of-the-bundle.md.",
  );
}

/**
 * The account of a module of Wasm with names, as rows `[part, raw, gzip]`, the largest first. A part is gzipped
 * by itself, so the sum of all parts is more than the whole.
 */
export function accountOf(file) {
  const { sections, functions } = readWasm(file);
  const rest = sections.filter(({ name }) => !["code", "name", "target_features"].includes(name));
  return {
    crates: rows(grouped(functions, crateOf)),
    modules: rows(grouped(functions, moduleOf).filter(([part]) => part !== undefined)),
    sections: rows(rest.map(({ name, bytes }) => [name, [bytes]])),
    functions: functions.map(({ name, body }) => [body.length, name]).sort(([a], [b]) => b - a),
  };
}

/** Writes the whole account to a file, and returns its beginning for people. */
export function writeAccount(wasm, file) {
  const { crates, modules, sections, functions } = accountOf(wasm);
  const row = ([part, raw, gzip]) => `${kilobytes(raw).padStart(12)}${kilobytes(gzip).padStart(10)}  ${part}`;
  const table = (heading, list, most) => [
    `         raw      gzip  ${heading}`,
    ...list.slice(0, most).map(row),
  ];
  const tables = (most, fewest) =>
    [
      ...table("code by the crate that defines it", crates, most),
      ...table("code by our module, with the generic code that is made for it", modules, most),
      ...table("other sections of Wasm", sections, fewest),
    ].join("\n");
  const all = functions.map(([bytes, name]) => `${`${bytes}`.padStart(12)}  ${name}`);
  writeFileSync(file, `${tables()}\n       bytes  function\n${all.join("\n")}\n`);
  return tables(10, 1);
}

/** Bytes for people. */
export const kilobytes = (bytes) => `${(bytes / 1024).toFixed(0)} KB`;

/** The bodies of functions, by what a function's name says. */
function grouped(functions, partOf) {
  const parts = new Map();
  for (const one of functions) {
    const part = partOf(plain(one.name));
    if (!parts.has(part)) parts.set(part, []);
    parts.get(part).push(one.body);
  }
  return [...parts];
}

const rows = (parts) =>
  parts
    .map(([part, bodies]) => {
      const bytes = Buffer.concat(bodies);
      return [part, bytes.length, gzipped(bytes)];
    })
    .sort(([, a], [, b]) => b - a);

/** A name without the hashes of crates: `core[c5930c85a12de822]::fmt` is `core::fmt`. */
const plain = (name) => name.replaceAll(/\[[0-9a-f]{8,16}\]/g, "");

/** The crate of `<&mut a::B as c::D>::e` is `a`. */
const crateOf = (name) =>
  /^(?:[<&([*]|mut |dyn |const )*([A-Za-z_]\w*)(?=::)/.exec(name)?.[1] ?? "(exports, glue, primitive types)";

/** The first of our modules that the name has, as `service::read`. */
const moduleOf = (name) => /evergraph::(\w+(?:::[a-z_]+)?)/.exec(name)?.[1];
