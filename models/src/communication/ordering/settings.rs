//! How a group works.

use seedbed_sim::Span;

use crate::communication::ordering::orders::Order;

/// How a group works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// How many members.
    pub members: u16,
    /// In which order they deliver.
    pub order: Order,
    /// After how long a member tells again what it has.
    pub repair: Span,
}
