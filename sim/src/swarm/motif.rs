//! Motifs: short sequences of related faults, repeated over a plan. Independent faults hardly ever come in the order
//! that breaks a protocol; motifs do, for any protocol with leaders, votes and clients.

use proptest::prelude::*;

use crate::fault::{Direction, Fault, FaultClass, Target, What, by_time};
use crate::network::CutMode;
use crate::process::NodeId;
use crate::swarm::place::PlanParameters;
use crate::time::{Span, Time};

/// The sequences, each in a function of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Motif {
    RestartCascade,
    NodePartition,
    MutedLeaders,
    RestartOnRejoin,
    LeaderSuccession,
    SlowClock,
    RivalLeaders,
}

impl Motif {
    /// The motifs that need only classes that may be drawn.
    pub(super) fn of(parameters: &PlanParameters) -> Vec<Motif> {
        let can = |motif: &Motif| motif.needs().iter().all(|class| parameters.classes.contains(class));
        let all = [
            Motif::RestartCascade,
            Motif::NodePartition,
            Motif::MutedLeaders,
            Motif::RestartOnRejoin,
            Motif::LeaderSuccession,
            Motif::SlowClock,
            Motif::RivalLeaders,
        ];
        all.into_iter().filter(|motif| !parameters.crashable.is_empty() && can(motif)).collect()
    }

    /// The classes of faults in a motif.
    pub(super) fn needs(self) -> &'static [FaultClass] {
        match self {
            Motif::RestartCascade => &[FaultClass::Crash],
            Motif::NodePartition => &[FaultClass::Partition],
            Motif::MutedLeaders | Motif::LeaderSuccession | Motif::RivalLeaders => {
                &[FaultClass::Crash, FaultClass::Partition]
            }
            Motif::RestartOnRejoin => &[FaultClass::Crash, FaultClass::Partition, FaultClass::Disk],
            Motif::SlowClock => &[FaultClass::Skew, FaultClass::Partition],
        }
    }

    /// A plan that repeats this motif until chaos ends.
    pub(super) fn plan(self, parameters: &PlanParameters) -> BoxedStrategy<Vec<Fault>> {
        match self {
            Motif::RestartCascade => restart_cascade(parameters),
            Motif::NodePartition => node_partition(parameters),
            Motif::MutedLeaders => muted_leaders(parameters),
            Motif::RestartOnRejoin => restart_on_rejoin(parameters),
            Motif::LeaderSuccession => leader_succession(parameters),
            Motif::SlowClock => slow_clock(parameters),
            Motif::RivalLeaders => rival_leaders(parameters),
        }
    }
}

/// A fault at a time from the beginning of its motif.
fn fault(at_ms: u64, lasts_ms: u64, what: What) -> Fault {
    Fault::new(Time::ms(at_ms), Span::ms(lasts_ms.max(1)), what)
}

/// Concatenates motifs, one every `every_ms` milliseconds, until chaos ends.
fn in_turn(motifs: Vec<Vec<Fault>>, every_ms: u64, chaos: Span) -> Vec<Fault> {
    let mut plan = Vec::new();
    for (k, motif) in motifs.into_iter().enumerate() {
        let begins = Span::ms(every_ms * (k as u64 + 1) - every_ms / 2);
        plan.extend(motif.into_iter().map(|fault| Fault { at: fault.at + begins, ..fault }));
    }
    plan.retain(|fault| fault.at.since(Time::ZERO) < chaos);
    by_time(&mut plan);
    plan
}

/// How many motifs of this length there are: as many as fit into chaos, or down to half of that. Bugs that need two
/// rare sequences in a row show only if these are close together.
fn fitting(chaos: Span, every_ms: u64) -> std::ops::RangeInclusive<usize> {
    let most = ((chaos.0 / 1_000_000 / every_ms) as usize).clamp(1, 12);
    most.div_ceil(2)..=most
}

impl PlanParameters {
    fn reaction_ms(&self) -> u64 {
        (self.reaction_time.0 / 1_000_000).max(1)
    }

    /// A node that may crash, or more often the holder of a role other than the first, usually the second.
    fn other_role_holder(&self) -> BoxedStrategy<Target> {
        let anyone = prop::sample::select(self.crashable.clone()).prop_map(Target::Node);
        match self.roles.get(1..) {
            Some(others @ [second, ..]) => {
                let second = Just(Target::Role(second.clone()));
                let others = prop::sample::select(others.to_vec()).prop_map(Target::Role);
                prop_oneof![2 => anyone, 1 => others, 5 => second].boxed()
            }
            _ => anyone.boxed(),
        }
    }

    /// Some of the nodes that may not crash: the clients of the others.
    fn some_clients(&self) -> BoxedStrategy<Vec<NodeId>> {
        let clients: Vec<NodeId> = self.nodes.iter().copied().filter(|node| !self.crashable.contains(node)).collect();
        match clients.len() {
            0 => Just(Vec::new()).boxed(),
            n => prop::sample::subsequence(clients, 1..=n.max(2) - 1).boxed(),
        }
    }

    /// The holder of the model's first role; a random node that may crash if there are no roles.
    fn first_holder(&self) -> BoxedStrategy<Target> {
        match self.roles.first() {
            Some(role) => Just(Target::Role(role.clone())).boxed(),
            None => prop::sample::select(self.crashable.clone()).prop_map(Target::Node).boxed(),
        }
    }
}

/// The leader crashes, and during the reaction of the others several of them restart within milliseconds of each other.
/// State that a node loses in a restart is needed at once.
fn restart_cascade(parameters: &PlanParameters) -> BoxedStrategy<Vec<Fault>> {
    let reaction = parameters.reaction_ms();
    let (every, chaos, crashable) = (reaction * 3 + 50, parameters.chaos, parameters.crashable.clone());
    let cuts = parameters.classes.contains(&FaultClass::Partition);
    // After a short crash the leader takes part in the reaction, after a long one it does not.
    let down = prop_oneof![2 => 1..20u64, 1 => 30..reaction * 6];
    let restart = (reaction * 2 / 3..reaction * 5 / 2, 1u64..8, parameters.other_role_holder());
    let isolated = (0..reaction * 8 / 3, 20..reaction * 14 / 3, prop::sample::select(crashable));
    let isolated = prop::collection::vec(isolated, if cuts { 0..3 } else { 0..1 });
    let motif = (parameters.first_holder(), down, prop::collection::vec(restart, 1..6), isolated);
    let wait = parameters.reaction_time;
    let motif = motif.prop_map(move |(leader, down, restarts, isolated)| {
        let mut motif = vec![fault(0, down, What::Crash { node: leader })];
        motif.extend(restarts.into_iter().map(|(at, lasts, node)| {
            let within = matches!(node, Target::Role(_)).then_some(wait);
            Fault { within, ..fault(at, lasts, What::Crash { node }) }
        }));
        let isolate =
            |node: NodeId| What::Isolate { node: node.into(), direction: Direction::Both, mode: CutMode::Drop };
        motif.extend(isolated.into_iter().map(|(at, lasts, node)| fault(at, lasts, isolate(node))));
        motif
    });
    prop::collection::vec(motif, fitting(chaos, every)).prop_map(move |motifs| in_turn(motifs, every, chaos)).boxed()
}

/// One node that may crash is partitioned from the others, together with some of its clients: both sides continue, each
/// with its own clients.
fn node_partition(parameters: &PlanParameters) -> BoxedStrategy<Vec<Fault>> {
    let reaction = parameters.reaction_ms();
    let (every, chaos) = (reaction * 6, parameters.chaos);
    let clients = parameters.some_clients();
    let motif = (
        0..reaction * 4 / 3,
        reaction * 7 / 3..reaction * 16 / 3,
        prop::sample::select(parameters.crashable.clone()),
        clients,
    );
    let motif = motif.prop_map(|(at, lasts, node, clients)| {
        let side = std::iter::once(node).chain(clients).collect();
        vec![fault(at, lasts, What::Partition { side, mode: CutMode::Drop })]
    });
    prop::collection::vec(motif, fitting(chaos, every)).prop_map(move |motifs| in_turn(motifs, every, chaos)).boxed()
}

/// Leaders with state of their own: the leader's outgoing messages are lost for a while, though it receives its
/// clients' requests, and then it usually crashes; the next leader soon has the same fate. Three in a row are Figure 8
/// of the Raft paper.
fn muted_leaders(parameters: &PlanParameters) -> BoxedStrategy<Vec<Fault>> {
    let (reaction, chaos) = (parameters.reaction_ms(), parameters.chaos);
    let crash = prop_oneof![1 => Just(None), 2 => (reaction / 10..reaction * 3 / 2).prop_map(Some)];
    let mute = (reaction / 2..reaction * 2, reaction / 8..reaction * 3 / 2, crash, parameters.first_holder());
    prop::collection::vec(mute, 8..16)
        .prop_map(move |mutes| {
            let mut plan = Vec::new();
            let mut at = reaction * 3 / 2;
            for (pause, alone, crash, leader) in mutes {
                at += pause;
                let (direction, mode) = (Direction::Out, CutMode::Drop);
                plan.push(fault(at, alone, What::Isolate { node: leader.clone(), direction, mode }));
                at += alone;
                if let Some(down) = crash {
                    plan.push(fault(at - 1, down, What::Crash { node: leader }));
                }
            }
            plan.retain(|fault| fault.at.since(Time::ZERO) < chaos);
            plan
        })
        .boxed()
}

/// Some nodes that may crash are partitioned from the rest. At the moment they rejoin, several others restart, which
/// loses unsynced writes, and the leader crashes: the rejoined nodes may now outvote those with the newer state.
fn restart_on_rejoin(parameters: &PlanParameters) -> BoxedStrategy<Vec<Fault>> {
    let reaction = parameters.reaction_ms();
    let (every, chaos, crashable) = (reaction * 4, parameters.chaos, parameters.crashable.clone());
    let few = (crashable.len() / 2).max(1);
    let out = prop::sample::subsequence(crashable.clone(), 1..=few);
    let restarts = prop::collection::vec((0u64..12, 1u64..5, prop::sample::select(crashable)), 1..=few);
    let motif = (
        0..reaction,
        reaction / 3..reaction * 3 / 2,
        out,
        restarts,
        (0u64..20, reaction / 2..reaction * 3),
        parameters.first_holder(),
    );
    let motif = motif.prop_map(|(at, lasts, side, restarts, (after, down), leader)| {
        let end = at + lasts;
        let mut motif = vec![fault(at, lasts, What::Partition { side, mode: CutMode::Drop })];
        let restart =
            |(after, lasts, node): (u64, u64, NodeId)| fault(end + after, lasts, What::Crash { node: node.into() });
        motif.extend(restarts.into_iter().map(restart));
        motif.push(fault(end + after + 6, down, What::Crash { node: leader }));
        motif
    });
    prop::collection::vec(motif, fitting(chaos, every)).prop_map(move |motifs| in_turn(motifs, every, chaos)).boxed()
}

/// One node's clock runs as slow as it may, those of some others as fast as they may, and it is partitioned from them
/// together with some of its clients. A lease lasts longer by its clock than the others wait for it.
fn slow_clock(parameters: &PlanParameters) -> BoxedStrategy<Vec<Fault>> {
    let reaction = parameters.reaction_ms();
    let (every, chaos, drift) = (reaction * 6, parameters.chaos, parameters.drift_ppm);
    let skew = |node: NodeId, drift_ppm: i64| What::Skew { node: node.into(), offset_ns: 0, drift_ppm };
    let slow = prop::sample::select(parameters.crashable.clone());
    let fast = prop::sample::subsequence(parameters.crashable.clone(), 0..=parameters.crashable.len());
    let rates = (drift / 4..=drift, drift / 4..=drift);
    let motif = (slow, fast, rates, (0..reaction, reaction..reaction * 4), parameters.some_clients());
    let motif = motif.prop_map(move |(slow, fast, (slower, faster), (after, lasts), clients)| {
        let fast = fast.into_iter().filter(|node| *node != slow);
        let mut motif = vec![fault(0, after + lasts, skew(slow, -slower))];
        motif.extend(fast.map(|node| fault(0, after + lasts, skew(node, faster))));
        let side = std::iter::once(slow).chain(clients).collect();
        motif.push(fault(after, lasts, What::Partition { side, mode: CutMode::Drop }));
        motif
    });
    prop::collection::vec(motif, fitting(chaos, every)).prop_map(move |motifs| in_turn(motifs, every, chaos)).boxed()
}

/// The leader's outgoing messages are lost until it crashes: no other node learns what it did meanwhile.
fn muted(leader: &Target, mute: u64, down: u64) -> [Fault; 2] {
    let isolate = What::Isolate { node: leader.clone(), direction: Direction::Out, mode: CutMode::Drop };
    [fault(0, mute, isolate), fault(mute - 1, down, What::Crash { node: leader.clone() })]
}

/// The leader is [`muted`]; while the next one leads, another node is isolated; when both are back, the second leader
/// crashes. Nodes with state of only one leader meet nodes with state of only the other.
fn leader_succession(parameters: &PlanParameters) -> BoxedStrategy<Vec<Fault>> {
    let reaction = parameters.reaction_ms();
    let (every, chaos) = (reaction * 7, parameters.chaos);
    let left_out = (reaction / 2..reaction * 5 / 2, prop::sample::select(parameters.crashable.clone()));
    let times = (reaction / 8..reaction, reaction * 2..reaction * 4, 0u64..30, reaction..reaction * 3);
    let motif = (times, left_out, parameters.first_holder());
    let motif = motif.prop_map(|((alone, down, overlap, next_down), (begins, left_out), leader)| {
        let back = alone + down;
        let left_out = What::Isolate { node: left_out.into(), direction: Direction::Both, mode: CutMode::Drop };
        let mut motif = Vec::from(muted(&leader, alone, down));
        motif.push(fault(alone + begins.min(down - 1), down.saturating_sub(begins), left_out));
        motif.push(fault(back.saturating_sub(overlap), next_down, What::Crash { node: leader }));
        motif
    });
    prop::collection::vec(motif, fitting(chaos, every)).prop_map(move |motifs| in_turn(motifs, every, chaos)).boxed()
}

/// The leader is [`muted`]; the next leader's outgoing messages are lost as soon as it leads; and when the first one is
/// back, one half of the nodes is partitioned from the other, usually with one of the leaders in each half, while
/// clients reach both. Each leader has state that the other half does not know, and each half may take itself for a
/// quorum.
fn rival_leaders(parameters: &PlanParameters) -> BoxedStrategy<Vec<Fault>> {
    let reaction = parameters.reaction_ms();
    let (every, chaos) = (reaction * 8, parameters.chaos);
    let crashable = parameters.crashable.clone();
    let half = prop::sample::subsequence(crashable.clone(), crashable.len() / 2).prop_map(move |side| {
        let rest: Vec<NodeId> = crashable.iter().copied().filter(|node| !side.contains(node)).collect();
        (side, rest)
    });
    let times = (
        reaction / 4..reaction * 2 / 3,
        reaction * 3 / 2..reaction * 5 / 2,
        reaction / 2..reaction * 5 / 2,
        reaction * 3..reaction * 7,
    );
    let motif = (times, half, parameters.first_holder());
    let motif = motif.prop_map(|((mute, down, alone, partitioned), (side, rest), leader)| {
        let mode = CutMode::Drop;
        let within = matches!(leader, Target::Role(_)).then_some(Span::ms(down * 2));
        let mut motif = Vec::from(muted(&leader, mute, down));
        let next = What::Isolate { node: leader, direction: Direction::Out, mode };
        motif.push(Fault { within, ..fault(mute, alone, next) });
        motif.push(fault(mute + down, partitioned, What::Cut { from: side.clone(), to: rest.clone(), mode }));
        motif.push(fault(mute + down, partitioned, What::Cut { from: rest, to: side, mode }));
        motif
    });
    prop::collection::vec(motif, fitting(chaos, every)).prop_map(move |motifs| in_turn(motifs, every, chaos)).boxed()
}
