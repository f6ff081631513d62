//! S2: the writes that the resource accepted.

use seedbed_models::caching::lock::{Accepted, Acquisition, Lock, Node, RESOURCE};
use seedbed_sim::{NodeId, Property, Verdict, World};

use crate::checkers::judge::{Id, Judge};
use crate::checkers::mutual_exclusion::fencing::{self, Fencing, SerialHolders};

impl Id for Acquisition {}

type Holder = (NodeId, Acquisition);
type Written = fencing::Accepted<&'static str, Holder>;

/// A judge of the accepted writes on the resource's disk, as soon as they are there.
#[derive(Clone, Debug)]
pub struct Writes<J> {
    name: &'static str,
    judge: J,
    /// The number of judged writes; writes on disk stay there.
    judged: usize,
    asked: fn(&Lock) -> bool,
}

/// Accepted tokens never decrease, and each token has one holder. Checked if the resource checks tokens.
pub fn tokens_never_decrease() -> Writes<Fencing<&'static str, Holder>> {
    Writes { name: "lock/fencing", judge: Fencing::default(), judged: 0, asked: |config| config.fencing }
}

/// The resource's state is that of a serial order of holders: no writes of one are between those of another. Ignores
/// tokens.
pub fn used_one_after_the_other() -> Writes<SerialHolders<&'static str, Holder>> {
    let asked = Lock::promises_serial_use;
    Writes { name: "lock/serial_use", judge: SerialHolders::default(), judged: 0, asked }
}

impl<J: Judge<Event = Written, Node = Holder>> Property<Lock> for Writes<J> {
    fn name(&self) -> String {
        self.name.into()
    }

    fn after_event(&mut self, world: &World<Lock>) -> Verdict {
        if !world.changed().contains(&RESOURCE) || !(self.asked)(world.config()) {
            return Ok(());
        }
        let Some(resource) = world.process(RESOURCE).and_then(Node::resource) else { return Ok(()) };
        for Accepted { by, acquisition, token, .. } in resource.accepted().iter().skip(self.judged) {
            self.judge.observe(Written { resource: "resource", by: (*by, *acquisition), token: token.0 })?;
        }
        self.judged = self.judged.max(resource.accepted().len());
        Ok(())
    }
}
