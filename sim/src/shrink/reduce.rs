//! Delta debugging: leave out as much as possible of each list.

use crate::choice::Deviation;
use crate::model::Model;
use crate::shrink::{Shrinker, Story, without_node};

impl<M: Model> Shrinker<'_, M> {
    /// Leaves out what can be left out, until nothing more can.
    pub(super) fn reduce(&mut self) {
        loop {
            let size = self.best.sizes();
            self.drop_whole_kinds();
            self.minimise(|story| &mut story.case.faults);
            self.minimise(|story| &mut story.case.operations);
            self.minimise(|story| &mut story.deviations);
            self.drop_nodes();
            if self.stopped || self.best.sizes() == size {
                return;
            }
        }
    }

    /// Most deviations are latencies that do not matter: try without all of a sort before looking at single ones.
    fn drop_whole_kinds(&mut self) {
        let sorts: [fn(&Deviation) -> bool; 5] = [
            |_| true,
            |deviation| matches!(deviation, Deviation::Send { lost: false, copy: None, .. }),
            |deviation| matches!(deviation, Deviation::Send { .. }),
            |deviation| matches!(deviation, Deviation::Draw { .. }),
            |deviation| matches!(deviation, Deviation::Timer { .. } | Deviation::Sync { .. } | Deviation::Crash { .. }),
        ];
        for sort in sorts {
            let mut candidate = self.best.clone();
            candidate.deviations.retain(|deviation| !sort(deviation));
            if candidate.deviations.len() < self.best.deviations.len() {
                self.attempt(candidate);
            }
        }
    }

    /// Leaves out ever smaller chunks of one list: halves, quarters, down to single items.
    fn minimise<T: Clone>(&mut self, list: fn(&mut Story<M>) -> &mut Vec<T>) {
        let mut chunk = list(&mut self.best).len();
        while chunk > 0 && !self.stopped {
            let mut removed = false;
            // From the end: what comes late depends on what came early, seldom the other way round.
            let mut end = list(&mut self.best).len();
            while end > 0 && !self.stopped {
                let begin = end.saturating_sub(chunk);
                let mut candidate = self.best.clone();
                list(&mut candidate).drain(begin..end);
                removed |= self.attempt(candidate);
                end = begin.min(list(&mut self.best).len());
            }
            chunk = match removed && chunk == 1 {
                true => 1,
                false => chunk / 2,
            };
        }
    }

    fn drop_nodes(&mut self) {
        for node in self.best.case.scenario.nodes.clone().into_iter().rev() {
            if let Some(candidate) = without_node(&self.best, node) {
                self.attempt(candidate);
            }
        }
    }
}
