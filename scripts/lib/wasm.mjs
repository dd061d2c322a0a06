// Reads a module of Wasm: how large each section and each function is, with the functions' names.

import { readFileSync } from "node:fs";

const SECTIONS = ["custom", "type", "import", "function", "table", "memory", "global", "export", "start"];
SECTIONS.push("element", "code", "data", "data count", "tag");

/** A position in the bytes of a module. */
class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  byte() {
    return this.bytes[this.at++];
  }

  /** An unsigned number in LEB128. */
  number() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  text() {
    const length = this.number();
    this.at += length;
    return this.bytes.toString("utf8", this.at - length, this.at);
  }
}

/**
 * The sections `{ name, bytes }`, and the functions `{ name, body }` in their order. Functions that are
 * imported have no body and are left out. Without a section of names, a name is the function's number.
 */
export function readWasm(file) {
  const reader = new Reader(readFileSync(file));
  reader.at = 8;
  const sections = [];
  const bodies = [];
  const names = new Map();
  let imported = 0;
  while (reader.at < reader.bytes.length) {
    const id = reader.byte();
    const length = reader.number();
    const end = reader.at + length;
    let name = SECTIONS[id] ?? `section ${id}`;
    if (name === "custom") {
      name = reader.text();
      if (name === "name") readNames(reader, end, names);
    } else if (name === "import") {
      imported = countImportedFunctions(reader);
    } else if (name === "code") {
      for (let count = reader.number(); count > 0; count--) {
        const size = reader.number();
        bodies.push(reader.bytes.subarray(reader.at, reader.at + size));
        reader.at += size;
      }
    }
    sections.push({ name, bytes: reader.bytes.subarray(end - length, end) });
    reader.at = end;
  }
  const functions = bodies.map((body, n) => ({ name: names.get(n + imported) ?? `${n + imported}`, body }));
  return { sections, functions };
}

/** Of the section's parts, the one with number 1 has the names of functions. */
function readNames(reader, end, names) {
  while (reader.at < end) {
    const part = reader.byte();
    const next = reader.number() + reader.at;
    if (part === 1) {
      for (let count = reader.number(); count > 0; count--) names.set(reader.number(), reader.text());
    }
    reader.at = next;
  }
}

function countImportedFunctions(reader) {
  let functions = 0;
  for (let count = reader.number(); count > 0; count--) {
    reader.text();
    reader.text();
    const kind = reader.byte();
    if (kind === 0) functions += 1;
    // A function has the number of its type, a table a type and limits, and so on.
    if (kind === 0) reader.number();
    else if (kind === 3 || kind === 4) reader.at += 2;
    else {
      if (kind === 1) reader.byte();
      const hasMaximum = reader.number() & 1;
      reader.number();
      if (hasMaximum) reader.number();
    }
  }
  return functions;
}
