// The size of what is deployed.

import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { root } from "../../tools/processes.mjs";

const KINDS = [".js", ".wasm", ".txt"];
/** The configuration, which is the user's. */
const CONFIGURATION = "config.txt";

/** Bytes of the files in build/, and of each gzipped. */
export function measureBundle(say) {
  const build = join(root, "build");
  const names = readdirSync(build).filter((name) => KINDS.includes(extname(name)) && name !== CONFIGURATION);
  const files = names.map((name) => readFileSync(join(build, name)));
  const sum = (size) => files.reduce((total, file) => total + size(file), 0);
  const gzip = sum((file) => gzipSync(file, { level: 9 }).length);
  say(`${(gzip / 1024).toFixed(0)} KB gzipped`);
  return [{ id: "bundle", raw: sum((file) => file.length), gzip }];
}
