// The OpenAPI description of the admin routes, as text. Wasm reads it from here when it is asked for it
// (deployment.rs), so that it takes no place in Wasm.

import openapi from "./openapi.txt";

globalThis.evergraphOpenapi = openapi;
