//! JSON texts without a tree of owned values.
//!
//! `index` has the places of a text's values, as `node`s that `reader` finds; `value` reads a text through its index;
//! `unique_names` finds duplicate names, `string` the end of a string, `number` one spelling for equal numbers. Not in
//! scope: JSON that is changed or written.

mod index;
mod node;
mod number;
mod reader;
mod string;
mod unique_names;
mod value;

pub use index::Index;
pub use node::IndexFault;
pub use number::plain_decimal;
pub use string::string_end;
pub use unique_names::{Ambiguous, names_are_unique};
pub use value::{Array, Names, Object, Place, Places, Value};
