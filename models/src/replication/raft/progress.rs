//! What a leader knows of a follower. Pure.

use crate::replication::raft::types::Index;

/// How entries flow to a follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flow {
    /// The leader looks for the place where the logs agree: one AppendEntries at a time.
    Probe {
        /// One is on its way.
        waiting: bool,
    },
    /// The logs agree: entries are sent before earlier ones are acknowledged (thesis §10.2.2).
    Replicate,
    /// A snapshot is on its way; nothing else is sent until the follower answers.
    Snapshot,
}

/// The leader's view of one follower (paper Figure 2, `nextIndex` and `matchIndex`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Progress {
    /// The greatest index known to be in the follower's log, and there equal to the leader's.
    pub matched: Index,
    /// The next index to send.
    pub next: Index,
    /// How entries flow.
    pub flow: Flow,
    /// Whether it answered since the leader last checked its quorum.
    pub active: bool,
    /// The latest round of heartbeats that it answered.
    pub round: u64,
}

impl Progress {
    /// What a new leader believes: the follower has all it has, unproven.
    pub fn new(last: Index) -> Self {
        Progress {
            matched: Index::ZERO,
            next: last.next(),
            flow: Flow::Probe { waiting: false },
            active: false,
            round: 0,
        }
    }

    /// Whether entries can be sent now, where at most `window` may be on their way.
    pub fn ready(&self, window: u64) -> bool {
        match self.flow {
            Flow::Probe { waiting } => !waiting,
            Flow::Replicate => self.next.0 <= self.matched.0.saturating_add(window),
            Flow::Snapshot => false,
        }
    }

    /// `count` entries from `next` on are on their way.
    pub fn sent(&mut self, count: usize) {
        match &mut self.flow {
            Flow::Probe { waiting } => *waiting = true,
            Flow::Replicate => self.next = self.next.plus(count),
            Flow::Snapshot => {}
        }
    }

    /// A snapshot up to `last` is on its way.
    pub fn sent_snapshot(&mut self, last: Index) {
        self.flow = Flow::Snapshot;
        self.next = last.next();
    }

    /// The follower has everything up to `matched`. Late news changes nothing.
    pub fn accepted(&mut self, matched: Index) {
        let stale = matched < self.matched || (self.flow == Flow::Snapshot && matched.next() < self.next);
        if stale {
            return;
        }
        self.matched = matched;
        self.next = self.next.max(matched.next());
        if self.flow != Flow::Replicate {
            self.flow = Flow::Replicate;
            self.next = matched.next();
        }
    }

    /// The follower does not have the entry at `prev`; it may agree before `retry`. Says whether that is news: what is
    /// known to match is there, and a refusal that moves nothing back is late. So each refusal of entries that counts
    /// makes `next` smaller, and a doubled one cannot make the leader send twice.
    ///
    /// A heartbeat may ask for a later place than the entries before it did, where those are gone from the leader's log:
    /// that refusal may leave `next` where it is, and says that what was sent last has not arrived.
    pub fn refused(&mut self, prev: Index, retry: Index) -> bool {
        let asked = match self.flow {
            Flow::Replicate => true,
            Flow::Probe { .. } | Flow::Snapshot => prev >= self.next.before(),
        };
        let news = asked && prev > self.matched;
        if news {
            self.next = retry.min(prev).min(self.next).max(self.matched.next());
            self.flow = Flow::Probe { waiting: false };
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WINDOW: u64 = 64;

    #[test]
    fn a_probe_goes_out_once_and_then_waits() {
        let mut progress = Progress::new(Index(7));
        assert!(progress.ready(WINDOW));
        progress.sent(3);
        assert!(!progress.ready(WINDOW));
        assert_eq!(progress.next, Index(8), "a probe that may be refused does not move next");
        assert!(progress.refused(Index(7), Index(3)));
        assert!(progress.ready(WINDOW));
        assert_eq!(progress.next, Index(3));
        progress.accepted(Index(4));
        assert_eq!((progress.flow, progress.next), (Flow::Replicate, Index(5)));
    }

    #[test]
    fn a_refused_heartbeat_behind_a_lost_probe_makes_the_leader_send_again() {
        let mut progress = Progress::new(Index(3));
        progress.sent(1);
        // The probe at 3 is lost, and the log is compacted up to 4: heartbeats ask for 4 from now on.
        assert!(progress.refused(Index(4), Index(4)));
        assert!(progress.ready(WINDOW));
        assert_eq!(progress.next, Index(4), "the snapshot is due");
        // The same where a whole window of entries was lost.
        progress.accepted(Index(4));
        while progress.ready(WINDOW) {
            progress.sent(1);
        }
        assert!(progress.refused(Index(99), Index(5)));
        assert_eq!((progress.ready(WINDOW), progress.next), (true, Index(5)));
    }

    proptest! {
        /// Whatever arrives in whatever order, what is known to match stays known and next is beyond it.
        #[test]
        fn matched_never_goes_back(news in prop::collection::vec((any::<bool>(), 0u64..30, 0u64..30, any::<bool>()), 0..60)) {
            let mut progress = Progress::new(Index(10));
            for (accept, index, retry, send) in news {
                let before = progress.clone();
                if accept {
                    progress.accepted(Index(index));
                } else {
                    let news = progress.refused(Index(index), Index(retry));
                    prop_assert!(progress.next <= before.next);
                    let asked_before = index < before.next.0;
                    prop_assert!(!news || progress.next < before.next || !asked_before);
                    prop_assert!(news || progress == before);
                }
                if send && progress.ready(WINDOW) { progress.sent(2); }
                prop_assert!(progress.matched >= before.matched);
                prop_assert!(progress.next > progress.matched);
            }
        }
    }
}
