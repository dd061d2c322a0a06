//! Named reasons: a word for headers and logs, and its line of the reference documentation.
//!
//! `reasons!` declares an enum together with its words and their documentation, so that a reason is
//! added in one place. docs/reasons.md is generated from the same table
//! (`UPDATE_DOCS=1 cargo test --test reference`).

/// One line of the reference documentation. The texts are Markdown, as a table cell holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// The word in `Cache-Status`, in log lines and in the documentation.
    pub word: &'static str,
    /// Whether the name of a header or cookie follows the word, as in `cookie-without-scope: sid`.
    pub has_name: bool,
    /// What the reason means.
    pub meaning: &'static str,
    /// What an operator can do about it.
    pub remedy: &'static str,
}

/// Declares an enum of reasons. Each variant is followed by its word, its meaning and its remedy:
///
/// ```text
/// Mutation = "mutation", "a GraphQL mutation", "none needed";
/// ```
///
/// Variants under `delegated` hold a reason of another enum. They have that reason's word and are
/// documented with it.
macro_rules! reasons {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $name:ident {
            $($variant:ident $(($payload:ty))? = $word:literal, $meaning:literal, $remedy:literal;)+
        }
        $(delegated {
            $($(#[$inner:meta])* $other:ident($reason:ty),)+
        })?
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $visibility enum $name {
            $(
                #[doc = concat!("`", $word, "`: ", $meaning)]
                $variant $(($payload))?,
            )+
            $($($(#[$inner])* $other($reason),)+)?
        }

        impl $name {
            /// The documentation of every reason, in the order of the reference.
            pub const REASONS: &'static [$crate::policy::Reason] = &[
                $($crate::policy::Reason {
                    word: $word,
                    has_name: $crate::policy::reasons!(@has_name $($payload)?),
                    meaning: $meaning,
                    remedy: $remedy,
                },)+
            ];

            /// The word in `Cache-Status`, in log lines and in the documentation.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $word,)+
                    $($(Self::$other(reason) => reason.as_str(),)+)?
                }
            }
        }
    };
    (@has_name) => { false };
    (@has_name $payload:ty) => { true };
}

pub(crate) use reasons;
