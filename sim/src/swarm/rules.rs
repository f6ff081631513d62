//! The tolerance as rules: swarms and mutations bring every case under them, so that a violation is a bug.

use std::collections::BTreeSet;

use crate::choice::Deviation;
use crate::disk::{DiskConfig, WriteFate};
use crate::fault::{Fault, FaultClass, Target, What, by_time};
use crate::model::Model;
use crate::network::NetworkConfig;
use crate::process::NodeId;
use crate::scenario::CaseOf;
use crate::swarm::classes::Swarm;
use crate::swarm::place::MOST_DRIFT;
use crate::swarm::shape;
use crate::time::{Span, Time};

/// The greatest latency without a bound, as a multiple of the least.
pub(super) const MOST_LATENCY: u64 = 400;
/// The greatest rates of loss and duplication, per million messages.
pub(super) const MOST_PPM: u32 = 300_000;
/// The greatest lateness of timers.
pub(super) const MOST_LATE: Span = Span::ms(5);
/// The greatest jitter of syncs.
pub(super) const MOST_SYNC_JITTER: Span = Span::ms(20);
/// The delays that plans draw.
pub(super) const DELAYS: [Span; 3] = [Span::ms(5), Span::ms(50), Span::ms(300)];
/// The extra durations of syncs on slow disks.
pub(super) const SLOWNESSES: [Span; 2] = [Span::ms(5), Span::ms(100)];

/// The rules for one configuration under one swarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) classes: BTreeSet<FaultClass>,
    /// The nodes that crashes, wipes, Byzantine faults and disk faults may strike.
    pub(crate) crashable: Vec<NodeId>,
    /// Whether all of them may crash at once.
    pub(crate) power_loss: bool,
    /// Other nodes that crashes may strike.
    pub(crate) clients: Vec<NodeId>,
    pub(crate) nodes: usize,
    pub(crate) skew: Span,
    pub(crate) drift_ppm: i64,
    pub(crate) pause: Option<Span>,
    /// The least and the greatest latency of a message.
    pub(crate) latency: (Span, Span),
    pub(crate) late: Span,
    pub(crate) chaos: Span,
}

impl Rules {
    /// The rules for a variant of the usual configuration.
    pub(super) fn of<M: Model>(swarm: &Swarm, usual: &M, variant: &M) -> Self {
        let (tolerance, usual_tolerance) = (variant.tolerance(), usual.tolerance());
        let classes = match swarm.base {
            Some(_) => swarm.classes::<M>(),
            None => tolerance.classes.iter().chain(&swarm.more).copied().collect(),
        };
        let least = usual.network().latency.base();
        let bound = match (usual_tolerance.delay, tolerance.delay) {
            (Some(usual), Some(own)) => Some(usual.min(own)),
            (usual, own) => usual.or(own),
        };
        let chaos = swarm.chaos.unwrap_or(usual.phases().chaos);
        Rules {
            classes,
            crashable: usual_tolerance.crashes.among,
            power_loss: usual_tolerance.crashes.power_loss,
            clients: usual_tolerance.crashes.besides,
            nodes: variant.size(),
            skew: tolerance.skew.offset * u64::from(swarm.over_skew),
            drift_ppm: i64::from(tolerance.skew.drift_ppm.saturating_mul(swarm.over_skew)).min(MOST_DRIFT),
            pause: tolerance.pause.map(|bound| bound * u64::from(swarm.over_pause)),
            latency: (bound.map_or(least, |bound| bound.min(least)), bound.unwrap_or(least * MOST_LATENCY)),
            late: bound.map_or(MOST_LATE, |bound| bound.min(MOST_LATE)),
            chaos: if swarm.draws_shapes() { chaos.max(shape::LONG) } else { chaos },
        }
    }

    fn has(&self, class: FaultClass) -> bool {
        self.classes.contains(&class)
    }

    /// Removes faults and noise of classes that are off.
    pub(super) fn keep_classes(&self, faults: &mut Vec<Fault>, network: &mut NetworkConfig, disk: &mut DiskConfig) {
        faults.retain(|fault| self.has(fault.what.class()));
        if !self.has(FaultClass::Loss) {
            network.loss_ppm = 0;
        }
        if !self.has(FaultClass::Dup) {
            network.dup_ppm = 0;
        }
        if !self.has(FaultClass::Reorder) {
            network.fifo = true;
        }
        if !self.has(FaultClass::Disk) {
            *disk = DiskConfig::default();
        }
    }

    /// Keeps the bound on delays: plans are drawn for the configured model, and a variant may rely on one that has none.
    pub(super) fn keep_delays(&self, network: &mut NetworkConfig, timer_jitter: &mut Span) {
        network.latency = network.latency.clone().at_most(self.latency.1);
        *timer_jitter = (*timer_jitter).min(self.late);
    }

    /// Bounds the length of pauses, if there is a bound, and keeps as much time between two pauses of any nodes, so
    /// that pauses do not add up.
    pub(super) fn keep_pauses(&self, faults: &mut Vec<Fault>) {
        let Some(bound) = self.pause else { return };
        let mut free = Time::ZERO;
        by_time(faults);
        faults.retain_mut(|fault| {
            if !matches!(fault.what, What::Pause { .. }) {
                return true;
            }
            let room = fault.at >= free;
            if room {
                let lasts = fault.lasts.map_or(bound, |lasts| lasts.min(bound));
                (fault.lasts, fault.within, free) = (Some(lasts), None, fault.at + lasts + bound);
            }
            room
        });
    }

    /// Brings a case and its fixed choices under the rules: values are reduced if possible, and removed otherwise.
    pub(crate) fn keep<C, O>(&self, case: &mut CaseOf<C, O>, changes: &mut Vec<Deviation>) {
        let scenario = &mut case.scenario;
        self.keep_classes(&mut case.faults, &mut scenario.network, &mut scenario.disk);
        scenario.network.loss_ppm = scenario.network.loss_ppm.min(MOST_PPM);
        scenario.network.dup_ppm = scenario.network.dup_ppm.min(MOST_PPM);
        self.keep_delays(&mut scenario.network, &mut scenario.timer_jitter);
        case.faults.retain_mut(|fault| self.keep_fault(fault));
        by_time(&mut case.faults);
        self.keep_pauses(&mut case.faults);
        changes.retain_mut(|change| self.keep_change(change));
    }

    /// Reduces a fault to what is tolerated; `false` if nothing is left of it.
    fn keep_fault(&self, fault: &mut Fault) -> bool {
        let class = fault.what.class();
        let crashes_needed =
            matches!(class, FaultClass::Crash | FaultClass::Wipe | FaultClass::Byzantine | FaultClass::Disk);
        let (skew, drift) = (self.skew.0 as i64, self.drift_ppm);
        match &mut fault.what {
            What::Skew { offset_ns, drift_ppm, .. } => {
                (*offset_ns, *drift_ppm) = ((*offset_ns).clamp(-skew, skew), (*drift_ppm).clamp(-drift, drift));
            }
            What::Delay { by, .. } => *by = (*by).min(DELAYS[DELAYS.len() - 1]),
            What::SlowDisk { by, .. } => *by = (*by).min(SLOWNESSES[SLOWNESSES.len() - 1]),
            _ => {}
        }
        let known = fault.what.nodes().iter().all(|node| node.index() < self.nodes);
        let struck = match fault.what.target() {
            Some(Target::Node(node)) if class == FaultClass::Crash && self.clients.contains(node) => true,
            Some(Target::Node(node)) => !crashes_needed || self.crashable.contains(node),
            // Swarms aim at holders of roles.
            Some(Target::Role(_)) => true,
            None => match &fault.what {
                What::PowerLoss { nodes } => self.power_loss && nodes.iter().all(|node| self.crashable.contains(node)),
                _ => true,
            },
        };
        // Plans have no damaged records.
        let drawn = !matches!(fault.what, What::Corrupt { .. });
        self.has(class) && known && struck && drawn && fault.at.since(Time::ZERO) <= self.chaos
    }

    /// Reduces a fixed choice to what is tolerated; `false` if nothing is left of it.
    fn keep_change(&self, change: &mut Deviation) -> bool {
        let (least, most) = self.latency;
        match change {
            Deviation::Send { lost, latency, copy, .. } => {
                *lost &= self.has(FaultClass::Loss);
                *copy = (*copy).filter(|_| self.has(FaultClass::Dup)).map(|copy| copy.clamp(least, most));
                *latency = (*latency).map(|latency| latency.clamp(least, most));
            }
            Deviation::Draw { billionths, .. } => *billionths = (*billionths).min(999_999_999),
            Deviation::Timer { late, .. } => *late = (*late).min(self.late),
            Deviation::Sync { longer, .. } => {
                *longer = (*longer).min(MOST_SYNC_JITTER);
                return self.has(FaultClass::Disk);
            }
            Deviation::Crash { fate, .. } => return self.has(FaultClass::Disk) || *fate == WriteFate::Kept,
        }
        true
    }

    /// Which rule a case breaks, if any.
    #[cfg(test)]
    pub(crate) fn broken<C: Clone, O: Clone>(&self, case: &CaseOf<C, O>, changes: &[Deviation]) -> Option<String> {
        let (mut kept, mut kept_changes) = (case.clone(), changes.to_vec());
        self.keep(&mut kept, &mut kept_changes);
        let fault = case.faults.iter().find(|fault| !kept.faults.contains(fault));
        let change = changes.iter().find(|change| !kept_changes.contains(change));
        let (was, is) = (&case.scenario, &kept.scenario);
        let physics = (was.network != is.network || was.disk != is.disk || was.timer_jitter != is.timer_jitter)
            .then(|| format!("{:?}, {:?}, timers late by up to {}", was.network, was.disk, was.timer_jitter));
        let fault = fault.map(|fault| format!("{fault}"));
        fault.or_else(|| change.map(|change| format!("{change:?}"))).or(physics)
    }
}
