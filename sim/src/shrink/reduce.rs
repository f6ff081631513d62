//! Delta debugging: leave out as much as possible of each list.

use std::collections::{BTreeMap, BTreeSet};

use crate::choice::Deviation;
use crate::network::Latency;
use crate::shrink::{Shrinker, without_node};
use crate::system::AnyStory;
use crate::time::Span;

impl Shrinker<'_> {
    /// Leaves out what can be left out, until nothing more can.
    pub(super) fn reduce(&mut self) {
        loop {
            let size = self.best.story.sizes();
            self.drop_whole_kinds();
            self.move_base_latency();
            self.move_base_sync();
            self.minimise(|story| &mut story.case.faults);
            self.minimise(|story| &mut story.case.operations);
            self.minimise(|story| &mut story.deviations);
            self.drop_nodes();
            if self.stopped || self.best.story.sizes() == size {
                return;
            }
        }
    }

    /// Most deviations are latencies without influence, so whole kinds are left out before single ones.
    fn drop_whole_kinds(&mut self) {
        let sorts: [fn(&Deviation) -> bool; 5] = [
            |_| true,
            |deviation| matches!(deviation, Deviation::Send { lost: false, copy: None, .. }),
            |deviation| matches!(deviation, Deviation::Send { .. }),
            |deviation| matches!(deviation, Deviation::Draw { .. }),
            |deviation| matches!(deviation, Deviation::Timer { .. } | Deviation::Sync { .. } | Deviation::Crash { .. }),
        ];
        for sort in sorts {
            let mut candidate = self.best.story.clone();
            candidate.deviations.retain(|deviation| !sort(deviation));
            if candidate.deviations.len() < self.best.story.deviations.len() {
                self.attempt(candidate);
            }
        }
    }

    /// Equal latencies of several messages that differ from the base latency are expressed by another base latency.
    fn move_base_latency(&mut self) {
        let mut common: BTreeMap<Span, usize> = BTreeMap::new();
        for deviation in &self.best.story.deviations {
            if let Deviation::Send { lost: false, latency: Some(latency), .. } = deviation {
                *common.entry(*latency).or_insert(0) += 1;
            }
        }
        let mut bases: Vec<_> = common.into_iter().filter(|(_, count)| *count > 1).collect();
        bases.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        for (base, _) in bases.into_iter().take(4) {
            let mut candidate = self.best.story.clone();
            candidate.case.scenario.network.latency = Latency::Constant { base };
            candidate.deviations.retain(|deviation| {
                !matches!(deviation, Deviation::Send { lost: false, copy: None, latency: Some(latency), .. } if *latency == base)
            });
            if self.attempt(candidate) {
                return;
            }
        }
    }

    /// Several slow syncs are expressed by a slower disk: the fastest with which the property still fails.
    fn move_base_sync(&mut self) {
        let longer = |deviation: &Deviation| match deviation {
            Deviation::Sync { longer, .. } => Some(*longer),
            _ => None,
        };
        let lengths: BTreeSet<_> = self.best.story.deviations.iter().filter_map(longer).collect();
        if lengths.len() < 2 {
            return;
        }
        for length in lengths {
            let mut candidate = self.best.story.clone();
            let disk = &mut candidate.case.scenario.disk;
            disk.sync += length;
            candidate.deviations.retain(|deviation| longer(deviation).is_none());
            if self.attempt(candidate) {
                return;
            }
        }
    }

    /// Leaves out ever smaller chunks of one list: halves, quarters, down to single items.
    fn minimise<T: Clone>(&mut self, list: fn(&mut AnyStory) -> &mut Vec<T>) {
        let mut chunk = list(&mut self.best.story).len();
        while chunk > 0 && !self.stopped {
            let mut removed = false;
            // From the end, because late items depend on early ones more often than the reverse.
            let mut end = list(&mut self.best.story).len();
            while end > 0 && !self.stopped {
                let begin = end.saturating_sub(chunk);
                let mut candidate = self.best.story.clone();
                list(&mut candidate).drain(begin..end);
                removed |= self.attempt(candidate);
                end = begin.min(list(&mut self.best.story).len());
            }
            chunk = if removed && chunk == 1 { 1 } else { chunk / 2 };
        }
    }

    fn drop_nodes(&mut self) {
        for node in self.best.story.case.scenario.nodes.clone().into_iter().rev() {
            if let Some(candidate) = without_node(&self.best.story, node) {
                self.attempt(candidate);
            }
        }
    }
}
