// What happens to a request, and why. Nothing is fetched.

import { useEffect, useRef, useState } from "preact/hooks";
import { call } from "../lib/api.js";
import { readCurl } from "../lib/curl.js";
import { useAction } from "../lib/hooks.js";
import { Select, TextArea, TextField } from "../parts/controls.jsx";
import { Explanation } from "../parts/explanation.jsx";
import { Empty, Failure, Loading, Panel } from "../parts/states.jsx";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].map((name) => [name, name]);

/** Lines of `name: value` as an object; a name that is there twice has a list. */
export function readHeaders(text) {
  const headers = {};
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const colon = line.indexOf(":");
    if (colon < 1) throw new Error(`Line ${index + 1} is no header: expected “name: value”.`);
    const [name, value] = [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    headers[name] = Object.hasOwn(headers, name) ? [headers[name], value].flat() : value;
  }
  return headers;
}

function isJson(text) {
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}

export function Explain({ parameters }) {
  const [method, setMethod] = useState("GET");
  const [url, setUrl] = useState(parameters.get("url") ?? "/graphql");
  const [headers, setHeaders] = useState("");
  const [body, setBody] = useState("");
  const result = useRef(null);
  const isTyping = useRef(false);
  const explain = useAction(() => {
    const request = { method, url: url.trim(), headers: readHeaders(headers) };
    if (body.trim() !== "") Object.assign(request, { body });
    if (isJson(body)) request.headers["content-type"] ??= "application/json";
    return call("explain", { body: request });
  });
  useEffect(() => {
    // Who has begun to type the next request goes on typing.
    if (explain.result && !isTyping.current) result.current?.focus();
  }, [explain.result]);
  const fill = (request) => {
    setMethod(request.method.toUpperCase());
    setUrl(request.url);
    setHeaders(request.headers.map(([name, value]) => `${name}: ${value}`).join("\n"));
    setBody(request.body);
    explain.clear();
  };
  const submit = (event) => {
    event.preventDefault();
    isTyping.current = false;
    explain.run();
  };
  return (
    <div class="columns wide-right">
      <Panel title="Request">
        <Curl onRead={fill} />
        <form
          onSubmit={submit}
          onInput={() => {
            isTyping.current = true;
          }}
        >
          <div class="pair">
            <Select label="Method" value={method} options={METHODS} onChange={setMethod} class="narrow" />
            <TextField
              label="URL"
              hint="A path, or a whole URL."
              value={url}
              onInput={setUrl}
              required
              inputMode="url"
            />
          </div>
          <TextArea
            label="Headers"
            rows={4}
            value={headers}
            onInput={setHeaders}
            placeholder={"content-type: application/json\ncookie: sid=…"}
          />
          <TextArea
            label="Body"
            hint="JSON without a content-type counts as application/json."
            rows={6}
            value={body}
            onInput={setBody}
            placeholder={'{"query":"{ product(id: 42) { name } }"}'}
          />
          <div class="buttons">
            <button type="submit" class="primary" disabled={url.trim() === ""}>
              Explain
            </button>
            <span class="hint">Nothing is sent to the origin.</span>
          </div>
        </form>
      </Panel>
      <section class="panel result" aria-label="Explanation" ref={result} tabIndex={-1}>
        {explain.isRunning && <Loading label="Deciding" />}
        {explain.error && <Failure error={explain.error} />}
        {explain.result && <Explanation explained={explain.result} />}
        {!explain.isRunning && !explain.error && !explain.result && (
          <Empty title="Why is a request cached, or not?">
            Enter it, or paste a curl command: browsers copy one from their network tools. The answer names
            the types, the key, the stored entry, and each reason.
          </Empty>
        )}
      </section>
    </div>
  );
}

function Curl({ onRead }) {
  const [text, setText] = useState("");
  const [fault, setFault] = useState(null);
  const read = () => {
    try {
      onRead(readCurl(text));
      setFault(null);
    } catch (error) {
      setFault(error.message);
    }
  };
  return (
    <details class="curl">
      <summary>Paste a curl command</summary>
      <TextArea
        label="Command"
        rows={5}
        value={text}
        onInput={setText}
        error={fault}
        placeholder="curl 'https://…/graphql' -H 'content-type: application/json' --data-raw '…'"
      />
      <button type="button" onClick={read} disabled={text.trim() === ""}>
        Fill in the form
      </button>
    </details>
  );
}
