// The size of the deployed bundle.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { root } from "../tools/processes.mjs";

/** Bytes of the files in build/, and of each gzipped. */
export function measureBundle() {
  const files = ["index.js", "index_bg.wasm"].map((name) => readFileSync(join(root, "build", name)));
  const sum = (size) => files.reduce((total, file) => total + size(file), 0);
  return { raw: sum((file) => file.length), gzip: sum((file) => gzipSync(file, { level: 9 }).length) };
}
