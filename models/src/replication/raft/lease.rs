//! Leases (thesis §6.4.1): a leader whose heartbeats a quorum has answered answers reads by itself, for as long as none of
//! that quorum would elect another.
//!
//! A server that heard of the leader at its own time `t` gives nobody a vote before `t + election_min` on its own clock.
//! If clocks run at most `drift_ppm` fast or slow, that is at least `election_min / (1 + drift)` of true time, and the
//! leader may rely on `election_min · (1 − drift) / (1 + drift)` of its own, counted from when it *sent* the round.
//!
//! A clock that steps has no such bound: leases hold under drift, and not under jumps.

use seedbed_sim::{Context, Span};

use crate::replication::raft::bugs::Bug;
use crate::replication::raft::machine::StateMachine;
use crate::replication::raft::role::Role;
use crate::replication::raft::server::Server;
use crate::replication::raft::settings::{ReadMode, Settings};

/// How long a lease lasts on the leader's clock.
pub(super) fn length(settings: &Settings) -> Span {
    const MILLION: u128 = 1_000_000;
    let drift = u128::from(settings.drift_ppm).min(MILLION);
    Span((u128::from(settings.election_min.0) * (MILLION - drift) / (MILLION + drift)) as u64)
}

impl<S: StateMachine> Server<S> {
    /// A heartbeat is a round of its own, if leases count on it.
    pub(super) fn renew_lease(&mut self, ctx: &mut Context<'_, Self>) {
        if self.settings.reads != ReadMode::Lease {
            return;
        }
        let Role::Leader(leading) = &mut self.role else { return };
        leading.round += 1;
        leading.lease.sent.push_back((leading.round, ctx.now()));
    }

    /// A follower has answered a round: the lease counts from the last one that a quorum has answered.
    pub(super) fn confirm_lease(&mut self, ctx: &Context<'_, Self>) {
        let Role::Leader(leading) = &self.role else { return };
        if leading.lease.sent.is_empty() {
            return;
        }
        let reached = leading.reached((self.id, leading.round), |progress| progress.round);
        let confirmed = self.quorum_configuration(ctx).committed(reached).0;
        let Role::Leader(leading) = &mut self.role else { return };
        while let Some((_, at)) = leading.lease.sent.pop_front_if(|(round, _)| *round <= confirmed) {
            leading.lease.from = Some(at);
        }
    }

    /// Whether nobody else can lead now.
    pub(super) fn holds_lease(&self, ctx: &Context<'_, Self>) -> bool {
        let now = ctx.now();
        let Role::Leader(leading) = &self.role else { return false };
        let Some(from) = leading.lease.from.filter(|_| !leading.lease.void) else { return false };
        let lasts = now >= from && now.since(from) < length(&self.settings);
        lasts || ctx.planted(Bug::LeaseReadWithoutClockBound)
    }
}
