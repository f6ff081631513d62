//! A task queue with Asynq's semantics: clients enqueue tasks, servers process them in the background (hibiken/asynq). Its broker is a
//! Redis, whose lists, sorted sets and hashes are changed by scripts, each executed whole.
//!
//! - **The broker** ([`broker`]) executes scripts ([`command`]) on a [`store::Store`], which needs no network, and keeps them in its
//!   append-only file. A [`store::queue::Queue`] has its tasks in the list or set of their state ([`task::State`]): *scheduled*,
//!   *pending*, *active*, *retry*, *archived*, *completed*, *aggregating*.
//! - **Servers** ([`server`]) take tasks by strict or weighted priority, under leases that heartbeats extend; they retry what failed
//!   with exponential backoff, recover what lost workers had, and aggregate groups.
//! - **Schedulers** ([`scheduler`]) enqueue the tasks of cron entries ([`cron`]), several of them the same.
//! - **Clients** ([`client`]) enqueue tasks with options, and do what operators do.
//! - **Sessions** ([`session`], [`sessions`]) are pools of connections: a request is executed at most once, and its client may not
//!   learn whether.
//! - **The ledger** ([`ledger`]) is where handlers have their effects, by idempotency keys.
//!
//! **Guaranteed**, whatever messages, clocks, disks and processes do: a task is in one state; never processed before its time, nor more
//! often than its retries allow; no task of a lower priority starts while one of a higher is pending; with weights, queues have their
//! shares; of a unique key there is one task within its time to live; a task that was processed has had its effect, and has it once
//! where its key names the task; a tick is enqueued once; an execution is marked by who has its lease; members of a group are
//! aggregated once. In the end every task is completed, archived, or deleted.
//!
//! **Not guaranteed**: that a task is processed once. A worker that stands still for longer than its lease goes on when it wakes up,
//! while another has the task.
//!
//! **Different from Asynq** ([`settings::Scripts::AsInAsynq`] is as Asynq has it, but for the first and the last two):
//! - times in scripts are the broker's (`TIME`), and not those of whoever sends them;
//! - a mark names the lease and not only the task, or it would mark what another does;
//! - the recoverer's script looks at the lease again, which may have been extended since it was listed;
//! - one script looks at all queues, or a task of a high priority could come behind the look at its queue;
//! - the aggregated task is enqueued and its set deleted by one script, or the members of a set whose aggregator dies in between are
//!   aggregated again; their unique locks are released then; and a group that is reclaimed is listed again;
//! - a unique lock is taken when it is known that the identifier is new;
//! - ticks are remembered with the entry (`scheduler_history`), and not only while their tasks are there;
//! - the backoff doubles, as a `RetryDelayFunc` of its users may have it (the default there is `n⁴ + 15 s`, with jitter); a scheduler
//!   sends again what was lost; a mark that is refused is not sent again;
//! - there are no results, headers, statistics, cancellations of active tasks, or lists of servers; archived tasks do not expire by age.

pub mod broker;
pub mod bugs;
pub mod client;
pub mod command;
pub mod cron;
pub mod ledger;
pub mod marks;
pub mod messages;
pub mod model;
mod orders;
pub mod scheduler;
pub mod server;
pub mod session;
pub mod sessions;
pub mod settings;
pub mod store;
pub mod task;
pub mod workload;

pub use bugs::Bug;
pub use model::{Node, TaskQueue};
