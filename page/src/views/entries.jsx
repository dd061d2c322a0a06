// What KV holds.

import { useState } from "preact/hooks";
import { call, callForText, route } from "../lib/api.js";
import { may, useCaller } from "../lib/caller.js";
import { bytes, count, duration, moment, plural } from "../lib/format.js";
import { askedFor, useAction, useResource } from "../lib/hooks.js";
import { Chips, Facts } from "../parts/bits.jsx";
import { Dialog, TextField } from "../parts/controls.jsx";
import { Empty, Failure, Loaded, Panel } from "../parts/states.jsx";
import { Table } from "../parts/table.jsx";

const EVERYTHING = "**";
const PAGE = 100;

export function Entries({ parameters }) {
  const asked = parameters.get("pattern") ?? EVERYTHING;
  const [text, setText] = useState(asked);
  const [pattern, setPattern] = useState(asked);
  const [open, setOpen] = useState(null);
  const [purged, setPurged] = useState([]);
  const first = useResource(route("entries", { pattern, limit: PAGE }));
  const submit = (event) => {
    event.preventDefault();
    const next = text.trim() === "" ? EVERYTHING : text.trim();
    if (next === pattern) first.reload();
    setPattern(next);
    setPurged([]);
  };
  return (
    <Panel title="Entries in KV" note="Memory and edge caches hold more, which cannot be listed.">
      <form class="toolbar" onSubmit={submit}>
        <TextField
          label="Pattern"
          hint="From the kind on: * within a segment, ** across segments. As in gql/product/**."
          value={text}
          onInput={setText}
        />
        <button type="submit" class="primary">
          List
        </button>
      </form>
      <Loaded resource={first} rows={8}>
        {(data) => (
          <List
            key={first.at}
            first={data}
            pattern={askedFor(first, "pattern")}
            purged={purged}
            onOpen={setOpen}
          />
        )}
      </Loaded>
      {open && (
        <Details
          entryKey={open}
          onClose={() => setOpen(null)}
          onPurged={() => setPurged((old) => [...old, open])}
        />
      )}
    </Panel>
  );
}

function List({ first, pattern, purged, onOpen }) {
  const [entries, setEntries] = useState(first.entries ?? []);
  const [cursor, setCursor] = useState(first.cursor);
  const more = useAction(async () => {
    const page = await call(route("entries", { pattern, limit: PAGE, cursor }));
    setEntries((old) => [...old, ...page.entries]);
    setCursor(page.cursor);
    return page.entries.length;
  });
  if (entries.length === 0 && !cursor)
    return (
      <Empty title={pattern === EVERYTHING ? "KV holds no entries" : `No entry matches ${pattern}`}>
        {pattern === EVERYTHING
          ? "With kv.writes = “second-request” an entry is written when it is asked for a second time."
          : "Try a wider pattern, such as gql/**."}
      </Empty>
    );
  return (
    <>
      <Table
        label="Entries"
        columns={columnsFor(onOpen)}
        rows={entries.map((one) => (purged.includes(one.key) ? { ...one, verdict: "purged" } : one))}
        rowKey={({ key }) => key}
      />
      <p class="more" role="status">
        {plural(entries.length, "entry", "entries")}
        {cursor ? " so far." : "."}
      </p>
      {more.error && <Failure error={more.error} retry={more.run} />}
      {cursor && (
        <button type="button" onClick={more.run} disabled={more.isRunning}>
          {more.isRunning ? "Loading…" : "Load more"}
        </button>
      )}
    </>
  );
}

const VERDICTS = { valid: "good", stale: "warn", purged: "bad" };

const Verdict = ({ verdict }) =>
  verdict ? <span class={`state ${VERDICTS[verdict]}`}>{verdict}</span> : <span class="muted">–</span>;

/** The first digits of the digest at a key's end: enough to tell entries of one name apart. */
const digestOf = (key) => key.slice(key.lastIndexOf("/") + 1).slice(0, 8);

/** Keys have `~` in the place of a path's slashes. */
const nameOf = ({ kind, name }) => (kind === "rest" ? `/${name.replaceAll("~", "/")}` : name);

const columnsFor = (onOpen) => [
  {
    key: "name",
    label: "Entry",
    isSortable: true,
    value: nameOf,
    render: (entry) => (
      <button type="button" class="link" onClick={() => onOpen(entry.key)}>
        {nameOf(entry)} <span class="digest">{digestOf(entry.key)}</span>
      </button>
    ),
  },
  { key: "type", label: "Type", isSortable: true },
  {
    key: "verdict",
    label: "Purge log",
    isSortable: true,
    render: ({ verdict }) => <Verdict verdict={verdict} />,
  },
  { key: "scope", label: "Scope", isSortable: true },
  { key: "age", label: "Age", align: "right", isSortable: true, render: ({ age }) => duration(age) },
  { key: "ttl", label: "Lifetime", align: "right", isSortable: true, render: lifetime },
  { key: "bytes", label: "Size", align: "right", isSortable: true, render: (entry) => bytes(entry.bytes) },
  {
    key: "tags",
    label: "Tags",
    align: "right",
    value: ({ tags = [] }) => tags.length,
    isSortable: true,
    render: ({ tags = [], tags_complete: isComplete }) =>
      `${count(tags.length)}${isComplete === false ? "+" : ""}`,
  },
];

function lifetime({ age, ttl }) {
  const isOver = typeof age === "number" && typeof ttl === "number" && age >= ttl;
  return (
    <>
      {isOver && <span class="muted">over </span>}
      {duration(ttl)}
    </>
  );
}

function Details({ entryKey, onClose, onPurged }) {
  const entry = useResource(route("entries", { key: entryKey }));
  const showsBody = may(useCaller(), "admin");
  const body = useAction(() =>
    callForText(route("entries", { key: entryKey, body: 1 })).then((text) => ({ text })),
  );
  const purge = useAction(async () => {
    const done = await call("purge", { body: { keys: [entryKey] } });
    onPurged();
    entry.reload();
    return done;
  });
  return (
    <Dialog title="Entry" onClose={onClose} class="large">
      <code class="block">{entryKey}</code>
      <Loaded resource={entry}>{(data) => <Metadata entry={data.entry ?? data} />}</Loaded>
      <div class="buttons">
        {showsBody && (
          <button type="button" onClick={body.run} disabled={body.isRunning}>
            Show the body
          </button>
        )}
        <button type="button" class="danger" onClick={purge.run} disabled={purge.isRunning}>
          Purge this entry
        </button>
        {!showsBody && <span class="hint">A token with the role admin shows the body too.</span>}
      </div>
      <div aria-live="polite">
        {purge.result && <p class="message good">Purge {count(purge.result.seq)} is recorded.</p>}
        {body.result && <pre class="body">{bodyText(body.result.text)}</pre>}
      </div>
      {body.error && <Failure error={body.error} />}
      {purge.error && <Failure error={purge.error} retry={purge.run} />}
    </Dialog>
  );
}

const MOST_CHARACTERS = 200_000;

function bodyText(text) {
  if (text === null) return "The body is binary.";
  if (text === "") return "The body is empty.";
  const shown = indented(text);
  return shown.length > MOST_CHARACTERS ? `${shown.slice(0, MOST_CHARACTERS)}…` : shown;
}

function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

const Metadata = ({ entry }) => (
  <>
    <Facts
      of={[
        ["Purge log", entry.verdict && <Verdict verdict={entry.verdict} />],
        ["Found in", entry.tier],
        ["Status", entry.status],
        ["Content type", entry.content_type],
        ["Type", entry.type],
        ["Name", nameOf(entry)],
        ["Scope", entry.scope],
        ["Stored", moment(entry.stored_at)],
        ["Age", duration(entry.age)],
        ["Lifetime", duration(entry.ttl)],
        ["Stale while revalidating", entry.swr > 0 ? duration(entry.swr) : null],
        ["Stale if error", entry.sie > 0 ? duration(entry.sie) : null],
        ["Varies by", entry.vary?.join(", ")],
        ["Log's number when it was fetched", entry.seq],
        ["Size", bytes(entry.bytes)],
      ]}
    />
    {entry.tags?.length > 0 && (
      <>
        <h3>{entry.tags_complete === false ? "Tags, the first of them" : "Tags"}</h3>
        <Chips of={entry.tags} />
      </>
    )}
  </>
);
