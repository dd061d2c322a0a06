// Whether views update by themselves. One switch for all of them.

import { useEffect, useState } from "preact/hooks";

let isOn = true;
const listeners = new Set();

export function setUpdates(next) {
  isOn = next;
  for (const listener of listeners) listener(next);
}

export function useUpdates() {
  const [current, setCurrent] = useState(isOn);
  useEffect(() => {
    listeners.add(setCurrent);
    return () => listeners.delete(setCurrent);
  }, []);
  return current;
}
