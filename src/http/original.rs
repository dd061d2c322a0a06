//! Header fields with their exact bytes.
//!
//! The runtime exposes header values as UTF-8, and replaces other bytes by U+FFFD. The exact values
//! can only be copied from one of its objects to another.

use std::any::Any;
use std::rc::Rc;

/// Header fields held by the runtime.
pub trait OriginalFields {
    /// The values of a field, joined as text. `None` if the field is absent.
    fn text(&self, name: &str) -> Option<String>;
    /// A copy that only has the fields with these names.
    fn only(&self, names: &[&str]) -> Rc<dyn OriginalFields>;
    /// The runtime's own object.
    fn as_any(&self) -> &dyn Any;
}
