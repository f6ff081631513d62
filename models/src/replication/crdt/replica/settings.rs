//! How a replica is set up, and where it keeps what it must not forget.

use seedbed_sim::{File, NodeId, Span};

use crate::replication::crdt::broadcast::Order;
use crate::replication::crdt::types::Kind;

/// The file of a replica's checkpoint, or of its log.
pub const FILE: File = File(0);
/// How long a new replica waits before its birth: longer than two good clocks can be apart, so that it is born later than all
/// replicas that its node has had before, and need not be told to take a later name.
pub const BIRTH_WAIT: Span = Span::ms(90);

/// How a replica is set up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// The data type.
    pub kind: Kind,
    /// The other replicas, in the order in which they are gossiped to.
    pub peers: Vec<NodeId>,
    /// The time between gossiping to one peer and to the next.
    pub interval: Span,
    /// The resolution of its clock.
    pub resolution: Span,
    /// Delta style: how many deltas it keeps.
    pub buffer: usize,
    /// Operation-based: the order of delivery.
    pub order: Order,
    /// Operation-based: whether it forgets what is causally stable.
    pub forgets: bool,
}
