//! The properties of MVCC: isolation, judged by the whole history of clients; atomicity, judged by the disks; and
//! termination.

mod atomicity;
mod ending;
mod isolation;

use seedbed_models::transactions::mvcc::{Isolation, Mvcc};
use seedbed_sim::{Boundary, Suite, Swarm};

pub use atomicity::{all_or_nothing, stores};
pub use ending::{locks_resolved, transactions_end};
pub use isolation::{history, real_time, serializable, snapshot_isolation};

/// MVCC with its properties.
pub fn suite() -> Suite<Mvcc> {
    Suite::new(Mvcc::default())
        .property(all_or_nothing())
        .property(snapshot_isolation())
        .property(serializable())
        .property(real_time())
        .property(locks_resolved())
        .property(transactions_end())
        .boundary(Boundary {
            bug: None,
            name: "write-skew",
            what: "two transactions read what the other writes, both commit: snapshot isolation is not serializable",
            breaks: "mvcc/serializable",
            model: Mvcc { clients: 2, keys: 2, relied_on: Isolation::Serializable, ..Mvcc::default() },
            swarm: Swarm::calm().as_configured(),
        })
}
