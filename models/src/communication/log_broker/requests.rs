//! The requests of a node that are not answered yet. A response is that of a request by its number; what comes late or twice is
//! nobody's. A request that is given up may still be done: Kafka closes its connection, and the broker may have read it before.

use std::collections::BTreeMap;

use seedbed_sim::{Context, NodeId, Span};

use crate::communication::log_broker::messages::{Answered, Asked, LogProcess, Message, Request, Response, Timer};
use crate::communication::log_broker::numbers::Correlation;

/// Requests that are not answered yet, with what they were sent for.
#[derive(Clone, Debug, Hash)]
pub struct Requests<For> {
    /// Tells this life of the node from others: their responses may still be under way.
    life: Option<u64>,
    sent: u64,
    outstanding: BTreeMap<Correlation, (NodeId, For)>,
}

impl<For> Default for Requests<For> {
    fn default() -> Self {
        Requests { life: None, sent: 0, outstanding: BTreeMap::new() }
    }
}

impl<For> Requests<For> {
    /// Sends a request, which is given up after `timeout`.
    pub fn send<P: LogProcess>(
        &mut self,
        ctx: &mut Context<'_, P>,
        to: NodeId,
        request: Request,
        sent_for: For,
        timeout: Span,
    ) -> Correlation {
        let correlation = self.number(ctx);
        self.outstanding.insert(correlation, (to, sent_for));
        ctx.arm(Timer::Request(correlation), timeout);
        ctx.send(to, Message::Request(Asked { correlation, request }));
        correlation
    }

    /// Sends a request that nobody answers.
    pub fn tell<P: LogProcess>(&mut self, ctx: &mut Context<'_, P>, to: NodeId, request: Request) {
        let correlation = self.number(ctx);
        ctx.send(to, Message::Request(Asked { correlation, request }));
    }

    fn number<P: LogProcess>(&mut self, ctx: &mut Context<'_, P>) -> Correlation {
        let life = *self.life.get_or_insert_with(|| ctx.draw("connection", 0..=0xffff_ffff));
        self.sent += 1;
        Correlation((life << 32) | self.sent)
    }

    /// A response has come: what its request was sent for, and to whom. `None` if nobody waits for it.
    pub fn answered<P: LogProcess>(
        &mut self,
        ctx: &mut Context<'_, P>,
        answered: Answered,
    ) -> Option<(NodeId, For, Response)> {
        let (to, sent_for) = self.outstanding.remove(&answered.correlation)?;
        ctx.cancel(&Timer::Request(answered.correlation));
        Some((to, sent_for, answered.response))
    }

    /// A request is given up.
    pub fn given_up(&mut self, correlation: Correlation) -> Option<(NodeId, For)> {
        self.outstanding.remove(&correlation)
    }

    /// The requests that are not answered: to whom they were sent, and for what.
    pub fn outstanding(&self) -> impl Iterator<Item = (NodeId, &For)> {
        self.outstanding.values().map(|(to, sent_for)| (*to, sent_for))
    }

    /// Forgets all requests: their responses are nobody's.
    pub fn clear<P: LogProcess>(&mut self, ctx: &mut Context<'_, P>) {
        for correlation in std::mem::take(&mut self.outstanding).into_keys() {
            ctx.cancel(&Timer::Request(correlation));
        }
    }
}
