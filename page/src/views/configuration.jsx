// The active configuration, and the deployment that it belongs to.

import { useState } from "preact/hooks";
import { call } from "../lib/api.js";
import { count, duration, plural } from "../lib/format.js";
import { useAction, useResource } from "../lib/hooks.js";
import { Facts, NeedsRole, State } from "../parts/bits.jsx";
import { Select } from "../parts/controls.jsx";
import { Failure, Loaded, Panel } from "../parts/states.jsx";

export function Configuration({ health }) {
  const config = useResource("config");
  return (
    <>
      <div class="columns">
        <Deployment health={health} />
        <Pause health={health} />
      </div>
      <Loaded resource={config} rows={10}>
        {(data) => <Sections config={data.config ?? data} />}
      </Loaded>
    </>
  );
}

const yesNo = (value) => (value ? "bound" : "not bound");

function Deployment({ health }) {
  const schema = useResource("schema");
  return (
    <Panel title="Deployment">
      <Loaded resource={health}>
        {({ service, deployment = {} }) => {
          const { version, bindings = {}, on_deploy: onDeploy, placement, admin_tokens: tokens } = deployment;
          return (
            <Facts
              of={[
                ["Service", service],
                [
                  "Signed in",
                  deployment.caller && `${deployment.caller.name}, role ${deployment.caller.role}`,
                ],
                ["Version", version && <code>{version}</code>],
                ...Object.entries(bindings).map(([name, value]) => [name, yesNo(value)]),
                ["Admin tokens", typeof tokens === "number" ? count(tokens) : tokens?.length],
                ["Purge on deploy", onDeploy && <State state={onDeploy.state} />],
                ["Placement", placement?.reason ?? null],
                [
                  "Schema",
                  schema.data &&
                    (schema.data.source === "none"
                      ? "none"
                      : `${schema.data.source}, ${plural(schema.data.types, "type")}`),
                ],
              ]}
            />
          );
        }}
      </Loaded>
    </Panel>
  );
}

const SPANS = [
  ["600", "for 10 minutes"],
  ["3600", "for an hour"],
  ["86400", "for a day"],
  ["", "until it is resumed"],
];

/** The emergency switch. */
function Pause({ health }) {
  const [seconds, setSeconds] = useState("600");
  const paused = health.data?.paused;
  const pause = useAction(async () => {
    await call("pause", { body: seconds === "" ? {} : { seconds: Number(seconds) } });
    health.reload();
  });
  return (
    <Panel title="Pause" note="Every request goes to the origin, within max_lag. Writes still purge.">
      <NeedsRole needed="purge" to="Pausing" />
      {paused ? (
        <p>It is paused. The message at the top of the page has the button that resumes it.</p>
      ) : (
        <div class="pair bottom">
          <Select label="How long" value={seconds} options={SPANS} onChange={setSeconds} />
          <button type="button" class="danger" onClick={pause.run} disabled={pause.isRunning}>
            Pause the cache
          </button>
        </div>
      )}
      {pause.error && <Failure error={pause.error} />}
    </Panel>
  );
}

const isTable = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
/** Sections that hold named tables: `types.product`. */
const isNested = (section) => Object.values(section).length > 0 && Object.values(section).every(isTable);

const isListOfTables = (value) => Array.isArray(value) && value.length > 0 && value.every(isTable);

/** What is looked for most comes first; the rest is in the order of the alphabet. */
const SECTIONS = ["types", "default", "scopes", "mutations", "resources", "graphql", "rest", "purge", "kv"];
const KEYS = ["service", "origin", "match", "ttl", "swr", "sie", "scope", "vary", "tags"];

function inOrder(entries, first) {
  const rank = ([name]) => (first.includes(name) ? first.indexOf(name) : first.length);
  return [...entries].sort((a, b) => rank(a) - rank(b) || a[0].localeCompare(b[0]));
}

/** Named tables, such as the cache types, over the whole width; then the rest. */
function Sections({ config }) {
  const entries = inOrder(Object.entries(config), SECTIONS);
  const tables = entries.filter(([, value]) => isListOfTables(value) || (isTable(value) && isNested(value)));
  const sections = entries.filter(([, value]) => isTable(value) && !isNested(value));
  const plain = entries.filter(([, value]) => !isTable(value) && !isListOfTables(value));
  return (
    <>
      {tables.map(([name, value]) => (
        <Tables key={name} name={name} value={value} />
      ))}
      <div class="sections">
        {[["General", plain], ...sections.map(([name, value]) => [name, Object.entries(value)])].map(
          ([name, values]) => (
            <Panel key={name} title={name}>
              {values.length === 0 ? <p class="muted">Nothing is set.</p> : <Values of={values} />}
            </Panel>
          ),
        )}
      </div>
    </>
  );
}

function Tables({ name, value }) {
  const tables = Object.entries(value).map(([key, table]) =>
    Array.isArray(value) ? [`${name}[${key}]`, table] : [`${name}.${key}`, table],
  );
  return (
    <Panel title={name}>
      <div class="tables">
        {tables.map(([title, table]) => (
          <section key={title}>
            <h3>{title}</h3>
            <Values of={Object.entries(table)} />
          </section>
        ))}
      </div>
    </Panel>
  );
}

/** Keys whose numbers are seconds. */
const SECONDS = ["ttl", "swr", "sie", "client_ttl", "max_lag", "settle", "origin_ttl"];

const Values = ({ of }) => (
  <dl class="values">
    {inOrder(of, KEYS).map(([name, value]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd>
          <Value name={name} value={value} />
        </dd>
      </div>
    ))}
  </dl>
);

const none = <span class="muted">none</span>;

function Value({ name, value }) {
  if (Array.isArray(value)) return value.length === 0 ? none : <List items={value} />;
  if (isTable(value)) return Object.keys(value).length === 0 ? none : <Values of={Object.entries(value)} />;
  switch (typeof value) {
    case "number":
      return <Amount name={name} value={value} />;
    case "string":
      return value === "" ? <span class="muted">empty</span> : <code>{value}</code>;
    case "boolean":
      return String(value);
    default:
      return <span class="muted">not set</span>;
  }
}

function Amount({ name, value }) {
  if (!SECONDS.includes(name) || value < 120) return value;
  return (
    <>
      {value} <span class="muted">({duration(value)})</span>
    </>
  );
}

const List = ({ items }) => (
  <ul>
    {items.map((item) => (
      <li key={JSON.stringify(item)}>
        <Value value={item} />
      </li>
    ))}
  </ul>
);
