//! The configurations that sweeps draw, and those in which a bug can show.

use proptest::prelude::*;
use seedbed_sim::Span;

use crate::communication::pub_sub::bugs::Bug;
use crate::communication::pub_sub::engine::Overlap;
use crate::communication::pub_sub::model::PubSub;
use crate::communication::pub_sub::packet::{Qos, SessionExpiry};

impl PubSub {
    /// The variants of this, for any bug or none.
    pub(super) fn variants_for(&self, bug: Option<Bug>) -> BoxedStrategy<PubSub> {
        let model = self.clone();
        let granted = prop_oneof![1 => Just(Qos::AtMostOnce), 2 => Just(Qos::AtLeastOnce), 5 => Just(Qos::ExactlyOnce)];
        let overlap = prop_oneof![2 => Just(Overlap::OneCopy), 1 => Just(Overlap::CopyEach)];
        let maxima =
            (prop_oneof![Just(1u16), Just(3u16), Just(10u16)], prop_oneof![Just(1u16), Just(3u16), Just(10u16)]);
        let expiry = prop_oneof![
            2 => Just(SessionExpiry::Never),
            1 => Just(SessionExpiry::After(Span::ms(150))),
            1 => Just(SessionExpiry::After(Span::ms(600))),
        ];
        let will_delay = prop::option::weighted(0.6, prop_oneof![Just(Span::ZERO), Just(Span::ms(120))]);
        let times = (
            prop_oneof![Just(Span::ms(300)), Just(Span::ms(120))],
            prop_oneof![2 => Just((Span::ms(30), Span::ms(150))), 1 => Just((Span::ms(20), Span::ms(100)))],
        );
        (granted, any::<bool>(), overlap, maxima, expiry, will_delay, times)
            .prop_map(move |(granted, shared, overlap, maxima, session_expiry, will_delay, times)| {
                let (receive_maximum, server_receive_maximum) = maxima;
                let (keep_alive, (resend, timeout)) = times;
                let model =
                    PubSub { granted, shared, overlap, session_expiry, will_delay, keep_alive, ..model.clone() };
                let model = PubSub { receive_maximum, server_receive_maximum, resend, timeout, ..model };
                match bug {
                    Some(bug) => concerned(model, bug),
                    None => model,
                }
            })
            .boxed()
    }
}

/// The same in so far as a bug can show in it.
fn concerned(model: PubSub, bug: Bug) -> PubSub {
    match bug {
        Bug::ClientForgetsPacketId | Bug::PubrelNotSentAgain => {
            PubSub { granted: Qos::ExactlyOnce, session_expiry: SessionExpiry::Never, ..model }
        }
        Bug::RedeliverOutOfOrder => {
            let granted = model.granted.max(Qos::AtLeastOnce);
            let receive_maximum = model.receive_maximum.max(3);
            PubSub { granted, receive_maximum, session_expiry: SessionExpiry::Never, ..model }
        }
        Bug::ReceiveMaximumIgnored => PubSub { granted: Qos::ExactlyOnce, receive_maximum: 1, ..model },
        Bug::ClientIgnoresReceiveMaximum => PubSub { server_receive_maximum: 1, ..model },
        Bug::WillBeforeItsDelay | Bug::WillSurvivesReconnect => {
            PubSub { will_delay: Some(Span::ms(120)), session_expiry: SessionExpiry::Never, ..model }
        }
        Bug::WillAfterDisconnect => PubSub { will_delay: model.will_delay.or(Some(Span::ZERO)), ..model },
        Bug::SharedToAll | Bug::SharedMovedUnderWay | Bug::SharedLostWithItsReceiver => {
            PubSub { shared: true, granted: model.granted.max(Qos::AtLeastOnce), ..model }
        }
        Bug::QosNotLowered => PubSub { granted: model.granted.min(Qos::AtLeastOnce), ..model },
        Bug::OverlapSentTwice => PubSub { overlap: Overlap::OneCopy, ..model },
        Bug::SessionOutlivesItsExpiry => PubSub { session_expiry: SessionExpiry::After(Span::ms(60)), ..model },
        Bug::SessionNotResumed => PubSub { session_expiry: SessionExpiry::Never, ..model },
        Bug::AckedBeforeDelivered => PubSub { granted: model.granted.max(Qos::AtLeastOnce), ..model },
        _ => model,
    }
}
