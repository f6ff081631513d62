//! Coarsening: single lost and late messages become windows ("a→b is cut from 1.2 s to 1.4 s"), and windows that belong
//! together become one. Windows are easier to read than single messages, and survive changes of the code far better.

use std::collections::BTreeMap;

use crate::choice::Deviation;
use crate::fault::{Direction, Fault, Target, What};
use crate::network::CutMode;
use crate::process::NodeId;
use crate::run::Record;
use crate::shrink::Shrinker;
use crate::system::AnyStory;
use crate::time::{Span, Time};
use crate::timeline::Happening;

impl Shrinker<'_> {
    pub(super) fn coarsen(&mut self) {
        if self.stopped {
            return;
        }
        self.losses_to_windows();
        self.lates_to_losses();
        self.lates_to_windows();
        self.join_windows();
        self.cuts_to_isolations();
        self.partitions_to_isolations();
        self.power_losses_to_crashes();
    }

    /// When each message was sent, by its durable name.
    fn sent_at(&self) -> BTreeMap<(NodeId, NodeId, String, u32), Time> {
        let outcome = self.runner.replay(&self.best.story, Record::Yes);
        let mut counts: BTreeMap<(NodeId, NodeId, String), u32> = BTreeMap::new();
        let mut sent = BTreeMap::new();
        for entry in outcome.timeline {
            if let Happening::Sent { from, to, kind, .. } = entry.what {
                let n = counts.entry((from, to, kind.clone())).or_insert(0);
                sent.insert((from, to, kind, *n), entry.at);
                *n += 1;
            }
        }
        sent
    }

    /// All losses on a link become one cut; if the property then holds, each becomes a cut of its own.
    fn losses_to_windows(&mut self) {
        let sent = self.sent_at();
        let mut losses: BTreeMap<(NodeId, NodeId), Vec<(Deviation, Time)>> = BTreeMap::new();
        for deviation in &self.best.story.deviations {
            if let Deviation::Send { from, to, kind, n, lost: true, .. } = deviation
                && let Some(at) = sent.get(&(*from, *to, kind.clone(), *n))
            {
                losses.entry((*from, *to)).or_default().push((deviation.clone(), *at));
            }
        }
        for ((from, to), losses) in losses {
            if self.stopped {
                return;
            }
            let whole = self.with_cut(from, to, &losses);
            if !self.attempt(whole) && losses.len() > 1 {
                for loss in &losses {
                    if self.stopped {
                        return;
                    }
                    let single = self.with_cut(from, to, std::slice::from_ref(loss));
                    self.attempt(single);
                }
            }
        }
    }

    fn with_cut(&self, from: NodeId, to: NodeId, losses: &[(Deviation, Time)]) -> AnyStory {
        let mut story = self.best.story.clone();
        story.deviations.retain(|deviation| losses.iter().all(|(lost, _)| lost != deviation));
        let first = losses.iter().map(|(_, at)| *at).min().unwrap_or(Time::ZERO);
        let last = losses.iter().map(|(_, at)| *at).max().unwrap_or(first);
        let (begin, end) = whole_milliseconds(first, last);
        let what = What::Cut { from: vec![from], to: vec![to], mode: CutMode::Drop };
        insert(
            &mut story.case.faults,
            Fault { at: begin, lasts: Some(end.since(begin)), within: None, after: None, what },
        );
        story
    }

    /// A very late message can often be replaced by a lost one, which is easier to understand.
    fn lates_to_losses(&mut self) {
        for index in (0..self.best.story.deviations.len()).rev() {
            if self.stopped {
                return;
            }
            let mut candidate = self.best.story.clone();
            let Some(Deviation::Send { lost: lost @ false, latency, copy, .. }) = candidate.deviations.get_mut(index)
            else {
                continue;
            };
            (*lost, *latency, *copy) = (true, None, None);
            self.attempt(candidate);
        }
        self.losses_to_windows();
    }

    /// All late messages on a link become one window in which the link is slow.
    fn lates_to_windows(&mut self) {
        let sent = self.sent_at();
        let base = self.best.story.case.scenario.network.latency.base();
        let mut lates: BTreeMap<(NodeId, NodeId), Vec<(Time, Span)>> = BTreeMap::new();
        for deviation in &self.best.story.deviations {
            if let Deviation::Send { from, to, kind, n, lost: false, latency: Some(latency), copy: None } = deviation
                && let Some(at) = sent.get(&(*from, *to, kind.clone(), *n))
            {
                lates.entry((*from, *to)).or_default().push((*at, *latency - base));
            }
        }
        for ((from, to), lates) in lates {
            if self.stopped {
                return;
            }
            let mut story = self.best.story.clone();
            story.deviations.retain(|deviation| {
                !matches!(deviation, Deviation::Send { from: f, to: t, lost: false, latency: Some(_), copy: None, .. } if (*f, *t) == (from, to))
            });
            let first = lates.iter().map(|(at, _)| *at).min().unwrap_or(Time::ZERO);
            let last = lates.iter().map(|(at, _)| *at).max().unwrap_or(first);
            let by = lates.iter().map(|(_, by)| *by).max().unwrap_or(Span::ZERO);
            let (begin, end) = whole_milliseconds(first, last);
            let what = What::Delay { from: vec![from], to: vec![to], by };
            insert(
                &mut story.case.faults,
                Fault { at: begin, lasts: Some(end.since(begin)), within: None, after: None, what },
            );
            self.attempt(story);
        }
    }

    /// Two faults of one place become one that spans both, of the kind of one or the other. A node that is cut off and
    /// then crashes might as well be down the whole time.
    fn join_windows(&mut self) {
        let mut first = 0;
        while first < self.best.story.case.faults.len() && !self.stopped {
            let mut second = first + 1;
            while second < self.best.story.case.faults.len() {
                let accepted = joined(&self.best.story.case.faults[first], &self.best.story.case.faults[second])
                    .into_iter()
                    .any(|joined| {
                        let mut candidate = self.best.story.clone();
                        candidate.case.faults.remove(second);
                        candidate.case.faults[first] = joined;
                        self.attempt(candidate)
                    });
                if !accepted {
                    second += 1;
                }
            }
            first += 1;
        }
    }

    /// Cuts that all touch one node become an isolation of that node.
    fn cuts_to_isolations(&mut self) {
        for node in self.best.story.case.scenario.nodes.clone() {
            for direction in [Direction::Out, Direction::In, Direction::Both] {
                self.isolate(node, direction);
            }
        }
    }

    fn isolate(&mut self, node: NodeId, direction: Direction) {
        let belongs = |fault: &Fault| match &fault.what {
            What::Cut { from, to, mode: CutMode::Drop } => {
                (direction != Direction::In && *from == [node]) || (direction != Direction::Out && *to == [node])
            }
            What::Isolate { node: of, direction: part, mode: CutMode::Drop } => {
                *of == Target::Node(node) && (direction == Direction::Both || *part == direction)
            }
            _ => false,
        };
        let cuts: Vec<&Fault> = self.best.story.case.faults.iter().filter(|fault| belongs(fault)).collect();
        if cuts.len() < 2 {
            return;
        }
        let what = What::Isolate { node: Target::Node(node), direction, mode: CutMode::Drop };
        let whole = cuts.iter().skip(1).fold(cuts[0].clone(), |whole, cut| span(&whole, cut));
        let mut candidate = self.best.story.clone();
        candidate.case.faults.retain(|fault| !belongs(fault));
        insert(&mut candidate.case.faults, Fault { what, ..whole });
        self.attempt(candidate);
    }

    /// A partition that matters to one node only is easier to understand as its isolation.
    fn partitions_to_isolations(&mut self) {
        for index in 0..self.best.story.case.faults.len() {
            // (A success drops the faults behind the violation.)
            let what = self.best.story.case.faults.get(index).map(|fault| &fault.what);
            let Some(What::Partition { side, mode }) = what else {
                continue;
            };
            if let [node] = side[..] {
                let what = What::Isolate { node: Target::Node(node), direction: Direction::Both, mode: *mode };
                let mut candidate = self.best.story.clone();
                candidate.case.faults[index].what = what;
                self.attempt(candidate);
            }
        }
    }

    /// A loss of power that matters to fewer nodes is told of those; of one node, it is a crash.
    fn power_losses_to_crashes(&mut self) {
        for index in 0..self.best.story.case.faults.len() {
            for node in self.without_power(index) {
                let mut nodes = self.without_power(index);
                nodes.retain(|other| *other != node);
                let what = match nodes[..] {
                    [] => break,
                    [node] => What::Crash { node: Target::Node(node) },
                    _ => What::PowerLoss { nodes },
                };
                let mut candidate = self.best.story.clone();
                candidate.case.faults[index].what = what;
                self.attempt(candidate);
            }
        }
    }

    /// The nodes that lose power by a fault; none if it is another fault, or is there no more.
    fn without_power(&self, index: usize) -> Vec<NodeId> {
        match self.best.story.case.faults.get(index).map(|fault| &fault.what) {
            Some(What::PowerLoss { nodes }) => nodes.clone(),
            _ => Vec::new(),
        }
    }
}

/// The faults that may replace two faults.
fn joined(a: &Fault, b: &Fault) -> Vec<Fault> {
    let spanning = |what: &What| Fault { what: what.clone(), ..span(a, b) };
    if a.what == b.what {
        return vec![spanning(&a.what)];
    }
    if struck(&a.what).is_some() && struck(&a.what) == struck(&b.what) {
        vec![spanning(&a.what), spanning(&b.what)]
    } else {
        Vec::new()
    }
}

/// The one node that a fault crashes, pauses or isolates; `None` for other faults.
fn struck(what: &What) -> Option<NodeId> {
    match (what, what.target()) {
        (What::Partition { side, .. }, _) if side.len() == 1 => Some(side[0]),
        (_, target) => target.and_then(Target::node),
    }
}

/// A fault of the kind of `a` that spans both.
fn span(a: &Fault, b: &Fault) -> Fault {
    let at = a.at.min(b.at);
    let lasts = a.until().zip(b.until()).map(|(a, b)| a.max(b).since(at));
    Fault { at, lasts, within: None, after: None, what: a.what.clone() }
}

fn insert(faults: &mut Vec<Fault>, fault: Fault) {
    let place = faults.partition_point(|other| other.at <= fault.at);
    faults.insert(place, fault);
}

/// The window in whole milliseconds that contains both instants.
fn whole_milliseconds(first: Time, last: Time) -> (Time, Time) {
    const MS: u64 = 1_000_000;
    (Time(first.0 / MS * MS), Time((last.0 / MS + 1) * MS))
}
