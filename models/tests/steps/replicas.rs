//! Replicated data types: a node whose disk was lost has had several replicas, and messages of an earlier one may come late.

use seedbed_models::replication::crdt::messages::{Message, Timer};
use seedbed_models::replication::crdt::replica::Replica;
use seedbed_models::replication::crdt::vocabulary::SetOp;
use seedbed_models::replication::crdt::{Crdt, Kind, Op, Style, Value};
use seedbed_sim::{Bench, Model, NodeId, OpId, Time};

const N0: NodeId = NodeId(0);
const N1: NodeId = NodeId(1);

/// Of two replicas, one that has just been born on a node whose disk was empty at this millisecond.
fn born(model: &Crdt, node: NodeId, ms: u64) -> Bench<Replica> {
    let mut replica = Bench::new(model.spawn(node, &[N0, N1])).on(node).instant_disk();
    replica.at(Time::ms(ms)).start();
    replica.timer(Timer::Birth);
    replica
}

fn two(style: Style, forgets: bool) -> Crdt {
    Crdt { replicas: 2, forgets, ..Crdt::of(Kind::AwSet, style) }
}

/// What a replica of `N1` tells `N0` by this timer.
fn told(replica: &mut Bench<Replica>, timer: Timer) -> Message {
    let [message] = &replica.timer(timer).sent_to(N0)[..] else { panic!("one message: {replica:?}") };
    message.clone()
}

fn add(replica: &mut Bench<Replica>, item: u8) -> Message {
    let did = replica.invoke(OpId(item.into()), Op::Set(SetOp::Add(item)));
    let [message] = &did.sent_to(N0)[..] else { panic!("an update is broadcast: {did:?}") };
    message.clone()
}

/// A late message does not make an earlier replica the present one again: whoever sent it is told of its successor, however
/// often it comes.
#[test]
fn a_late_message_of_an_earlier_replica_does_not_replace_its_successor() {
    for style in [Style::State, Style::Operation, Style::Delta] {
        let model = two(style, false);
        let (mut earlier, mut later) = (born(&model, N1, 0), born(&model, N1, 1_000));
        let (late, present) = (told(&mut earlier, Timer::Gossip), told(&mut later, Timer::Gossip));
        let (of, its_successor) = (earlier.process().id().unwrap(), later.process().id().unwrap());
        assert!(of < its_successor);
        let outdated = Message::Outdated { of, later: its_successor };
        let mut replica = born(&model, N0, 0);
        assert!(!replica.message(N1, present.clone()).sent_to(N1).contains(&outdated), "{style:?}");
        for _ in 0..2 {
            assert!(replica.message(N1, late.clone()).sent_to(N1).contains(&outdated), "{style:?}");
        }
        assert!(!replica.message(N1, present).sent_to(N1).contains(&outdated), "{style:?}");
    }
}

/// Where replicas forget, a member takes nothing from those that it does not count: neither from an earlier replica, whose
/// updates may be after what is forgotten, nor from a later one that has not yet asked to be let in.
#[test]
fn a_member_that_forgets_takes_nothing_from_whom_it_does_not_count() {
    let model = two(Style::Operation, true);
    let late = add(&mut born(&two(Style::Operation, false), N1, 0), 1);
    let (mut replica, mut other) = (born(&model, N0, 0), born(&model, N1, 1_000));
    let asks = replica.timer(Timer::Join).sent_to(N1).remove(0);
    let welcome = other.message(N0, asks).sent_to(N0).remove(0);
    replica.message(N1, welcome);
    let asks = told(&mut other, Timer::Join);
    let welcome = replica.message(N1, asks).sent_to(N1).remove(0);
    other.message(N0, welcome);
    assert!(replica.process().is_member() && other.process().is_member());

    let early = add(&mut born(&two(Style::Operation, false), N1, 2_000), 3);
    for uncounted in [late, early] {
        let did = replica.message(N1, uncounted);
        assert!(!did.wrote() && did.sent().is_empty(), "{did:?}");
        assert_eq!(replica.process().value(), Value::Items([].into()));
    }
    let counted = add(&mut other, 2);
    replica.message(N1, counted);
    assert_eq!(replica.process().value(), Value::Items([2].into()));
}
