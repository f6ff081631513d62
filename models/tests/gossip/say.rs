//! Short words for messages and members.

use seedbed_models::communication::gossip::messages::{Message, Seq, Timer};
use seedbed_models::communication::gossip::swim::claim::{Claim, State};
use seedbed_models::communication::gossip::{Detector, Gossip, Member};
use seedbed_sim::bench::Handled;
use seedbed_sim::{Bench, Model, NodeId};

pub const ME: NodeId = NodeId(0);
pub const ANN: NodeId = NodeId(1);
pub const BOB: NodeId = NodeId(2);
pub const CAT: NodeId = NodeId(3);
pub const DAN: NodeId = NodeId(4);

pub fn spawned(model: &Gossip) -> Member {
    model.spawn(ME, &[])
}

/// The first of five members, which has started; it asks all others to help.
pub fn member(detector: Detector) -> Bench<Member> {
    started(&Gossip { helpers: 3, ..Gossip::detecting(detector) })
}

pub fn started(model: &Gossip) -> Bench<Member> {
    let mut member = Bench::new(spawned(model)).on(ME).instant_disk();
    member.start();
    member
}

pub fn claim(member: NodeId, state: State, incarnation: u64, by: NodeId) -> Claim {
    Claim { member, incarnation, state, by }
}

/// Someone pings with these claims. What the member answers.
pub fn hears(member: &mut Bench<Member>, claims: &[Claim]) -> Handled<Member> {
    member.message(DAN, Message::Ping(Seq(9), claims.to_vec()))
}

/// What the member holds of another.
pub fn held(member: &Bench<Member>, other: NodeId) -> Claim {
    member.process().membership().expect("failures are detected").view().of(other)
}

/// The ping of the next period: to whom, and its number.
pub fn next_ping(member: &mut Bench<Member>) -> (NodeId, Seq) {
    ping(&member.timer(Timer::Period)).expect("somebody is pinged")
}

pub fn ping(handled: &Handled<Member>) -> Option<(NodeId, Seq)> {
    handled.sent().into_iter().find_map(|(to, message)| match message {
        Message::Ping(seq, _) => Some((to, seq)),
        _ => None,
    })
}

/// The claims on a message to a member.
pub fn claims_to(handled: &Handled<Member>, to: NodeId) -> Vec<Claim> {
    let claims = handled.sent_to(to).into_iter().find_map(|message| match message {
        Message::Ping(_, claims) | Message::Ack(_, claims) | Message::PingReq(_, _, claims) => Some(claims),
        _ => None,
    });
    claims.expect("a message with claims")
}
