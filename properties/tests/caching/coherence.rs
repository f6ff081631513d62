//! The coherence protocols keep their promises under everything they tolerate, every entry of every transition table is
//! used, litmus programs do all that they may and nothing else, and each planted bug breaks the promise it should.

use std::collections::BTreeMap;

use seedbed_models::caching::coherence::messages::{Block, Op, Ret};
use seedbed_models::caching::coherence::protocol::combinations;
use seedbed_models::caching::coherence::settings::{Channels, MemoryModel};
use seedbed_models::caching::coherence::{Coherence, Interconnect, Protocol, program};
use seedbed_properties::caching::coherence::outcomes::observe;
use seedbed_properties::caching::coherence::suite;
use seedbed_sim::{
    Campaign, Case, Latency, Model, NodeId, Operation, Record, Source, Span, Suite, Swarm, Time, component_tests, run,
};

/// Properties and all: the entries of the tables are demanded where there are enough seeds for them.
fn promises() -> Suite<Coherence> {
    let mut suite = suite();
    suite.sometimes.retain(|mark| !mark.contains('×'));
    suite
}

// A rare bug shows in one of a few dozen seeds; the kill matrix measures how rare each is.
component_tests! { promises, seeds: 300, calm: 100, bugs: 2_000 }

/// What no world can have is refused, each for itself, and the error says what there is instead.
#[test]
fn a_configuration_that_cannot_be_is_refused() {
    let usual = Coherence::default();
    let bounded = || Some(Channels { count: 2, slots: 1 });
    let directory = Coherence { interconnect: Interconnect::Directory, protocol: Protocol::Msi, ..usual.clone() };
    let impossible = [
        Coherence { blocks: 0, ..usual.clone() },
        Coherence { capacity: 0, ..usual.clone() },
        Coherence { linked: true, channels: bounded(), ..directory.clone() },
        Coherence { linked: false, channels: bounded(), interconnect: Interconnect::Bus, ..directory.clone() },
        Coherence { channels: Some(Channels { count: 0, slots: 1 }), ..directory.clone() },
        Coherence { channels: Some(Channels { count: 2, slots: 0 }), ..directory.clone() },
    ];
    for model in impossible {
        assert!(model.validate().is_err(), "{model:?}");
    }
    assert_eq!(Coherence { linked: false, channels: bounded(), ..directory.clone() }.validate(), Ok(()));
    let problem = usual.clone().set("litmus", "no-such-program").expect_err("there is no such program");
    assert!(problem.contains("no-such-program") && problem.contains("SB"), "{problem}");
    let mut total = usual.clone();
    assert_eq!(total.set("memory", "tso"), Ok(()));
    assert_eq!(total.memory, MemoryModel::Tso);
}

/// A core works through two hundred operations where each message takes long, and the run ends in the middle of that: nothing is
/// stuck.
#[test]
fn what_is_still_to_come_at_the_end_is_not_stuck() {
    let mut case = Case::quiet(Coherence { cores: 1, blocks: 2, capacity: 1, ..Coherence::default() });
    case.scenario.network.latency = Latency::Constant { base: Span::ms(120) };
    let ops = |n| if n % 2 == 0 { Op::Store(Block(0), n) } else { Op::Evict(Block(0)) };
    let client = NodeId(1);
    case.operations = (0..200).map(|n| Operation { at: Time::ms(10), client, op: ops(n) }).collect();
    let finished = run(&case, &Source::Fixed(Vec::new()), &suite().properties, Record::No).expect("it is possible");
    assert_eq!(finished.violation, None);
    let begun = finished.history.invocations();
    assert!(begun.len() < 200, "the run ends before its operations");
    assert!(begun.last().is_some_and(|asked| asked.returned().is_none()), "in the middle of one");
}

/// Coverage of the transition tables: over this sweep each event has happened in each state in which it is possible.
#[test]
fn every_entry_of_every_table_is_reached() {
    let summary = Campaign::new(suite()).sweep(0..3_000, 0, &|_| true).expect("the usual configuration is possible");
    assert_eq!(summary.violations, 0);
    assert_eq!(summary.unreached, Vec::<String>::new());
    assert_eq!(summary.unfired, Vec::<String>::new());
}

/// Loads read the last store, also where each cache has room for one block only.
#[test]
fn each_protocol_gives_what_was_written() {
    for (protocol, on) in combinations() {
        let mut case = Case::quiet(Coherence { capacity: 1, ..Coherence::default().on(protocol, on) });
        let (x, y) = (Block(0), Block(1));
        let asked = [
            (1, Op::Store(x, 7)),
            (2, Op::Load(x)),
            (2, Op::Swap(x, 8)),
            (3, Op::Load(x)),
            (3, Op::Store(y, 9)),
            (1, Op::Load(x)),
            (1, Op::Load(y)),
        ];
        let operation = |(place, (client, op)): (usize, (u16, Op))| Operation {
            at: Time::ms(100 * (place as u64 + 1)),
            client: NodeId(client),
            op,
        };
        case.operations = asked.into_iter().enumerate().map(operation).collect();
        let finished = run(&case, &Source::Fixed(Vec::new()), &suite().properties, Record::No).expect("it is possible");
        assert_eq!(finished.violation, None, "{protocol} on {on}");
        let read: Vec<_> =
            finished.history.invocations().iter().map(|invocation| invocation.returned().copied()).collect();
        let (done, read_of) = (Some(Ret::Done), |data| Some(Ret::Read(data)));
        let expected = [done, read_of(7), read_of(7), read_of(8), done, read_of(8), read_of(9)];
        assert_eq!(read, expected, "{protocol} on {on}");
    }
}

/// Messages of one miss on what another core has changed: the request, the forward, the data to the reader and to memory
/// (Primer §8.2); on a bus the request, its broadcast to four caches and the memory, and the data twice.
#[test]
fn a_miss_costs_what_the_primer_says() {
    let sent = |on: Interconnect, ops: &[(u16, Op)]| {
        let mut case = Case::quiet(Coherence::default().on(Protocol::Msi, on));
        let operation = |(place, (client, op)): (usize, &(u16, Op))| Operation {
            at: Time::ms(100 * (place as u64 + 1)),
            client: NodeId(*client),
            op: *op,
        };
        case.operations = ops.iter().enumerate().map(operation).collect();
        let finished = run(&case, &Source::Fixed(Vec::new()), &suite().properties, Record::No).expect("it is possible");
        assert_eq!(finished.violation, None);
        finished.stats.sent
    };
    let x = Block(0);
    let (write, read) = ((1, Op::Store(x, 1)), (2, Op::Load(x)));
    let costs = [
        (Interconnect::Directory, [0, 2, 6]),
        // And the completions.
        (Interconnect::Unordered, [0, 3, 8]),
        (Interconnect::Bus, [0, 7, 15]),
    ];
    for (on, costs) in costs {
        assert_eq!([sent(on, &[]), sent(on, &[write]), sent(on, &[write, read])], costs, "{on}");
    }
}

/// Programs whose outcomes tell SC from TSO, and coherence from less, on every protocol. All programs on all protocols
/// take longer: `cargo run --release -p seedbed-properties --example coherence_litmus`.
#[test]
fn litmus_programs_do_what_they_may_and_nothing_else() {
    let programs = ["SB", "MP", "LB", "CoWR", "2+2W", "SB+fences", "R", "n6", "SB+swaps", "S", "RWC", "WRC"];
    let mut wrong: BTreeMap<String, String> = BTreeMap::new();
    let places = combinations().flat_map(|on| [MemoryModel::Sc, MemoryModel::Tso].map(|kind| (on, kind)));
    for (place, ((protocol, on), kind)) in places.enumerate() {
        for name in [programs[place % programs.len()], programs[(place * 5 + 1) % programs.len()], "IRIW", "CoRR"] {
            let litmus = program(name).expect("it is classical");
            let model = Coherence { memory: kind, ..Coherence::default().on(protocol, on) }.running(litmus);
            let suite = Suite { model, properties: suite().properties, ..Suite::new(Coherence::default()) };
            let seen = observe(&suite, 0..40_000, true).expect("it runs a program");
            if !seen.is_exact() {
                let words = format!("{} {:?}", seen.comparison(), seen.violation);
                wrong.insert(format!("{name} on {protocol}, {on}, {}, {} runs", kind.name(), seen.runs), words);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Three channels are enough, with room for one message each; two deadlock, and the violation says who waits for whom.
#[test]
fn two_channels_deadlock_and_three_do_not() {
    let campaign = |count| {
        let channels = Some(Channels { count, slots: 1 });
        let suite = Suite { model: Coherence { channels, ..Coherence::default() }, ..promises() };
        Campaign { suite, swarm: Swarm::tolerated().as_configured() }
    };
    let summary = campaign(3).sweep(0..300, 0, &|_| true).expect("it is possible");
    assert_eq!(summary.violations, 0);
    let too_few = campaign(2).erased();
    let mut failing = too_few.failing(0..300, &|| true).expect("it is possible");
    let violation = failing.next().and_then(|result| result.violation).expect("two channels deadlock");
    assert_eq!(violation.property, "coherence/no_deadlock");
    assert!(violation.message.contains("each waits for the next"), "{}", violation.message);
    assert!(
        violation.message.contains("stalls") && violation.message.contains("waits behind"),
        "{}",
        violation.message
    );
}
