//! The numbers by which what is old is told from what is new: epochs of leaders, partitions, brokers and coordinators, and
//! sequence numbers.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident($type:ty) $prefix:literal)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub $type);

        impl $name {
            /// The next one.
            pub const fn next(self) -> Self {
                $name(self.0 + 1)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, " {}"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    )*};
}

numbers! {
    /// How often a partition has changed its leader (KIP-101).
    LeaderEpoch(u32) "leader epoch"
    /// How often the controller has changed what it says of a partition (KIP-497).
    PartitionEpoch(u32) "partition epoch"
    /// Which registration of a broker is meant (KIP-380, KIP-631): a broker that has restarted has another one.
    BrokerEpoch(u64) "broker epoch"
    /// One life of a broker, from 1 on (KIP-631, *incarnation id*).
    Incarnation(u64) "incarnation"
    /// The number of a record among those of its producer in one epoch and partition (KIP-98).
    Sequence(u32) "sequence"
    /// Which leader of a partition of `__transaction_state` has written a marker (KIP-98, *coordinator epoch*).
    CoordinatorEpoch(u32) "coordinator epoch"
    /// The name of a transactional producer through all of its lives (KIP-98, `transactional.id`).
    TransactionalId(u16) "transactional id"
    /// One request of a node: its response has the same number.
    Correlation(u64) "request"
    /// A fetch session (KIP-227).
    SessionId(u64) "session"
    /// How many requests a fetch session has had (KIP-227): zero asks for a new one.
    SessionEpoch(u32) "session epoch"
}

impl Sequence {
    /// The number so many records behind this one.
    pub const fn plus(self, records: u32) -> Self {
        Sequence(self.0 + records)
    }
}
