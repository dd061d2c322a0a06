// Form controls with their labels.

import { useEffect, useId, useRef } from "preact/hooks";

/** One of a few values. Radio buttons, so that arrow keys move between them. */
export function Choice({ legend, name, value, options, onChange }) {
  return (
    <fieldset class="choice">
      <legend class="unseen">{legend}</legend>
      {options.map(([key, label]) => (
        <label key={key}>
          <input type="radio" name={name} checked={key === value} onChange={() => onChange(key)} />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** A labelled control. `children` gets the attributes that tie it to the label, the hint and the error. */
export function Field({ label, hint, error, class: extra = "", children }) {
  const id = useId();
  const [hintId, errorId] = [`${id}-hint`, `${id}-error`];
  const described = [hint && hintId, error && errorId].filter(Boolean).join(" ");
  const attributes = {
    id,
    "aria-describedby": described || undefined,
    "aria-invalid": error ? "true" : undefined,
  };
  return (
    <div class={`field ${extra}`}>
      <label htmlFor={id}>{label}</label>
      {children(attributes)}
      {hint && (
        <p class="hint" id={hintId}>
          {hint}
        </p>
      )}
      {error && (
        <p class="fault" id={errorId}>
          {error}
        </p>
      )}
    </div>
  );
}

export function TextField({ label, hint, error, value, onInput, class: extra, ...rest }) {
  return (
    <Field label={label} hint={hint} error={error} class={extra}>
      {(attributes) => (
        <input
          type="text"
          autoComplete="off"
          autoCapitalize="off"
          spellcheck={false}
          {...rest}
          {...attributes}
          value={value}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

export function TextArea({ label, hint, error, value, onInput, rows = 4, class: extra, ...rest }) {
  return (
    <Field label={label} hint={hint} error={error} class={extra}>
      {(attributes) => (
        <textarea
          rows={rows}
          autoComplete="off"
          autoCapitalize="off"
          spellcheck={false}
          {...rest}
          {...attributes}
          value={value}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

export function Select({ label, value, options, onChange, class: extra }) {
  return (
    <Field label={label} class={extra}>
      {(attributes) => (
        <select {...attributes} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          {options.map(([key, text]) => (
            <option key={key} value={key}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export function Check({ label, hint, checked, onChange }) {
  const id = useId();
  return (
    <div class="check">
      <input
        type="checkbox"
        id={id}
        checked={checked}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <label htmlFor={id}>{label}</label>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** A modal dialog, which the browser keeps the focus in. Escape closes it. */
export function Dialog({ title, onClose, children, class: extra = "" }) {
  const ref = useRef(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    dialog.showModal();
    return () => dialog.close();
  }, []);
  return (
    <dialog ref={ref} class={extra} aria-labelledby={id} onClose={onClose}>
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" class="plain" onClick={onClose} aria-label="Close">
          ✕
        </button>
      </header>
      {children}
    </dialog>
  );
}
