// Header fields as text, and what they say of content codings.

/** Headers as `name:value` lines: one crossing into Wasm instead of one for each. */
export function headersToText(headers) {
  let text = "";
  for (const [name, value] of headers) text += `${name}:${value}\n`;
  return text;
}

export function headersFromText(text) {
  const headers = new Headers();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1));
  }
  return headers;
}

/** The codings that the runtime undoes in what it fetches, and does again in what it sends. */
export const UNDONE = ["gzip", "br"];

/** Whether an answer may reach the client in a coding (RFC 9110 §12.5.3). */
export function accepts(request, coding) {
  const members = (request.headers.get("accept-encoding") ?? "").toLowerCase().split(",");
  const [, weight] = members
    .map((member) => /^\s*(?:x-)?([\w*]+)\s*(?:;\s*q=([\d.]+))?\s*$/.exec(member) ?? [])
    .map(([, name, weight = "1"]) => [name, weight])
    .find(([name]) => name === coding) ?? [null, "0"];
  return Number(weight) > 0;
}
