//! S1 to S3: the clocks against what happened before what.

use std::collections::BTreeMap;

use seedbed_models::communication::ordering::Ordering;
use seedbed_models::communication::ordering::clocks::Stamp;
use seedbed_models::communication::ordering::messages::Event;
use seedbed_models::communication::ordering::model::CLOCK_ERROR;
use seedbed_sim::{Broken, NodeId, Property, Time, Verdict, World};

use crate::communication::ordering::causality::{Pasts, RightBefore};
use crate::communication::ordering::reading::{News, Reading};

/// What happened right before an event is less than it by some clock; then all that happened before it is.
#[derive(Clone, Debug, Default)]
struct ClockCondition {
    reading: Reading,
    before: RightBefore,
}

impl ClockCondition {
    /// Judges the new events. Returns them.
    fn judge<'w, T: Ord + std::fmt::Debug>(
        &mut self,
        world: &'w World<Ordering>,
        time: impl Fn(&Stamp) -> T,
    ) -> Result<Vec<(NodeId, News<'w>)>, Broken> {
        let news: Vec<_> = self.reading.of_changed(world).collect();
        news.iter().for_each(|(node, news)| self.before.learn(*node, news));
        for &(node, news) in &news {
            for (place, event) in news.placed() {
                let (before, now) = (self.before.next(world, node, (place, event)), time(&event.stamp));
                if let Some(not_less) = before.into_iter().flatten().find(|before| time(&before.stamp) >= now) {
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
        Ok(news)
    }
}

/// S1: if `a → b` then `L(a) < L(b)` (Lamport 1978, Clock Condition).
#[derive(Clone, Debug, Default)]
pub struct LamportClock(ClockCondition);

impl Property<Ordering> for LamportClock {
    fn name(&self) -> String {
        "ordering/lamport_clock".into()
    }

    fn after_event(&mut self, world: &World<Ordering>) -> Verdict {
        self.0.judge(world, |stamp| stamp.lamport).map(drop)
    }
}

/// S2: `a → b` if and only if `V(a) < V(b)`. The vector clock of an event counts, for each member, those of its events that are
/// in the past (Mattern 1989, Theorem 10: that is equivalent).
#[derive(Clone, Debug, Default)]
pub struct VectorClock {
    reading: Reading,
    pasts: Pasts,
}

impl Property<Ordering> for VectorClock {
    fn name(&self) -> String {
        "ordering/vector_clock".into()
    }

    fn after_event(&mut self, world: &World<Ordering>) -> Verdict {
        for (node, news) in self.reading.of_changed(world) {
            if news.is_all() {
                self.pasts.forget(node);
            }
            for event in news.events() {
                let (past, shown) = (self.pasts.next(world.config().members, node, event), event.stamp.vector.counts());
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
#[derive(Clone, Debug, Default)]
pub struct HybridClock {
    condition: ClockCondition,
    /// The stamps of each member that were judged against the true time, when they were new.
    judged: BTreeMap<NodeId, Vec<Stamp>>,
}

impl HybridClock {
    fn is_near(&mut self, node: NodeId, news: &News<'_>, now: Time) -> Verdict {
        let judged = self.judged.entry(node).or_default();
        let mut new = news.events().peekable();
        if news.is_all() {
            // What a crash has lost is not there any more; what is at its place now is new.
            let is_judged = |judged: &&Stamp| new.next_if(|event| event.stamp == **judged).is_some();
            let same = judged.iter().take_while(is_judged).count();
            judged.truncate(same);
        }
        for event in new {
            judged.push(event.stamp.clone());
            is_near(node, event, now)?;
        }
        Ok(())
    }
}

fn is_near(node: NodeId, event: &Event, now: Time) -> Verdict {
    let l = event.stamp.hybrid.l;
    if l.since(now).max(now.since(l)) <= CLOCK_ERROR {
        return Ok(());
    }
    Err(Broken::new([node], format!("{:?} at {node} is stamped {:?} at {now}", event.what, event.stamp.hybrid)))
}

impl Property<Ordering> for HybridClock {
    fn name(&self) -> String {
        "ordering/hybrid_clock".into()
    }

    fn after_event(&mut self, world: &World<Ordering>) -> Verdict {
        let news = self.condition.judge(world, |stamp| stamp.hybrid)?;
        news.iter().try_for_each(|(node, news)| self.is_near(*node, news, world.now()))
    }
}
