// Warming: fetching what will be asked for, and storing it, before somebody has to wait for it.

import { useEffect, useRef, useState } from "preact/hooks";
import { call } from "../lib/api.js";
import { count, millis, plural } from "../lib/format.js";
import { NeedsRole } from "../parts/bits.jsx";
import { Choice, Field, TextArea } from "../parts/controls.jsx";
import { Empty, Failure, Panel } from "../parts/states.jsx";
import { Table } from "../parts/table.jsx";

const SOURCES = [
  ["top", "What is asked for most"],
  ["list", "A list"],
];
const METHOD = /^(GET|POST)\s+(.+)$/i;

/** A list: JSON as `POST warm` takes it, or a line for each request: `/path`, `GET /path` or `POST /path {body}`. */
export function readList(text) {
  const trimmed = text.trim();
  if (trimmed.startsWith("[") || trimmed.startsWith("{")) {
    const json = readJson(trimmed);
    if (Array.isArray(json)) return json;
    if (json.requests === undefined) return [json];
    const [other] = Object.keys(json).filter((name) => name !== "requests");
    if (other) throw new Error(`Take “${other}” out of the list: the form below it says that.`);
    return json.requests;
  }
  const lines = trimmed.split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "" && !line.startsWith("#")).map(readLine);
}

function readJson(text) {
  try {
    return JSON.parse(text);
  } catch (fault) {
    throw new Error(`The list is no JSON: ${fault.message}`);
  }
}

function readLine(line) {
  const [, method = "GET", rest = line] = METHOD.exec(line) ?? [];
  const [url] = rest.split(/\s/, 1);
  const body = rest.slice(url.length).trim();
  if (!/^(\/|https?:)/.test(url)) throw new Error(`“${url}” is no path or URL.`);
  if (body === "") return { method: method.toUpperCase(), url };
  return { method: "POST", url, headers: { "content-type": "application/json" }, body };
}

const COUNTED = ["warmed", "already_fresh", "skipped", "failed", "kv_writes"];
const NOTHING = { ...Object.fromEntries(COUNTED.map((name) => [name, 0])), results: [] };
const KEPT_RESULTS = 500;
/** Why the Worker stops before everything is done. */
const STOPS = {
  "origin-failing": "The origin failed several times in a row, so the rest was not asked for.",
  budget: "As many requests as allowed were sent.",
};

/** One call does a part; what remains is the body of the next. */
async function warmAll(first, signal, report) {
  let [body, done, sum] = [first, 0, NOTHING];
  const asked = first.top ?? first.requests.length;
  while (body) {
    const part = await call("warm", { body, signal });
    const results = part.results ?? [];
    done += results.length;
    sum = {
      ...Object.fromEntries(COUNTED.map((name) => [name, sum[name] + (part[name] ?? 0)])),
      results: [...sum.results, ...results].slice(-KEPT_RESULTS),
    };
    const { remaining, stopped } = part;
    const left = remaining?.requests?.length ?? remaining?.top ?? 0;
    // A budget that is used up leaves nothing over.
    const total = stopped ? Math.max(asked, done + left) : done + left;
    // A part that did nothing would be asked for without end.
    const goesOn = remaining && !stopped && JSON.stringify(remaining) !== JSON.stringify(body);
    report({ ...sum, done, total, stopped, rest: stopped ? remaining : null });
    body = goesOn ? remaining : null;
  }
}

/** The body of the first call. Throws an error that says what is wrong with the form. */
function bodyOf({ source, top, list, concurrency, most, writes }) {
  const limits = Object.entries({ requests: most, kv_writes: writes }).filter(([, value]) => value !== "");
  const budget = limits.length > 0 ? { budget: Object.fromEntries(limits) } : {};
  if (source === "top") return { top: Number(top), concurrency: Number(concurrency), ...budget };
  const requests = readList(list);
  if (requests.length === 0) throw new Error("The list is empty.");
  return { requests, concurrency: Number(concurrency), ...budget };
}

export function Warm() {
  const [source, setSource] = useState("top");
  const [top, setTop] = useState(50);
  const [list, setList] = useState("");
  const [concurrency, setConcurrency] = useState(2);
  const [most, setMost] = useState("");
  const [writes, setWrites] = useState("");
  const [progress, setProgress] = useState(null);
  const [error, setError] = useState(null);
  const [isRunning, setIsRunning] = useState(false);
  const abort = useRef(null);
  useEffect(() => () => abort.current?.abort(), []);

  const start = async (make) => {
    setError(null);
    setProgress(null);
    setIsRunning(true);
    abort.current = new AbortController();
    try {
      const body = make();
      setProgress({ ...NOTHING, done: 0, total: body.top ?? body.requests.length });
      await warmAll(body, abort.current.signal, setProgress);
    } catch (fault) {
      setProgress((old) => old && { ...old, isStopped: true });
      if (fault.name !== "AbortError") setError(fault);
    } finally {
      setIsRunning(false);
    }
  };
  const submit = (event) => {
    event.preventDefault();
    start(() => bodyOf({ source, top, list, concurrency, most, writes }));
  };
  return (
    <div class="columns wide-right">
      <Panel
        title="Warm"
        note="What is stored already is not fetched. Everything else is fetched once and written to KV."
      >
        <NeedsRole needed="purge" to="Warming" />
        <form onSubmit={submit}>
          <Choice legend="What to warm" name="source" value={source} options={SOURCES} onChange={setSource} />
          {source === "top" ? (
            <Amount
              label="Requests"
              hint="The most frequent ones, by the statistics."
              value={top}
              min={1}
              max={200}
              onInput={setTop}
            />
          ) : (
            <TextArea
              label="Requests"
              hint="One a line: a path, a URL, or POST, a path and a body. Or JSON, as POST warm takes it."
              rows={8}
              value={list}
              onInput={setList}
              placeholder={'/api/products\nPOST /graphql {"query":"{ products { name } }"}'}
            />
          )}
          <Amount label="At once" value={concurrency} min={1} max={6} onInput={setConcurrency} />
          <div class="pair">
            <Amount
              label="Requests to the origin, at most"
              value={most}
              min={0}
              onInput={setMost}
              placeholder="no limit"
            />
            <Amount
              label="KV writes, at most"
              value={writes}
              min={0}
              onInput={setWrites}
              placeholder="no limit"
            />
          </div>
          <div class="buttons">
            <button type="submit" class="primary" disabled={isRunning}>
              Warm
            </button>
            {isRunning && (
              <button type="button" onClick={() => abort.current?.abort()}>
                Stop
              </button>
            )}
          </div>
        </form>
      </Panel>
      <section class="panel result" aria-label="Progress">
        {error && <Failure error={error} />}
        {progress ? (
          <Progress progress={progress} isRunning={isRunning} onGoOn={() => start(() => progress.rest)} />
        ) : (
          !error && (
            <Empty title="Nothing is warmed yet">
              Warm after a deploy or a purge of everything, so that visitors do not fill the cache. The work
              is done in small parts: it can be stopped after each.
            </Empty>
          )
        )}
      </section>
    </div>
  );
}

function Amount({ label, hint, value, onInput, ...rest }) {
  return (
    <Field label={label} hint={hint} class="narrow">
      {(attributes) => (
        <input
          type="number"
          {...rest}
          {...attributes}
          value={value}
          onInput={({ currentTarget: { value: text } }) => onInput(text === "" ? "" : Number(text))}
        />
      )}
    </Field>
  );
}

const OUTCOMES = { warmed: "good", already_fresh: "none", failed: "bad" };

function Progress({ progress, isRunning, onGoOn }) {
  const {
    done,
    total,
    warmed,
    already_fresh: fresh,
    skipped,
    failed,
    kv_writes: writes,
    results,
    isStopped,
    stopped,
    rest,
  } = progress;
  const word = isRunning ? "Warming" : isStopped || stopped ? "Stopped" : "Done";
  const columns = [
    {
      key: "url",
      label: "Request",
      render: ({ url, operation }) => (operation ? `${operation} · ${url}` : url),
    },
    {
      key: "outcome",
      label: "Outcome",
      isSortable: true,
      render: ({ outcome, reason }) => (
        <>
          <span class={`state ${OUTCOMES[outcome] ?? "warn"}`}>{outcome.replaceAll(/[-_]/g, " ")}</span>{" "}
          {reason && <span class="note">{reason}</span>}
        </>
      ),
    },
    { key: "ms", label: "Time", align: "right", isSortable: true, render: ({ ms }) => millis(ms) },
  ];
  return (
    <>
      <p class="progress">
        <progress max={Math.max(1, total)} value={done} aria-label="Warmed" />
        <span role="status">
          {word}: {count(done)} of {count(total)}
        </span>
      </p>
      <p class="muted">
        {plural(warmed, "response")} stored, {count(fresh)} fresh already, {count(skipped)} skipped,{" "}
        {count(failed)} failed; {plural(writes, "write")} to KV
      </p>
      {stopped && !isRunning && (
        <div class="message warn">
          <p>{STOPS[stopped] ?? `Stopped: ${stopped}.`}</p>
          {rest && (
            <button type="button" onClick={onGoOn}>
              Go on with the rest
            </button>
          )}
        </div>
      )}
      {results.length > 0 && <Table label="Warmed requests" columns={columns} rows={results} class="tall" />}
    </>
  );
}
