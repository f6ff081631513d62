//! S2: what the resource accepted.

use seedbed_models::caching::lock::{Accepted, Acquisition, Lock, Node, RESOURCE};
use seedbed_sim::{NodeId, Property, Verdict, World};

use crate::checkers::judge::{Id, Judge};
use crate::checkers::mutual_exclusion::fencing::{self, Fencing, SerialHolders};

impl Id for Acquisition {}

type Holder = (NodeId, Acquisition);
type Written = fencing::Accepted<&'static str, Holder>;

/// A judge of what the resource accepted and has on its disk, as soon as it has.
#[derive(Clone, Debug)]
pub struct Writes<J> {
    name: &'static str,
    judge: J,
    /// How much was judged: what is on disk stays there.
    judged: usize,
    asked: fn(&Lock) -> bool,
}

/// Accepted tokens never decrease, and one token has one holder. Asked wherever the resource checks tokens.
pub fn tokens_never_decrease() -> Writes<Fencing<&'static str, Holder>> {
    Writes { name: "lock/fencing", judge: Fencing::default(), judged: 0, asked: |config| config.fencing }
}

/// The resource's state is that of a serial order: nobody's writes stand between another's. Looks at no token.
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
