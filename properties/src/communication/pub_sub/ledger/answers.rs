//! What asks for an answer has one.

use seedbed_models::communication::pub_sub::engine::{Engine, Output};
use seedbed_models::communication::pub_sub::names::{ClientId, ConnectionId};
use seedbed_models::communication::pub_sub::packet::{Options, Packet, Publish, Qos, Reason};
use seedbed_models::communication::pub_sub::topic::{Filter, Topic};

use crate::communication::pub_sub::ledger::{Kind, Ledger};
use crate::communication::pub_sub::matching::is_well_formed;

impl Ledger {
    /// What asks for an answer has one, with the right reason; unless the broker has closed the connection because of it.
    pub(super) fn check_answer(
        &mut self,
        engine: &Engine,
        connection: ConnectionId,
        client: ClientId,
        packet: &Packet,
        outputs: &[Output],
    ) {
        let Some(session) = self.sessions.get(&client) else { return };
        let is_refused = |topic: &Topic| engine.settings().locked.as_ref() == Some(topic);
        let failure = |fails: bool| if fails { Some(Reason::NotAuthorized) } else { None };
        let reason = |known: bool| if known { Reason::Success } else { Reason::PacketIdNotFound };
        let expected: Box<dyn Fn(&Packet) -> bool> = match packet {
            Packet::Publish(publish) => {
                let Publish { message, id, .. } = &**publish;
                let (Some(id), fails) = (*id, failure(is_refused(&message.topic))) else { return };
                let is_right = move |reason: &Reason| match fails {
                    Some(failure) => *reason == failure,
                    None => !reason.is_failure(),
                };
                match message.qos {
                    Qos::ExactlyOnce => Box::new(
                        move |sent| matches!(sent, Packet::PubRec(of, reason) if *of == id && is_right(reason)),
                    ),
                    _ => Box::new(
                        move |sent| matches!(sent, Packet::PubAck(of, reason) if *of == id && is_right(reason)),
                    ),
                }
            }
            Packet::PubRel(id, _) => {
                let expected = Packet::PubComp(*id, reason(session.inbox.contains_key(id)));
                Box::new(move |sent| *sent == expected)
            }
            Packet::PubRec(id, of_client) if !of_client.is_failure() => {
                let known = session.under_way.get(id).is_some_and(|one| one.qos == Qos::ExactlyOnce);
                let expected = Packet::PubRel(*id, reason(known));
                Box::new(move |sent| *sent == expected)
            }
            Packet::Subscribe(id, filters, _) => {
                let of = |(filter, options): &(Filter, Options)| {
                    if is_well_formed(filter) { Reason::Granted(options.qos) } else { Reason::TopicFilterInvalid }
                };
                let expected = Packet::SubAck(*id, filters.iter().map(of).collect());
                Box::new(move |sent| *sent == expected)
            }
            Packet::Unsubscribe(id, filters) => {
                let of = |filter: &Filter| {
                    if session.subscriptions.contains_key(filter) { Reason::Success } else { Reason::NoSubscription }
                };
                let expected = Packet::UnsubAck(*id, filters.iter().map(of).collect());
                Box::new(move |sent| *sent == expected)
            }
            Packet::PingReq => Box::new(|sent| *sent == Packet::PingResp),
            _ => return,
        };
        let is_answered = outputs.iter().any(|output| match output {
            Output::Send(to, sent) => *to == connection && expected(sent),
            Output::Close(closed) => *closed == connection,
        });
        if !is_answered {
            self.find(Kind::Handshakes, format!("{client:?} is not answered to {packet:?}, but {outputs:?}"));
        }
    }
}
