// Purging, with a preview, and what was purged.

import { useId, useRef, useState } from "preact/hooks";
import { call } from "../lib/api.js";
import { ago, count, moment, plural } from "../lib/format.js";
import { useAction, useResource } from "../lib/hooks.js";
import { Chips, NeedsRole } from "../parts/bits.jsx";
import { Check, Dialog, Select, TextField } from "../parts/controls.jsx";
import { Empty, Failure, Loaded, Panel } from "../parts/states.jsx";
import { Table } from "../parts/table.jsx";

const KINDS = {
  tags: ["Tag", "Product:42, Product, list:Product"],
  types: ["Cache type", "product"],
  operations: ["Operation", "GetProduct"],
  paths: ["Path", "/api/products/42"],
  keys: ["Key", "a key, or the 64 digits at its end"],
  patterns: ["Pattern", "gql/product/**"],
};
const OPTIONS = Object.entries(KINDS).map(([key, [label]]) => [key, label]);
let lastId = 0;
const item = (kind = "tags", value = "") => ({ id: ++lastId, kind, value });

/** What the address asks to fill in: `#/purges?types=product`. */
function fromAddress(parameters) {
  const given = [...parameters]
    .filter(([kind]) => Object.hasOwn(KINDS, kind))
    .map(([kind, value]) => item(kind, value));
  return given.length > 0 ? given : [item()];
}

export function Purges({ window, parameters }) {
  const stats = useResource(`stats?window=${window}`, { every: 15 });
  return (
    <>
      <PurgeForm parameters={parameters} onPurged={stats.reload} />
      <Panel title="Recent purges" note="The last 50 of the service, newest first.">
        <Loaded resource={stats} rows={6}>
          {(data) => <Recent purges={data.recent_purges ?? []} stats={data} />}
        </Loaded>
      </Panel>
    </>
  );
}

function PurgeForm({ parameters, onPurged }) {
  const [items, setItems] = useState(() => fromAddress(parameters));
  const [isAll, setIsAll] = useState(false);
  const [isSoft, setIsSoft] = useState(false);
  const [isAsking, setIsAsking] = useState(false);
  const preview = useAction(() => call("purge", { body: { ...body(), preview: true } }));
  const sent = useRef(null);
  const purge = useAction(async (again) => {
    // What is tried again is what was sent, and not what the form has become.
    if (!again) sent.current = body();
    const { all } = sent.current;
    const done = await call("purge", { body: sent.current });
    preview.clear();
    onPurged();
    return { ...done, isAll: all };
  });
  const given = items.filter(({ value }) => value.trim() !== "");
  const isReady = isAll || given.length > 0;

  function body() {
    const made = { soft: isSoft };
    if (isAll) return { ...made, all: true };
    for (const { kind, value } of given) made[kind] = [...(made[kind] ?? []), value.trim()];
    return made;
  }
  /** Changes the form. What is shown below it was about another purge, unless that is still under way. */
  const change = (set, next) => {
    set(next);
    preview.clear();
    if (!purge.isRunning) purge.clear();
  };
  const edit = (id, next) =>
    change(
      setItems,
      items.map((one) => (one.id === id ? { ...one, ...next } : one)),
    );
  const look = () => {
    if (!purge.isRunning) purge.clear();
    preview.run();
  };
  const submit = (event) => {
    event.preventDefault();
    if (isAll) setIsAsking(true);
    else if (isReady) purge.run();
  };
  return (
    <Panel title="Purge" note="What is purged is not served again: here at once, elsewhere within max_lag.">
      <NeedsRole needed="purge" to="Purging" />
      <form onSubmit={submit}>
        <fieldset disabled={isAll} class="items">
          <legend>What to purge</legend>
          {items.map((one, index) => (
            <Item
              key={one.id}
              number={index + 1}
              one={one}
              onChange={(next) => edit(one.id, next)}
              onRemove={
                items.length > 1
                  ? () =>
                      change(
                        setItems,
                        items.filter(({ id }) => id !== one.id),
                      )
                  : null
              }
            />
          ))}
          <button
            type="button"
            class="plain add"
            onClick={() => setItems([...items, item(items.at(-1).kind)])}
          >
            + Add another
          </button>
        </fieldset>
        <div class="checks">
          <Check label="Everything of this service" checked={isAll} onChange={(is) => change(setIsAll, is)} />
          <Check
            label="Soft"
            hint="Entries become stale instead of gone: within swr they are served while one request fetches them again."
            checked={isSoft}
            onChange={(is) => change(setIsSoft, is)}
          />
        </div>
        <div class="buttons">
          <button type="button" disabled={!isReady} onClick={look}>
            Preview
          </button>
          <button type="submit" class={isAll ? "danger" : "primary"} disabled={!isReady || purge.isRunning}>
            {isAll ? "Purge everything…" : "Purge"}
          </button>
        </div>
      </form>
      <div aria-live="polite">
        {preview.isRunning && <p class="muted">Looking what this would purge…</p>}
        {preview.result && <Preview result={preview.result} isSoft={isSoft} isAll={isAll} />}
        {purge.result && <Done result={purge.result} />}
      </div>
      {preview.error && <Failure error={preview.error} retry={preview.run} />}
      {purge.error && <Failure error={purge.error} retry={() => purge.run(true)} />}
      {isAsking && (
        <Confirm
          isSoft={isSoft}
          onClose={() => setIsAsking(false)}
          onConfirm={() => {
            setIsAsking(false);
            purge.run();
          }}
        />
      )}
    </Panel>
  );
}

function Item({ number, one, onChange, onRemove }) {
  const [label, example] = KINDS[one.kind];
  return (
    <div class="item">
      <Select
        label={`Kind ${number}`}
        class="unlabelled"
        value={one.kind}
        options={OPTIONS}
        onChange={(kind) => onChange({ kind })}
      />
      <TextField
        label={`${label} ${number}`}
        class="unlabelled"
        value={one.value}
        placeholder={example}
        onInput={(value) => onChange({ value })}
      />
      {onRemove && (
        <button
          type="button"
          class="plain"
          onClick={onRemove}
          aria-label={`Remove ${label.toLowerCase()} ${number}`}
        >
          ✕
        </button>
      )}
    </div>
  );
}

/** Purging everything sends all traffic to the origin for a while, so it is asked about once more. */
function Confirm({ isSoft, onClose, onConfirm }) {
  const id = useId();
  return (
    <Dialog title="Purge everything?" onClose={onClose}>
      <p id={id}>
        {isSoft
          ? "Every stored response becomes stale. The origin gets a request for each of them as it is asked for."
          : "Every stored response is gone. Until the cache has filled again, the origin gets all requests."}
      </p>
      <div class="buttons">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class="danger" onClick={onConfirm} aria-describedby={id}>
          Purge everything
        </button>
      </div>
    </Dialog>
  );
}

function Preview({ result: { entries, tags, patterns }, isSoft, isAll }) {
  const { count: number = 0, maybe = 0, keys = [], is_complete: isComplete } = entries ?? {};
  return (
    <div class="message stacked">
      <p>
        This would make <b>{plural(number, "entry", "entries")}</b> {isSoft ? "stale" : "invalid"} (
        {isAll
          ? "everything"
          : [plural(tags ?? 0, "tag"), patterns > 0 && plural(patterns, "pattern")]
              .filter(Boolean)
              .join(", ")}
        ). Nothing is purged yet.
      </p>
      {keys.length > 0 && (
        <ul class="keys">
          {keys.map((key) => (
            <li key={key}>
              <code>{key}</code>
            </li>
          ))}
          {number > keys.length && <li class="muted">and {count(number - keys.length)} more</li>}
        </ul>
      )}
      {maybe > 0 && (
        <p class="muted">
          {plural(maybe, "entry", "entries")} more may be hit: what KV lists of them lacks some of their tags.
        </p>
      )}
      {isComplete === false && maybe === 0 && (
        <p class="muted">KV holds more than a preview looks at, so these are not all.</p>
      )}
      <p class="muted">
        These are in KV or in the memory of the isolate that answered. Other memories and edge caches are
        purged as well.
      </p>
    </div>
  );
}

const Done = ({ result: { seq, tags = 0, patterns = 0, isAll } }) => (
  <div class="message good">
    <p>
      <b>Purge {count(seq)} is recorded</b>:{" "}
      {isAll
        ? "everything"
        : [tags > 0 && plural(tags, "tag"), patterns > 0 && plural(patterns, "pattern")]
            .filter(Boolean)
            .join(" and ")}
      .
    </p>
  </div>
);

const SOURCES = {
  mutation: "Mutation",
  batch: "Batch",
  "perhaps-mutation": "Possible mutation",
  rest: "REST write",
  admin: "Purge request",
  cookie: "Session ended",
  schema: "Schema",
  outbox: "Outbox",
  "config-error": "Invalid configuration",
};

function Recent({ purges, stats }) {
  if (purges.length === 0)
    return (
      <Empty
        title={
          stats.purges > 0
            ? `${plural(stats.purges, "purge")} in this window, without details`
            : "No purges yet"
        }
      >
        {stats.purges > 0
          ? "Their causes are not recorded by this Worker."
          : "A write through the Worker purges what it changes, and is then listed here."}
      </Empty>
    );
  const columns = [
    {
      key: "at",
      label: "When",
      isSortable: true,
      render: ({ at }) => (
        <time dateTime={new Date(at).toISOString()} title={moment(at)}>
          {ago(at)}
        </time>
      ),
    },
    { key: "source", label: "Source", isSortable: true, render: ({ source }) => SOURCES[source] ?? source },
    {
      key: "cause",
      label: "Cause",
      isSortable: true,
      render: ({ cause }) => (cause ? <code>{cause}</code> : <span class="muted">–</span>),
    },
    { key: "what", label: "What", render: what },
    {
      key: "seq",
      label: "Number",
      align: "right",
      isSortable: true,
      render: ({ seq }) => (seq === null ? "–" : count(seq)),
    },
  ];
  return (
    <Table
      label="Recent purges"
      class="tall"
      columns={columns}
      rows={purges}
      rowKey={({ at, seq }) => `${at}-${seq}`}
      initial={{ key: "at", isUp: false }}
    />
  );
}

function what({ all, soft, tags = 0, patterns = 0 }) {
  const parts = all
    ? ["everything"]
    : [tags > 0 && plural(tags, "tag"), patterns > 0 && plural(patterns, "pattern")].filter(Boolean);
  return <Chips of={[...parts, soft && "soft"].filter(Boolean)} />;
}
