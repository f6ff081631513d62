//! What replicated data types keep beside what clients see, over time: tombstones, dots, and messages for those who may
//! lack them. One world a line: items come and go at three replicas for ten seconds, and then nothing happens.
//!
//! `cargo run --release -p seedbed-properties --example crdt_metadata`
#![allow(missing_docs, reason = "a program")]

use seedbed_models::replication::crdt::style::Weight;
use seedbed_models::replication::crdt::vocabulary::{EntryOp, FlagOp, ListOp, RegisterOp, SetOp, TextOp};
use seedbed_models::replication::crdt::{Crdt, Kind, Op, Replica, Style};
use seedbed_sim::{Case, NodeId, Operation, Phases, Source, Span, Time, World};

/// When to look: while updates are made, at their end, and after a quiet while.
const LOOKS: [u64; 5] = [2_500, 5_000, 7_500, 10_000, 12_000];
const UPDATES: u64 = 600;

/// Things come, and go again a little later: at most a few are there at a time.
fn update(kind: Kind, n: u64) -> Op {
    let (item, comes) = ((n / 2 % 20) as u8, n.is_multiple_of(2));
    match kind {
        Kind::Rga if comes => Op::List(ListOp::Insert((n % 5) as u16, 'x')),
        Kind::Rga => Op::List(ListOp::Delete((n % 7) as u16)),
        Kind::Text if comes => Op::Text(TextOp::Insert((n % 5) as u16, "word".into())),
        Kind::Text => Op::Text(TextOp::Delete((n % 7) as u16, 4)),
        Kind::LwwMap if comes => Op::Entry(EntryOp::Put(item, 1)),
        Kind::LwwMap => Op::Entry(EntryOp::Remove(item)),
        Kind::MvRegister => Op::Register(RegisterOp::Assign(item)),
        Kind::DwFlag if comes => Op::Flag(FlagOp::Enable),
        Kind::DwFlag => Op::Flag(FlagOp::Disable),
        _ if comes => Op::Set(SetOp::Add(item)),
        _ => Op::Set(SetOp::Remove(item)),
    }
}

/// What the first replica keeps, and for how many messages.
fn keeps(world: &World<Crdt>) -> (Weight, usize) {
    match world.process(NodeId(0)) {
        Some(Replica::State(replica)) => (replica.state().weight(), 0),
        Some(Replica::Delta(replica)) => (replica.state().weight(), replica.buffered()),
        Some(Replica::Operation(replica)) => (replica.payload().weight(), replica.broadcast().log().len()),
        None => (Weight::default(), 0),
    }
}

fn main() {
    println!("live + tombstones, dots, messages or deltas kept, at one of three replicas; {UPDATES} updates in 10 s\n");
    print!("{:<12} {:<24}", "type", "style");
    LOOKS.iter().for_each(|ms| print!(" {:>19}", format!("{:.1} s", *ms as f64 / 1e3)));
    println!();
    let kinds = [
        Kind::TwoPhaseSet,
        Kind::OrSet,
        Kind::AwSet,
        Kind::RwSet,
        Kind::LwwSet,
        Kind::LwwMap,
        Kind::DwFlag,
        Kind::MvRegister,
        Kind::Rga,
        Kind::Text,
    ];
    let styles = [
        ("state", Style::State, false),
        ("delta", Style::Delta, false),
        ("operation, keeps all", Style::Operation, false),
        ("operation, forgets", Style::Operation, true),
    ];
    for kind in kinds {
        for (name, style, forgets) in styles {
            let mut case = Case::quiet(Crdt { forgets, ..Crdt::of(kind, style) });
            case.scenario.phases = Phases { chaos: Span::secs(10), settle: Span::secs(2) };
            case.operations = (0..UPDATES)
                .map(|n| Operation { at: Time::ms(500 + n * 15), client: NodeId((n % 3) as u16), op: update(kind, n) })
                .collect();
            let mut world = World::new(&case, &Source::Seed(1)).expect("the case is possible");
            print!("{:<12} {name:<24}", format!("{kind:?}"));
            for ms in LOOKS {
                while world.next_at().is_some_and(|at| at <= Time::ms(ms)) && world.step() {}
                let (Weight { live, tombstones, dots }, kept) = keeps(&world);
                print!(" {:>19}", format!("{live}+{tombstones} {dots} {kept}"));
            }
            println!();
        }
    }
}
