//! The properties of the log broker: what its logs, its controllers and its clients say of each other.

mod committed;
mod leaders;
mod order;
mod ownership;
mod processing;
mod reads;
mod replicas;
mod settling;
mod transactions;
mod watched;

use seedbed_models::communication::log_broker::LogBroker;
use seedbed_models::communication::log_broker::settings::{
    Acks, Commits, ConsumerSettings, ProducerSettings, Settings,
};
use seedbed_sim::{Answered, Boundary, FaultClass, Span, Suite, Swarm, maker};

use committed::CommittedIsKept;
use leaders::LeadersAreElected;
use order::{IdempotentOnce, ProducerOrder};
use ownership::{CommitsAreOfMembers, OneOwner};
use processing::{AllIsProcessed, CommittedWhenProcessed, ProcessedOnce};
use reads::Reads;
use replicas::{OneLeaderAnEpoch, ReplicasAgree};
use settling::GroupsSettle;
use transactions::{AllOrNone, TransactionsEnd};

/// How long after the faults an operation may take.
const ANSWERED_WITHIN: Span = Span::ms(4_000);

/// The log broker with its properties.
pub fn suite() -> Suite<LogBroker> {
    let suite = Suite::new(LogBroker::default())
        .property(CommittedIsKept::of_all())
        .property(ReplicasAgree::default())
        .property(OneLeaderAnEpoch::default())
        .property(ProducerOrder::default())
        .property(IdempotentOnce::default())
        .property(Reads::uncommitted())
        .property(Reads::committed())
        .property(AllOrNone::default())
        .property(TransactionsEnd::default())
        .property(OneOwner::default())
        .property(CommitsAreOfMembers::default())
        .property(CommittedWhenProcessed::default())
        .property(GroupsSettle)
        .property(AllIsProcessed::where_promised())
        .property(LeadersAreElected::default())
        .property(Answered::within("log_broker/operations_end", ANSWERED_WITHIN));
    boundaries(suite)
}

/// A group of two consumers.
fn consuming(commits: Commits) -> LogBroker {
    let usual = LogBroker::default();
    let consumer = ConsumerSettings { commits, ..usual.settings.consumer };
    LogBroker { consumers: 2, settings: Settings { consumer, ..usual.settings }, ..usual }
}

fn boundaries(suite: Suite<LogBroker>) -> Suite<LogBroker> {
    let crashes = || Swarm::only([FaultClass::Crash]).as_configured();
    let usual = LogBroker::default();
    let unclean = Settings { unclean_leader_election: true, min_insync_replicas: 1, ..usual.settings.clone() };
    let leader = ProducerSettings { acks: Acks::Leader, idempotent: false, ..usual.settings.producer };
    let acks_leader = Settings { producer: leader, ..usual.settings.clone() };
    suite
        .boundary(Boundary::new(
            "unclean-election",
            "a replica that is not in sync is elected, and what was acknowledged is not in its log",
            "log_broker/committed_is_kept",
            LogBroker { settings: unclean, ..usual.clone() },
            crashes(),
        ))
        .boundary_with(
            Boundary::new(
                "acks-1",
                "the leader has acknowledged a record, and crashes before a follower has it",
                "log_broker/acked_by_the_leader_is_kept",
                LogBroker { settings: acks_leader, ..usual },
                crashes(),
            ),
            [maker(CommittedIsKept::of_leaders())],
        )
        .boundary_with(
            Boundary::new(
                "commit-before-process",
                "a consumer commits what it is about to process, and crashes: nobody processes it",
                "log_broker/processed_at_least_once",
                consuming(Commits::BeforeProcessing),
                crashes(),
            ),
            [maker(AllIsProcessed::always())],
        )
        .boundary_with(
            Boundary::new(
                "zombie-consumer",
                "a consumer stands still, its partition gets another owner, and then it goes on with what it has polled: it is fenced from \
                 committing, and has processed what the other processes",
                "log_broker/processed_once",
                consuming(Commits::AfterProcessing),
                Swarm::only([FaultClass::Pause]).as_configured(),
            ),
            [maker(ProcessedOnce::default())],
        )
}
