//! The home of all blocks: a directory with the memory (Primer ch. 8).

use seedbed_sim::{Context, NoDisk, NodeId, Process};

use crate::caching::coherence::controller::{Controller, Handled};
use crate::caching::coherence::messages::{Message, Op, Part, Ret, Timer};
use crate::caching::coherence::ports::{Ports, Receiver};
use crate::caching::coherence::setup::Setup;

/// A node that is the home of all blocks.
#[derive(Clone, Debug, Hash)]
pub struct Home {
    setup: Setup,
    controller: Controller,
    ports: Ports,
}

impl Home {
    /// The home of all blocks.
    ///
    /// # Panics
    /// If the protocol has no home.
    pub fn new(me: NodeId, setup: Setup) -> Self {
        let controller = setup.home(me).expect("the protocol has a home");
        Home { setup, controller, ports: setup.ports() }
    }

    /// The directory controller.
    pub fn controller(&self) -> &Controller {
        &self.controller
    }

    /// The ports.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }
}

impl Receiver for Home {
    fn ports(&mut self) -> &mut Ports {
        &mut self.ports
    }

    fn handle(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: &Message) -> Handled {
        assert!(message.part == Part::Home, "a message for a part that is not here: {message:?}");
        self.ports.deliver(ctx, &mut self.controller, from, message)
    }
}

impl Process for Home {
    type Message = Message;
    type Timer = Timer;
    type Record = NoDisk;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.setup.plant(ctx, None, Some(&mut self.controller));
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        self.receive(ctx, from, message);
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Lazily(number) => self.ports.send_delayed(ctx, number),
            timer => panic!("no timer of a home: {timer:?}"),
        }
    }
}
