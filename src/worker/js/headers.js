// Header fields as text, the form in which Wasm has them.
//
// The runtime decodes header values as UTF-8, with U+FFFD for invalid bytes, so text cannot represent
// every value. Such values are copied from the `Headers` object that the text was made from: copies of a
// `Headers` object have the original bytes.

/** The character that stands for bytes that text cannot represent. */
const UNREADABLE = "\ufffd";

/** Headers as `name:value` lines: one call across the Wasm boundary instead of one for each header. */
export function headersToText(headers) {
  let text = "";
  for (const [name, value] of headers) text += `${name}:${value}\n`;
  return text;
}

/**
 * The option `headers` of a request or a response, from `name:value` lines. Values with the same text as in
 * `original` get its bytes. The header `without` is left out. An object where that is enough: the runtime reads
 * it in one call.
 */
export function headersFromText(text, original = null, without = undefined) {
  const fields = [];
  const byName = {};
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const name = line.slice(0, colon);
    if (name === without) continue;
    const value = line.slice(colon + 1);
    fields.push([name, value]);
    byName[name] = value;
  }
  if (original !== null && text.includes(UNREADABLE)) return withBytesOf(original, fields);
  if (Object.keys(byName).length === fields.length) return byName;
  const headers = new Headers();
  for (const [name, value] of fields) headers.append(name, value);
  return headers;
}

function withBytesOf(original, fields) {
  const headers = new Headers(original);
  const values = Map.groupBy(fields, ([name]) => name);
  for (const name of [...original.keys()]) if (!values.has(name)) headers.delete(name);
  for (const [name, lines] of values) {
    // How many lines make up the original value. Lines after those were added to it.
    let joined = "";
    let unchanged = 0;
    for (const [index, [, value]] of lines.entries()) {
      joined = index === 0 ? value : `${joined}, ${value}`;
      if (joined === original.get(name)) unchanged = index + 1;
    }
    if (unchanged === 0) headers.delete(name);
    for (const [, value] of lines.slice(unchanged)) headers.append(name, value);
  }
  return headers;
}
