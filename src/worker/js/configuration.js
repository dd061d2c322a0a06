// The configuration that the build wrote next to the Worker, as JSON. It is a module of its own, so that a
// change of evergraph.toml needs no new Wasm. Wasm reads it from here (configuration.rs) when it starts, and
// again when it restarts after a failure.

import configuration from "./config.txt";

globalThis.evergraphConfiguration = configuration;
