//! Rounding: the remaining numbers are made short and round, one at a time.

use crate::choice::{Billionths, Deviation};
use crate::disk::DiskConfig;
use crate::fault::by_time;
use crate::shrink::Shrinker;
use crate::system::AnyCase;
use crate::time::{Span, Time};

/// From coarse to fine: the first grid with which the property still fails is kept.
const GRIDS: [Span; 4] = [Span::ms(1000), Span::ms(100), Span::ms(10), Span::ms(1)];

/// The lengths that faults can have.
const LENGTHS: [Span; 8] = [
    Span::ms(5),
    Span::ms(20),
    Span::ms(50),
    Span::ms(100),
    Span::ms(200),
    Span::ms(500),
    Span::ms(1_000),
    Span::ms(2_000),
];

impl Shrinker<'_> {
    pub(super) fn round(&mut self) {
        if self.stopped {
            return;
        }
        self.simplify_scenario();
        self.shorten_faults();
        for index in 0..self.best.story.case.faults.len() {
            self.round_time(|case| case.faults.get_mut(index).map(|fault| &mut fault.at));
        }
        for index in 0..self.best.story.case.operations.len() {
            self.round_time(|case| case.operations.get_mut(index).map(|operation| &mut operation.at));
        }
        self.round_deviations();
        self.in_order();
    }

    /// Sorts faults by the time at which they strike, unless the property then holds.
    fn in_order(&mut self) {
        let mut ordered = self.best.story.clone();
        by_time(&mut ordered.case.faults);
        if ordered.case.faults != self.best.story.case.faults {
            self.attempt(ordered);
        }
    }

    fn simplify_scenario(&mut self) {
        let mut simpler = self.best.story.clone();
        simpler.case.scenario.disk = DiskConfig::default();
        if simpler.case.scenario.disk != self.best.story.case.scenario.disk {
            self.attempt(simpler);
        }
        let mut ordered = self.best.story.clone();
        if !std::mem::replace(&mut ordered.case.scenario.network.fifo, true) {
            self.attempt(ordered);
        }
        // Chaos ends with the violation, or with the last item in it.
        let last = self.last_happening();
        for grid in GRIDS {
            let mut shorter = self.best.story.clone();
            let chaos = Span((last.0 / grid.0 + 1) * grid.0);
            if chaos < self.best.story.case.scenario.phases.chaos {
                shorter.case.scenario.phases.chaos = chaos;
                if self.attempt(shorter) {
                    break;
                }
            }
        }
    }

    fn last_happening(&self) -> Time {
        let case = &self.best.story.case;
        if self.best.violation.at < case.scenario.phases.end_at() {
            return self.best.violation.at;
        }
        let operations = case.operations.iter().map(|operation| operation.at);
        let faults = case.faults.iter().map(|fault| fault.until().unwrap_or(fault.at));
        operations.chain(faults).max().unwrap_or(Time::ZERO)
    }

    /// Each fault gets the shortest of a few round lengths that still fails, and then twice that if that fails too: a
    /// window that fits to the millisecond does not survive the next change of the code.
    fn shorten_faults(&mut self) {
        for index in 0..self.best.story.case.faults.len() {
            let lasts = self.best.story.case.faults.get(index).and_then(|fault| fault.lasts);
            let shorter = LENGTHS.into_iter().filter(|length| lasts.is_none_or(|lasts| *length < lasts));
            for length in shorter {
                if self.attempt_length(index, length) {
                    self.attempt_length(index, length * 2);
                    break;
                }
            }
        }
    }

    fn attempt_length(&mut self, index: usize, length: Span) -> bool {
        let mut candidate = self.best.story.clone();
        let Some(fault) = candidate.case.faults.get_mut(index) else {
            return false;
        };
        fault.lasts = Some(length);
        self.attempt(candidate)
    }

    fn round_time(&mut self, place: impl Fn(&mut AnyCase) -> Option<&mut Time>) {
        for grid in GRIDS {
            let mut candidate = self.best.story.clone();
            let Some(at) = place(&mut candidate.case) else { return };
            let exact = at.0;
            if exact.is_multiple_of(grid.0) {
                return;
            }
            for rounded in [exact / grid.0 * grid.0, exact.div_ceil(grid.0) * grid.0] {
                let mut candidate = self.best.story.clone();
                if let Some(at) = place(&mut candidate.case) {
                    *at = Time(rounded);
                }
                if self.attempt(candidate) {
                    return;
                }
            }
        }
    }

    fn round_deviations(&mut self) {
        for index in 0..self.best.story.deviations.len() {
            if self.stopped {
                return;
            }
            let Some(deviation) = self.best.story.deviations.get(index).cloned() else {
                return;
            };
            for simpler in simpler(&deviation) {
                let mut candidate = self.best.story.clone();
                candidate.deviations[index] = simpler;
                if self.attempt(candidate) {
                    break;
                }
            }
        }
    }
}

/// Simpler values of a choice, the simplest first.
fn simpler(deviation: &Deviation) -> Vec<Deviation> {
    let spans = |exact: Span| {
        let grids = GRIDS.into_iter().filter(move |grid| *grid <= exact);
        let rounded = move |grid: Span| [Span(exact.0 / grid.0 * grid.0), Span(exact.0.div_ceil(grid.0) * grid.0)];
        grids.flat_map(rounded).filter(move |span| *span != exact)
    };
    match deviation {
        Deviation::Draw { node, label, n, billionths } => {
            let draw =
                |billionths: Billionths| Deviation::Draw { node: *node, label: label.clone(), n: *n, billionths };
            let tenths = [0, 500_000_000, billionths / 100_000_000 * 100_000_000, billionths / 10_000_000 * 10_000_000];
            tenths.into_iter().filter(|simple| simple != billionths).map(draw).collect()
        }
        Deviation::Send { from, to, kind, n, lost, latency: Some(latency), copy } => {
            let send = |latency| Deviation::Send {
                from: *from,
                to: *to,
                kind: kind.clone(),
                n: *n,
                lost: *lost,
                latency: Some(latency),
                copy: *copy,
            };
            spans(*latency).map(send).collect()
        }
        Deviation::Send { from, to, kind, n, lost, latency: None, copy: Some(copy) } => {
            let send = |copy| Deviation::Send {
                from: *from,
                to: *to,
                kind: kind.clone(),
                n: *n,
                lost: *lost,
                latency: None,
                copy: Some(copy),
            };
            spans(*copy).map(send).collect()
        }
        Deviation::Timer { node, kind, n, late } => {
            spans(*late).map(|late| Deviation::Timer { node: *node, kind: kind.clone(), n: *n, late }).collect()
        }
        Deviation::Sync { node, n, longer } => {
            spans(*longer).map(|longer| Deviation::Sync { node: *node, n: *n, longer }).collect()
        }
        Deviation::Send { .. } | Deviation::Crash { .. } => Vec::new(),
    }
}
