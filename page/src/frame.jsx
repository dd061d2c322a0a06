// The frame around the views: navigation, title, what needs attention.

import { useEffect, useErrorBoundary, useRef, useState } from "preact/hooks";
import { Caller } from "./lib/caller.js";
import { clock } from "./lib/format.js";
import { setUpdates, useUpdates } from "./lib/updates.js";
import { State } from "./parts/bits.jsx";
import { Brand } from "./parts/brand.jsx";
import { Banner } from "./parts/health.jsx";
import { Failure } from "./parts/states.jsx";
import { WindowChoice } from "./parts/windows.jsx";
import { Audit } from "./views/audit.jsx";
import { Configuration } from "./views/configuration.jsx";
import { Entries } from "./views/entries.jsx";
import { Explain } from "./views/explain.jsx";
import { Operations } from "./views/operations.jsx";
import { Overview } from "./views/overview.jsx";
import { Purges } from "./views/purges.jsx";
import { Warm } from "./views/warm.jsx";

const VIEWS = [
  { key: "overview", title: "Overview", View: Overview, hasWindow: true },
  { key: "operations", title: "Operations", View: Operations, hasWindow: true },
  { key: "purges", title: "Purges", View: Purges },
  { key: "explain", title: "Explain", View: Explain },
  { key: "warm", title: "Warm", View: Warm },
  { key: "entries", title: "Entries", View: Entries },
  { key: "audit", title: "Audit", View: Audit },
  { key: "configuration", title: "Configuration", View: Configuration },
];

export function Frame({ health, route, onSignOut }) {
  const [window, setWindow] = useState(3_600);
  const current = VIEWS.find(({ key }) => key === route.view) ?? VIEWS[0];
  const { key, title, View, hasWindow } = current;
  const caller = health.data?.deployment?.caller ?? null;
  const heading = useRef(null);
  const previous = useRef(key);
  useEffect(() => {
    document.title = `${title} – Evergraph`;
    // Who follows a link goes on reading at the new view.
    if (previous.current !== key) heading.current?.focus();
    previous.current = key;
  }, [key, title]);
  return (
    <div class="frame">
      <button type="button" class="skip" onClick={() => heading.current?.focus()}>
        Skip to the content
      </button>
      <Side current={key} health={health} caller={caller} onSignOut={onSignOut} />
      <main id="content">
        <div class="head">
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {hasWindow && <WindowChoice value={window} onChange={setWindow} />}
          <Updates at={health.at} />
        </div>
        <Banner health={health} />
        <Guarded key={`${key}?${route.parameters}`}>
          <Caller.Provider value={caller}>
            <View window={window} parameters={route.parameters} health={health} />
          </Caller.Provider>
        </Guarded>
      </main>
    </div>
  );
}

/** A fault in one view leaves the others usable. */
function Guarded({ children }) {
  const [error, reset] = useErrorBoundary();
  if (!error) return children;
  return (
    <Failure
      error={{ kind: "fault", message: `This view cannot show what the Worker said (${error.message}).` }}
      retry={reset}
    />
  );
}

function Side({ current, health, caller, onSignOut }) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <header class={`side ${isOpen ? "open" : ""}`}>
      <div class="side-head">
        <Brand service={health.data?.service} />
        {health.data && <State state={health.data.state} />}
        <button
          type="button"
          class="menu"
          aria-expanded={isOpen}
          aria-controls="views"
          onClick={() => setIsOpen(!isOpen)}
        >
          Menu
        </button>
      </div>
      <div id="views">
        <nav aria-label="Views">
          <ul>
            {VIEWS.map(({ key, title }) => (
              <li key={key}>
                <a
                  href={`#/${key}`}
                  aria-current={key === current ? "page" : undefined}
                  onClick={() => setIsOpen(false)}
                >
                  {title}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <div class="side-foot">
          <a href="openapi.json" target="_blank" rel="noreferrer">
            API description
          </a>
          {caller && (
            <p class="caller">
              {caller.name} <span class="muted">{caller.role}</span>
            </p>
          )}
          {onSignOut && (
            <button type="button" class="plain" onClick={onSignOut}>
              Sign out
            </button>
          )}
        </div>
      </div>
    </header>
  );
}

function Updates({ at }) {
  const isOn = useUpdates();
  return (
    <p class="updates">
      <span class="muted">{at ? `Updated ${clock(at)}` : ""}</span>
      <button type="button" class="plain" aria-pressed={!isOn} onClick={() => setUpdates(!isOn)}>
        {isOn ? "Pause updates" : "Updates paused"}
      </button>
    </p>
  );
}
