// From a curl command, as browsers copy it, to a request for `POST explain`.

const WITH_VALUE = {
  "-X": "method",
  "--request": "method",
  "-H": "header",
  "--header": "header",
  "-d": "data",
  "--data": "data",
  "--data-raw": "data",
  "--data-binary": "data",
  "--data-ascii": "data",
  "--json": "json",
  "-b": "cookie",
  "--cookie": "cookie",
  "-A": "agent",
  "--user-agent": "agent",
  "-e": "referer",
  "--referer": "referer",
  "-u": "user",
  "--user": "user",
  "--url": "url",
};
/** Options that say nothing about the request, and have a value. */
const IGNORED_WITH_VALUE = [
  "-o",
  "--output",
  "-m",
  "--max-time",
  "-w",
  "--write-out",
  "--connect-timeout",
  "-x",
  "--proxy",
];

/** Options without a value that change the request. */
const FLAGS = {
  "-I": { method: "HEAD" },
  "--head": { method: "HEAD" },
  "-G": { isGet: true },
  "--get": { isGet: true },
};

/** Options without a value that say nothing about the request. */
const IGNORED =
  /^-([sSkLivfNgOJ#0246]|-(silent|show-error|insecure|location|include|verbose|fail(-with-body)?|no-buffer|globoff|compressed|progress-bar|path-as-is|http[\d.]+|tlsv[\d.]+|ipv[46]))$/;

/** The request of a command: `{method, url, headers, body}`. Throws an error that says what is wrong. */
export function readCurl(text) {
  if (/\s\^"/.test(text)) throw new Error("This one is for Windows: copy it as cURL for bash.");
  const words = split(text);
  if (words[0] !== "curl") throw new Error("Expected a command that begins with curl.");
  const request = { method: null, url: null, headers: [], data: [], isGet: false };
  for (let index = 1; index < words.length; index += 1) {
    const { option, value, isInline } = optionOf(words, index);
    if (option === null) request.url ??= words[index];
    else if (takesValue(option)) {
      setByValue(request, option, value);
      if (!isInline) index += 1;
    } else setByFlag(request, option);
  }
  if (request.url === null) throw new Error("The command has no URL.");
  return finish(request);
}

const takesValue = (option) => option in WITH_VALUE || IGNORED_WITH_VALUE.includes(option);

/** `-XPOST`, `--request=POST` and `-X POST`. */
function optionOf(words, index) {
  const word = words[index];
  if (!word.startsWith("-") || word === "-") return { option: null };
  const equals = word.indexOf("=");
  if (word.startsWith("--") && equals > 0)
    return { option: word.slice(0, equals), value: word.slice(equals + 1), isInline: true };
  const short = word.slice(0, 2);
  if (!word.startsWith("--") && word.length > 2) {
    if (takesValue(short)) return { option: short, value: word.slice(2), isInline: true };
    // `-sSL` is three options.
    words.splice(index, 1, short, `-${word.slice(2)}`);
    return { option: short };
  }
  return { option: word, value: words[index + 1], isInline: false };
}

function setByFlag(request, option) {
  if (!FLAGS[option] && !IGNORED.test(option))
    throw new Error(`${option} is not known here. If it changes nothing, leave it out.`);
  Object.assign(request, FLAGS[option]);
}

function setByValue(request, option, value) {
  if (value === undefined) throw new Error(`${option} has no value.`);
  const kind = WITH_VALUE[option];
  if (["data", "json"].includes(kind) && option !== "--data-raw" && value.startsWith("@"))
    throw new Error(`${option} ${value} names a file: put its content there.`);
  set(request, kind, value);
}

function set(request, kind, value) {
  const header = (name) => request.headers.push([name, value]);
  if (kind === "method" || kind === "url") request[kind] = value;
  else if (kind === "data") request.data.push(value);
  else if (kind === "json") {
    request.data.push(value);
    request.headers.push(["content-type", "application/json"], ["accept", "application/json"]);
  } else if (kind === "cookie") header("cookie");
  else if (kind === "agent") header("user-agent");
  else if (kind === "referer") header("referer");
  else if (kind === "user") request.headers.push(["authorization", `Basic ${btoa(value)}`]);
  else if (kind === "header" && value.includes(":")) {
    const colon = value.indexOf(":");
    const content = value.slice(colon + 1).trim();
    // Without content it takes one of curl's own headers away.
    if (content !== "") request.headers.push([value.slice(0, colon).trim().toLowerCase(), content]);
  }
}

function finish({ method, url, headers, data, isGet }) {
  const joined = data.join("&");
  if (isGet) {
    const query = joined === "" ? "" : `${url.includes("?") ? "&" : "?"}${joined}`;
    return { method: method ?? "GET", url: url + query, headers, body: "" };
  }
  const hasType = headers.some(([name]) => name === "content-type");
  if (joined !== "" && !hasType) headers.push(["content-type", "application/x-www-form-urlencoded"]);
  return { method: method ?? (joined === "" ? "GET" : "POST"), url, headers, body: joined };
}

const ESCAPES = { n: "\n", t: "\t", r: "\r" };
/** A part of a word: quoted in one of three ways, an escaped character, or anything else but spaces. */
const PART = /\$'((?:[^'\\]|\\[\s\S])*)'|'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])|([^\s'"\\]+)/y;

/** The words of a command, as a POSIX shell splits them, with `$'…'` of bash. */
function split(text) {
  const source = text.trim().replace(/\\\r?\n/g, " ");
  const words = [];
  let isInWord = false;
  for (let at = 0; at < source.length; ) {
    if (/\s/.test(source[at])) {
      isInWord = false;
      at += 1;
      continue;
    }
    PART.lastIndex = at;
    const part = PART.exec(source);
    if (part === null) throw new Error("A quotation mark has no end.");
    if (!isInWord) words.push("");
    words[words.length - 1] += meaning(part);
    isInWord = true;
    at = PART.lastIndex;
  }
  return words;
}

function meaning([, ansi, literal, quoted, escaped, plain]) {
  if (ansi !== undefined)
    return ansi.replace(/\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g, (_, code, letter) =>
      code ? String.fromCharCode(Number.parseInt(code, 16)) : (ESCAPES[letter] ?? letter),
    );
  if (quoted !== undefined) return quoted.replace(/\\(["\\$`])/g, "$1");
  return literal ?? escaped ?? plain;
}
