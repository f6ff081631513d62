//! Answers are true when they are given: what a client says of its work is what the resource has accepted.

use std::collections::BTreeMap;

use seedbed_models::caching::lock::{Accepted, Acquisition, Client, Lock, Node, Op, RESOURCE, Ret, Token, Transition};
use seedbed_sim::{Broken, NodeId, OpId, Property, Verdict, World};

/// At the instant at which an operation is answered, the resource has accepted (and has on its disk):
///
/// - *done*: all of its writes, in order, from the client and with the token under which it entered;
/// - *fenced*: its first writes, but not all, and a write with a greater token, for which the next was refused;
/// - *lost*: its first writes, perhaps all of them: the last answer may be on its way.
#[derive(Clone, Debug, Default)]
pub struct AnsweredAsAccepted {
    /// The operations under way at the last look.
    outstanding: BTreeMap<NodeId, Option<OpId>>,
    /// The accepted writes: they stay, also while the resource is down.
    accepted: Vec<Accepted>,
}

impl Property<Lock> for AnsweredAsAccepted {
    fn name(&self) -> String {
        "lock/answered_as_accepted".into()
    }

    fn after_event(&mut self, world: &World<Lock>) -> Verdict {
        if world.changed().contains(&RESOURCE)
            && let Some(resource) = world.process(RESOURCE).and_then(Node::resource)
        {
            self.accepted.extend(&resource.accepted()[self.accepted.len().min(resource.accepted().len())..]);
        }
        for node in world.changed() {
            let Some(client) = world.process(*node).and_then(Node::client) else {
                self.outstanding.remove(node);
                continue;
            };
            let now = client.outstanding();
            let before = self.outstanding.insert(*node, now).flatten();
            if let Some(op) = before.filter(|_| now != before) {
                self.judge(world, *node, client, op)?;
            }
        }
        Ok(())
    }
}

impl AnsweredAsAccepted {
    fn judge(&self, world: &World<Lock>, node: NodeId, client: &Client, op: OpId) -> Verdict {
        let Some(asked) = world.history().invocations().iter().rev().find(|asked| asked.id == op) else {
            return Ok(());
        };
        let Some(answer) = asked.returned() else { return Ok(()) };
        let acquisition = Acquisition(op.0);
        let Some(token) = token_of(client, acquisition) else {
            let words = format!("{node} is told {answer:?}, and has not entered for it");
            return Err(Broken::new([node], words));
        };
        let Op::Work { writes, .. } = asked.op;
        let own = || self.accepted.iter().filter(|write| write.acquisition == acquisition);
        let in_order = own().map(|write| u16::from(write.n)).eq(0..own().count() as u16);
        let as_entered = own().all(|write| (write.by, write.token) == (node, token));
        let greater = self.accepted.iter().any(|write| write.token > token);
        let (count, all) = (own().count(), usize::from(writes));
        let is_true = match answer {
            Ret::Done => count == all,
            Ret::Fenced => count < all && greater && world.config().fencing,
            Ret::Lost => count <= all && world.config().kind.is_leased(),
        };
        if is_true && in_order && as_entered {
            return Ok(());
        }
        let accepted: Vec<&Accepted> = own().collect();
        let others = if greater { "a greater token was accepted" } else { "no greater token was accepted" };
        let words =
            format!("{node} is told {answer:?} of {writes} writes with {token:?}; accepted: {accepted:?}; {others}");
        Err(Broken::new([node, RESOURCE], words))
    }
}

/// The token with which a client has entered for this acquisition, in this life.
fn token_of(client: &Client, of: Acquisition) -> Option<Token> {
    client.journal().iter().rev().find_map(|transition| match *transition {
        Transition::Entered { acquisition, token, .. } if acquisition == of => Some(token),
        _ => None,
    })
}

/// The accepted writes of an acquisition are numbered from zero on, each once and in order, all with one token, and they are
/// those of the client that was asked for it.
#[derive(Clone, Debug, Default)]
pub struct WrittenOnce {
    /// The last write of each acquisition.
    last: BTreeMap<Acquisition, Accepted>,
    /// The number of judged writes; writes on disk stay there.
    judged: usize,
}

impl Property<Lock> for WrittenOnce {
    fn name(&self) -> String {
        "lock/written_once".into()
    }

    fn after_event(&mut self, world: &World<Lock>) -> Verdict {
        if !world.changed().contains(&RESOURCE) {
            return Ok(());
        }
        let Some(resource) = world.process(RESOURCE).and_then(Node::resource) else { return Ok(()) };
        for write in resource.accepted().iter().skip(self.judged) {
            let asked = world.history().invocations().iter().find(|asked| asked.id.0 == write.acquisition.0);
            let last = self.last.insert(write.acquisition, *write);
            let fits = match last {
                None => write.n == 0,
                Some(last) => (u16::from(last.n) + 1, last.token) == (u16::from(write.n), write.token),
            };
            if !fits || asked.map(|asked| asked.client) != Some(write.by) {
                let words = format!("the resource has accepted {write:?} after {last:?} of the same acquisition");
                return Err(Broken::new([write.by, RESOURCE], words));
            }
        }
        self.judged = self.judged.max(resource.accepted().len());
        Ok(())
    }
}
