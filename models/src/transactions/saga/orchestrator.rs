//! The order service of an orchestration: the coordinator runs beside the participant, on one node (Richardson,
//! *Microservices Patterns*, section 4.2.2). They talk over the network like any others.

use seedbed_sim::{Context, NodeId, Process};

use crate::transactions::saga::business::Request;
use crate::transactions::saga::coordinator::Coordinator;
use crate::transactions::saga::messages::{Message, Outcome, Record, Timer};
use crate::transactions::saga::participant::Participant;

/// A participant with the coordinator beside it. They write to different files.
#[derive(Clone, Debug, Hash)]
pub struct Orchestrator {
    participant: Participant,
    coordinator: Coordinator,
}

impl Orchestrator {
    /// These two, on one node.
    pub fn new(participant: Participant, coordinator: Coordinator) -> Self {
        Orchestrator { participant, coordinator }
    }

    /// The participant.
    pub fn participant(&self) -> &Participant {
        &self.participant
    }

    /// The coordinator.
    pub fn coordinator(&self) -> &Coordinator {
        &self.coordinator
    }
}

impl Process for Orchestrator {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Request;
    type Ret = Outcome;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.participant.start(&mut ctx.as_role());
        self.coordinator.start(&mut ctx.as_role());
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        if matches!(message, Message::Execute(..) | Message::Compensate(..)) {
            self.participant.message(&mut ctx.as_role(), from, message);
        } else {
            self.coordinator.message(&mut ctx.as_role(), from, message);
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        self.coordinator.timer(&mut ctx.as_role(), timer);
    }
}
