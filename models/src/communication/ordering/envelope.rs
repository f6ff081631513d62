//! What is broadcast.

use std::fmt;

use seedbed_sim::NodeId;
use serde::{Deserialize, Serialize};

use crate::communication::ordering::clocks::{Stamp, VectorTime};

/// The name of a message: of one sender's, each number is used once, without gaps, from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId {
    /// The member that broadcasts it.
    pub sender: NodeId,
    /// Its number among the sender's.
    pub seq: u64,
}

/// `n2.5`.
impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.sender, self.seq)
    }
}

/// A message that is broadcast.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Envelope {
    /// Its name.
    pub id: MessageId,
    /// What the client has to say.
    pub content: u32,
    /// When it was broadcast.
    pub stamp: Stamp,
    /// Of each member, how many of its messages the sender had delivered before.
    pub after: VectorTime,
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} '{}' at {}", self.id, self.content, self.stamp.lamport.0)
    }
}
