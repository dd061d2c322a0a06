// The JSON Schema against the parser, in both directions: what the parser accepts, the schema accepts, and
// what the schema accepts, the parser refuses only for a reason that no schema can express.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import Ajv from "ajv";
import { parse } from "smol-toml";
import { root } from "../../../tools/processes.mjs";
import { faultsOf } from "../lib/check-config.mjs";
import { Random, SEED } from "../lib/random.mjs";

const schema = JSON.parse(readFileSync(join(root, "evergraph.schema.json"), "utf8"));
const fitsSchema = new Ajv({ strictTypes: false }).compile(schema);
const CASES = 400;

/** What only the parser knows. */
const MEANINGS = [
  /no (scope|type) is named/,
  /needs the table jwt/,
  /is for REST only/,
  /this name is reserved/,
  /this is the service's name now/,
  /is (listed|given) twice/,
  /may identify the user/,
  /cookie contains several signals/,
  /expected a header that holds nothing but tags/,
  /^resources\[\d+\]\.tags\[\d+\]: /,
  /expected arguments such as/,
  /a token is in a header or in a cookie/,
  /need the address of the issuer's keys/,
  /none of the algorithms has published keys/,
  /access_team needs the audience tag/,
  /has no effect without access_team/,
];

/** Strings that are close to the forms of strings, on either side. */
const TEXTS = [
  ...["", " ", "a b", "é", "x", "*", "a*", "_", "0", "1a", "a-b", "a".repeat(64), "a".repeat(65), "a,b"],
  ...[
    "/",
    "//",
    "///",
    "/a",
    "/a/",
    "a/",
    "/**",
    "/a/**/b",
    "/a**",
    "/**a",
    "/:",
    "/:id",
    "/:/a",
    "/a:b",
    "/:a**",
  ],
  ...[
    "http://a",
    "https://a:1/",
    "https://a/b",
    "https://",
    "ftp://a",
    "http://a b",
    "https://a?x",
    "HTTP://a",
    "https://a//",
    "http://localhost:1",
    "ann@example.com",
  ],
  ...[
    "graphql:Product",
    "graphql:",
    "graphql:1",
    "graphql:a b",
    "graphql:Query.a",
    "graphql:Query.",
    "graphql:User.a",
  ],
  ...[
    "graphql:Query.a(b: 1)",
    "graphql:Query.a (b: [1])",
    "graphql:Query.a(",
    "graphql:Query.a(b)",
    "graphql:Query.a ",
  ],
  ...[
    "graphql:Query.a()",
    "graphql:Query.*",
    "operation:",
    "operation:A*",
    "operation:a.b",
    "rest:/a",
    "rest:a",
    "rest:",
  ],
  ...[
    "rest:/a**",
    "header:",
    "header:a",
    "cookie:a b",
    "cookie:",
    "jwt:sub",
    "jwt:a..b",
    "jwt:",
    "jwt:.",
    "jwt:a.b",
  ],
  ...[
    "200",
    "203",
    "204",
    "206",
    "299",
    "304",
    "404",
    "0404",
    "412",
    "416",
    "599",
    "600",
    "4e2",
    "4 04",
    "99",
  ],
  ...[
    "https://a/jwks",
    "http://localhost/x",
    "http://127.0.0.1:1",
    "http://[::1]/",
    "http://[::1]:80",
    "http://a/x",
  ],
  ...[
    "https://a@b",
    "http://localhost:1:2",
    "https://",
    "https://a b",
    "Product:{id}",
    "Product:{$.a}",
    "cookie",
  ],
  ...[
    "authorization",
    "Cookie",
    "default",
    "introspection",
    "public",
    "origin",
    "all",
    "ETag",
    "x-graphql-keys",
  ],
];
const VALUES = [
  null,
  true,
  false,
  0,
  1,
  -1,
  1.5,
  5,
  61,
  2_147_483_648,
  2_147_483_649,
  [],
  {},
  [7],
  [[]],
  { x: 1 },
];

/** A value that fits a schema. */
function fitting(random, part) {
  if (part.anyOf) return fitting(random, random.pick(part.anyOf));
  if (part.enum) return random.pick(part.enum);
  if (part.type === "boolean") return random.chance(50);
  if (part.type === "integer") {
    const { minimum, maximum } = part;
    return random.pick([minimum, maximum, Math.min(maximum, minimum + random.below(100))]);
  }
  if (part.type === "number") return random.pick([part.minimum, part.maximum, random.below(1000) / 1000]);
  if (part.type === "string") return text(random, part.pattern, part.examples);
  if (part.type === "array") {
    const length = (part.minItems ?? 0) + random.below(3);
    return Array.from({ length }, () => fitting(random, part.items));
  }
  const required = part.required ?? [];
  const entries = Object.entries(part.properties ?? {})
    .filter(([name]) => required.includes(name) || random.chance(30))
    .map(([name, value]) => [name, fitting(random, value)]);
  for (const [pattern, value] of Object.entries(part.patternProperties ?? {})) {
    for (let n = random.below(3); n > 0; n -= 1)
      entries.push([text(random, pattern), fitting(random, value)]);
  }
  return Object.fromEntries(entries);
}

function text(random, pattern = "", examples = ["product", "track*", "404"]) {
  const form = new RegExp(pattern, "u");
  const texts = [...TEXTS, ...examples].filter((one) => form.test(one));
  return random.pick(random.chance(70) ? examples.filter((one) => form.test(one)) : texts);
}

/** Changes one thing at a random place. */
function damaged(random, value) {
  if (typeof value !== "object" || value === null || random.chance(15)) {
    return random.chance(60) ? random.pick(TEXTS) : random.pick(VALUES);
  }
  if (Array.isArray(value)) {
    if (value.length === 0 || random.chance(20)) return [...value, random.pick([...TEXTS, ...VALUES])];
    const index = random.below(value.length);
    return value.with(index, damaged(random, value[index]));
  }
  const keys = Object.keys(value);
  if (keys.length === 0 || random.chance(10)) return { ...value, [random.pick(TEXTS)]: random.pick(VALUES) };
  const key = random.pick(keys);
  const { [key]: old, ...rest } = value;
  if (random.chance(10)) return rest;
  return random.chance(10) ? { ...rest, [`${key}s`]: old } : { ...rest, [key]: damaged(random, old) };
}

/** Compares both judgements of a configuration, and returns the parser's faults. */
async function compare(value, what) {
  const faults = await faultsOf(value);
  const fits = fitsSchema(value);
  const shown = `${what}: ${JSON.stringify(value)}\n${JSON.stringify(fitsSchema.errors)}`;
  if (faults.length === 0) assert.ok(fits, `the parser accepts what the schema refuses: ${shown}`);
  const unexpected = fits ? faults.filter((fault) => !MEANINGS.some((known) => known.test(fault))) : [];
  assert.deepEqual(unexpected, [], `the schema accepts what the parser refuses: ${shown}`);
  return { faults, fits };
}

async function run(kind, make) {
  const random = new Random(SEED);
  const count = { accepted: 0, refused: 0 };
  for (let first = 0; first < CASES; first += 20) {
    const cases = Array.from({ length: 20 }, (_, n) => [first + n, make(random)]);
    const results = cases.map(([n, value]) => compare(value, `EVERGRAPH_SEED=${SEED}, ${kind} ${n}`));
    for (const { fits } of await Promise.all(results)) count[fits ? "accepted" : "refused"] += 1;
  }
  return count;
}

test("a configuration made from the schema is refused for its meaning at most", async () => {
  const { accepted } = await run("case", (random) => fitting(random, schema));
  assert.equal(accepted, CASES);
});

test("damage is noticed by both or by neither", async () => {
  const { accepted, refused } = await run("damage", (random) => {
    let value = fitting(random, schema);
    for (let n = random.below(8) === 0 ? 2 : 1; n > 0; n -= 1) value = damaged(random, value);
    return value;
  });
  assert.ok(accepted > CASES / 10 && refused > CASES / 10, `${accepted} accepted, ${refused} refused`);
});

test("each string is judged alike wherever a string may stand", async () => {
  const places = [
    ...["service", "origin"].map((key) => (text) => ({ [key]: text })),
    ...["bypass", "vary", "ignore_headers", "tag_headers", "ignore_cookies"].map((key) => (text) => ({
      [key]: [text],
    })),
    (text) => ({ same: [[text]] }),
    (text) => ({ graphql: { paths: [text] } }),
    (text) => ({ graphql: { keys: { [text]: "id" } } }),
    (text) => ({ types: { [text]: { match: [], ttl: 1 } } }),
    (text) => ({ types: { a: { match: [text], ttl: 1, tags: [text], query: [text] } } }),
    (text) => ({ types: { a: { match: ["rest:/"], ttl: text, statuses: { [text]: 1 }, query: text } } }),
    (text) => ({ scopes: { a: { by: [text] }, [text]: { by: [], ignore: [text] } } }),
    (text) => ({ mutations: { rules: { [text]: [text] } } }),
    (text) => ({ resources: [{ path: text }] }),
    (text) => ({ jwt: { algorithms: ["RS256"], jwks: text } }),
    (text) => ({ jwt: { algorithms: [text], issuer: text, header: text } }),
  ];
  for (const place of places) {
    await Promise.all(TEXTS.map((text) => compare(place(text), JSON.stringify(text))));
  }
});

test("the demo's configuration fits the schema, and names it for editors", () => {
  const text = readFileSync(join(root, "examples/shop/evergraph.toml"), "utf8");
  assert.ok(fitsSchema(parse(text)), JSON.stringify(fitsSchema.errors));
  assert.equal(text.split("\n")[0], "#:schema ../../evergraph.schema.json");
});
