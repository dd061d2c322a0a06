// The messages of the purge log as far as the benchmark sends and reads them: version 3 of
// src/purge/wire.rs, which every later log answers.

const VERSION = 3;
const QUESTION = 1;
const HEADER_BYTES = 13;
const MASK = (1n << 64n) - 1n;
const PRIME = 0x9e3779b185ebca87n;
const MIX = 0x165667919e3779f9n;
/** The first bytes of XXH3's default secret. */
const SECRET = Buffer.from(
  "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221" +
    "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b532ea371644897a20df94e3819ef46a9deacd8a8" +
    "fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364",
  "hex",
);

/** Asks for what happened since a mark. */
export const reads = (mark) => message(markBytes(mark));

/** Asks for everything. */
export const readsAll = Buffer.from("45564c030166a458336861a94100", "hex");

/** Appends a record of these tags. */
export const appends = (mark, tags) =>
  message(
    Buffer.concat([markBytes(mark), Buffer.from([0, tags.length]), ...tags.map(fixed), Buffer.from([0, 0])]),
  );

/** Where a replica stands that has learned what the log said. */
export function markAfter(said) {
  // The log's clock, and its time.
  let at = HEADER_BYTES + 8;
  const number = () => {
    let [value, shift] = [0n, 0n];
    for (; ; shift += 7n) {
      const byte = BigInt(said[at++]);
      value |= (byte & 0x7fn) << shift;
      if (byte < 0x80n) return value;
    }
  };
  number();
  const isSnapshot = said[at++] === 1;
  const epoch = said.readBigUInt64LE(at);
  at += 8;
  if (isSnapshot) return { epoch, seq: number() };
  number();
  const after = number();
  return { epoch, seq: after + number() };
}

function markBytes(mark) {
  const bytes = [];
  let rest = mark.seq;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.concat([Buffer.from([1]), fixed(mark.epoch), Buffer.from([...bytes, Number(rest)])]);
}

function fixed(number) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(number);
  return bytes;
}

function message(payload) {
  const checksum = xxh3(payload, BigInt((VERSION << 8) | QUESTION));
  return Buffer.concat([Buffer.from("EVL"), Buffer.from([VERSION, QUESTION]), fixed(checksum), payload]);
}

/** XXH3 with 64 bits, of 9 to 128 bytes. */
function xxh3(bytes, seed) {
  const length = BigInt(bytes.length);
  const word = (at) => bytes.readBigUInt64LE(at);
  const secret = (at) => SECRET.readBigUInt64LE(at);
  if (bytes.length <= 16) {
    const low = word(0) ^ (((secret(24) ^ secret(32)) + seed) & MASK);
    const high = word(bytes.length - 8) ^ (((secret(40) ^ secret(48)) - seed) & MASK);
    return avalanche((length + swapped(low) + high + folded(low, high)) & MASK);
  }
  const mixed = (at, from) =>
    folded(word(at) ^ ((secret(from) + seed) & MASK), word(at + 8) ^ ((secret(from + 8) - seed) & MASK));
  let sum = (length * PRIME) & MASK;
  for (let pair = Math.ceil(bytes.length / 32) - 1; pair >= 0; pair -= 1) {
    sum += mixed(16 * pair, 32 * pair) + mixed(bytes.length - 16 * (pair + 1), 32 * pair + 16);
  }
  return avalanche(sum & MASK);
}

function folded(one, other) {
  const product = one * other;
  return (product & MASK) ^ (product >> 64n);
}

function avalanche(hash) {
  const mixed = ((hash ^ (hash >> 37n)) * MIX) & MASK;
  return mixed ^ (mixed >> 32n);
}

function swapped(number) {
  return Buffer.from(fixed(number).reverse()).readBigUInt64LE();
}
