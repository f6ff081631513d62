//! S1 to S3: the clocks against what happened before what.

use std::collections::BTreeMap;

use seedbed_models::communication::ordering::Ordering;
use seedbed_models::communication::ordering::clocks::Stamp;
use seedbed_models::communication::ordering::messages::{Event, What};
use seedbed_models::communication::ordering::model::CLOCK_ERROR;
use seedbed_sim::{Broken, NodeId, Property, Time, Verdict, World};

use crate::communication::ordering::causality::Causality;
use crate::communication::ordering::{broadcast_of, journals};
use crate::transactions::journals::Journals;

/// The events right before one: that of the same member, and the broadcast of what is received.
fn right_before<'a>(journals: &'a Journals<Ordering, Event>, node: NodeId, place: usize) -> Vec<&'a Event> {
    let journal = journals.of(node);
    let last = place.checked_sub(1).map(|last| &journal[last]);
    let sent = match &journal[place].what {
        What::Receive(message) => broadcast_of(journals, message.id).map(|(_, event)| event),
        What::Broadcast(_) | What::Deliver(_) => None,
    };
    last.into_iter().chain(sent).collect()
}

/// The events right before a new one of a member must be less than it by some clock; then all that happened before it are.
fn respects<T: Ord + std::fmt::Debug>(
    journals: &mut Journals<Ordering, Event>,
    world: &World<Ordering>,
    time: impl Fn(&Stamp) -> T,
) -> Verdict {
    for &node in world.changed() {
        for place in journals.read(world, node)..journals.of(node).len() {
            let event = &journals.of(node)[place];
            let (before, now) = (right_before(journals, node, place), time(&event.stamp));
            if let Some(not_less) = before.into_iter().find(|before| time(&before.stamp) >= now) {
                let words = format!(
                    "{:?} at {:?} happened before {:?} at {now:?} at {node}",
                    not_less.what,
                    time(&not_less.stamp),
                    event.what
                );
                return Err(Broken::new([node], words));
            }
        }
    }
    Ok(())
}

/// S1: if `a → b` then `L(a) < L(b)` (Lamport 1978, Clock Condition).
#[derive(Clone)]
pub struct LamportClock(Journals<Ordering, Event>);

impl Default for LamportClock {
    fn default() -> Self {
        LamportClock(journals())
    }
}

impl Property<Ordering> for LamportClock {
    fn name(&self) -> String {
        "ordering/lamport_clock".into()
    }

    fn after_event(&mut self, world: &World<Ordering>) -> Verdict {
        respects(&mut self.0, world, |stamp| stamp.lamport)
    }
}

/// S2: `a → b` if and only if `V(a) < V(b)`. The vector clock of an event counts, for each member, those of its events that are
/// in the past (Mattern 1989, Theorem 10: that is equivalent).
#[derive(Clone, Default)]
pub struct VectorClock(Causality);

impl Property<Ordering> for VectorClock {
    fn name(&self) -> String {
        "ordering/vector_clock".into()
    }

    fn after_event(&mut self, world: &World<Ordering>) -> Verdict {
        for &node in world.changed() {
            for place in self.0.read(world, node) {
                let (past, event) = (self.0.past(node, place), &self.0.journals().of(node)[place]);
                let shown = event.stamp.vector.counts();
                if shown != past {
                    let words = format!("{:?} at {node} is stamped {shown:?}, and its past is {past:?}", event.what);
                    return Err(Broken::new([node], words));
                }
            }
        }
        Ok(())
    }
}

/// S3: hybrid times are those of a Lamport clock too (Kulkarni and others 2014, Theorem 1), and no further from physical time
/// than clocks can be (Theorem 3): not behind what the own clock can show, and not before what any clock can.
#[derive(Clone)]
pub struct HybridClock {
    journals: Journals<Ordering, Event>,
    /// By member and place, the stamps that were judged against the true time, when they were new.
    judged: BTreeMap<NodeId, Vec<Stamp>>,
}

impl Default for HybridClock {
    fn default() -> Self {
        HybridClock { journals: journals(), judged: BTreeMap::new() }
    }
}

impl HybridClock {
    fn is_near(&mut self, node: NodeId, now: Time) -> Verdict {
        let (journal, judged) = (self.journals.of(node), self.judged.entry(node).or_default());
        // What a crash has lost is not there any more; what is at its place now is new.
        let same = journal.iter().zip(judged.iter()).take_while(|(event, judged)| event.stamp == **judged).count();
        judged.truncate(same);
        for event in &journal[same..] {
            let l = event.stamp.hybrid.l;
            let apart = l.since(now).max(now.since(l));
            if apart > CLOCK_ERROR {
                let words = format!("{:?} at {node} is stamped {:?} at {now}", event.what, event.stamp.hybrid);
                return Err(Broken::new([node], words));
            }
            judged.push(event.stamp.clone());
        }
        Ok(())
    }
}

impl Property<Ordering> for HybridClock {
    fn name(&self) -> String {
        "ordering/hybrid_clock".into()
    }

    fn after_event(&mut self, world: &World<Ordering>) -> Verdict {
        respects(&mut self.journals, world, |stamp| stamp.hybrid)?;
        world.changed().iter().try_for_each(|node| self.is_near(*node, world.now()))
    }
}
