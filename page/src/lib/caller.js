// Who is signed in, as far as the Worker says it: `{name, role}`, or null.

import { createContext } from "preact";
import { useContext } from "preact/hooks";

export const Caller = createContext(null);
export const useCaller = () => useContext(Caller);

const ROLES = ["read", "purge", "admin"];
/** Whether the role suffices. Nobody can tell of a caller whose role is not known, so it is assumed. */
export const may = (caller, role) => !caller?.role || ROLES.indexOf(caller.role) >= ROLES.indexOf(role);
