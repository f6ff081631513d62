//! The active controller: it keeps the sessions of brokers, fences those that are silent, and answers requests when the quorum has
//! executed what they ask for (KIP-631).

use std::collections::BTreeMap;

use seedbed_sim::{Context, NodeId, Time};

use crate::communication::log_broker::broker::Broker;
use crate::communication::log_broker::bugs::Bug;
use crate::communication::log_broker::controller::metadata::{Command, Output};
use crate::communication::log_broker::controller::quorum::Changes;
use crate::communication::log_broker::marks;
use crate::communication::log_broker::messages::{Answered, Error, Message, Request, Response, Timer};
use crate::communication::log_broker::names::ProducerId;
use crate::communication::log_broker::numbers::{BrokerEpoch, Correlation};

/// Whom to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Asker {
    /// The node.
    pub node: NodeId,
    /// The number of its request.
    pub correlation: Correlation,
}

/// What the active controller has in memory.
#[derive(Clone, Debug, Default, Hash)]
pub struct Active {
    /// When each broker was heard last.
    heard: BTreeMap<NodeId, Time>,
    /// Whom to answer when a command is executed.
    waiting: BTreeMap<u64, Asker>,
}

impl Broker {
    /// Answers a request.
    pub(in crate::communication::log_broker) fn respond(
        &self,
        ctx: &mut Context<'_, Self>,
        asker: Asker,
        response: Response,
    ) {
        ctx.send(asker.node, Message::Response(Answered { correlation: asker.correlation, response }));
    }

    /// A request to the controller.
    pub(in crate::communication::log_broker) fn control(
        &mut self,
        ctx: &mut Context<'_, Self>,
        asker: Asker,
        request: Request,
    ) {
        let broker = asker.node;
        let is_active = self.quorum.is_active();
        let command = match request {
            Request::BrokerRegistration { incarnation, previous } if is_active => {
                self.active.heard.insert(broker, ctx.now());
                let keep_in_sync = ctx.planted(Bug::StaleIsrAfterRejoin);
                Command::RegisterBroker { broker, incarnation, previous, keep_in_sync }
            }
            Request::BrokerHeartbeat { epoch, caught_up } => {
                return self.heartbeat_of(ctx, asker, epoch, caught_up);
            }
            Request::AlterPartition { broker_epoch, partition, leader_epoch, partition_epoch, isr } if is_active => {
                Command::AlterPartition { leader: broker, broker_epoch, partition, leader_epoch, partition_epoch, isr }
            }
            Request::AllocateProducerIds { broker_epoch } if is_active => {
                Command::AllocateProducerIds(broker, broker_epoch)
            }
            Request::BrokerRegistration { .. } => {
                return self.respond(ctx, asker, Response::BrokerRegistration(Err(Error::NotController)));
            }
            Request::AlterPartition { .. } => {
                return self.respond(ctx, asker, Response::AlterPartition(Err(Error::NotController)));
            }
            Request::AllocateProducerIds { .. } => {
                return self.respond(ctx, asker, Response::AllocateProducerIds(Err(Error::NotController)));
            }
            request => panic!("no request for a controller: {request:?}"),
        };
        self.decide(ctx, Some(asker), command);
    }

    /// A broker lives. It is unfenced when it knows what was agreed on before it was registered (KIP-631).
    fn heartbeat_of(&mut self, ctx: &mut Context<'_, Self>, asker: Asker, epoch: BrokerEpoch, caught_up: bool) {
        let known = self.quorum.metadata().broker(asker.node).copied();
        let answer = match known {
            _ if !self.quorum.is_active() => Err(Error::NotController),
            Some(known) if known.epoch == epoch => Ok(known.fenced),
            Some(known) if known.epoch > epoch => Err(Error::StaleBrokerEpoch),
            // A controller that has just become active does not know yet what those before it have done.
            _ => Err(Error::NotController),
        };
        self.respond(ctx, asker, Response::BrokerHeartbeat(answer));
        if let Ok(fenced) = answer {
            self.active.heard.insert(asker.node, ctx.now());
            if fenced && caught_up {
                self.decide(ctx, None, Command::UnfenceBroker(asker.node, epoch));
            }
        }
    }

    fn decide(&mut self, ctx: &mut Context<'_, Self>, asker: Option<Asker>, command: Command) {
        let (number, changes) = self.quorum.invoke(ctx, command);
        if let Some(asker) = asker {
            self.active.waiting.insert(number, asker);
        }
        self.decided(ctx, changes);
    }

    /// The quorum has executed commands, or another controller is active.
    pub(in crate::communication::log_broker) fn decided(&mut self, ctx: &mut Context<'_, Self>, changes: Changes) {
        if changes.resigned {
            self.active = Active::default();
            ctx.cancel(&Timer::Sessions);
        }
        for (number, output) in changes.executed {
            let Some(asker) = self.active.waiting.remove(&number) else { continue };
            let response = match output {
                Output::Registered(registered) => Response::BrokerRegistration(registered),
                Output::Altered(altered) => Response::AlterPartition(altered),
                Output::Allocated(first) => Response::AllocateProducerIds(first.map(ProducerId)),
                Output::Done => panic!("who asks a controller is told something"),
            };
            self.respond(ctx, asker, response);
        }
        if changes.progressed {
            self.metadata_changed(ctx);
        }
        if changes.became_active {
            ctx.mark(marks::CONTROLLER_ELECTED);
            let now = ctx.now();
            self.active.heard = self.config.brokers.iter().map(|broker| (*broker, now)).collect();
            ctx.arm(Timer::Sessions, self.config.settings.broker_session_timeout);
            let create = Command::CreateTopics {
                partitions: self.config.partitions.clone(),
                min_insync: self.config.settings.min_insync_replicas,
                unclean: self.config.settings.unclean_leader_election,
            };
            if self.quorum.metadata().partitions().next().is_none() {
                self.decide(ctx, None, create);
            }
        }
    }

    /// Fences brokers that were silent for too long (`broker.session.timeout.ms`).
    pub(in crate::communication::log_broker) fn check_sessions(&mut self, ctx: &mut Context<'_, Self>) {
        if !self.quorum.is_active() {
            return;
        }
        let timeout = self.config.settings.broker_session_timeout;
        let now = ctx.now();
        let heard = &self.active.heard;
        let is_silent = |broker: NodeId| heard.get(&broker).is_none_or(|at| now.since(*at) >= timeout);
        let brokers = self.quorum.metadata().brokers();
        let silent = brokers.filter(|(node, broker)| !broker.fenced && is_silent(*node));
        let silent: Vec<_> = silent.map(|(node, broker)| (node, broker.epoch)).collect();
        for (node, epoch) in silent {
            ctx.mark(marks::BROKER_FENCED);
            self.decide(ctx, None, Command::FenceBroker(node, epoch));
        }
        ctx.arm(Timer::Sessions, seedbed_sim::Span(timeout.0 / 2).max(seedbed_sim::Span(1)));
    }
}
