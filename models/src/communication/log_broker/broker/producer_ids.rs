//! Producer ids: a broker gets a block of them from the controller, and gives each once (KIP-730).

use std::ops::Range;

use seedbed_sim::Context;

use crate::communication::log_broker::broker::server::{Broker, Sent};
use crate::communication::log_broker::controller::active::Asker;
use crate::communication::log_broker::controller::metadata::PRODUCER_IDS;
use crate::communication::log_broker::messages::{Error, Request, Response};
use crate::communication::log_broker::names::{ProducerEpoch, ProducerId};

/// The producer ids that a broker can give.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct ProducerIds {
    block: Range<u64>,
    /// Who waits for the next block.
    waiting: Vec<Asker>,
}

impl Broker {
    /// A producer without a transactional id asks for a producer id: a new one, in its first epoch.
    pub(super) fn give_producer_id(&mut self, ctx: &mut Context<'_, Self>, asker: Asker) {
        match self.producer_ids.block.next() {
            Some(id) => {
                let given = (ProducerId(id), ProducerEpoch(0));
                self.respond(ctx, asker, Response::InitProducerId(Ok(given)));
            }
            None => {
                self.producer_ids.waiting.push(asker);
                self.ask_for_producer_ids(ctx);
            }
        }
    }

    /// The next producer id, if there is one; otherwise the controller is asked.
    pub(in crate::communication::log_broker) fn next_producer_id(
        &mut self,
        ctx: &mut Context<'_, Self>,
    ) -> Option<ProducerId> {
        let next = self.producer_ids.block.next().map(ProducerId);
        if next.is_none() {
            self.ask_for_producer_ids(ctx);
        }
        next
    }

    fn ask_for_producer_ids(&mut self, ctx: &mut Context<'_, Self>) {
        if self.requests.outstanding().any(|(_, sent)| *sent == Sent::ProducerIds) {
            return;
        }
        let (Some(controller), Some(broker_epoch)) = (self.quorum.active(), self.registration.epoch) else {
            return self.producer_ids_allocated(ctx, Err(Error::NotController));
        };
        let (request, timeout) = (Request::AllocateProducerIds { broker_epoch }, self.config.settings.request_timeout);
        self.requests.send(ctx, controller, request, Sent::ProducerIds, timeout);
    }

    /// The controller has given a block, or has not: producers ask again.
    pub(super) fn producer_ids_allocated(&mut self, ctx: &mut Context<'_, Self>, answer: Result<ProducerId, Error>) {
        let waiting = std::mem::take(&mut self.producer_ids.waiting);
        match answer {
            Ok(first) => {
                self.producer_ids.block = first.0..first.0 + PRODUCER_IDS;
                waiting.into_iter().for_each(|asker| self.give_producer_id(ctx, asker));
            }
            Err(error) => {
                for asker in waiting {
                    self.respond(ctx, asker, Response::InitProducerId(Err(error)));
                }
            }
        }
    }
}
