// The last changes, and who made them.

import { useState } from "preact/hooks";
import { call, route } from "../lib/api.js";
import { count, moment, plural } from "../lib/format.js";
import { useAction, useResource } from "../lib/hooks.js";
import { Empty, Failure, Loaded, Panel } from "../parts/states.jsx";
import { Table } from "../parts/table.jsx";

const tone = (status) => (status < 400 ? "good" : status < 500 ? "warn" : "bad");
const COLUMNS = [
  {
    key: "at",
    label: "When",
    isSortable: true,
    render: ({ at }) => <time dateTime={new Date(at).toISOString()}>{moment(at)}</time>,
  },
  {
    key: "token",
    label: "Token",
    isSortable: true,
    render: ({ token }) => token ?? <span class="muted">none</span>,
  },
  {
    key: "role",
    label: "Role",
    isSortable: true,
    render: ({ role }) => role ?? <span class="muted">–</span>,
  },
  { key: "route", label: "Route", isSortable: true, render: ({ route }) => <code>{route}</code> },
  { key: "detail", label: "Change" },
  { key: "address", label: "Address", render: ({ address }) => address ?? <span class="muted">–</span> },
  {
    key: "status",
    label: "Status",
    align: "right",
    isSortable: true,
    render: ({ status }) => <span class={`state ${tone(status)}`}>{status}</span>,
  },
];

/** What the isolate that answers has refused. */
function refused({ unauthorized = 0, forbidden = 0, limited = 0 } = {}) {
  const parts = [
    unauthorized > 0 && `${count(unauthorized)} for a wrong token`,
    forbidden > 0 && `${count(forbidden)} for the role`,
    limited > 0 && `${count(limited)} after too many attempts`,
  ].filter(Boolean);
  return parts.length > 0 ? ` This isolate has refused ${parts.join(", ")}.` : "";
}

const PAGE = 100;

export function Audit() {
  const audit = useResource(`audit?limit=${PAGE}`, { every: 60 });
  return (
    <Loaded resource={audit} rows={10}>
      {({ changes, denied }) => (
        <Panel
          title="Changes"
          note={`Who purged, uploaded, warmed or paused, newest first.${refused(denied)}`}
        >
          {changes.length === 0 ? (
            <Empty title="No changes yet">
              Each is listed here with the name of the token that made it. The last 1,000 are kept.
            </Empty>
          ) : (
            <Changes latest={changes} />
          )}
        </Panel>
      )}
    </Loaded>
  );
}

/** The latest changes, which update themselves, and older ones, which are asked for. */
function Changes({ latest }) {
  const [older, setOlder] = useState([]);
  const [hasAll, setHasAll] = useState(false);
  const known = new Set(latest.map(({ id }) => id));
  // Where the two do not meet, changes are missing between them.
  const meets = older.some(({ id }) => known.has(id));
  const all = meets ? [...latest, ...older.filter(({ id }) => !known.has(id))] : latest;
  const isAll = meets ? hasAll : latest.length < PAGE;
  const more = useAction(async () => {
    const { changes } = await call(route("audit", { limit: PAGE, before: all.at(-1).id }));
    // What has become older since is between the two.
    setOlder([...all, ...changes]);
    setHasAll(changes.length < PAGE);
  });
  return (
    <>
      <Table
        label="Changes"
        columns={COLUMNS}
        rows={all}
        rowKey={({ id }) => id}
        initial={{ key: "at", isUp: false }}
      />
      <p class="more" role="status">
        {plural(all.length, "change")}
        {isAll ? "." : " so far."}
      </p>
      {more.error && <Failure error={more.error} retry={more.run} />}
      {!isAll && (
        <button type="button" onClick={more.run} disabled={more.isRunning}>
          {more.isRunning ? "Loading…" : "Load more"}
        </button>
      )}
    </>
  );
}
