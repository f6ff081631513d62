//! Locks keep their promises under every fault they tolerate, and each planted bug breaks the promise it should. Beyond the
//! tolerance two hold a lock; the resource that checks tokens does not care.

use seedbed_models::caching::lock::{Acquisition, Kind, LeaseSettings, Lock, Node, Op, RESOURCE, Ret};
use seedbed_properties::caching::lock::{
    GrantedInOrder, OneInside, alone, is_inside, queue_in_order, suite, used_one_after_the_other,
};
use seedbed_sim::{
    Campaign, Case, Fault, FaultClass, Maker, Model, NodeId, Operation, Record, Source, Span, Stats, Suite, Swarm,
    Target, Time, Trace, What, World, check, component_tests, maker, run,
};

const MOST_SEEDS: u64 = 20_000;

// A rare bug shows in one of a few hundred seeds; the kill matrix measures how rare each is.
component_tests! { suite, seeds: 4_000, calm: 100, bugs: MOST_SEEDS }

/// Every kind by itself, relied on alone, where nothing breaks.
#[test]
fn every_lock_works_where_nothing_breaks() {
    for kind in Kind::ALL {
        check(alone(kind)).faults(Swarm::calm().as_configured()).properties(suite().properties).seeds(30).run();
    }
}

/// Asynchronous replication relies on a sentinel that is not wrong, and that on messages which are not late: seed 104 had one
/// of 230 ms, before the model said so.
#[test]
fn failover_bears_what_makes_no_sentinel_wrong() {
    for classes in [vec![], vec![FaultClass::Dup]] {
        let swarm = Swarm::exactly(classes).as_configured();
        check(alone(Kind::RedisFailover)).faults(swarm).properties(suite().properties).seeds(200).run();
    }
}

/// A lease most of which is left to pauses and clocks: what remains is hardly more than a step of work.
fn just_below_the_lease(kind: Kind) -> Lock {
    let lock = Lock { step: Span::ms(30), ..alone(kind) };
    let (renew, max_pause, max_offset) = match kind {
        Kind::Raft => (Some(Span::ms(40)), Span::ms(210), Span::ms(35)),
        _ => (None, Span::ms(130), Span::ms(30)),
    };
    Lock { lease: LeaseSettings { renew, max_pause, max_offset, ..lock.lease }, ..lock }
}

/// The guide's page on locks does the same with more seeds, from the command line.
#[test]
fn a_lease_bears_the_pauses_and_clocks_that_it_allows_for_and_no_others() {
    for kind in [Kind::Redis, Kind::Redlock, Kind::Raft] {
        let model = just_below_the_lease(kind);
        check(model.clone()).faults(Swarm::tolerated().as_configured()).properties(suite().properties).seeds(500).run();
        let longer = Lock { pause: Some(model.lease.ttl + Span::ms(10)), ..model };
        let swarm = Swarm::only([FaultClass::Pause]).as_configured();
        let beyond = Campaign { swarm, ..Campaign::new(Suite { model: longer, ..suite() }) };
        assert!(beyond.breaks("lock/exclusion", 0..MOST_SEEDS), "{kind:?}");
    }
}

/// Redis with failover is relied on alone in some of the worlds that sweeps draw, and nothing makes its sentinel wrong there.
#[test]
fn failover_without_tokens_is_drawn() {
    let cases = Swarm::tolerated().cases(&Lock::default());
    let drawn = (0..400).map(|seed| cases.case(seed));
    let alone = drawn.filter(|case| case.scenario.config.kind == Kind::RedisFailover && !case.scenario.config.fencing);
    let alone: Vec<_> = alone.collect();
    assert!(alone.len() > 10, "{} of 400", alone.len());
    for case in alone {
        let bound = case.scenario.config.tolerance().delay.expect("the sentinel relies on it");
        assert!(case.scenario.network.latency.most() <= bound && case.scenario.network.loss_ppm == 0, "{case:?}");
    }
}

/// Seven nodes: Maekawa's own example, with the lines of the projective plane as voting sets.
#[test]
fn seven_nodes_exclude_each_other_by_messages() {
    for kind in [Kind::SuzukiKasami, Kind::RicartAgrawala, Kind::Maekawa] {
        let model = Lock { clients: 7, ..alone(kind) };
        let classes = model.tolerance().classes.iter().copied();
        let swarm = Swarm::only(classes).as_configured();
        check(model).faults(swarm).properties(suite().properties).seeds(100).run();
    }
}

// -------------------------------------------------------------------------------------------------------------------
// What an acquisition costs

const ANN: NodeId = NodeId(RESOURCE.0 + 1);
const BOB: NodeId = NodeId(RESOURCE.0 + 2);

fn work(at_ms: u64, client: NodeId, writes: u8) -> Operation<Op> {
    Operation { at: Time::ms(at_ms), client, op: Op::Work { writes, depth: 1 } }
}

/// What one acquisition costs where nothing else happens.
fn calm(model: Lock, clients: &[NodeId]) -> (Stats, Vec<Option<Ret>>) {
    let mut case = Case::quiet(model);
    case.operations = clients.iter().enumerate().map(|(n, client)| work(500 * (n as u64 + 1), *client, 1)).collect();
    let finished = run(&case, &Source::Fixed(Vec::new()), &suite().properties, Record::No).expect("it is possible");
    assert_eq!(finished.violation, None);
    let answers = finished.history.invocations().iter().map(|invocation| invocation.returned().copied());
    (finished.stats, answers.collect())
}

/// One write and its answer; and then what each protocol's paper says, with an acknowledgement for each message of the
/// links: Redis one round trip to enter and one to leave, Redlock the same with five servers, and to leave.
#[test]
fn what_an_acquisition_costs() {
    let write = 2;
    let sent = |kind| {
        let (stats, answers) = calm(alone(kind), &[BOB]);
        assert_eq!(answers, [Some(Ret::Done)], "{kind:?}");
        stats.sent - write
    };
    assert_eq!(sent(Kind::Redis), 4);
    assert_eq!(sent(Kind::Redlock), 20);
    // n for the token: n − 1 requests, and the token itself; 2(n − 1) for permissions; 3(K − 1) for a voting set of K = 3,
    // and three more to itself.
    assert_eq!(sent(Kind::SuzukiKasami), 2 * 4);
    assert_eq!(sent(Kind::RicartAgrawala), 2 * 6);
    assert_eq!(sent(Kind::Maekawa), 2 * 9);
    // The token is with Ann, the first: she needs to ask nobody.
    let (stats, _) = calm(alone(Kind::SuzukiKasami), &[ANN]);
    assert_eq!(stats.sent - write, 0);
}

/// Tokens cost Redlock one more round trip: the counts of a quorum are raised before the holder enters.
#[test]
fn fencing_costs_redlock_a_round_trip() {
    let (stats, answers) = calm(Lock::default().of(Kind::Redlock), &[ANN]);
    assert_eq!(answers, [Some(Ret::Done)]);
    assert_eq!(stats.sent - 2, 30);
}

// -------------------------------------------------------------------------------------------------------------------
// Beyond the tolerance: two hold the lock, and the resource does not care if it checks tokens

/// How a world went.
struct Went {
    /// Whether two were in the critical section at some instant.
    two_inside: bool,
    /// Whose writes the resource accepted, each run of them once.
    acquisitions: Vec<Acquisition>,
    /// Whether a write came with an older token than the resource had seen.
    stale: bool,
    serial: bool,
}

fn went(case: &Case<Lock>, source: &Source) -> Went {
    let mut world = World::new(case, source).expect("it is possible");
    let mut two_inside = false;
    while world.step() {
        let inside = world.present().filter(|node| *node > RESOURCE && is_inside(&world, *node)).count();
        two_inside |= inside > 1;
    }
    let resource = world.process(RESOURCE).and_then(Node::resource).expect("it is up");
    let stale = world.marks().iter().any(|(name, _)| *name == "write with an old token");
    let mut acquisitions: Vec<Acquisition> = resource.accepted().iter().map(|write| write.acquisition).collect();
    acquisitions.dedup();
    let mut distinct = acquisitions.clone();
    distinct.sort_unstable();
    distinct.dedup();
    Went { two_inside, stale, serial: distinct.len() == acquisitions.len(), acquisitions }
}

/// The same case, with the resource checking tokens.
fn fenced(case: &Case<Lock>) -> Case<Lock> {
    let mut case = case.clone();
    case.scenario.config.fencing = true;
    case
}

fn fault(at_ms: u64, lasts_ms: u64, what: What) -> Fault {
    Fault::new(Time::ms(at_ms), Span::ms(lasts_ms), what)
}

/// Both hold the lock, in both worlds; without tokens their writes are mixed, with tokens they are not, for the older one's
/// are refused.
fn vanishes_with_fencing(case: &Case<Lock>) {
    let source = Source::Fixed(Vec::new());
    let without = went(case, &source);
    assert!(without.two_inside, "two hold the lock");
    assert!(!without.serial, "and mix their writes: {:?}", without.acquisitions);
    let with = went(&fenced(case), &source);
    assert!(with.two_inside, "tokens do not keep anybody from believing");
    assert!(with.stale && with.serial, "but the older holder's writes are refused: {:?}", with.acquisitions);
}

/// Kleppmann's picture: Ann is paused while she holds the lock, for longer than her lease. Bob gets the lock, and she
/// wakes up and writes.
#[test]
fn a_pause_beyond_the_lease_vanishes_with_fencing() {
    for kind in [Kind::Redis, Kind::Redlock, Kind::Raft] {
        let mut case = Case::quiet(alone(kind));
        case.operations = vec![work(600, ANN, 40), work(700, BOB, 80)];
        let pause = What::Pause { node: Target::Node(ANN) };
        case.faults = vec![fault(705, 900, pause)];
        vanishes_with_fencing(&case);
    }
}

/// The master has granted the lock to Ann and dies before a replica has heard of it; the next master grants it to Bob.
#[test]
fn an_asynchronous_failover_vanishes_with_fencing() {
    let master = NodeId(0);
    let mut case = Case::quiet(alone(Kind::RedisFailover));
    case.operations = vec![work(100, ANN, 30), work(300, BOB, 30)];
    let to = (1..4).map(NodeId).collect();
    let unheard = What::Cut { from: vec![master], to, mode: seedbed_sim::CutMode::Drop };
    case.faults = vec![fault(90, 1_500, unheard), fault(115, 1_500, What::Crash { node: Target::Node(master) })];
    // A watchdog would see at its next look that the key is gone; the lease is long enough without one.
    case.scenario.config.lease.renew = None;
    case.scenario.config.lease.ttl = Span::ms(600);
    vanishes_with_fencing(&case);
}

/// Three of five masters have granted the lock to Ann. The clock of one of them jumps; with the two that have not, it
/// grants the lock to Bob.
#[test]
fn a_clock_jump_breaks_redlock_and_vanishes_with_fencing() {
    let mut case = Case::quiet(alone(Kind::Redlock));
    case.operations = vec![work(100, ANN, 30), work(150, BOB, 30)];
    let far: Vec<NodeId> = vec![NodeId(3), NodeId(4)];
    let cut = What::Cut { from: vec![ANN], to: far, mode: seedbed_sim::CutMode::Drop };
    let jump = What::Skew { node: Target::Node(NodeId(2)), offset_ns: 1_000_000_000, drift_ppm: 0 };
    case.faults = vec![fault(50, 1_500, cut), fault(120, 1_500, jump)];
    case.scenario.config.lease.renew = None;
    case.scenario.config.lease.ttl = Span::ms(600);
    vanishes_with_fencing(&case);
}

/// The kept traces of the boundaries tell of two holders; told with a resource that checks tokens, it is used by one
/// after the other.
#[test]
fn the_kept_traces_vanish_with_fencing() {
    let exclusion: Vec<Maker<Lock>> = vec![maker(OneInside::default())];
    let everything = suite().properties;
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../traces/corpus");
    for name in [
        "pause-beyond-lease",
        "pause-just-beyond-lease",
        "pause-beyond-lease-on-raft",
        "skew-beyond-lease",
        "asynchronous-failover",
        "clock-jump-breaks-redlock",
    ] {
        let file = format!("{corpus}/lock-{name}.json");
        let text = std::fs::read_to_string(&file).unwrap_or_else(|problem| panic!("{file}: {problem}"));
        let trace = Trace::<Lock>::parse(&text).expect("it is a trace");
        let source = Source::Fixed(trace.deviations.clone());
        let finished = run(&trace.case(), &source, &exclusion, Record::No).expect("it is possible");
        assert_eq!(finished.violation.map(|violation| violation.property), Some("lock/exclusion".into()), "{name}");
        let case = fenced(&trace.case());
        let finished = run(&case, &source, &everything, Record::No).expect("it is possible");
        assert_eq!(finished.violation, None, "{name}");
    }
}

// -------------------------------------------------------------------------------------------------------------------
// Bugs

/// The queue's order is broken as well by a waiter that watches the wrong key, at the clients and in the queue itself; only,
/// two are inside before. And without a look at tokens the resource's state is of no serial order.
#[test]
fn what_bugs_break_besides() {
    let in_order = Suite::new(Lock::default()).property(GrantedInOrder::default());
    assert!(
        Campaign::hunting(in_order, "watch-next-instead-of-previous").breaks("lock/granted_in_order", 0..MOST_SEEDS)
    );
    let queue = Suite::new(Lock::default()).property(queue_in_order());
    assert!(Campaign::hunting(queue, "watch-next-instead-of-previous").breaks("lock/queue_in_order", 0..MOST_SEEDS));
    let serial = Suite::new(Lock::default()).property(used_one_after_the_other());
    assert!(Campaign::hunting(serial, "fencing-not-checked").breaks("lock/serial_use", 0..MOST_SEEDS));
}

/// Without tokens a lease does not make the resource's use serial, even in what it tolerates: a write may be on its way
/// when the lease is over. That is why [`Lock::promises_serial_use`] does not say so.
#[test]
fn a_late_write_is_mixed_with_the_next_holders() {
    let mut case = Case::quiet(alone(Kind::Redis));
    case.scenario.config.lease.renew = None;
    case.operations = vec![work(100, ANN, 1), work(150, BOB, 40)];
    let by = Span::ms(500);
    case.faults = vec![fault(105, 50, What::Delay { from: vec![ANN], to: vec![RESOURCE], by })];
    let late = went(&case, &Source::Fixed(Vec::new()));
    assert!(!late.two_inside && !late.serial, "one holder at a time, and mixed writes: {:?}", late.acquisitions);
    let fenced = went(&fenced(&case), &Source::Fixed(Vec::new()));
    assert!(fenced.serial && !fenced.two_inside, "{:?}", fenced.acquisitions);
}
