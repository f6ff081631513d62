//! The model: a broker, a ledger, schedulers, clients and servers.

use std::ops::Range;
use std::sync::Arc;

use proptest::prelude::*;
use seedbed_sim::{Crashes, FaultClass, Info, Model, NodeId, Phases, Roles, Setting, Span, Time, Tolerance, Workload};
use serde::{Deserialize, Serialize};

use crate::communication::task_queue::broker::Broker;
use crate::communication::task_queue::bugs::Bug;
use crate::communication::task_queue::client::Client;
use crate::communication::task_queue::cron::Cron;
use crate::communication::task_queue::ledger::Ledger;
use crate::communication::task_queue::marks;
use crate::communication::task_queue::messages::{Message, Op, Record, Ret, Timer};
use crate::communication::task_queue::scheduler::Scheduler;
use crate::communication::task_queue::server::Server;
use crate::communication::task_queue::settings::{
    Grouping, Priority, SchedulerSettings, Scripts, ServerSettings, StoreSettings,
};
use crate::communication::task_queue::workload::{self, Asked, Load};
use crate::parts::bounds::at_most;
use crate::parts::wal;

/// The broker.
pub const BROKER: NodeId = NodeId(0);
/// The ledger.
pub const LEDGER: NodeId = NodeId(1);

/// No time in a configuration is longer.
const LONGEST: Span = Span::secs(60);
/// The most queues, and cron entries.
const MOST: u64 = 8;

/// The configuration: the broker `n0`, the ledger `n1`, then schedulers, clients and servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskQueue {
    /// How many schedulers.
    pub schedulers: u16,
    /// How many clients.
    pub clients: u16,
    /// How many servers.
    pub servers: u16,
    /// What worlds are about.
    pub load: Load,
    /// What the broker's scripts guard against.
    pub scripts: Scripts,
    /// How a server chooses its queue.
    pub priority: Priority,
    /// The weights of the queues.
    pub weights: Vec<u8>,
    /// The cron entries.
    pub cron: Vec<Cron>,
    /// How many tasks a server processes at once.
    pub concurrency: u16,
    /// The length of a lease.
    pub lease: Span,
    /// How long after its end a lease counts as expired.
    pub lease_margin: Span,
    /// How long a handler takes at most, if it does not overrun.
    pub service: Span,
    /// The first backoff.
    pub backoff: Span,
    /// For how long a client or a server waits for a reply.
    pub timeout: Span,
    /// How often a server looks for tasks when there are none.
    pub check_interval: Span,
    /// How long handlers may go on at a shutdown.
    pub shutdown_timeout: Span,
    /// For how long no task may have come to a group that is aggregated.
    pub grace_period: Span,
    /// How long the first task of a group may wait; for ever if zero.
    pub max_delay: Span,
    /// How many tasks are aggregated at most; any number if zero.
    pub max_size: u16,
    /// How long an aggregator may take.
    pub aggregation_timeout: Span,
    /// How many archived tasks a queue keeps.
    pub max_archived: u16,
    /// How long the task of a tick is kept when it is completed.
    pub tick_retention: Span,
    /// Whether the effects of a task have its identifier for an idempotency key.
    pub idempotency_keys: bool,
}

impl Default for TaskQueue {
    fn default() -> Self {
        TaskQueue {
            schedulers: 2,
            clients: 2,
            servers: 3,
            load: Load::Mixed,
            scripts: Scripts::Guarded,
            priority: Priority::Strict,
            weights: vec![6, 3, 1],
            cron: vec![Cron(1 << 4), Cron(1 << 1 | 1 << 11)],
            concurrency: 2,
            lease: Span::ms(120),
            lease_margin: Span::ms(40),
            service: Span::ms(12),
            backoff: Span::ms(15),
            timeout: Span::ms(40),
            check_interval: Span::ms(60),
            shutdown_timeout: Span::ms(40),
            grace_period: Span::ms(80),
            max_delay: Span::ms(150),
            max_size: 4,
            aggregation_timeout: Span::ms(120),
            max_archived: 100,
            tick_retention: Span::ms(200),
            idempotency_keys: true,
        }
    }
}

impl TaskQueue {
    /// The schedulers.
    pub fn scheduler_ids(&self) -> Range<u16> {
        let first = LEDGER.0 + 1;
        first..first.saturating_add(self.schedulers)
    }

    /// The clients.
    pub fn client_ids(&self) -> Range<u16> {
        let first = self.scheduler_ids().end;
        first..first.saturating_add(self.clients)
    }

    /// The servers.
    pub fn server_ids(&self) -> Range<u16> {
        let first = self.client_ids().end;
        first..first.saturating_add(self.servers)
    }

    /// When the cron entries are unregistered: some ticks are after the faults.
    pub fn ticks_until(&self) -> Time {
        self.phases().heal_at() + Span::ms(400)
    }

    /// Whether scripts guard against what Asynq's do not.
    pub fn is_guarded(&self) -> bool {
        self.scripts == Scripts::Guarded
    }

    fn store(&self) -> StoreSettings {
        StoreSettings {
            scripts: self.scripts,
            lease: self.lease,
            lease_margin: self.lease_margin,
            aggregation_timeout: self.aggregation_timeout,
            max_archived: self.max_archived.into(),
        }
    }

    fn server(&self) -> ServerSettings {
        let grouping =
            Grouping { grace_period: self.grace_period, max_delay: self.max_delay, max_size: self.max_size.into() };
        ServerSettings {
            broker: BROKER,
            ledger: LEDGER,
            scripts: self.scripts,
            priority: self.priority,
            weights: self.weights.clone(),
            concurrency: self.concurrency.into(),
            lease: self.lease,
            service: self.service,
            backoff: self.backoff,
            timeout: self.timeout,
            check_interval: self.check_interval,
            shutdown_timeout: self.shutdown_timeout,
            grouping,
            aggregation_timeout: self.aggregation_timeout,
            idempotency_keys: self.idempotency_keys,
        }
    }

    fn scheduler(&self) -> SchedulerSettings {
        SchedulerSettings {
            broker: BROKER,
            timeout: self.timeout,
            entries: self.cron.clone(),
            until: self.ticks_until(),
            retention: self.tick_retention,
        }
    }
}

/// A node.
// Worlds have few nodes: a box would cost more than the room.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash, Roles)]
#[roles(Message, Timer, Record, Op, Ret)]
pub enum Node {
    /// Has the tasks.
    Broker(Broker),
    /// Has the effects.
    Ledger(Ledger),
    /// Enqueues periodic tasks.
    Scheduler(Scheduler),
    /// Enqueues tasks.
    Client(Client),
    /// Processes tasks.
    Server(Server),
}

impl Model for TaskQueue {
    type Process = Node;

    const INFO: Info = Info {
        name: "task_queue",
        row: "C06",
        family: "communication",
        summary: "Asynq: a task queue whose broker is a Redis, with leases, retries, unique locks, cron entries and groups.",
        sources: &[
            "hibiken/asynq, wiki: *Life of a Task*, *Task Retry*, *Unique Tasks*, *Periodic Tasks*, *Queue Priority*, *Task aggregation*",
            "hibiken/asynq, `internal/rdb`, `internal/base`, `processor.go`, `recoverer.go`, `heartbeat.go`, `aggregator.go`",
            "Hohpe & Woolf, *Enterprise Integration Patterns*, 2003: Idempotent Receiver",
        ],
        tolerates: &FaultClass::USUAL,
        roles: &["server", "broker", "scheduler"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, wal::MARKS],
    };

    fn size(&self) -> usize {
        self.server_ids().end.into()
    }

    fn spawn(&self, node: NodeId, _: &[NodeId]) -> Node {
        match node {
            BROKER => Node::Broker(Broker::new(Arc::new(self.store()))),
            LEDGER => Node::Ledger(Ledger::default()),
            NodeId(n) if self.scheduler_ids().contains(&n) => {
                Node::Scheduler(Scheduler::new(Arc::new(self.scheduler())))
            }
            NodeId(n) if self.client_ids().contains(&n) => {
                Node::Client(Client::new(BROKER, self.timeout, self.weights.clone()))
            }
            _ => Node::Server(Server::new(Arc::new(self.server()))),
        }
    }

    fn is_client(&self, node: NodeId) -> bool {
        self.client_ids().contains(&node.0) || self.server_ids().contains(&node.0)
    }

    fn validate_op(&self, op: &Op) -> Result<(), String> {
        workload::validate(self.weights.len(), op)
    }

    fn validate(&self) -> Result<(), String> {
        let spans = [
            ("lease", self.lease, 20),
            ("backoff", self.backoff, 1),
            ("timeout", self.timeout, 4),
            ("check_interval", self.check_interval, 5),
            ("shutdown_timeout", self.shutdown_timeout, 1),
            ("grace_period", self.grace_period, 10),
            ("aggregation_timeout", self.aggregation_timeout, 10),
        ];
        for (name, span, least) in spans {
            if span < Span::ms(least) || span > LONGEST {
                return Err(format!("{name} must be {least} ms to {LONGEST}"));
            }
        }
        let others = [
            ("lease_margin", self.lease_margin),
            ("service", self.service),
            ("max_delay", self.max_delay),
            ("tick_retention", self.tick_retention),
        ];
        if let Some((name, _)) = others.iter().find(|(_, span)| *span > LONGEST) {
            return Err(format!("{name} must be at most {LONGEST}"));
        }
        at_most("weights", self.weights.len() as u64, MOST)?;
        at_most("cron", self.cron.len() as u64, MOST)?;
        match self {
            TaskQueue { clients: 0, .. } | TaskQueue { servers: 0, .. } => {
                Err("task_queue needs a client and a server at least".into())
            }
            TaskQueue { weights, .. } if weights.is_empty() || weights.contains(&0) => {
                Err("weights must have a queue at least, and each be above 0".into())
            }
            TaskQueue { cron, .. } if !cron.iter().all(|entry| entry.is_valid()) => {
                Err("cron must have entries that fire in some of the slots 0 to 19".into())
            }
            TaskQueue { concurrency: 0, .. } => Err("concurrency must be above 0".into()),
            TaskQueue { max_archived: 0, .. } => Err("max_archived must be above 0".into()),
            _ => Ok(()),
        }
    }

    fn settings() -> &'static [Setting] {
        &[
            Setting { name: "priority", what: "strict, weighted: how a server chooses its queue" },
            Setting { name: "scripts", what: "guarded, as-in-asynq: what the broker's scripts guard against" },
        ]
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match (name, value) {
            ("priority", "strict") => self.priority = Priority::Strict,
            ("priority", "weighted") => self.priority = Priority::Weighted,
            ("priority", _) => return Err(format!("strict or weighted, and not '{value}'")),
            ("scripts", "guarded") => self.scripts = Scripts::Guarded,
            ("scripts", "as-in-asynq") => self.scripts = Scripts::AsInAsynq,
            ("scripts", _) => return Err(format!("guarded or as-in-asynq, and not '{value}'")),
            _ => return Err(format!("task_queue has nothing to set called '{name}'")),
        }
        Ok(())
    }

    /// Changes how many servers there are; all else stays.
    fn set_nodes(&mut self, nodes: usize) -> Result<(), String> {
        let others = usize::from(self.client_ids().end);
        let servers = nodes.checked_sub(others).and_then(|servers| u16::try_from(servers).ok());
        self.servers = servers.filter(|servers| *servers > 0).ok_or_else(|| {
            format!("task_queue has {others} nodes beside its servers: {nodes} nodes are too few or too many")
        })?;
        Ok(())
    }

    fn tolerance(&self) -> Tolerance {
        let clients = (LEDGER.0 + 1..self.server_ids().end).map(NodeId);
        self.usual_tolerance().crashing(Crashes::any(0..LEDGER.0 + 1).and_clients(clients))
    }

    fn sizes(&self) -> Vec<Self> {
        let sizes = [(1, 1, 1), (3, 1, 2), (2, 3, 4)];
        sizes.map(|(schedulers, clients, servers)| TaskQueue { schedulers, clients, servers, ..self.clone() }).to_vec()
    }

    fn reaction_time(&self) -> Span {
        self.lease
    }

    fn holds(&self, process: &Node, role: &str) -> Option<u64> {
        match (process, role) {
            (Node::Server(server), "server") => Some(server.processing().count() as u64).filter(|count| *count > 0),
            (Node::Broker(_), "broker") | (Node::Scheduler(_), "scheduler") => Some(0),
            _ => None,
        }
    }

    fn variants(&self) -> BoxedStrategy<Self> {
        self.variants_for(None)
    }

    fn variants_with(&self, bug: &'static str) -> BoxedStrategy<Self> {
        self.variants_for(Bug::named(bug))
    }

    fn phases(&self) -> Phases {
        Phases { chaos: Span::ms(1_200), settle: Span::secs(3) }
    }

    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        let asked = Asked { clients: self.client_ids(), servers: self.server_ids(), queues: self.weights.len() };
        workload::of(self.load, asked, Time::ZERO + Span(self.phases().chaos.0 * 9 / 10))
    }

    fn own_workload(&self) -> Option<BoxedStrategy<Workload<Self>>> {
        Some(self.workload())
    }
}

impl TaskQueue {
    /// Strict and weighted priorities, guarded scripts and those of Asynq, short and long times, few and many tasks. With a planted bug,
    /// those where it can show.
    fn variants_for(&self, bug: Option<Bug>) -> BoxedStrategy<Self> {
        let model = self.clone();
        let kinds = (prop::bool::weighted(0.4), prop::bool::weighted(0.15), prop::bool::weighted(0.04));
        let counts = (1u16..4, prop_oneof![Just(0u16), Just(2), Just(4)], prop_oneof![3 => Just(100u16), 1 => Just(1)]);
        let times = (
            prop_oneof![Just(Span::ms(60)), Just(model.lease)],
            prop_oneof![Just(Span::ZERO), Just(model.lease_margin)],
            prop_oneof![2 => Just(model.service), 1 => Just(Span::ms(40))],
            prop_oneof![Just(Span::ZERO), Just(Span::ms(60)), Just(model.max_delay)],
            prop_oneof![Just(Span::ms(90)), Just(model.aggregation_timeout)],
        );
        (kinds, counts, times)
            .prop_map(move |((weighted, as_in_asynq, long_run), counts, times)| {
                let (concurrency, max_size, max_archived) = counts;
                let (lease, lease_margin, service, max_delay, aggregation_timeout) = times;
                let long_run = long_run || bug == Some(Bug::WeightsIgnored);
                let weighted = match bug {
                    Some(Bug::WeightsIgnored) => true,
                    Some(Bug::PriorityInversion) => false,
                    _ => weighted || long_run,
                };
                // What scripts of Asynq do not guard against is no bug there.
                let as_in_asynq = as_in_asynq && bug.is_none() && !long_run;
                let variant = TaskQueue {
                    priority: if weighted { Priority::Weighted } else { Priority::Strict },
                    scripts: if as_in_asynq { Scripts::AsInAsynq } else { Scripts::Guarded },
                    load: if long_run { Load::LongRun } else { Load::Mixed },
                    concurrency,
                    max_size,
                    max_archived,
                    ..model.clone()
                };
                let service = if long_run { Span::ms(2) } else { service };
                TaskQueue { lease, lease_margin, service, max_delay, aggregation_timeout, ..variant }
            })
            .boxed()
    }
}
