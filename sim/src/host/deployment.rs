//! What a run of a tokio program starts from: its nodes, network, disks and faults.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use crate::disk::DiskConfig;
use crate::fault::{Fault, Target, What};
use crate::host::links::links;
use crate::network::{CutMode, Latency, NetworkConfig};
use crate::phases::Phases;
use crate::process::NodeId;
use crate::scenario::Impossible;
use crate::time::{Span, Time};

/// The nodes, network, disks and faults of a program's run: the counterpart of a [`Case`](crate::Case).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// The nodes are `n0` to `n(nodes − 1)`, which are also their host names.
    pub nodes: u16,
    /// Host names of the first nodes, besides those: programs connect to `server:80` as to `10.0.0.1:80`.
    pub names: Vec<String>,
    /// Constant or uniform latency, and loss. Streams keep their order and datagrams do not, whatever `fifo` says.
    pub network: NetworkConfig,
    /// How long a sync takes, and what a crash makes of writes that none has covered. Where there is no sync, nothing is
    /// durable for certain, even if a sync would take no time.
    pub disk: DiskConfig,
    /// Crashes, wipes, pauses, cuts, partitions, isolations, slow and full disks, of named nodes.
    pub faults: Vec<Fault>,
    /// All faults end, and messages are no longer lost, at the end of chaos. A core cannot be named.
    pub phases: Phases,
    /// How many times tasks may be polled in a row, while no task has to wait, until the run is taken for one that makes
    /// no progress. A poll takes 50 to 100 ns of virtual time.
    pub most_polls: u64,
}

impl Deployment {
    /// A deployment without faults: one to ten milliseconds of latency, a tenth of a millisecond for a sync, two seconds of
    /// chaos and two to settle. Of the writes that no sync has covered, a crash loses 40 % and tears 10 %.
    pub fn of(nodes: u16) -> Self {
        Deployment {
            nodes,
            names: Vec::new(),
            network: NetworkConfig::default(),
            disk: DiskConfig { sync: Span::us(100), sync_jitter: Span::us(100), lost_ppm: 400_000, torn_ppm: 100_000 },
            faults: Vec::new(),
            phases: Phases { chaos: Span::secs(2), settle: Span::secs(2) },
            most_polls: 1_000_000,
        }
    }

    /// The same with host names for the first nodes.
    #[must_use]
    pub fn named<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.names = names.into_iter().map(Into::into).collect();
        self
    }

    /// Checks that all of it can be done to a program.
    ///
    /// # Errors
    /// The first impossible thing, with its place.
    pub fn validate(&self) -> Result<(), Impossible> {
        let impossible = |place: String, problem: &str| Err(Impossible { place, problem: problem.into() });
        if self.nodes == 0 || self.nodes > 250 {
            return impossible("nodes".into(), "a deployment has 1 to 250 nodes");
        }
        if let Some(problem) = self.network.latency.problem() {
            return impossible("network.latency".into(), &problem);
        }
        if !matches!(self.network.latency, Latency::Constant { .. } | Latency::Uniform { .. }) {
            return impossible("network.latency".into(), "NetSim knows constant and uniform latencies only");
        }
        if self.network.dup_ppm > 0 {
            return impossible("network.dup_ppm".into(), "NetSim doubles nothing");
        }
        if self.network.bandwidth.is_some() {
            return impossible("network.bandwidth".into(), "NetSim has no bandwidth");
        }
        if self.names.len() > usize::from(self.nodes) {
            return impossible("names".into(), "there are more names than nodes");
        }
        let mut taken: BTreeSet<String> = (0..self.nodes).map(|n| NodeId(n).to_string()).collect();
        taken.insert("localhost".into());
        for (i, name) in self.names.iter().enumerate() {
            let own = *name == NodeId(i as u16).to_string();
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.') {
                return impossible(format!("names[{i}]"), "a host name has letters, digits, dots and hyphens");
            }
            if name.parse::<IpAddr>().is_ok() || !own && !taken.insert(name.clone()) {
                return impossible(format!("names[{i}]"), &format!("{name} means something else already"));
            }
        }
        for (i, fault) in self.faults.iter().enumerate() {
            if let Some(problem) = problem(&fault.what) {
                return impossible(format!("faults[{i}]"), problem);
            }
            if let Some(node) = fault.what.nodes().into_iter().find(|node| node.0 >= self.nodes) {
                return impossible(format!("faults[{i}]"), &format!("{node} is not in the deployment"));
            }
        }
        Ok(())
    }

    /// Why a fault of the plan can have no effect, whatever the program does; `None` if it can have one.
    pub(super) fn idle(&self, fault: &Fault<NodeId>) -> Option<&'static str> {
        let heal_at = self.phases.heal_at();
        if fault.at >= heal_at {
            return Some("it would begin after the end of chaos");
        }
        if fault.lasts == Some(Span::ZERO) {
            return Some("it would end as it begins");
        }
        let stops_links = matches!(fault.what, What::Cut { .. } | What::Partition { .. } | What::Isolate { .. });
        (stops_links && links(&fault.what, self.nodes).is_empty()).then_some("it stops no link")
    }

    /// When the last fault has ended at the latest.
    pub(super) fn end_of(&self, fault: &Fault<NodeId>) -> Option<Time> {
        fault.until().filter(|until| *until < self.phases.heal_at())
    }
}

/// The address of a node: `10.0.0.1` is `n0`.
pub(super) fn ip(node: NodeId) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, node.0 as u8 + 1))
}

/// Why a fault cannot strike a program; `None` if it can.
fn problem(what: &What) -> Option<&'static str> {
    if let Some(Target::Role(_)) = what.target() {
        return Some("programs have no roles: name a node");
    }
    match what {
        What::Crash { .. }
        | What::Wipe { .. }
        | What::Pause { .. }
        | What::SlowDisk { .. }
        | What::FullDisk { .. }
        | What::PowerLoss { .. } => None,
        What::Cut { mode, .. } | What::Partition { mode, .. } | What::Isolate { mode, .. } => {
            (*mode == CutMode::Hold).then_some("NetSim holds nothing by command: datagrams drop, streams try again")
        }
        What::Corrupt { .. } => Some("the files of programs have names, and no records that could be counted"),
        What::Delay { .. } => Some("NetSim has one latency for all links"),
        What::Skew { .. } => Some("madsim has one clock for all nodes"),
        What::Byzantine { .. } => Some("programs know no way to lie"),
    }
}
