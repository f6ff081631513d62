//! The life of a broker: it registers with the controller, says that it lives, and takes up the partitions that it is to have
//! (KIP-631, `BrokerLifecycleManager`, `ReplicaManager.applyDelta`).

use seedbed_sim::{Context, Span};

use crate::communication::log_broker::broker::replica::Role;
use crate::communication::log_broker::broker::server::{Broker, Sent};
use crate::communication::log_broker::bugs::Bug;
use crate::communication::log_broker::controller::metadata::PartitionState;
use crate::communication::log_broker::marks;
use crate::communication::log_broker::messages::{Error, REGISTRATION, Record, Request, Timer};
use crate::communication::log_broker::names::TopicPartition;
use crate::communication::log_broker::numbers::{BrokerEpoch, Incarnation, LeaderEpoch};
use crate::communication::log_broker::settings::{Flush, TRANSACTION_STATE};

/// What a broker knows of its registration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Registration {
    /// This life.
    pub incarnation: Incarnation,
    /// The last registration before it, if the logs are as they were then.
    pub previous: Option<BrokerEpoch>,
    /// The registration.
    pub epoch: Option<BrokerEpoch>,
    /// Whether it was in force when this broker heard of it last.
    pub in_force: bool,
}

impl Broker {
    /// A life begins. Logs that are written before anything is said of them are as they were (KIP-966 knows that by a file that a clean
    /// shutdown leaves); others may have lost their ends.
    pub(super) fn begin_life(&mut self, ctx: &mut Context<'_, Self>) {
        self.begin_incarnation(ctx);
        if self.config.settings.flush == Flush::Later {
            self.registration.previous = None;
        }
        self.heartbeat(ctx);
        ctx.arm(Timer::Isr, self.isr_interval());
    }

    /// Lives are numbered: what is late of one registers nothing. (Kafka draws their names, for requests of connections that are closed
    /// do not come late.)
    fn begin_incarnation(&mut self, ctx: &mut Context<'_, Self>) {
        self.registration.incarnation = self.registration.incarnation.next();
        self.registration.epoch = None;
        self.registration.in_force = false;
        let Registration { incarnation, previous, .. } = self.registration;
        ctx.replace(REGISTRATION, vec![Record::Registered(incarnation, previous)]);
    }

    /// Registers, or says that it lives.
    pub(super) fn heartbeat(&mut self, ctx: &mut Context<'_, Self>) {
        ctx.arm(Timer::Heartbeat, self.config.settings.broker_heartbeat);
        let is_waiting =
            self.requests.outstanding().any(|(_, sent)| matches!(sent, Sent::Registration | Sent::Heartbeat));
        let Some(controller) = self.quorum.active().filter(|_| !is_waiting) else { return };
        let Registration { incarnation, previous, epoch, .. } = self.registration;
        let (request, sent) = match epoch {
            None => (Request::BrokerRegistration { incarnation, previous }, Sent::Registration),
            Some(epoch) => {
                let caught_up = self.quorum.metadata().is_registered(ctx.id(), epoch);
                (Request::BrokerHeartbeat { epoch, caught_up }, Sent::Heartbeat)
            }
        };
        let timeout = self.config.settings.request_timeout;
        self.requests.send(ctx, controller, request, sent, timeout);
    }

    /// The controller has registered this broker.
    pub(super) fn registered(&mut self, ctx: &mut Context<'_, Self>, answer: Result<BrokerEpoch, Error>) {
        let Ok(epoch) = answer else { return };
        if self.registration.incarnation > Incarnation(1) {
            ctx.mark(marks::REGISTERED_AGAIN);
        }
        self.registration.epoch = Some(epoch);
        let incarnation = self.registration.incarnation;
        ctx.replace(REGISTRATION, vec![Record::Registered(incarnation, Some(epoch))]);
        self.metadata_changed(ctx);
        self.heartbeat(ctx);
    }

    /// The controller has heard that this broker lives. If another life of it was registered since, which a request that was under way
    /// for long can do, it begins a new one, and nobody relies on what it had.
    pub(super) fn heartbeat_answered(&mut self, ctx: &mut Context<'_, Self>, answer: Result<bool, Error>) {
        if answer == Err(Error::StaleBrokerEpoch) {
            self.registration.previous = self.registration.epoch;
            self.begin_incarnation(ctx);
            self.retire(ctx);
            self.heartbeat(ctx);
        }
    }

    /// Leads nothing and follows nobody.
    fn retire(&mut self, ctx: &mut Context<'_, Self>) {
        for replica in self.replicas.values_mut() {
            replica.role = Role::Offline;
        }
        self.coordinate_all_groups(ctx);
        for partition in self.replicas.keys().copied().collect::<Vec<_>>() {
            self.coordinate_if_internal(ctx, partition, None);
        }
        self.end_waiting_for_others(ctx);
    }

    /// What controllers agree on has changed, as far as this one knows. Before it knows of the registration of this broker, it is about
    /// a life that is over.
    pub(in crate::communication::log_broker) fn metadata_changed(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(epoch) = self.registration.epoch else { return };
        let metadata = self.quorum.metadata();
        self.registration.in_force = metadata.is_registered(ctx.id(), epoch);
        if !self.registration.in_force {
            return;
        }
        let mine = metadata.partitions().filter(|(_, state)| state.replicas.contains(&ctx.id()));
        let mine: Vec<_> = mine.map(|(partition, state)| (partition, state.clone())).collect();
        for (partition, state) in mine {
            self.take_up(ctx, partition, &state);
        }
        self.fetch_from_all(ctx);
    }

    /// Takes up what the controller says of a partition, unless it has said something later.
    pub(super) fn take_up(&mut self, ctx: &mut Context<'_, Self>, partition: TopicPartition, state: &PartitionState) {
        let id = ctx.id();
        let replica =
            self.replicas.get_mut(&partition).expect("a broker has logs of all partitions that it is to have");
        if replica.partition_epoch().is_some_and(|known| known >= state.partition_epoch) {
            return;
        }
        let is_another = replica.leader_epoch().is_none_or(|known| known < state.leader_epoch);
        match &mut replica.role {
            Role::Leader(leading) if !is_another => {
                leading.isr = state.isr.clone();
                leading.partition_epoch = state.partition_epoch;
                leading.pending_isr = None;
            }
            Role::Follower(following) if !is_another => following.partition_epoch = state.partition_epoch,
            _ if state.leader == Some(id) => {
                if replica.log.last_epoch().is_some() {
                    ctx.mark(marks::LED_AFTER_ANOTHER);
                }
                replica.become_leader(id, state, ctx.now());
                ctx.note(|| format!("leads {partition} in {:?}", state.leader_epoch));
                self.coordinate_if_internal(ctx, partition, Some(state.leader_epoch));
            }
            _ => {
                replica.become_follower(state);
                self.coordinate_if_internal(ctx, partition, None);
                if ctx.planted(Bug::TruncateToHighWatermark) {
                    self.truncate_to_high_watermark(ctx, partition);
                }
            }
        }
        self.coordinate_groups(ctx, partition);
        self.progressed(ctx, partition);
    }

    /// The leader of a partition of an internal topic is a coordinator.
    fn coordinate_if_internal(
        &mut self,
        ctx: &mut Context<'_, Self>,
        partition: TopicPartition,
        epoch: Option<LeaderEpoch>,
    ) {
        if partition.topic == TRANSACTION_STATE {
            self.coordinate(ctx, partition, epoch);
        }
    }

    /// How often a leader looks for followers that lag behind.
    pub(super) fn isr_interval(&self) -> Span {
        Span(self.config.settings.replica_lag_time.0 / 2).max(Span(1))
    }
}
