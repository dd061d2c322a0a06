//! Edge caches, KV and the purge log's object, in memory, with their faults.

mod edge_cache;
mod failure;
mod kv;
mod kv_writes;
mod log_object;

pub use edge_cache::Edge;
pub use kv::Kv;
pub use log_object::LogObject;
