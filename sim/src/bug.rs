//! Planted bugs: named changes of a protocol, off by default, that its properties must catch.

/// A bug that can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bug {
    /// In kebab case: `vote-not-persisted`.
    pub name: &'static str,
    /// The changed behaviour, in one line.
    pub what: &'static str,
    /// The property that must catch it, as [`crate::Property::name`] has it.
    pub caught_by: &'static str,
}

/// A bug of some protocol, by its name: what [`bugs!`](crate::bugs) declares.
pub trait Planted: Copy {
    /// In kebab case, as the model lists it.
    fn name(self) -> &'static str;
}

/// Declares the enum of a model's bugs: for each its name, what it does in a line, and the property that must catch it.
/// The line is the variant's documentation, the name is how it is serialised. The enum gets `LISTED` for
/// [`Info::bugs`](crate::Info), `name` and `named`.
///
/// ```
/// seedbed_sim::bugs! {
///     /// The bugs that one can plant.
///     pub enum Bug {
///         CountsRetries = "counts-retries", "a request is counted again when the client asks again" => "tally/exact",
///     }
/// }
/// assert_eq!(Bug::named("counts-retries"), Some(Bug::CountsRetries));
/// assert_eq!(Bug::CountsRetries.name(), "counts-retries");
/// assert_eq!(Bug::LISTED[0].caught_by, "tally/exact");
/// ```
#[macro_export]
macro_rules! bugs {
    ($(#[$doc:meta])* pub enum $Bug:ident {
        $($variant:ident = $name:literal, $what:literal => $caught_by:literal),+ $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ::serde::Serialize, ::serde::Deserialize)]
        pub enum $Bug {
            $(
                #[doc = $what]
                #[serde(rename = $name)]
                $variant,
            )+
        }

        impl $Bug {
            /// All variants, for [`Info::bugs`](crate::Info).
            pub const LISTED: &'static [$crate::Bug] =
                &[$($crate::Bug { name: $name, what: $what, caught_by: $caught_by }),+];

            /// In kebab case, as files and the command line have it.
            pub fn name(self) -> &'static str {
                match self {
                    $($Bug::$variant => $name,)+
                }
            }

            /// The bug of this name, `None` if the model has none.
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some($Bug::$variant),)+
                    _ => None,
                }
            }
        }

        impl $crate::Planted for $Bug {
            fn name(self) -> &'static str {
                $Bug::name(self)
            }
        }
    };
}
