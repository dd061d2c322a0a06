// Hooks that views share.

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { call } from "./api.js";
import { useUpdates } from "./updates.js";

/** The view in the address: `#/purges?types=product`. */
function readHash() {
  const [, view, query] = /^#?\/?([^?]*)\??(.*)$/.exec(location.hash);
  return { view, parameters: new URLSearchParams(query) };
}

export function useRoute() {
  const [current, setCurrent] = useState(readHash);
  useEffect(() => {
    const changed = () => setCurrent(readHash());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return current;
}

/**
 * What a route says: `{data, route, error, at, isChanging, reload}`. It is asked again after `every` seconds,
 * unless the tab is hidden or updates are paused. What was there stays until there is something newer: `route`
 * is where `data` came from.
 */
export function useResource(route, { every = 0, accepts } = {}) {
  const [state, setState] = useState({ route: null, data: null, error: null, at: null });
  const [asked, setAsked] = useState(0);
  const isOn = useUpdates();
  const reload = useCallback(() => setAsked((number) => number + 1), []);
  const statuses = useRef(accepts);
  const isWaiting = useRef(false);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `asked` is there to ask again
  useEffect(() => {
    const abort = new AbortController();
    isWaiting.current = true;
    const end = (next) => {
      if (abort.signal.aborted) return;
      isWaiting.current = false;
      setState(next);
    };
    call(route, { signal: abort.signal, accepts: statuses.current }).then(
      (data) => end({ route, data, error: null, at: Date.now() }),
      (error) => end((old) => ({ ...old, route, data: old.route === route ? old.data : null, error })),
    );
    return () => abort.abort();
  }, [route, asked]);

  // Before the next paint: once the page says that updates are paused, none comes.
  useLayoutEffect(() => {
    if (every === 0 || !isOn) return;
    let last = Date.now();
    const tick = () => {
      // A slow answer is waited for: to ask again would abort it, every time.
      if (document.hidden || isWaiting.current || Date.now() - last < every * 1000) return;
      last = Date.now();
      reload();
    };
    const timer = setInterval(tick, 1000);
    document.addEventListener("visibilitychange", tick);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", tick);
    };
  }, [every, isOn, reload]);

  return { ...state, isChanging: state.route !== route, reload };
}

/** Work that a button starts: `{run, isRunning, error, result, clear}`. The last that was started counts. */
export function useAction(work) {
  const [state, setState] = useState({ isRunning: false, error: null, result: null });
  const latest = useRef(0);
  const current = useRef(work);
  current.current = work;
  const run = useCallback(async (...given) => {
    const mine = ++latest.current;
    const end = (next) =>
      mine === latest.current && setState({ isRunning: false, error: null, result: null, ...next });
    setState({ isRunning: true, error: null, result: null });
    try {
      const result = await current.current(...given);
      end({ result });
      return result;
    } catch (error) {
      end({ error });
      return null;
    }
  }, []);
  const clear = useCallback(() => {
    latest.current += 1;
    setState({ isRunning: false, error: null, result: null });
  }, []);
  return { ...state, run, clear };
}

/** Whether dark colours are in use; charts, which are drawn, have to know. */
export function useIsDark() {
  const [isDark, setIsDark] = useState(dark.matches);
  useEffect(() => {
    const changed = (event) => setIsDark(event.matches);
    dark.addEventListener("change", changed);
    return () => dark.removeEventListener("change", changed);
  }, []);
  return isDark;
}

const dark = matchMedia("(prefers-color-scheme: dark)");

/** A parameter of the route that a resource's data came from. */
export const askedFor = ({ route }, name) => new URLSearchParams(route?.split("?")[1]).get(name);
