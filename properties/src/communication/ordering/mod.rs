//! The properties of clocks and broadcast, judged by the events on the members' disks. What happened before what is worked out
//! from these events alone ([`causality`]), and not from any clock that is to be judged.

pub mod causality;
mod clocks;
mod deliveries;
mod validity;

use seedbed_models::communication::ordering::envelope::MessageId;
use seedbed_models::communication::ordering::messages::{Event, Record, What};
use seedbed_models::communication::ordering::{Order, Ordering, events::LOG};
use seedbed_sim::{Answered, Boundary, FaultClass, NodeId, Span, Suite, Swarm, maker};

use crate::checkers::delivery::{Agreement, AtMostOnce, Causal, Fifo, NoCreation, TotalOrder};
use crate::transactions::journals::Journals;

use clocks::{HybridClock, LamportClock, VectorClock};
use deliveries::Deliveries;
use validity::Validity;

/// How long after the faults a member may take to deliver what it broadcasts.
const END_WITHIN: Span = Span::ms(2_500);

/// Clocks and broadcast with their properties.
pub fn suite() -> Suite<Ordering> {
    let late = || Swarm::only([FaultClass::Reorder, FaultClass::Loss]).as_configured();
    Suite::new(Ordering::default())
        .property(LamportClock::default())
        .property(VectorClock::default())
        .property(HybridClock::default())
        .property(Deliveries::new("ordering/no_creation", |_| NoCreation::default()))
        .property(Deliveries::new("ordering/no_duplication", |_| AtMostOnce::default()))
        .property(fifo_order("ordering/fifo_order").asked_of(Order::is_fifo))
        .property(causal_order("ordering/causal_order").asked_of(Order::is_causal))
        .property(total_order("ordering/total_order").asked_of(Order::is_total))
        .property(Validity)
        .property(Deliveries::new("ordering/agreement", |model| Agreement::uniform((0..model.members).map(NodeId))))
        .property(Answered::within("ordering/broadcasts_end", END_WITHIN))
        .boundary_with(
            Boundary::new(
                "reliable-is-not-fifo",
                "without an order, a member delivers a message before an earlier one of the same sender",
                "ordering/every_order_is_fifo",
                Ordering::of(Order::Reliable),
                late(),
            ),
            [maker(fifo_order("ordering/every_order_is_fifo"))],
        )
        .boundary_with(
            Boundary::new(
                "fifo-is-not-causal",
                "in FIFO order, a member delivers an answer before what it answers",
                "ordering/every_order_is_causal",
                Ordering::of(Order::Fifo),
                late(),
            ),
            [maker(causal_order("ordering/every_order_is_causal"))],
        )
        .boundary_with(
            Boundary::new(
                "causal-is-not-total",
                "in causal order, two members deliver two messages of which none caused the other in different orders",
                "ordering/every_order_is_total",
                Ordering::of(Order::Causal),
                late(),
            ),
            [maker(total_order("ordering/every_order_is_total"))],
        )
}

/// Of one sender's messages none before an earlier one (Hadzilacos & Toueg 1994, §3.1).
fn fifo_order(name: &'static str) -> Deliveries<Fifo<NodeId, MessageId>> {
    Deliveries::new(name, |_| Fifo::gapless())
}

/// S4: no message before its causes (§3.2).
fn causal_order(name: &'static str) -> Deliveries<Causal<NodeId, MessageId>> {
    Deliveries::new(name, |_| Causal::delivering_own())
}

/// S5: all members deliver the same sequence (§3.3).
fn total_order(name: &'static str) -> Deliveries<TotalOrder<NodeId, MessageId>> {
    Deliveries::new(name, |_| TotalOrder::default())
}

fn events(record: &Record) -> &[Event] {
    match record {
        Record::Event(event) => std::slice::from_ref(event),
        Record::Number(_) | Record::Raft(_) => &[],
    }
}

/// The events of all members.
fn journals() -> Journals<Ordering, Event> {
    Journals::new(LOG, events)
}

/// The broadcast of a message, by its sender's own events, and how many of these came before.
fn broadcast_of(journals: &Journals<Ordering, Event>, id: MessageId) -> Option<(usize, &Event)> {
    let is_it = |event: &Event| matches!(&event.what, What::Broadcast(message) if message.id == id);
    journals.of(id.sender).iter().enumerate().find(|(_, event)| is_it(event))
}
