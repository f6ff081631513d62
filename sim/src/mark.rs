//! Marks: the names of interesting states, declared once.
//!
//! A run counts how often each is reached, and a sweep fails if a demanded one never is, because its tests then miss
//! the states that they are meant for. These are the *sometimes assertions* of FoundationDB and Antithesis.

/// An interesting state that a handler reports ([`crate::Context::mark`]). Declare marks with [`marks!`](crate::marks).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// In words: `torn record dropped`.
    pub name: &'static str,
    /// Whether the seeds of a sweep must reach it.
    pub demanded: bool,
}

impl Mark {
    /// A mark that sweeps demand.
    pub const fn demanded(name: &'static str) -> Self {
        Mark { name, demanded: true }
    }

    /// A mark that is counted and not demanded.
    pub const fn seldom(name: &'static str) -> Self {
        Mark { name, demanded: false }
    }
}

/// Declares marks as constants, and `MARKS`, the list of them for [`Info::marks`](crate::Info). Sweeps demand that each
/// is reached, but for those that `seldom` stands before.
///
/// ```
/// seedbed_sim::marks! {
///     TORN_RECORD_DROPPED = "torn record dropped",
///     seldom GIVEN_UP = "given up",
/// }
/// assert_eq!(TORN_RECORD_DROPPED.name, "torn record dropped");
/// assert_eq!(MARKS.iter().filter(|mark| mark.demanded).count(), 1);
/// ```
#[macro_export]
macro_rules! marks {
    ($($first:ident $($second:ident)? = $text:literal),* $(,)?) => {
        $($crate::marks!(@one $first $($second)? = $text);)*
        /// All marks of this module.
        pub const MARKS: &[$crate::Mark] = &[$($crate::marks!(@name $first $($second)?)),*];
    };
    (@one seldom $name:ident = $text:literal) => {
        #[doc = $text]
        pub const $name: $crate::Mark = $crate::Mark::seldom($text);
    };
    (@one $name:ident = $text:literal) => {
        #[doc = $text]
        pub const $name: $crate::Mark = $crate::Mark::demanded($text);
    };
    (@name seldom $name:ident) => { $name };
    (@name $name:ident) => { $name };
}
