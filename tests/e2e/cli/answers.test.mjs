// The answers that the command line is tested with (tests/cli/answers.json), from which docs/cli.md has its
// examples, against the description of the admin routes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import Ajv from "ajv/dist/2020.js";
import { root } from "../../../tools/processes.mjs";

const read = (file) => JSON.parse(readFileSync(join(root, file), "utf8"));
const { paths, components } = read("openapi.json");

/** A schema whose objects have no members but those that it names, and no alternative that allows anything. */
function strict(schema) {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== "object" || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([name, part]) => [name, strict(part)]));
  if (copy.properties) copy.additionalProperties ??= false;
  copy.anyOf &&= copy.anyOf.filter((one) => Object.keys(one).length > 0);
  return copy;
}

const ajv = new Ajv({ strict: false, validateFormats: false });
ajv.addSchema({ $id: "openapi", components: strict(components) });

/** The schema of a response, as in `POST purge` with 200. */
function schemaOf(route, status) {
  const [method, path] = route.split(" ");
  const { content } = paths[`/${path}`][method.toLowerCase()].responses[status];
  const { schema } = content["application/json"];
  return JSON.parse(JSON.stringify(strict(schema)).replaceAll('"#/', '"openapi#/'));
}

for (const [name, { route, status, body }] of Object.entries(read("tests/cli/answers.json"))) {
  test(`${name}: an answer of ${route}`, () => {
    const fits = ajv.compile(schemaOf(route, status));
    assert.ok(fits(body), JSON.stringify(fits.errors, null, 1));
  });
}
