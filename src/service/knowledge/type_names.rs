//! The names of GraphQL types that responses and schemas have shown.
//!
//! A mutation's name often contains that of a type: `updateProduct` writes products. Which of the words
//! in it are types shows only here.

use crate::graphql::TypeNameIndex;
use crate::limits;
use std::cell::{Ref, RefCell};

/// The names that this isolate has seen, at most [`limits::SEEN_TYPES`].
#[derive(Debug, Default)]
pub struct TypeNames {
    seen: RefCell<TypeNameIndex>,
}

impl TypeNames {
    /// Adds names.
    pub fn learn(&self, names: impl IntoIterator<Item = String>) {
        let mut seen = self.seen.borrow_mut();
        for name in names {
            if seen.len() >= limits::SEEN_TYPES {
                return;
            }
            let plain = name.to_lowercase().replace('_', "");
            seen.entry(plain).or_default().insert(name);
        }
    }

    /// The names so far, by their lowercase letters without underscores.
    pub fn seen(&self) -> Ref<'_, TypeNameIndex> {
        self.seen.borrow()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_are_kept_together_and_the_number_of_names_is_limited() {
        let names = TypeNames::default();
        names.learn(["OrderItem", "order_item"].map(str::to_owned));
        assert_eq!(names.seen()["orderitem"].len(), 2);
        names.learn((0..2 * limits::SEEN_TYPES).map(|n| format!("Type{n}")));
        assert_eq!(names.seen().len(), limits::SEEN_TYPES);
    }
}
