//! The name of a signal in reasons: `sid` in `cookie-without-scope: sid`.

use std::fmt;

/// The longest name that is shown, in bytes.
pub(super) const NAME_BYTES: usize = 48;

/// The name of a signal as reasons show it. Clients choose it, so its length is bounded and its
/// characters are safe.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SignalName {
    bytes: [u8; NAME_BYTES],
    length: usize,
}

impl SignalName {
    /// Truncates the name, and replaces unusual characters by `?`.
    pub fn new(name: &str) -> Self {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
        let mut bytes = [0; NAME_BYTES];
        for (place, byte) in bytes.iter_mut().zip(name.bytes()) {
            *place = Some(byte).filter(is_plain).unwrap_or(b'?');
        }
        Self { bytes, length: name.len().min(NAME_BYTES) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl fmt::Debug for SignalName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), out)
    }
}
