// Traffic by type, operation, path or reason.

import { useState } from "preact/hooks";
import { bytes, count, millis, plural } from "../lib/format.js";
import { askedFor, useResource } from "../lib/hooks.js";
import { Rate } from "../parts/bits.jsx";
import { Choice, TextField } from "../parts/controls.jsx";
import { Empty, Loaded, Panel } from "../parts/states.jsx";
import { Table } from "../parts/table.jsx";
import { windowNote } from "../parts/windows.jsx";

const KINDS = [
  ["operation", "Operations"],
  ["type", "Types"],
  ["path", "Paths"],
  ["reason", "Reasons"],
];
/** What a row's name is in a purge. */
const PURGED_AS = { operation: "operations", type: "types", path: "paths" };
/** What the Worker can sort by before it cuts the list, by column. */
const SORTS = { total_requests: "traffic", misses: "misses", bytes: "bytes" };
const total = ({ bytes: of }) =>
  typeof of === "object" && of !== null ? (of.cached ?? 0) + (of.uncached ?? 0) : of;

export function Operations({ window, parameters }) {
  const asked = parameters.get("by");
  const [by, setBy] = useState(KINDS.some(([key]) => key === asked) ? asked : "operation");
  const [filter, setFilter] = useState("");
  const [sort, setSort] = useState("traffic");
  const stats = useResource(`stats?window=${window}&by=${by}&sort=${sort}`, { every: 60 });
  // Each kind has a table of its own, which begins with the most traffic.
  const choose = (kind) => {
    setBy(kind);
    setSort("traffic");
  };
  return (
    <>
      <div class="toolbar">
        <Choice legend="Rows" name="by" value={by} options={KINDS} onChange={choose} />
        <TextField
          label="Filter"
          type="search"
          value={filter}
          onInput={setFilter}
          placeholder="part of a name"
          class="inline"
        />
      </div>
      <Loaded resource={stats} rows={10}>
        {(data) => (
          <Rows
            data={data}
            by={askedFor(stats, "by")}
            sort={askedFor(stats, "sort")}
            filter={filter}
            onSort={(column) => setSort((old) => SORTS[column] ?? old)}
          />
        )}
      </Loaded>
    </>
  );
}

function Rows({ data, by, sort, filter, onSort }) {
  const all = data.rows ?? [];
  const rows = all.filter(({ name }) => name.toLowerCase().includes(filter.toLowerCase()));
  if (all.length === 0)
    return (
      <Empty
        title={by === "reason" ? "No request passed through in this window" : "No traffic in this window"}
      />
    );
  return (
    <Panel
      title={`By ${by}`}
      note={`${windowNote(data)} The ${plural(all.length, "row")} with the most ${sort}.`}
    >
      {rows.length === 0 ? (
        <Empty title={`No name contains “${filter}”`} />
      ) : (
        <Table
          label={`Traffic by ${by}`}
          key={by}
          rows={rows}
          rowKey={(row) => row.name}
          initial={{ key: "total_requests", isUp: false }}
          onSort={onSort}
          columns={by === "reason" ? REASON_COLUMNS : columnsOf(by, all)}
        />
      )}
    </Panel>
  );
}

/** A column that is sorted by what it shows. */
const measured = (key, label, value, format) => ({
  key,
  label,
  align: "right",
  isSortable: true,
  value,
  render: (row) => format(value(row)),
});
const number = (key, label) => measured(key, label, (row) => row[key], count);

const lookUps = (row) => row.hits + row.stale + row.revalidated + row.misses;
const fromCache = (row) => row.hits + row.stale;
// Null where there was nothing to measure, which the Worker says as 0.
const rate = (row) => (lookUps(row) > 0 ? row.hit_rate : null);
const cachedTime = (row) => (fromCache(row) > 0 ? row.avg_cached_ms : null);
const originTime = (row) => (row.total_requests > fromCache(row) ? row.avg_uncached_ms : null);
/** Results that are rare: a column without one is left out. */
const RARE = ["stale", "revalidated", "bypass", "errors"];

const columnsOf = (by, rows) =>
  allColumns(by).filter(({ key }) => !RARE.includes(key) || rows.some((row) => row[key] > 0));

const allColumns = (by) => [
  {
    key: "name",
    label: by[0].toUpperCase() + by.slice(1),
    isSortable: true,
    render: (row) => <Name name={row.name} by={by} isStored={lookUps(row) > 0} />,
  },
  number("total_requests", "Requests"),
  measured("hit_rate", "Hit rate", rate, (share) => <Rate share={share} />),
  number("hits", "Hits"),
  number("stale", "Stale"),
  number("revalidated", "Revalidated"),
  number("misses", "Misses"),
  number("bypass", "Passed"),
  number("errors", "Errors"),
  measured("avg_cached_ms", "Cached", cachedTime, millis),
  measured("avg_uncached_ms", "Origin", originTime, millis),
  measured("bytes", "Bytes", total, bytes),
];

const REASON_COLUMNS = [
  { key: "name", label: "Reason", isSortable: true, render: ({ name }) => <code>{name}</code> },
  number("total_requests", "Requests"),
  number("errors", "Errors"),
  measured("avg_uncached_ms", "Mean time", originTime, millis),
  measured("bytes", "Bytes", total, bytes),
];

function Name({ name, by, isStored }) {
  if (name === "(other)") return <span class="muted">all others</span>;
  const query = new URLSearchParams({ [PURGED_AS[by]]: name });
  return (
    <span class="row-name">
      <span>{name}</span>
      {isStored && (
        <a href={`#/purges?${query}`} aria-label={`Purge ${name}`}>
          purge
        </a>
      )}
    </span>
  );
}
