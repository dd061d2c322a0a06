// GraphQL requests made by chance: valid for a schema, and laid out in every way.

import { getNamedType, isAbstractType, isCompositeType, isLeafType, parse, validate } from "graphql";

const MOST_DEPTH = 4;

/** A request that is valid for the schema: `query`, `variables` and `operationName`. */
export function makeRequest(random, schema, jsonValues) {
  for (;;) {
    const made = new Maker(random, schema, jsonValues).request();
    // A key may have come out as two fields; a new one may not.
    if (validate(schema, parse(made.query)).length === 0) return made;
  }
}

class Maker {
  #random;
  #schema;
  #jsonValues;
  #variables = new Map(); // by name: its type and value
  #fragments = new Map(); // by name: its type, and its tokens once it was spread
  #aliases = 0;

  constructor(random, schema, jsonValues) {
    this.#random = random;
    this.#schema = schema;
    this.#jsonValues = jsonValues;
  }

  request() {
    const random = this.#random;
    const composite = Object.values(this.#schema.getTypeMap()).filter(
      (type) => isCompositeType(type) && !type.name.startsWith("__") && type.name !== "Mutation",
    );
    for (let n = 0; n < random.below(4); n += 1)
      this.#fragments.set(`F${n}`, { on: random.pick(composite), tokens: null });
    const selections = this.#selections(this.#schema.getQueryType(), 0);
    const name = random.chance(70) ? random.pick(["Q", "query", "on", "Long_Name_7"]) : null;
    const definitions = [...this.#operation(name, selections)];
    for (const [fragment, { on, tokens }] of this.#fragments)
      if (tokens) definitions.push(["fragment", fragment, "on", on.name, ...tokens]);
    const first = definitions.shift();
    definitions.splice(random.below(definitions.length + 1), 0, first);
    return {
      query: layOut(random, definitions.flat()),
      variables: Object.fromEntries(
        [...this.#variables]
          .filter(([, { value }]) => value !== undefined)
          .map(([n, { value }]) => [n, value]),
      ),
      operationName: name ?? undefined,
    };
  }

  *#operation(name, selections) {
    const variables = [...this.#variables].flatMap(([variable, { type, byDefault }]) => [
      "$",
      variable,
      ":",
      ...type,
      ...(byDefault ? ["=", ...byDefault] : []),
    ]);
    const head = name || variables.length > 0 || this.#random.chance(50) ? ["query"] : [];
    if (name) head.push(name);
    if (variables.length > 0) head.push("(", ...variables, ")");
    yield [...head, ...selections];
    if (name && this.#random.chance(15)) yield ["query", "Another", "{", "echo", "}"];
  }

  #selections(type, depth) {
    const random = this.#random;
    const tokens = ["{"];
    for (let count = 1 + random.below(depth === 0 ? 4 : 5); count > 0; count -= 1)
      tokens.push(...this.#selection(type, depth));
    return [...tokens, "}"];
  }

  #selection(type, depth) {
    const random = this.#random;
    const kind = random.below(100);
    if (kind < 10) return ["__typename"];
    if (kind < 16) return [random.pick(["type", "kind", "id", "__type_"]), ":", "__typename"];
    if (kind < 28 && depth < MOST_DEPTH) return this.#inline(type, depth);
    if (kind < 38) return this.#spread(type, depth) ?? ["__typename"];
    return this.#field(type, depth) ?? ["__typename", ...this.#conditions()];
  }

  #overlapping(type) {
    const possible = (one) => (isAbstractType(one) ? this.#schema.getPossibleTypes(one) : [one]);
    const own = new Set(possible(type));
    return (other) => possible(other).some((one) => own.has(one));
  }

  #inline(type, depth) {
    const random = this.#random;
    if (random.chance(15)) return ["...", ...this.#conditions(), ...this.#selections(type, depth + 1)];
    const all = Object.values(this.#schema.getTypeMap()).filter((one) => isCompositeType(one));
    const on = random.pick(all.filter(this.#overlapping(type)));
    return ["...", "on", on.name, ...this.#conditions(), ...this.#selections(on, depth + 1)];
  }

  #spread(type, depth) {
    const overlapping = this.#overlapping(type);
    const fitting = [...this.#fragments].filter(([, { on }]) => overlapping(on));
    if (fitting.length === 0) return null;
    const [name, fragment] = this.#random.pick(fitting);
    if (fragment.tokens === null) {
      // Nothing in it spreads it again.
      this.#fragments.delete(name);
      const tokens = this.#selections(fragment.on, depth + 1);
      this.#fragments.set(name, { ...fragment, tokens });
    }
    return ["...", name, ...this.#conditions()];
  }

  #field(type, depth) {
    const random = this.#random;
    if (!type.getFields) return null;
    const fields = Object.values(type.getFields());
    const leaves = fields.filter((field) => isLeafType(getNamedType(field.type)));
    const usable = depth < MOST_DEPTH ? fields : leaves;
    // One query that is all null says as much as many.
    const field = random.pick(usable.filter(({ name }) => name !== "strict" || random.chance(10)));
    if (!field) return null;
    const given = this.#arguments(field);
    const alias = given.length > 0 || random.chance(15) ? [this.#alias(), ":"] : [];
    const inner = getNamedType(field.type);
    const selections = isLeafType(inner) ? [] : this.#selections(inner, depth + 1);
    return [...alias, field.name, ...given, ...this.#conditions(), ...selections];
  }

  #alias() {
    this.#aliases += 1;
    const random = this.#random;
    return random.chance(70) ? `a${this.#aliases}` : random.pick(["id", "data", "errors", "evergraph_", "_"]);
  }

  #arguments(field) {
    const random = this.#random;
    const tokens = field.args.flatMap((argument) => {
      const type = String(argument.type);
      if (!type.endsWith("!") && random.chance(40)) return [];
      const value = this.#valueOf(type);
      return [
        argument.name,
        ":",
        ...(random.chance(50) ? this.#variable(type, value) : literal(value, type)),
      ];
    });
    return tokens.length > 0 ? ["(", ...tokens, ")"] : [];
  }

  #conditions() {
    const random = this.#random;
    if (!random.chance(12)) return [];
    const value = random.chance(60);
    const condition = random.chance(80) ? this.#variable("Boolean!", value) : [String(value)];
    return ["@", random.pick(["skip", "include"]), "(", "if", ":", ...condition, ")"];
  }

  #variable(type, value) {
    const random = this.#random;
    const name = random.pick(["v", "query", "id", "V_"]) + this.#variables.size;
    const byDefault = !type.endsWith("!") && random.chance(30) ? literal(this.#valueOf(type), type) : null;
    const tokens = type.match(/\w+|[[\]!]/g);
    this.#variables.set(name, {
      type: tokens,
      value: byDefault && random.chance(50) ? undefined : value,
      byDefault,
    });
    return ["$", name];
  }

  #valueOf(type) {
    const random = this.#random;
    const id = () => random.pick(["p", "u", "r", "x"]) + random.below(30);
    const text = () => random.pick(["", "é😀", 'say "hi" {', "\\ \n", "evergraph", "plain"]);
    return {
      "ID!": id,
      ID: id,
      "[ID]!": () => [id(), null, id()],
      String: text,
      Int: () => random.below(4),
      JSON: () => random.pick(this.#jsonValues),
      Filter: () => ({ text: text(), ids: [id()], deep: random.chance(50) ? { text: text() } : null }),
    }[type]();
  }
}

/** A JSON value as GraphQL writes it; what has keys that are no names can only be a variable. */
function literal(value, type) {
  if (value === null || typeof value !== "object") return [JSON.stringify(value)];
  if (Array.isArray(value)) return ["[", ...value.flatMap((one) => literal(one, type)), "]"];
  const fields = Object.entries(value).filter(([key]) => /^[_a-z]\w*$/i.test(key));
  return ["{", ...fields.flatMap(([key, one]) => [key, ":", ...literal(one, type)]), "}"];
}

/** The tokens in one of the ways that people and programs write them. */
function layOut(random, tokens) {
  const gap = random.pick([
    () => "",
    () => " ",
    (token) => ("{}".includes(token) ? "\n  " : " "),
    (token) => ("{}".includes(token) ? "\r\n\t" : " "),
    (token) => ("{}".includes(token) ? "\r" : ","),
    () => random.pick([" ", "\n", ", ", "\t", "\r\n", ' # é😀 { " \n', "\uFEFF", "#{\r"]),
  ]);
  let text = random.pick(["", "", "", "\n\n", "# é😀\n"]);
  let before = "";
  for (const token of tokens) {
    const separator = gap(before);
    const apart = separator || !/[\w"]$/.test(before) || !/^[\w"-]/.test(token);
    text += before === "" ? token : (apart ? separator : " ") + token;
    before = token;
  }
  return text + random.pick(["", "\n", " # end"]);
}
