//! The properties of locks.

mod answers;
mod exclusion;
mod liveness;
mod resource;
mod rules;

use seedbed_models::caching::lock::on_raft::Locks;
use seedbed_models::caching::lock::{Kind, LeaseSettings, Lock, Node};
use seedbed_models::replication::raft::Server;
use seedbed_sim::{Boundary, FaultClass, Span, Suite, Swarm, maker};

use crate::replication::raft::{ElectionSafety, Group, LeaderCompleteness, StateMachineSafety};

pub use answers::{AnsweredAsAccepted, WrittenOnce};
pub use exclusion::{OneInside, is_inside};
pub use liveness::{FREED_WITHIN, FreedAfterCrash, everybody_served, served_within};
pub use resource::{Writes, tokens_never_decrease, used_one_after_the_other};
pub use rules::{
    CountsBalance, GrantedInOrder, granted_when_free_on_redis, only_holder_releases_on_redis, queue_in_order,
};

/// The lock service hosts a Raft group.
impl Group for Lock {
    type Machine = Locks;

    fn server(process: &Node) -> Option<&Server<Locks>> {
        process.service().map(|service| service.server())
    }
}

/// Locks with their properties.
pub fn suite() -> Suite<Lock> {
    let mut suite = Suite::new(Lock::default())
        .property(OneInside::default())
        .property(tokens_never_decrease())
        .property(WrittenOnce::default())
        .property(used_one_after_the_other())
        .property(AnsweredAsAccepted::default())
        .property(granted_when_free_on_redis())
        .property(only_holder_releases_on_redis())
        .property(queue_in_order())
        .property(CountsBalance::default())
        .property(GrantedInOrder::default())
        .property(everybody_served())
        .property(FreedAfterCrash::default());
    // The hosted Raft group has its own safety properties.
    suite.properties.extend([
        maker(ElectionSafety::default()),
        maker(LeaderCompleteness::default()),
        maker(StateMachineSafety::default()),
    ]);
    suite
        .boundary(Boundary::new(
            "pause-beyond-lease",
            "a holder stands still for longer than its lease: two hold the lock",
            "lock/exclusion",
            unwatched(Kind::Redis),
            Swarm::only([FaultClass::Pause]).over_pause(40).as_configured(),
        ))
        .boundary(Boundary::new(
            "pause-beyond-lease-on-raft",
            "a holder stands still for longer than its lease on the Raft group, which agrees to revoke it: two hold the lock",
            "lock/exclusion",
            Lock { pause: Some(Span::ms(900)), ..alone(Kind::Raft) },
            Swarm::only([FaultClass::Pause]).as_configured(),
        ))
        .boundary(Boundary::new(
            "skew-beyond-lease",
            "a clock steps by more than the lease: its server takes the lock back, or its holder keeps it for too long",
            "lock/exclusion",
            Lock { offset: Some(Span::secs(1)), step: Span::ms(30), ..unwatched(Kind::Redis) },
            Swarm::only([FaultClass::Skew]).as_configured(),
        ))
        .boundary(Boundary::new(
            "asynchronous-failover",
            "the master dies before a replica has heard of the lock: the next master grants it again",
            "lock/exclusion",
            unwatched(Kind::RedisFailover),
            Swarm::only([FaultClass::Crash, FaultClass::Loss]).as_configured(),
        ))
        .boundary(Boundary::new(
            "clock-jump-breaks-redlock",
            "the clock of a master that has granted the lock jumps: a second quorum grants it again",
            "lock/exclusion",
            unwatched(Kind::Redlock),
            Swarm::only([FaultClass::Skew, FaultClass::Partition]).over_skew(400).as_configured(),
        ))
}

/// A lock without fencing tokens, on which the resource relies alone.
pub fn alone(kind: Kind) -> Lock {
    Lock::default().of(kind).without_fencing()
}

/// The same without a watchdog: leases are not extended, which gives a shorter story.
fn unwatched(kind: Kind) -> Lock {
    let lock = alone(kind);
    Lock { lease: LeaseSettings { renew: None, ..lock.lease }, ..lock }
}
