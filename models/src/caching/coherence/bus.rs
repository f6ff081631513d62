//! The bus, with the memory (Primer ch. 7): it broadcasts requests to all caches, and to the memory, in one total order.

use seedbed_sim::{Context, NoDisk, NodeId, Process};

use crate::caching::coherence::controller::{Controller, Handled};
use crate::caching::coherence::messages::{Message, NodeSet, Op, Part, Ret, Timer};
use crate::caching::coherence::ports::{Ports, Receiver};
use crate::caching::coherence::setup::Setup;

/// The node that is the bus.
#[derive(Clone, Debug, Hash)]
pub struct Bus {
    setup: Setup,
    me: NodeId,
    caches: NodeSet,
    /// The number of requests that were broadcast.
    broadcasts: u64,
    memory: Controller,
    ports: Ports,
}

impl Bus {
    /// The bus of these caches.
    ///
    /// # Panics
    /// If the protocol has no memory.
    pub fn new(me: NodeId, caches: NodeSet, setup: Setup) -> Self {
        let memory = setup.home(me).expect("a protocol on a bus has a memory");
        Bus { setup, me, caches, broadcasts: 0, memory, ports: setup.ports() }
    }

    /// The number of requests that were broadcast: the time of the bus.
    pub fn time(&self) -> u64 {
        self.broadcasts
    }

    /// The memory controller.
    pub fn memory(&self) -> &Controller {
        &self.memory
    }

    /// The ports.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    fn broadcast(&mut self, ctx: &mut Context<'_, Self>, request: &Message) {
        self.broadcasts += 1;
        let broadcast = |part| Message { kind: request.kind.broadcast(), part, ..request.clone() };
        ctx.broadcast(self.caches.iter(), broadcast(Part::Cache));
        // The memory is at this node, and a broadcast takes the network to it too.
        ctx.send(self.me, broadcast(Part::Home));
    }
}

impl Receiver for Bus {
    fn ports(&mut self) -> &mut Ports {
        &mut self.ports
    }

    fn handle(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: &Message) -> Handled {
        match message.part {
            Part::Bus => {
                self.broadcast(ctx, message);
                Handled::Done(None)
            }
            Part::Home => self.ports.deliver(ctx, &mut self.memory, from, message),
            Part::Cache => panic!("a message for a part that is not here: {message:?}"),
        }
    }
}

impl Process for Bus {
    type Message = Message;
    type Timer = Timer;
    type Record = NoDisk;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.setup.plant(ctx, None, Some(&mut self.memory));
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        self.receive(ctx, from, message);
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Lazily(number) => self.ports.send_delayed(ctx, number),
            timer => panic!("no timer of a bus: {timer:?}"),
        }
    }
}
