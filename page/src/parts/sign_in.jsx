// Signing in with a token, which stays in the memory of this tab.

import { useEffect, useRef, useState } from "preact/hooks";
import { call } from "../lib/api.js";
import { useAction } from "../lib/hooks.js";
import { State } from "./bits.jsx";
import { Brand } from "./brand.jsx";
import { Field } from "./controls.jsx";
import { Failure } from "./states.jsx";

export function SignIn({ health, notice, onSignIn }) {
  const [text, setText] = useState("");
  const input = useRef(null);
  useEffect(() => {
    document.title = "Sign in – Evergraph";
    input.current?.focus();
  }, []);
  const attempt = useRef(null);
  // Whoever presses Enter again means the token that is there now.
  const check = useAction(async (token) => {
    attempt.current?.abort();
    attempt.current = new AbortController();
    const { signal } = attempt.current;
    try {
      // `health` needs no token, so it says nothing about one.
      await call("stats?window=60", { tried: token, signal });
    } catch (error) {
      if (signal.aborted) return;
      // Counters that cannot be read say nothing against the token.
      if (error.kind !== "failed") {
        input.current?.focus();
        throw error;
      }
    }
    onSignIn(token);
  });
  const submit = (event) => {
    event.preventDefault();
    const token = text.trim();
    if (token !== "") check.run(token);
  };
  return (
    <main class="sign-in">
      <h1>
        <Brand service={health.data?.service} />
      </h1>
      {health.data && (
        <p class="service-state">
          <State state={health.data.state} />
        </p>
      )}
      {health.error && <Failure error={health.error} retry={health.reload} />}
      {notice && <p class="message warn">{notice}</p>}
      <form onSubmit={submit}>
        <Field
          label="Admin token"
          hint="One of ADMIN_TOKENS. This tab keeps it in memory and forgets it when it is closed or reloaded."
        >
          {(attributes) => (
            <input
              {...attributes}
              ref={input}
              type="password"
              autoComplete="off"
              spellcheck={false}
              required
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          )}
        </Field>
        <button type="submit" class="primary" aria-busy={check.isRunning}>
          Sign in
        </button>
      </form>
      {check.error && <Failure error={check.error} />}
    </main>
  );
}
