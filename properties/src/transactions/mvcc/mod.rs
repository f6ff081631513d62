//! The properties of MVCC: isolation, judged by the whole history of clients and by the timestamps; atomicity, judged by the
//! disks; what transactions compute; and termination. [`needless`] measures how many aborts were needless.

mod atomicity;
mod ending;
mod isolation;
pub mod needless;
mod timestamps;
mod values;

use seedbed_models::transactions::mvcc::{Isolation, Mvcc};
use seedbed_sim::{Boundary, Suite, Swarm, maker};

pub use atomicity::{all_or_nothing, stores};
pub use ending::{locks_resolved, transactions_end};
pub use isolation::{history, no_read_only_anomaly, real_time, serializable, snapshot_isolation};
pub use values::values_follow;

/// MVCC with its properties.
pub fn suite() -> Suite<Mvcc> {
    let read_only_anomaly = Boundary {
        bug: None,
        name: "read-only-anomaly",
        what: "two transactions have a serial order, and a third that only reads sees what no such order can show",
        breaks: "mvcc/no_read_only_anomaly",
        model: Mvcc { clients: 3, keys: 2, ..Mvcc::default() },
        swarm: Swarm::calm().as_configured(),
    };
    Suite::new(Mvcc::default())
        .property(all_or_nothing())
        .property(snapshot_isolation())
        .property(serializable())
        .property(real_time())
        .property(values_follow())
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
        .boundary_with(read_only_anomaly, [maker(no_read_only_anomaly())])
}
