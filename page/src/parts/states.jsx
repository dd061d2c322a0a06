// What a view shows while it has nothing to show: loading, empty, failed. And messages above it.

/** Grey bars in the place of what is loading. Screen readers hear one word. */
export function Loading({ label = "Loading", rows = 4 }) {
  return (
    <div class="loading" role="status">
      <span class="unseen">{label}…</span>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the bars are all the same
        <span class="bar" key={row} aria-hidden="true" />
      ))}
    </div>
  );
}

export function Empty({ title, children }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children && <p>{children}</p>}
    </div>
  );
}

const HINTS = {
  absent: "It comes with a newer version of Evergraph: deploy that, then reload this page.",
  role: "Sign out, and sign in with a token of that role.",
};

/** Failures that trying again does not end. */
const HOPELESS = ["absent", "role", "unbound"];

/** A failure, with a way to try again if there is one. */
export function Failure({ error, retry }) {
  const hint = HINTS[error.kind];
  return (
    <div class={`message ${error.kind === "unbound" ? "warn" : "bad"}`} role="alert">
      <p>{error.message}</p>
      {hint && <p>{hint}</p>}
      {retry && !HOPELESS.includes(error.kind) && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/**
 * What a resource holds: its content, or the state it is in. A failure of a later update is shown above what
 * is there already.
 */
export function Loaded({ resource, children, rows }) {
  const { data, error, reload, isChanging } = resource;
  if (data === null) return error ? <Failure error={error} retry={reload} /> : <Loading rows={rows} />;
  return (
    <>
      {error && <Failure error={error} retry={reload} />}
      <div aria-busy={isChanging}>{children(data)}</div>
    </>
  );
}

/** A part of a view, with its heading. */
export function Panel({ title, note, actions, children, class: extra = "" }) {
  const id = `panel-${title.toLowerCase().replace(/\W+/g, "-")}`;
  return (
    <section class={`panel ${extra}`} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {note && <p class="note">{note}</p>}
        {actions}
      </header>
      {children}
    </section>
  );
}
