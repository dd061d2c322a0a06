// Header fields as text, which is how Wasm has them.
//
// The runtime shows header values as UTF-8, with U+FFFD for what is none, so text does not hold every
// value. What it does not hold is taken from the headers that the text was made from: copies of a
// `Headers` object have the very bytes.

/** What stands in a text for bytes that it cannot hold. */
const UNREADABLE = "\ufffd";

/** Headers as `name:value` lines: one crossing into Wasm instead of one for each. */
export function headersToText(headers) {
  let text = "";
  for (const [name, value] of headers) text += `${name}:${value}\n`;
  return text;
}

/** Headers from `name:value` lines; values that are the same text in `original` keep its bytes. */
export function headersFromText(text, original = null) {
  const fields = [];
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.push([line.slice(0, colon), line.slice(colon + 1)]);
  }
  if (original !== null && text.includes(UNREADABLE)) return withBytesOf(original, fields);
  const headers = new Headers();
  for (const [name, value] of fields) headers.append(name, value);
  return headers;
}

function withBytesOf(original, fields) {
  const headers = new Headers(original);
  const values = Map.groupBy(fields, ([name]) => name);
  for (const name of [...original.keys()]) if (!values.has(name)) headers.delete(name);
  for (const [name, lines] of values) {
    // The field as it was, and perhaps more of it after that.
    let said = "";
    let same = 0;
    for (const [index, [, value]] of lines.entries()) {
      said = index === 0 ? value : `${said}, ${value}`;
      if (said === original.get(name)) same = index + 1;
    }
    if (same === 0) headers.delete(name);
    for (const [, value] of lines.slice(same)) headers.append(name, value);
  }
  return headers;
}
