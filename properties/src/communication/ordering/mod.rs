//! The properties of clocks and broadcast, judged by the events on the members' disks. What happened before what is worked out
//! from these events alone ([`causality`]), and not from any clock that is to be judged.

mod broadcast;
pub mod causality;
mod clocks;
mod orders;

use seedbed_models::communication::ordering::messages::{Event, MessageId, Record, What};
use seedbed_models::communication::ordering::{Order, Ordering, events::LOG};
use seedbed_sim::{Answered, Boundary, FaultClass, NodeId, Span, Suite, Swarm, maker};

use crate::transactions::journals::Journals;

use broadcast::{Agreement, Integrity, Validity};
use clocks::{HybridClock, LamportClock, VectorClock};
use orders::{CausalOrder, FifoOrder, TotalOrder};

/// How long after the faults a member may take to deliver what it broadcasts.
const END_WITHIN: Span = Span::ms(2_500);

/// Clocks and broadcast with their properties.
pub fn suite() -> Suite<Ordering> {
    let late = || Swarm::only([FaultClass::Reorder, FaultClass::Loss]).as_configured();
    Suite::new(Ordering::default())
        .property(LamportClock::default())
        .property(VectorClock::default())
        .property(HybridClock::default())
        .property(Integrity::default())
        .property(FifoOrder::default())
        .property(CausalOrder::default())
        .property(TotalOrder::default())
        .property(Validity::default())
        .property(Agreement::default())
        .property(Answered::within("ordering/broadcasts_end", END_WITHIN))
        .boundary_with(
            Boundary::new(
                "reliable-is-not-fifo",
                "without an order, a member delivers a message before an earlier one of the same sender",
                "ordering/fifo_order",
                Ordering::of(Order::Reliable),
                late(),
            ),
            [maker(FifoOrder::of_all())],
        )
        .boundary_with(
            Boundary::new(
                "fifo-is-not-causal",
                "in FIFO order, a member delivers an answer before what it answers",
                "ordering/causal_order",
                Ordering::of(Order::Fifo),
                late(),
            ),
            [maker(CausalOrder::of_all())],
        )
        .boundary_with(
            Boundary::new(
                "causal-is-not-total",
                "in causal order, two members deliver two messages of which none caused the other in different orders",
                "ordering/total_order",
                Ordering::of(Order::Causal),
                late(),
            ),
            [maker(TotalOrder::of_all())],
        )
        .boundary_with(
            Boundary::new(
                "total-is-not-causal",
                "in the sequencer's order, all deliver an answer before what it answers: it came to the sequencer first",
                "ordering/causal_order",
                Ordering::of(Order::Sequencer),
                late(),
            ),
            [maker(CausalOrder::of_all())],
        )
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

/// What a member has delivered, in order.
fn delivered(journal: &[Event]) -> impl Iterator<Item = MessageId> + Clone {
    journal.iter().filter_map(|event| if let What::Deliver(id) = event.what { Some(id) } else { None })
}

/// What a member has delivered, as the journals have it.
fn delivered_by(journals: &Journals<Ordering, Event>, node: NodeId) -> impl Iterator<Item = MessageId> + Clone {
    delivered(journals.of(node))
}
