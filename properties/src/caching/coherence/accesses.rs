//! S2 and S4: what each access reads is what was last written, and each core's accesses to a block take effect in the
//! order of its program.

use seedbed_models::caching::coherence::Coherence;
use seedbed_models::caching::coherence::controller;
use seedbed_models::caching::coherence::core::Performed as Done;
use seedbed_models::caching::coherence::message::{Block, Data};
use seedbed_sim::{NodeId, Property, Verdict, World};

use crate::checkers::coherence::{Access, DataValue, Performed, ProgramOrder};
use crate::checkers::judge::Judge;

type Event = Performed<NodeId, Block, Data>;

/// A judge of accesses, told them in the order of their instants.
#[derive(Clone, Debug)]
pub struct Accesses<J> {
    name: &'static str,
    judge: J,
    /// Of each node, how many of its accesses were read.
    read: Vec<usize>,
    /// Where there is a bus: what was read and cannot be told yet, for others may still act at an earlier instant.
    early: Vec<(Instant, Event)>,
    told: u64,
}

/// The place in the order of the bus, and whether it is what the bus showed there, which comes before all else.
type Instant = (u64, bool);

impl Accesses<DataValue<NodeId, Block, Data>> {
    /// S2, the data-value invariant: a read gives what was last written, in the order of the block.
    pub fn data_value() -> Self {
        Accesses::new("coherence/data_value", DataValue::starting_with(0))
    }
}

impl Accesses<ProgramOrder<NodeId, Block, Data>> {
    /// S4: the order of each block, which is total for it is told as one, respects the program order of each core.
    pub fn program_order() -> Self {
        Accesses::new("coherence/program_order", ProgramOrder::default())
    }
}

impl<J: Judge<Event = Event, Node = NodeId>> Accesses<J> {
    fn new(name: &'static str, judge: J) -> Self {
        Accesses { name, judge, read: Vec::new(), early: Vec::new(), told: 0 }
    }

    fn look(&mut self, world: &World<Coherence>, node: NodeId) -> Verdict {
        if self.read.len() <= node.index() {
            self.read.resize(node.index() + 1, 0);
        }
        let core = world.process(node).and_then(|process| process.inner().core());
        let performed = core.map_or(&[][..], |core| core.performed());
        let bus = world.config().has_bus();
        for done in &performed[self.read[node.index()].min(performed.len())..] {
            match bus {
                true => self.early.push(((done.seen, !done.shown), event(node, done))),
                false => self.judge.observe(event(node, done))?,
            }
        }
        self.read[node.index()] = performed.len();
        Ok(())
    }

    /// Tells what happened before an instant of the bus.
    fn tell(&mut self, before: u64) -> Verdict {
        if self.early.is_empty() || before <= self.told {
            return Ok(());
        }
        self.told = before;
        // A stable sort: at one instant only one core writes, and its accesses stand in order.
        self.early.sort_by_key(|(instant, _)| *instant);
        let later = self.early.partition_point(|((seen, _), _)| *seen < before);
        for (_, event) in self.early.drain(..later) {
            self.judge.observe(event)?;
        }
        Ok(())
    }
}

fn event(core: NodeId, done: &Done) -> Event {
    let access = match done.access {
        controller::Access::Load => Access::Load(done.before),
        controller::Access::Store(data) => Access::Store(data),
        controller::Access::Swap(data) => Access::Swap { read: done.before, written: data },
    };
    Performed { core, location: done.block, access, index: done.index }
}

/// Up to which request of the bus all caches have come: before that, nothing more happens.
pub(super) fn all_have_seen(world: &World<Coherence>) -> u64 {
    let caches = world.processes().filter_map(|(_, process)| process.inner().cache());
    caches.map(|cache| cache.seen()).min().unwrap_or(0)
}

impl<J: Judge<Event = Event, Node = NodeId> + Clone> Property<Coherence> for Accesses<J> {
    fn name(&self) -> String {
        self.name.into()
    }

    fn after_event(&mut self, world: &World<Coherence>) -> Verdict {
        world.changed().iter().try_for_each(|node| self.look(world, *node))?;
        if !world.changed().is_empty() && world.config().has_bus() {
            self.tell(all_have_seen(world))?;
        }
        Ok(())
    }

    fn at_end(&mut self, world: &World<Coherence>) -> Verdict {
        world.present().try_for_each(|node| self.look(world, node))?;
        self.tell(u64::MAX)
    }
}
