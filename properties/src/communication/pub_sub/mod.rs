//! The properties of topics and subscriptions: each step of the broker is held against a ledger of what it has to do, by what has come to
//! it; and what clients have against what was published, across crashes of both ends.

mod boundaries;
mod clients;
mod delivery;
mod ledger;
mod liveness;
mod matching;
mod reader;
mod rules;
mod shares;

use seedbed_models::communication::pub_sub::PubSub;
use seedbed_models::communication::pub_sub::engine::Overlap;
use seedbed_models::communication::pub_sub::packet::Qos;
use seedbed_sim::{Answered, Boundary, FaultClass, Span, Suite, Swarm, maker};

use boundaries::{Qos0IsDelivered, Qos1Once};
use delivery::{AckedIsDelivered, AcknowledgedIsKept, AtMostOnce, ExactlyOnce, OrderIsKept};
use ledger::Kind;
use liveness::AllIsDelivered;
use rules::Rule;

/// How long after the faults an operation may take.
const ANSWERED_WITHIN: Span = Span::ms(2_000);

/// Topics and subscriptions with their properties.
pub fn suite() -> Suite<PubSub> {
    let usual = PubSub::default();
    let kinds = [
        Kind::OneConnection,
        Kind::Resumed,
        Kind::Wills,
        Kind::PublishedOnce,
        Kind::Handshakes,
        Kind::ReceiveMaximum,
        Kind::Retained,
        Kind::OneOfAGroup,
        Kind::OnlyMatching,
        Kind::QosAndFlags,
        Kind::Expired,
        Kind::MissesNothing,
    ];
    let suite = kinds.into_iter().fold(Suite::new(usual.clone()), |suite, kind| suite.property(Rule::of(kind)));
    suite
        .property(AcknowledgedIsKept::default())
        .property(ExactlyOnce::default())
        .property(AtMostOnce::default())
        .property(OrderIsKept::default())
        .property(AckedIsDelivered::default())
        .property(AllIsDelivered::default())
        .property(Answered::within("pub_sub/operations_end", ANSWERED_WITHIN))
        .boundary_with(
            Boundary::new(
                "qos-1-doubled",
                "an acknowledgement is lost with its connection, and the message of QoS 1 comes again",
                "pub_sub/qos_1_once",
                PubSub {
                    granted: Qos::AtLeastOnce,
                    resend: Span::ms(30),
                    timeout: Span::ms(60),
                    overlap: Overlap::OneCopy,
                    ..usual.clone()
                },
                Swarm::only([FaultClass::Loss]).as_configured(),
            ),
            [maker(Qos1Once::default())],
        )
        .boundary_with(
            Boundary::new(
                "qos-0-lost",
                "a node crashes that has a message of QoS 0, or is to get it: nobody sends it again",
                "pub_sub/qos_0_is_delivered",
                PubSub { transient: 0, keep_alive: Span::secs(1), ..usual },
                Swarm::only([FaultClass::Crash]).as_configured(),
            ),
            [maker(Qos0IsDelivered::default())],
        )
}
