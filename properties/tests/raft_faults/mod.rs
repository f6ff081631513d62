//! Fault plans by chance, dense and aimed, for the tests of Raft.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use seedbed_models::consensus::raft::Raft;
use seedbed_sim::{
    Budget, Case, CutMode, Direction, DiskConfig, Fault, Latency, Model, NetworkConfig, NodeId, Scenario, Span, Target,
    Time, What, fingerprint,
};

/// How many seeds of each kind a bug gets.
pub const ATTEMPTS: u64 = 400;

/// How faults are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A few faults, anywhere.
    Sparse,
    /// Many faults, anywhere.
    Dense,
    /// Faults that follow whoever leads.
    Aimed,
    /// Leaders crash, and while the others elect a new one, servers restart within milliseconds.
    Elections,
    /// Again and again, one server is parted from the others together with some of the clients.
    Splits,
    /// Whoever leads is cut off from the other servers but not from its clients, and crashes a moment later: what it
    /// was asked stays in its log alone (the paper's Figure 8 needs that twice).
    Leaders,
}

/// A case by chance: the workload, the physics, and faults that Raft tolerates.
pub fn case(model: &Raft, kind: Kind, seed: u64) -> Case<Raft> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8] = kind as u8;
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut draw = |strategy: BoxedStrategy<_>| strategy.new_tree(&mut runner).expect("nothing is filtered").current();
    let faults = draw(plan(model, kind));
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let operations = model.workload().new_tree(&mut runner).expect("nothing is filtered").current();
    let (among, down) = model.mortal();
    let mut scenario = Scenario::new(model.clone());
    scenario.budget = Some(Budget { among, down });
    let bits = fingerprint::stable_hash(&(seed, kind as u8));
    scenario.network = network(bits);
    scenario.disk = disk(bits >> 16);
    scenario.timer_jitter = Span::ms(bits >> 32 & 3);
    Case { scenario, operations, faults }
}

fn network(bits: u64) -> NetworkConfig {
    let latency = match bits & 3 {
        0 => Latency::Constant { base: Span::ms(5) },
        1 => Latency::HeavyTail { min: Span::ms(1), alpha_milli: 900, max: Span::ms(400) },
        _ => Latency::Uniform { min: Span::ms(1), max: Span::ms(15) },
    };
    NetworkConfig {
        latency,
        fifo: bits >> 2 & 1 == 1,
        loss_ppm: [0, 5_000, 20_000, 80_000][(bits >> 3 & 3) as usize],
        dup_ppm: [0, 10_000, 100_000, 0][(bits >> 5 & 3) as usize],
        bandwidth: None,
    }
}

fn disk(bits: u64) -> DiskConfig {
    DiskConfig {
        sync: Span::us([0, 500, 3_000, 8_000][(bits & 3) as usize]),
        sync_jitter: Span::us([0, 2_000][(bits >> 2 & 1) as usize]),
        lost_ppm: [0, 400_000][(bits >> 3 & 1) as usize],
        torn_ppm: [0, 300_000][(bits >> 4 & 1) as usize],
    }
}

fn plan(model: &Raft, kind: Kind) -> BoxedStrategy<Vec<Fault>> {
    let servers = model.servers;
    let chaos_ms = model.phases().chaos.0 / 1_000_000;
    if kind == Kind::Elections {
        return elections(servers, chaos_ms);
    }
    if kind == Kind::Splits {
        return splits(servers, model.clients, chaos_ms);
    }
    if kind == Kind::Leaders {
        return leaders(servers, chaos_ms);
    }
    let how_many = match kind {
        Kind::Sparse => 1..5usize,
        Kind::Dense => 15..40,
        Kind::Aimed | Kind::Elections | Kind::Splits | Kind::Leaders => 6..25,
    };
    let lasts = prop_oneof![3 => 5u64..60, 3 => 60u64..400, 1 => 400u64..1500];
    let fault = (200..chaos_ms, lasts, what(servers, model.size() as u16, kind)).prop_map(|(at, lasts, what)| Fault {
        at: Time::ms(at),
        lasts: Some(Span::ms(lasts)),
        within: None,
        after: None,
        what,
    });
    prop::collection::vec(fault, how_many).boxed()
}

fn splits(servers: u16, clients: u16, chaos_ms: u64) -> BoxedStrategy<Vec<Fault>> {
    let some_clients = prop::collection::btree_set(servers..servers + clients, 1..usize::from(clients).max(2));
    let part = (0u64..200, 350u64..800, 0..servers, some_clients);
    prop::collection::vec(part, 1..=(chaos_ms / 900) as usize)
        .prop_map(|parts| {
            let split = |(k, (after, lasts, server, clients)): (usize, (u64, u64, u16, BTreeSet<u16>))| Fault {
                at: Time::ms(500 + k as u64 * 900 + after),
                lasts: Some(Span::ms(lasts)),
                within: None,
                after: None,
                what: What::Partition {
                    side: std::iter::once(server).chain(clients).map(NodeId).collect(),
                    mode: CutMode::Drop,
                },
            };
            parts.into_iter().enumerate().map(split).collect()
        })
        .boxed()
}

fn leaders(servers: u16, chaos_ms: u64) -> BoxedStrategy<Vec<Fault>> {
    let part = (200u64..500, 10u64..120, 30u64..700);
    prop::collection::vec(part, 6..12)
        .prop_map(move |parts| {
            let mut at = 300;
            let mut faults = Vec::new();
            let mut fault = |at, lasts, what| {
                faults.push(Fault { at: Time::ms(at), lasts: Some(Span::ms(lasts)), within: None, after: None, what })
            };
            for (after, alone, down) in parts {
                at += after;
                if at + alone > chaos_ms {
                    break;
                }
                let everyone: Vec<NodeId> = (0..servers).map(NodeId).collect();
                fault(at, alone, What::Cut { from: everyone.clone(), to: everyone, mode: CutMode::Drop });
                fault(at + alone - 1, down, What::Crash { node: Target::Role("leader".into()) });
            }
            faults
        })
        .boxed()
}

fn elections(servers: u16, chaos_ms: u64) -> BoxedStrategy<Vec<Fault>> {
    let restart = (140u64..360, 1u64..15, 0..servers);
    let isolated = (0u64..400, 20u64..700, 0..servers);
    let part = (30u64..900, prop::collection::vec(restart, 1..6), prop::collection::vec(isolated, 0..3));
    prop::collection::vec(part, 3..8)
        .prop_map(move |parts| {
            let mut faults = Vec::new();
            let mut fault = |at, lasts, what| {
                faults.push(Fault { at: Time::ms(at), lasts: Some(Span::ms(lasts)), within: None, after: None, what })
            };
            for (k, (lasts, restarts, isolated)) in parts.into_iter().enumerate() {
                let at = (400 + k as u64 * 500).min(chaos_ms - 500);
                fault(at, lasts, What::Crash { node: Target::Role("leader".into()) });
                for (after, lasts, node) in restarts {
                    fault(at + after, lasts, What::Crash { node: NodeId(node).into() });
                }
                for (after, lasts, node) in isolated {
                    let (direction, mode) = (Direction::Both, CutMode::Drop);
                    fault(at + after, lasts, What::Isolate { node: NodeId(node).into(), direction, mode });
                }
            }
            faults
        })
        .boxed()
}

fn what(servers: u16, nodes: u16, kind: Kind) -> BoxedStrategy<What> {
    let node = (0..servers).prop_map(|n| Target::Node(NodeId(n))).boxed();
    let leader = Just(Target::Role("leader".into())).boxed();
    let candidate = Just(Target::Role("candidate".into())).boxed();
    let target = match kind {
        Kind::Aimed => prop_oneof![6 => leader, 1 => candidate, 3 => node].boxed(),
        Kind::Sparse | Kind::Dense | Kind::Elections | Kind::Splits | Kind::Leaders => node,
    };
    let mode = prop_oneof![3 => Just(CutMode::Drop), 1 => Just(CutMode::Hold)].boxed();
    let direction = prop_oneof![2 => Just(Direction::Both), 1 => Just(Direction::In), 1 => Just(Direction::Out)];
    let side = prop::collection::btree_set(0..nodes, 1..usize::from(nodes))
        .prop_map(|side| side.into_iter().map(NodeId).collect::<Vec<_>>());
    let link = (0..servers, 1..servers).prop_map(move |(from, by)| (NodeId(from), NodeId((from + by) % servers)));
    prop_oneof![
        6 => target.clone().prop_map(|node| What::Crash { node }),
        4 => (target.clone(), direction, mode.clone())
            .prop_map(|(node, direction, mode)| What::Isolate { node, direction, mode }),
        3 => (side, mode.clone()).prop_map(|(side, mode)| What::Partition { side, mode }),
        2 => (link.clone(), mode).prop_map(|((from, to), mode)| What::Cut { from: vec![from], to: vec![to], mode }),
        2 => (link, 5u64..300)
            .prop_map(|((from, to), ms)| What::Delay { from: vec![from], to: vec![to], by: Span::ms(ms) }),
        3 => target.clone().prop_map(|node| What::Pause { node }),
        2 => (target.clone(), 5u64..150).prop_map(|(node, ms)| What::SlowDisk { node, by: Span::ms(ms) }),
        1 => (target, -900i64..900, -1000i64..1000)
            .prop_map(|(node, ms, drift_ppm)| What::Skew { node, offset_ns: ms * 1_000_000, drift_ppm }),
    ]
    .boxed()
}
