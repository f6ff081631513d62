//! The steps of the broker, read as they are made, with the ledger of them.

use seedbed_models::communication::pub_sub::engine::{Input, Step};
use seedbed_models::communication::pub_sub::model::BROKER;
use seedbed_models::communication::pub_sub::packet::Packet;
use seedbed_models::communication::pub_sub::{Engine, PubSub};
use seedbed_sim::World;

use crate::communication::pub_sub::ledger::{Finding, Ledger};

/// The engine, if the broker is up.
pub fn engine(world: &World<PubSub>) -> Option<&Engine> {
    Some(world.process(BROKER)?.broker()?.engine())
}

/// How far the steps were read.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    life: u32,
    seen: usize,
    /// What has come.
    pub ledger: Ledger,
}

/// What is new.
#[derive(Debug)]
pub struct News {
    /// The broker has restarted: the ledger is of what it has read back, and of nothing else.
    pub anew: bool,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

impl Reader {
    /// Reads what is new, if the broker has changed.
    pub fn read(&mut self, world: &World<PubSub>) -> Option<News> {
        if !world.changed().contains(&BROKER) {
            return None;
        }
        let engine = engine(world)?;
        let life = world.life(BROKER);
        let anew = std::mem::replace(&mut self.life, life) != life;
        if anew {
            (self.seen, self.ledger) = (0, Ledger::default());
        }
        let steps = &engine.journal()[self.seen..];
        if steps.is_empty() && !anew {
            return None;
        }
        let mut findings: Vec<Finding> = steps.iter().flat_map(|step| self.ledger.read(engine, step)).collect();
        let changes = |step: &Step| !matches!(step.input, Input::Tick | Input::Packet(_, Packet::PingReq));
        if anew || steps.iter().any(changes) {
            findings.extend(self.ledger.compare(engine));
        }
        self.seen = engine.journal().len();
        Some(News { anew, findings })
    }
}
