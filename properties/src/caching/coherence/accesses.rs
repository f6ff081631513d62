//! S2 and S4: each load reads the last store, and the accesses of each core to a block are performed in program order.

use seedbed_models::caching::coherence::Coherence;
use seedbed_models::caching::coherence::controller;
use seedbed_models::caching::coherence::core::Performed as Done;
use seedbed_models::caching::coherence::messages::{Block, Data};
use seedbed_sim::{NodeId, Property, Verdict, World};

use crate::checkers::coherence::{Access, DataValue, Performed, ProgramOrder};
use crate::checkers::judge::Judge;

type Event = Performed<NodeId, Block, Data>;

/// Binds a judge of accesses to the caches, and passes it the accesses in the order of their instants.
#[derive(Clone, Debug)]
pub struct Accesses<J> {
    name: &'static str,
    judge: J,
    /// By node: the number of accesses already read from its cache.
    read: Vec<usize>,
    /// On a bus: accesses that cannot be judged yet, because other caches may still act at an earlier instant.
    early: Vec<(Instant, Event)>,
    judged_before: u64,
}

/// The position in the bus order; `false` is the request at that position, which precedes everything else there.
type Instant = (u64, bool);

impl Accesses<DataValue<NodeId, Block, Data>> {
    /// S2, the data-value invariant: a load reads the last store, in the order of the block.
    pub fn data_value() -> Self {
        Accesses::new("coherence/data_value", DataValue::starting_with(0))
    }
}

impl Accesses<ProgramOrder<NodeId, Block, Data>> {
    /// S4: the order of each block, which is the order of events here, respects the program order of each core.
    pub fn program_order() -> Self {
        Accesses::new("coherence/program_order", ProgramOrder::default())
    }
}

impl<J: Judge<Event = Event, Node = NodeId>> Accesses<J> {
    fn new(name: &'static str, judge: J) -> Self {
        Accesses { name, judge, read: Vec::new(), early: Vec::new(), judged_before: 0 }
    }

    fn read_new(&mut self, world: &World<Coherence>, node: NodeId) -> Verdict {
        if self.read.len() <= node.index() {
            self.read.resize(node.index() + 1, 0);
        }
        let core = world.process(node).and_then(|process| process.inner().core());
        let performed = core.map_or(&[][..], |core| core.performed());
        let bus = world.config().has_bus();
        for done in &performed[self.read[node.index()].min(performed.len())..] {
            if bus {
                self.early.push(((done.bus_time, !done.by_bus), event(node, done)));
            } else {
                self.judge.observe(event(node, done))?;
            }
        }
        self.read[node.index()] = performed.len();
        Ok(())
    }

    /// Judges all accesses before an instant of the bus.
    fn judge_before(&mut self, before: u64) -> Verdict {
        if self.early.is_empty() || before <= self.judged_before {
            return Ok(());
        }
        self.judged_before = before;
        // The sort is stable: at one instant only one core writes, and its accesses are in order.
        self.early.sort_by_key(|(instant, _)| *instant);
        let later = self.early.partition_point(|((bus_time, _), _)| *bus_time < before);
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

/// The position of the bus that all caches have reached; no access before it can follow.
pub(super) fn snooped_by_all(world: &World<Coherence>) -> u64 {
    let caches = world.processes().filter_map(|(_, process)| process.inner().cache());
    caches.map(|cache| cache.bus_time()).min().unwrap_or(0)
}

impl<J: Judge<Event = Event, Node = NodeId> + Clone> Property<Coherence> for Accesses<J> {
    fn name(&self) -> String {
        self.name.into()
    }

    fn after_event(&mut self, world: &World<Coherence>) -> Verdict {
        world.changed().iter().try_for_each(|node| self.read_new(world, *node))?;
        if !world.changed().is_empty() && world.config().has_bus() {
            self.judge_before(snooped_by_all(world))?;
        }
        Ok(())
    }

    fn at_end(&mut self, world: &World<Coherence>) -> Verdict {
        world.present().try_for_each(|node| self.read_new(world, node))?;
        self.judge_before(u64::MAX)
    }
}
