//! Motifs: short sequences of related faults, repeated over a plan. Independent faults hardly ever come in the order
//! that breaks a protocol; motifs do, for any protocol with leaders, votes and clients.

use proptest::prelude::*;

use crate::fault::{self, Direction, Fault, FaultClass, Target, What, by_time};
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
    PausedHolder,
    PowerLoss,
    RestartLoop,
    DyingClients,
    CrashAtWrite,
}

impl Motif {
    /// Those that are about leaders, votes and what some nodes have and others lack.
    pub(super) const USUAL: [Motif; 7] = [
        Motif::RestartCascade,
        Motif::NodePartition,
        Motif::MutedLeaders,
        Motif::RestartOnRejoin,
        Motif::LeaderSuccession,
        Motif::SlowClock,
        Motif::RivalLeaders,
    ];

    /// Those that are about instants and nodes which the others hardly ever strike.
    pub(super) const DEEP: [Motif; 5] =
        [Motif::PausedHolder, Motif::PowerLoss, Motif::RestartLoop, Motif::DyingClients, Motif::CrashAtWrite];

    /// Those of `motifs` that need only classes that may be drawn, and nodes that there are.
    pub(super) fn among(motifs: &[Motif], parameters: &PlanParameters) -> Vec<Motif> {
        let can = |motif: &Motif| motif.needs().iter().all(|class| parameters.classes.contains(class));
        let strikes = |motif: &Motif| match motif {
            Motif::DyingClients => !parameters.clients.is_empty(),
            Motif::PausedHolder => true,
            Motif::PowerLoss => parameters.power_loss && !parameters.crashable.is_empty(),
            _ => !parameters.crashable.is_empty(),
        };
        motifs.iter().copied().filter(|motif| can(motif) && strikes(motif)).collect()
    }

    /// The classes of faults in a motif.
    pub(super) fn needs(self) -> &'static [FaultClass] {
        match self {
            Motif::RestartCascade | Motif::PowerLoss | Motif::RestartLoop | Motif::DyingClients => &[FaultClass::Crash],
            Motif::NodePartition => &[FaultClass::Partition],
            Motif::MutedLeaders | Motif::LeaderSuccession | Motif::RivalLeaders => {
                &[FaultClass::Crash, FaultClass::Partition]
            }
            Motif::RestartOnRejoin => &[FaultClass::Crash, FaultClass::Partition, FaultClass::Disk],
            Motif::SlowClock => &[FaultClass::Skew, FaultClass::Partition],
            Motif::PausedHolder => &[FaultClass::Pause],
            Motif::CrashAtWrite => &[FaultClass::Crash, FaultClass::Disk],
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
            Motif::PausedHolder => paused_holder(parameters),
            Motif::PowerLoss => power_loss(parameters),
            Motif::RestartLoop => restart_loop(parameters),
            Motif::DyingClients => dying_clients(parameters),
            Motif::CrashAtWrite => crash_at_write(parameters),
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
        // Motifs are made of parts of it, in whole milliseconds.
        (self.reaction_time.0 / 1_000_000).max(10)
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

/// Whoever holds a role is paused for longer than the others wait, so that they replace it, and wakes up believing that
/// nothing has happened; now and then a second node sleeps meanwhile. A pause that the tolerance bounds is shortened to that.
fn paused_holder(parameters: &PlanParameters) -> BoxedStrategy<Vec<Fault>> {
    let reaction = parameters.reaction_ms();
    let (every, chaos, nodes) = (reaction * 5, parameters.chaos, parameters.nodes.clone());
    let anyone = prop::sample::select(nodes).prop_map(Target::Node).boxed();
    let holder = match parameters.roles.len() {
        0 => anyone.clone(),
        _ => {
            let (first, role) = (parameters.roles[0].clone(), prop::sample::select(parameters.roles.clone()));
            prop_oneof![3 => Just(Target::Role(first)), 1 => role.prop_map(Target::Role), 1 => anyone.clone()].boxed()
        }
    };
    let second = prop::option::weighted(0.3, (0..reaction * 2, reaction / 2..reaction * 3, anyone));
    let motif = (0..reaction, reaction / 2..reaction * 4, holder, second);
    let wait = parameters.reaction_time;
    let motif = motif.prop_map(move |(at, lasts, holder, second)| {
        let within = matches!(holder, Target::Role(_)).then_some(wait);
        let mut motif = vec![Fault { within, ..fault(at, lasts, What::Pause { node: holder }) }];
        motif.extend(second.map(|(after, lasts, node)| fault(at + after, lasts, What::Pause { node })));
        motif
    });
    prop::collection::vec(motif, fitting(chaos, every)).prop_map(move |motifs| in_turn(motifs, every, chaos)).boxed()
}

/// All nodes that may crash lose power at once, or all but one, and come back together: what nobody had synced is gone
/// everywhere.
fn power_loss(parameters: &PlanParameters) -> BoxedStrategy<Vec<Fault>> {
    let reaction = parameters.reaction_ms();
    let (every, chaos, crashable) = (reaction * 6, parameters.chaos, parameters.crashable.clone());
    let down = prop_oneof![1 => 1u64..10, 2 => 1..reaction * 2];
    let spared = prop::option::weighted(0.25, prop::sample::select(crashable.clone()));
    let motif = (0..reaction * 2, down, spared).prop_map(move |(at, down, spared)| {
        let nodes = crashable.iter().copied().filter(|node| crashable.len() == 1 || Some(*node) != spared).collect();
        vec![fault(at, down, What::PowerLoss { nodes })]
    });
    prop::collection::vec(motif, fitting(chaos, every)).prop_map(move |motifs| in_turn(motifs, every, chaos)).boxed()
}

/// One node crashes again and again, each time soon after it is back; where disks may be lost, it is wiped now and then.
fn restart_loop(parameters: &PlanParameters) -> BoxedStrategy<Vec<Fault>> {
    let (reaction, chaos) = (parameters.reaction_ms(), parameters.chaos);
    let wipes = parameters.classes.contains(&FaultClass::Wipe);
    let up = prop_oneof![2 => 1u64..10, 2 => 1..reaction, 1 => reaction..reaction * 4];
    let crash = (up, 1u64..30, prop::bool::weighted(if wipes { 0.3 } else { 0.0 }));
    let node = prop::sample::select(parameters.crashable.clone());
    (node, 0..reaction * 4, prop::collection::vec(crash, 6..30))
        .prop_map(move |(node, begins, crashes)| {
            let mut at = begins;
            let mut plan = Vec::new();
            for (up, down, wiped) in crashes {
                let node = Target::Node(node);
                plan.push(fault(at, down, if wiped { What::Wipe { node } } else { What::Crash { node } }));
                at += down + up;
            }
            plan.retain(|fault| fault.at.since(Time::ZERO) < chaos);
            plan
        })
        .boxed()
}

/// Clients crash in the middle of what they have asked for, and come back with nothing but the same name.
fn dying_clients(parameters: &PlanParameters) -> BoxedStrategy<Vec<Fault>> {
    let (reaction, chaos) = (parameters.reaction_ms(), parameters.chaos);
    let crash = |node: BoxedStrategy<Target>| (0..chaos.0 / 1_000_000, 1..reaction * 2, node);
    let client = prop::sample::select(parameters.clients.clone()).prop_map(Target::Node).boxed();
    let clients = prop::collection::vec(crash(client), 2..16);
    let servers = if parameters.crashable.is_empty() {
        Just(Vec::new()).boxed()
    } else {
        prop::collection::vec(crash(parameters.first_holder()), 0..4).boxed()
    };
    (clients, servers)
        .prop_map(|(clients, servers)| {
            let crash = |(at, down, node): (u64, u64, Target)| fault(at, down, What::Crash { node });
            let mut plan: Vec<Fault> = clients.into_iter().chain(servers).map(crash).collect();
            by_time(&mut plan);
            plan
        })
        .boxed()
}

/// Nodes crash at the instant between a write and its sync, and between what they said and their next write.
fn crash_at_write(parameters: &PlanParameters) -> BoxedStrategy<Vec<Fault>> {
    let (reaction, chaos) = (parameters.reaction_ms(), parameters.chaos);
    let role = prop_oneof![3 => Just(fault::UNSYNCED), 2 => Just(fault::REPLIED)];
    let after = prop_oneof![3 => Just(None), 1 => (1u64..2_000).prop_map(|us| Some(Span::us(us)))];
    let down = prop_oneof![2 => 1u64..10, 1 => 1..reaction * 3];
    let crash = (0..chaos.0 / 1_000_000, down, role, after);
    let wait = parameters.reaction_time * 2;
    prop::collection::vec(crash, 3..20)
        .prop_map(move |crashes| {
            let crash = |(at, down, role, after): (u64, u64, &str, Option<Span>)| Fault {
                within: Some(wait),
                after,
                ..fault(at, down, What::Crash { node: Target::Role(role.into()) })
            };
            let mut plan: Vec<Fault> = crashes.into_iter().map(crash).collect();
            by_time(&mut plan);
            plan
        })
        .boxed()
}
