//! Replicated data types keep their promises under every fault that they tolerate, in every style, and each planted bug
//! breaks the promise it should.

use seedbed_models::replication::crdt::vocabulary::{CounterOp, ListOp, RegisterOp, SetOp};
use seedbed_models::replication::crdt::{Bug, Crdt, Kind, Op, Ret, Style, Value};
use seedbed_properties::replication::crdt::suite;
use seedbed_sim::{
    Case, Deviation, Fault, Model, NodeId, Operation, Record, Source, Span, Swarm, Time, What, World, WriteFate, check,
    missed_bugs, run,
};

#[test]
fn replicated_data_types_keep_their_promises() {
    check(Crdt::default()).suite(suite()).seeds(1_000).run();
}

#[test]
fn every_type_works_in_every_style_where_nothing_breaks() {
    for kind in Kind::ALL {
        for style in [Style::State, Style::Operation, Style::Delta] {
            for forgets in [false, true] {
                let model = Crdt { forgets: forgets && style == Style::Operation, ..Crdt::of(*kind, style) };
                check(model).faults(Swarm::calm().as_configured()).properties(suite().properties).seeds(8).run();
            }
        }
    }
}

/// An update that a crash takes before it is durable was told to nobody, so its replica gives the next one its name; with clocks
/// this coarse, the elements of a list are called the same too. They are two elements.
#[test]
fn a_name_that_a_crash_has_taken_back_is_given_again() {
    let n2 = NodeId(2);
    let coarse = Crdt { resolution: Span::ms(100), buffer: 2, ..Crdt::of(Kind::Rga, Style::Delta) };
    let mut case = Case::quiet(coarse);
    case.scenario.disk.sync = Span::ms(10);
    case.operations = [(200, NodeId(0), 5, 's'), (300, n2, 0, 'w'), (320, n2, 1, 'n')]
        .map(|(ms, client, at, what)| Operation { at: Time::ms(ms), client, op: Op::List(ListOp::Insert(at, what)) })
        .to_vec();
    case.faults = vec![Fault::new(Time::ms(305), Span::ms(10), What::Crash { node: n2.into() })];
    let lost = Deviation::Crash { node: n2, n: 0, write: 0, fate: WriteFate::Lost };
    let finished = run(&case, &Source::Fixed(vec![lost]), &suite().properties, Record::No).expect("it is possible");
    assert_eq!(finished.violation, None);
    let answers: Vec<_> = finished.history.invocations().iter().map(|asked| asked.returned().copied()).collect();
    assert_eq!(answers, [Some(Ret::Made), None, Some(Ret::Made)]);
}

/// A node's clock is far ahead when its first replica is born. It loses its disk, and the next is born with a clock that is
/// right: earlier, so the others take it for the first one. It hears of that, and takes a later name.
#[test]
fn who_is_born_before_its_predecessor_takes_a_later_name() {
    let n0 = NodeId(0);
    let add = |item| Op::Set(SetOp::Add(item));
    let asks = [(150, 0, add(1)), (1_300, 0, add(2)), (1_500, 1, add(3))];
    let ahead = What::Skew { node: n0.into(), offset_ns: 900_000_000, drift_ppm: 0 };
    let faults = vec![
        Fault::new(Time::ZERO, Span::ms(200), ahead),
        Fault::new(Time::ms(350), Span::ms(20), What::Wipe { node: n0.into() }),
    ];
    for style in STYLES {
        for forgets in [false, true] {
            let model = Crdt { forgets: forgets && style == Style::Operation, ..Crdt::of(Kind::AwSet, style) };
            let world = world(model, &asks, faults.clone());
            assert!(world.marks().iter().any(|(mark, _)| *mark == "takes a later name"), "{style:?}");
            assert_eq!(values(&world), [(); 3].map(|()| Value::Items([1, 2, 3].into())), "{style:?}");
        }
    }
}

/// The word that a replica is taken for an earlier one of its node may be lost, or be overtaken by the acknowledgement of what
/// the replica has sent under that name. Others believe then that it has what the earlier one had, until they hear its later
/// name: so it tells them.
#[test]
fn who_takes_a_later_name_is_heard_under_it() {
    let (n0, n1) = (NodeId(0), NodeId(1));
    let mut case = Case::quiet(Crdt { replicas: 2, ..Crdt::of(Kind::GCounter, Style::Delta) });
    let op = Op::Counter(CounterOp::Increment(2));
    case.operations = vec![Operation { at: Time::ms(600), client: n0, op }];
    case.faults = vec![
        Fault::new(Time::ZERO, Span::ms(800), What::Skew { node: n1.into(), offset_ns: 1_500_000_000, drift_ppm: 0 }),
        Fault::new(Time::ms(850), Span::ms(10), What::Wipe { node: n1.into() }),
    ];
    let told = |lost, latency| {
        let (from, to, kind) = (n0, n1, "outdated".into());
        vec![Deviation::Send { from, to, kind, n: 0, lost, latency, copy: None }]
    };
    for deviations in [vec![], told(true, None), told(false, Some(Span::ms(5))), told(false, Some(Span::ms(200)))] {
        let context = format!("{deviations:?}");
        let source = Source::Fixed(deviations);
        let finished = run(&case, &source, &suite().properties, Record::No).expect("it is possible");
        assert_eq!(finished.violation, None, "{context}");
        let renamed = finished.marks.iter().any(|(mark, times)| *mark == "takes a later name" && *times > 0);
        assert!(renamed, "{context}: {:?}", finished.marks);
    }
}

/// A crash leaves the birth of a sole replica on its disk, and not that it is a member: nobody else can let it in.
#[test]
fn a_sole_replica_lets_itself_in() {
    let n0 = NodeId(0);
    for forgets in [false, true] {
        let mut case = Case::quiet(Crdt { replicas: 1, forgets, ..Crdt::of(Kind::AwSet, Style::Operation) });
        case.scenario.disk.sync = Span::ms(10);
        case.operations = vec![Operation { at: Time::ms(300), client: n0, op: Op::Set(SetOp::Add(1)) }];
        case.faults = vec![Fault::new(Time::ms(95), Span::ms(5), What::Crash { node: n0.into() })];
        let lost = Deviation::Crash { node: n0, n: 0, write: 1, fate: WriteFate::Lost };
        let finished = run(&case, &Source::Fixed(vec![lost]), &suite().properties, Record::No).expect("it is possible");
        assert_eq!(finished.violation, None);
        assert_eq!(finished.history.invocations()[0].returned(), Some(&Ret::Made), "{:?}", finished.marks);
    }
}

#[test]
fn more_replicas_keep_their_promises_too() {
    check(Crdt { replicas: 5, ..Crdt::default() }).properties(suite().properties).seeds(100).run();
}

/// A world in which these are asked for, at these milliseconds, by these nodes; run to its end.
fn world(model: Crdt, asks: &[(u64, u16, Op)], faults: Vec<Fault>) -> World<Crdt> {
    let ask =
        |(ms, client, op): &(u64, u16, Op)| Operation { at: Time::ms(*ms), client: NodeId(*client), op: op.clone() };
    let mut case = Case::quiet(model);
    case.operations = asks.iter().map(ask).collect();
    case.faults = faults;
    let mut world = World::new(&case, &Source::Fixed(Vec::new())).expect("it is possible");
    while world.step() {}
    world
}

fn values(world: &World<Crdt>) -> Vec<Value> {
    world.processes().map(|(_, replica)| replica.value()).collect()
}

fn cut_off(node: u16) -> Fault {
    let side = vec![NodeId(node)];
    Fault::new(Time::ms(200), Span::ms(400), What::Partition { side, mode: Default::default() })
}

const STYLES: [Style; 3] = [Style::State, Style::Operation, Style::Delta];

/// n0 adds an item again while n1 removes it, and they do not hear of each other.
#[test]
fn of_a_removal_and_an_addition_at_once_the_type_says_who_wins() {
    let item = |op: fn(u8) -> SetOp| Op::Set(op(7));
    let asks = [(150, 0, item(SetOp::Add)), (300, 0, item(SetOp::Add)), (300, 1, item(SetOp::Remove))];
    for (kind, stays) in [(Kind::AwSet, true), (Kind::OrSet, true), (Kind::RwSet, false)] {
        for style in STYLES {
            let world = world(Crdt::of(kind, style), &asks, vec![cut_off(0)]);
            let must = Value::Items(if stays { [7].into() } else { [].into() });
            assert_eq!(values(&world), [must.clone(), must.clone(), must], "{kind:?} {style:?}");
        }
    }
}

#[test]
fn a_multi_value_register_keeps_what_was_written_at_once() {
    let write = |item| Op::Register(RegisterOp::Assign(item));
    let asks = [(150, 2, write(1)), (300, 0, write(2)), (310, 1, write(3))];
    for style in STYLES {
        let at_once = values(&world(Crdt::of(Kind::MvRegister, style), &asks, vec![cut_off(0)]));
        assert_eq!(at_once, [(); 3].map(|()| Value::Items([2, 3].into())), "{style:?}");
        let in_turn = values(&world(Crdt::of(Kind::LwwRegister, style), &asks, vec![cut_off(0)]));
        assert_eq!(in_turn, [(); 3].map(|()| Value::Items([3].into())), "{style:?}");
    }
}

/// Two replicas write words at the same place at the same time: the words stay whole.
#[test]
fn words_that_are_typed_at_once_do_not_mix() {
    use seedbed_models::replication::crdt::vocabulary::TextOp;
    let write = |at, text: &str| Op::Text(TextOp::Insert(at, text.into()));
    let asks = [(150, 0, write(0, "()")), (300, 0, write(1, "left")), (300, 1, write(1, "right"))];
    for style in STYLES {
        let world = world(Crdt::of(Kind::Text, style), &asks, vec![cut_off(0)]);
        let texts: Vec<String> = values(&world).iter().map(Value::text).collect();
        assert!(["(leftright)", "(rightleft)"].contains(&texts[0].as_str()), "{texts:?}");
        assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    }
}

/// A counter that holds 5 rights at n0 and none at n1: n1 counts down when it was granted some, and no further.
#[test]
fn a_bounded_counter_refuses_who_has_no_rights() {
    let count = |op| Op::Counter(op);
    let asks = [
        (150, 0, count(CounterOp::Increment(5))),
        (400, 1, count(CounterOp::Decrement(3))),
        (450, 0, count(CounterOp::Grant { to: NodeId(1), rights: 4 })),
        (700, 1, count(CounterOp::Decrement(3))),
        (750, 1, count(CounterOp::Decrement(3))),
        (800, 0, count(CounterOp::Decrement(2))),
    ];
    for style in STYLES {
        let world = world(Crdt::of(Kind::BoundedCounter, style), &asks, Vec::new());
        let answers: Vec<_> = world.history().invocations().iter().map(|asked| asked.returned().copied()).collect();
        let must = [Ret::Made, Ret::Refused, Ret::Made, Ret::Made, Ret::Refused, Ret::Refused].map(Some);
        assert_eq!(answers, must, "{style:?}");
        assert_eq!(values(&world), [(); 3].map(|()| Value::Number(2)), "{style:?}");
    }
}

/// A node that has lost its disk is another replica, and what the others had of it stays.
#[test]
fn who_comes_back_with_an_empty_disk_has_a_new_name() {
    let add = |item| Op::Set(SetOp::Add(item));
    let asks = [(150, 0, add(1)), (900, 0, add(2))];
    let wipe = Fault::new(Time::ms(500), Span::ms(20), What::Wipe { node: NodeId(0).into() });
    for style in STYLES {
        for forgets in [false, true] {
            let model = Crdt { forgets: forgets && style == Style::Operation, ..Crdt::of(Kind::AwSet, style) };
            let world = world(model, &asks, vec![wipe.clone()]);
            assert_eq!(values(&world), [(); 3].map(|()| Value::Items([1, 2].into())), "{style:?}");
            let born = world.process(NodeId(0)).and_then(|replica| replica.id()).map(|id| id.born);
            assert!(born > Some(Time::ms(500)), "{style:?}: {born:?}");
        }
    }
}

/// What is deleted is forgotten where replicas forget, and stays as a tombstone where they do not.
#[test]
fn tombstones_go_when_all_know_of_the_removal() {
    let asks: Vec<(u64, u16, Op)> = (0..20u64)
        .map(|n| {
            let op = if n < 10 { ListOp::Insert(0, 'x') } else { ListOp::Delete(0) };
            (150 + n * 20, (n % 3) as u16, Op::List(op))
        })
        .collect();
    for forgets in [false, true] {
        let model = Crdt { forgets, ..Crdt::of(Kind::Rga, Style::Operation) };
        let world = world(model, &asks, Vec::new());
        for (_, replica) in world.processes() {
            let seedbed_models::replication::crdt::Replica::Operation(replica) = replica else {
                panic!("another style")
            };
            let (weight, kept) = (replica.payload().weight(), replica.broadcast().log().len());
            if forgets {
                assert_eq!((weight.tombstones, kept), (0, 0));
            } else {
                assert!(weight.tombstones >= 8 && kept >= 18, "{weight:?}, {kept} messages");
            }
        }
    }
}

/// All disks are lost within a tenth of a second, and one who joins goes on from what a member that is gone has sent it
/// late, in which something is forgotten. By then another has become a member, with nothing. So it starts again from
/// nothing: else the two would not agree on what may be forgotten.
#[test]
fn who_joins_with_what_a_member_has_never_had_starts_again() {
    let add = |item| Op::Set(SetOp::Add(item));
    let (n0, n1, n2) = (NodeId(0), NodeId(1), NodeId(2));
    let fault = |ms, lasts, what| Fault::new(Time::ms(ms), Span::ms(lasts), what);
    let cut = |from: NodeId, to: &[NodeId]| What::Cut { from: vec![from], to: to.to_vec(), mode: Default::default() };
    let mut case = Case::quiet(Crdt { forgets: true, ..Crdt::of(Kind::AwSet, Style::Operation) });
    case.operations = [(150, n0, add(1)), (1_400, n2, add(2)), (1_450, n1, add(3))]
        .map(|(ms, client, op)| Operation { at: Time::ms(ms), client, op })
        .to_vec();
    case.faults = vec![
        fault(1_000, 10, What::Wipe { node: n1.into() }),
        fault(1_000, 10, What::Wipe { node: n2.into() }),
        // The snapshot comes late to n1, and never to n2.
        fault(1_050, 60, What::Delay { from: vec![n0], to: vec![n1], by: Span::ms(50) }),
        fault(1_050, 60, cut(n0, &[n2])),
        fault(1_105, 1, What::Wipe { node: n0.into() }),
        // n1 has told n2 that it has nothing, and cannot tell that it has something now.
        fault(1_110, 190, cut(n1, &[n0, n2])),
    ];
    let finished = run(&case, &Source::Fixed(Vec::new()), &suite().properties, Record::No).expect("it is possible");
    assert_eq!(finished.violation, None);
    assert!(finished.marks.iter().any(|(mark, _)| *mark == "joins again from nothing"), "{:?}", finished.marks);
    let answers: Vec<_> = finished.history.invocations().iter().map(|asked| asked.returned().copied()).collect();
    assert_eq!(answers, [Some(Ret::Made); 3]);
}

/// All disks are lost, with all that was forgotten on them: who comes back from a crash after that is not asked for any of it.
#[test]
fn what_was_forgotten_on_disks_that_are_lost_is_asked_of_nobody() {
    let (n0, n1) = (NodeId(0), NodeId(1));
    let fault = |ms, lasts, what| Fault::new(Time::ms(ms), Span::ms(lasts), what);
    let add = |item| Op::Set(SetOp::Add(item));
    let mut case = Case::quiet(Crdt { replicas: 2, forgets: true, ..Crdt::of(Kind::AwSet, Style::Operation) });
    case.operations = vec![Operation { at: Time::ms(300), client: n0, op: add(1) }];
    for (first, second) in [(n0, n1), (n1, n0)] {
        case.faults = vec![
            fault(800, 400, What::Wipe { node: first.into() }),
            fault(1_000, 10, What::Wipe { node: second.into() }),
            fault(1_400, 10, What::Crash { node: second.into() }),
        ];
        let finished = run(&case, &Source::Fixed(Vec::new()), &suite().properties, Record::No).expect("it is possible");
        assert_eq!(finished.violation, None);
        let reached = |wanted| finished.marks.iter().any(|(mark, times)| *mark == wanted && *times > 0);
        assert!(reached("recovered from disk") && reached("let in by all"), "{:?}", finished.marks);
    }
}

const MOST_SEEDS: u64 = 4_000;

#[test]
fn crdt_bugs_are_caught_by_the_properties_they_break() {
    assert_eq!(Crdt::INFO.bugs.len(), Bug::LISTED.len());
    let missed = missed_bugs(suite, 0..MOST_SEEDS);
    assert!(missed.is_empty(), "not caught by the property they break: {missed:?}");
}
