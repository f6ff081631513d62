//! The properties of streams: a server's commands and replies are held against what the documentation says of each, and its
//! keys against what they then must be; what consumers and producers know is held against the keys, across crashes where one
//! server promises durability.

mod durable;
mod ids;
mod ledger;
mod length;
mod processing;
mod progress;
mod replicas;
mod rules;
mod watched;

use seedbed_models::communication::stream::model::MASTER;
use seedbed_models::communication::stream::server::{Role, Server};
use seedbed_models::communication::stream::settings::Durability;
use seedbed_models::communication::stream::{Node, Stream};
use seedbed_sim::{Answered, Boundary, FaultClass, NodeId, Span, Suite, Swarm, World, maker};

use durable::{AcknowledgedEntriesStay, Asked};
use ids::IdsIncrease;
use length::ExactLength;
use processing::{AckedWhenDone, AddedOnce, DeadForAReason, ProcessedOnce};
use progress::AllIsProcessed;
use replicas::ReplicasAgree;
use rules::{ClaimedWhenIdle, DeliveredIsAckedOrPending, DeliveriesAreCounted, EntriesStay, NewOnce};

/// How long after the faults a producer may have to wait for an answer: for a failover, and some attempts to connect.
const ANSWERED_WITHIN: Span = Span::ms(2_000);

/// Streams with their properties.
pub fn suite() -> Suite<Stream> {
    let usual = Stream::default();
    Suite::new(usual.clone())
        .property(IdsIncrease::default())
        .property(ExactLength::default())
        .property(EntriesStay::default())
        .property(NewOnce::default())
        .property(DeliveredIsAckedOrPending::default())
        .property(ClaimedWhenIdle::default())
        .property(DeliveriesAreCounted::default())
        .property(AcknowledgedEntriesStay::asked(Asked::WherePromised))
        .property(AckedWhenDone::default())
        .property(DeadForAReason::default())
        .property(ReplicasAgree)
        .property(AllIsProcessed)
        .property(Answered::within("stream/producers_are_answered", ANSWERED_WITHIN))
        .boundary_with(
            Boundary::new(
                "asynchronous-failover",
                "the master dies before a replica has heard of an entry that it has acknowledged: the next master lacks it",
                "stream/acknowledged_entries_survive_failover",
                Stream { replicated: true, ..usual.clone() },
                Swarm::only([FaultClass::Crash, FaultClass::Partition]).as_configured(),
            ),
            [maker(AcknowledgedEntriesStay::asked(Asked::OfFailover))],
        )
        .boundary_with(
            Boundary::new(
                "fsync-every-second",
                "a server crashes before it has synced an entry that it has acknowledged",
                "stream/acknowledged_entries_survive_power_loss",
                Stream { durability: Durability::EverySecond, ..usual.clone() },
                Swarm::only([FaultClass::Crash, FaultClass::Disk]).as_configured(),
            ),
            [maker(AcknowledgedEntriesStay::asked(Asked::OfPowerLoss))],
        )
        .boundary_with(
            Boundary::new(
                "pause-beyond-min-idle",
                "a consumer stands still while it works on an entry, another claims it: it is processed twice",
                "stream/processed_once",
                usual.clone(),
                Swarm::only([FaultClass::Pause]).as_configured(),
            ),
            [maker(ProcessedOnce::default())],
        )
        .boundary_with(
            Boundary::new(
                "retried-add",
                "the reply to a producer is lost, which sends its command again: the entry is added twice",
                "stream/added_once",
                usual.clone(),
                Swarm::only([FaultClass::Loss]).as_configured(),
            ),
            [maker(AddedOnce::default())],
        )
        .boundary_with(
            Boundary::new(
                "history-not-propagated",
                "a consumer reads its history, and its server crashes: the delivery counter goes back",
                "stream/reading_a_history_counts_for_good",
                Stream { keeps_name: true, ..usual },
                Swarm::only([FaultClass::Crash]).as_configured(),
            ),
            [maker(DeliveriesAreCounted::with_histories())],
        )
}

/// The server on a node, if there is one and it is up.
fn server(world: &World<Stream>, node: NodeId) -> Option<&Server> {
    world.process(node).and_then(Node::server)
}

/// The master, as a master of the newest epoch; `None` if no such server is up.
fn master(world: &World<Stream>) -> Option<(NodeId, &Server)> {
    let servers: Vec<(NodeId, &Server)> =
        world.processes().filter_map(|(node, process)| Some((node, process.server()?))).collect();
    let newest = servers.iter().map(|(_, server)| server.epoch()).max()?;
    servers.into_iter().find(|(_, server)| server.role() == Role::Master && server.epoch() == newest)
}

/// The one server of a configuration that promises durability, if it is up.
fn durable_server(world: &World<Stream>) -> Option<&Server> {
    if world.config().promises_durability() { server(world, MASTER) } else { None }
}
