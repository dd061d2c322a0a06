//! Header fields with the bytes that were sent.
//!
//! The runtime shows header values as UTF-8, with U+FFFD for bytes that are not UTF-8. Such values can
//! be copied from one of its own objects to another, and read in no way.

use std::any::Any;
use std::rc::Rc;

/// Header fields as the runtime holds them.
pub trait OriginalFields {
    /// The values of a field as text, joined; none where the field is absent.
    fn text(&self, name: &str) -> Option<String>;
    /// A copy with the fields of these names alone.
    fn only(&self, names: &[&str]) -> Rc<dyn OriginalFields>;
    /// The runtime's own object.
    fn as_any(&self) -> &dyn Any;
}
