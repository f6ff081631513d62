//! The properties of the message queue: audits of the books by their journal, and what publishers and consumers say.

mod acks;
mod audit;
mod confirmed;
mod conservation;
mod deaths;
mod ledger;
mod limits;
mod liveness;
mod order;
mod ownership;
mod processing;
mod reader;
mod replicas;
mod routing;
mod settlements;
mod timing;

use seedbed_models::communication::message_queue::MessageQueue;
use seedbed_models::communication::message_queue::client::consumer::Acks;
use seedbed_sim::{Answered, Boundary, FaultClass, Span, Suite, Swarm, maker};

use acks::{AckedByItsConsumer, AckedIsNeverDeliveredAgain};
use audit::Audit;
use confirmed::{ConfirmedIsKept, UnconfirmedIsKept};
use conservation::Conservation;
use deaths::{DeadLettersArrive, DeathsAreCounted, DeliveryLimit};
use limits::{LengthLimit, RefusedByAQueue};
use liveness::ReadyIsDelivered;
use order::{PublishOrder, PublishedAsSent, ReceivedAsDelivered};
use ownership::{OneOwner, Prefetch, RedeliveredIsSaid, SingleActive};
use processing::{AutoAckedIsProcessed, ProcessedOnce};
use replicas::ReplicasAgree;
use routing::{MandatoryIsReturned, RoutedAsBound};
use settlements::SettledAsSaid;
use timing::{ExpiredGoesInTime, ExpiredIsNotDelivered, NeverEarly};

/// How long after the faults a publish may take.
const ANSWERED_WITHIN: Span = Span::ms(3_500);

/// The message queue with its properties.
pub fn suite() -> Suite<MessageQueue> {
    let suite = Suite::new(MessageQueue::default())
        .property(ReplicasAgree::default())
        .property(Audit::<RoutedAsBound>::default())
        .property(Audit::<OneOwner>::default())
        .property(Audit::<RedeliveredIsSaid>::default())
        .property(AckedByItsConsumer::default())
        .property(AckedIsNeverDeliveredAgain::default())
        .property(Audit::<Prefetch>::default())
        .property(Audit::<SingleActive>::default())
        .property(Audit::<PublishOrder>::default())
        .property(Audit::<NeverEarly>::default())
        .property(Audit::<ExpiredIsNotDelivered>::default())
        .property(Audit::<DeathsAreCounted>::default())
        .property(Audit::<DeadLettersArrive>::default())
        .property(Audit::<DeliveryLimit>::default())
        .property(Audit::<Conservation>::default())
        .property(Audit::<LengthLimit>::default())
        .property(Audit::<SettledAsSaid>::default())
        .property(ConfirmedIsKept::default())
        .property(MandatoryIsReturned::default())
        .property(RefusedByAQueue::default())
        .property(PublishedAsSent::default())
        .property(ReceivedAsDelivered::default())
        .property(ReadyIsDelivered)
        .property(Answered::within("message_queue/publishes_end", ANSWERED_WITHIN));
    boundaries(suite)
}

fn boundaries(suite: Suite<MessageQueue>) -> Suite<MessageQueue> {
    let crashes = || Swarm::only([FaultClass::Crash]).as_configured();
    suite
        .boundary_with(
            Boundary::new(
                "auto-ack",
                "a consumer that does not acknowledge crashes, and what it had not processed is gone",
                "message_queue/auto_acked_is_processed",
                MessageQueue { acks: Acks::Auto, ..MessageQueue::default() },
                crashes(),
            ),
            [maker(AutoAckedIsProcessed::default())],
        )
        .boundary_with(
            Boundary::new(
                "unconfirmed",
                "the broker crashes, and a message is lost whose publisher did not wait for a confirm",
                "message_queue/unconfirmed_is_kept",
                MessageQueue { confirms: false, ..MessageQueue::default() },
                crashes(),
            ),
            [maker(UnconfirmedIsKept::default())],
        )
        .boundary_with(
            Boundary::new(
                "head-of-line",
                "a message whose time is over stays in a classic queue, behind a head that has more time",
                "message_queue/expired_goes_in_time",
                MessageQueue { prefetch: 1, service: Span::ms(200), ..MessageQueue::default() },
                Swarm::calm().as_configured(),
            ),
            [maker(ExpiredGoesInTime)],
        )
        .boundary_with(
            Boundary::new(
                "redelivery",
                "an acknowledgement is lost with its connection, and the message is processed again",
                "message_queue/processed_once",
                MessageQueue::default(),
                crashes(),
            ),
            [maker(ProcessedOnce::default())],
        )
}
