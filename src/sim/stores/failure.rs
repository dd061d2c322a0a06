//! How a store fails, and how bytes are damaged on their way.

use crate::service::Fault;
use crate::sim::environment::Environment;

/// Longer than anybody waits.
const FOREVER_MILLIS: u64 = 120_000;

/// Fails at once, or after longer than anybody waits.
pub(super) async fn fault<T>(environment: &Environment, part: &str) -> Result<T, Fault> {
    if environment.random.happens(500) {
        environment.takes(FOREVER_MILLIS, FOREVER_MILLIS).await;
    }
    Err(format!("{part} failed"))
}

/// Makes something else of bytes.
pub(super) fn damage(environment: &Environment, bytes: &mut Vec<u8>) {
    let at = environment.random.below(bytes.len() as u64) as usize;
    match environment.random.below(3) {
        0 => bytes.truncate(at),
        1 => bytes[at] ^= 1 << environment.random.below(8),
        _ => bytes.clear(),
    }
}
