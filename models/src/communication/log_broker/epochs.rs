//! The leader epoch cache of a log: where each epoch begins (KIP-101, *Leader Epoch Sequence*).

use crate::communication::log_broker::names::Offset;
use crate::communication::log_broker::numbers::LeaderEpoch;

/// Where the epochs of a log begin; both ascend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Epochs {
    starts: Vec<(LeaderEpoch, Offset)>,
}

impl Epochs {
    /// The last epoch.
    pub fn latest(&self) -> Option<LeaderEpoch> {
        self.starts.last().map(|(epoch, _)| *epoch)
    }

    /// An epoch begins, unless it has begun before. One that begins where an earlier one did, which then holds nothing, takes its place.
    ///
    /// # Panics
    /// If epochs or offsets went back.
    pub fn begin(&mut self, epoch: LeaderEpoch, start: Offset) {
        if let Some(&(latest, last_start)) = self.starts.last() {
            if epoch == latest {
                return;
            }
            assert!(epoch > latest, "leader epochs of a log ascend: {epoch:?} after {latest:?}");
            assert!(
                start >= last_start,
                "epochs begin one behind the other: {epoch:?} at {start}, {latest:?} at {last_start}"
            );
        }
        self.starts.retain(|(_, other)| *other < start);
        self.starts.push((epoch, start));
    }

    /// The log ends here now.
    pub fn truncate_to(&mut self, end: Offset) {
        self.starts.retain(|(_, start)| *start < end);
    }

    /// The greatest epoch up to this one, and the offset at which it ends: where the next one begins, or the end of the log
    /// (KIP-101, *OffsetsForLeaderEpoch*; KIP-279 has the epoch in the answer). `None` where the log knows no such epoch.
    pub fn end_of(&self, epoch: LeaderEpoch, log_end: Offset) -> Option<(LeaderEpoch, Offset)> {
        let behind = self.starts.partition_point(|(of, _)| *of <= epoch);
        let (found, _) = self.starts[..behind].last()?;
        Some((*found, self.starts.get(behind).map_or(log_end, |(_, start)| *start)))
    }
}
