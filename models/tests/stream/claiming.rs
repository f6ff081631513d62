//! "Recovering from permanent failures", "Automatic claiming", "Claiming and the delivery counter" (Redis Streams); `XCLAIM`,
//! `XAUTOCLAIM`.

use seedbed_models::communication::stream::{Bug, Claim, Claimed, Command, Delivered, Engine, Error, Id, Reply};
use seedbed_models::parts::redis::Caller;
use seedbed_sim::{NodeId, Time};

use crate::say::{ANN, BOB, KEY, at, auto_claim, claim, id, items, owed, read_new, with_entries};

/// Ann has been delivered three entries at 10 ms.
fn delivered() -> Engine {
    let mut server = with_entries(3);
    at(&mut server, 10, &read_new(ANN));
    server
}

fn auto(cursor: Id, claimed: &[Id], deleted: &[Id]) -> Reply {
    Reply::AutoClaimed { cursor, claimed: Claimed::Entries(items(claimed)), deleted: deleted.to_vec() }
}

#[test]
fn a_claim_takes_what_has_been_idle() {
    let mut server = delivered();
    let claim = |server: &mut Engine, ms, ids: &[Id]| match at(server, ms, &Command::XClaim(claim(BOB, 20, ids))) {
        Reply::Claimed(claimed) => claimed.ids(),
        reply => panic!("entries: {reply:?}"),
    };
    assert_eq!(claim(&mut server, 29, &[id(1, 0)]), []);
    assert_eq!(claim(&mut server, 30, &[id(1, 0)]), [id(1, 0)]);
    assert_eq!(claim(&mut server, 30, &[id(1, 0)]), [], "a claim begins its idle time anew");
    assert_eq!(owed(&mut server), [(1, BOB, 2), (2, ANN, 1), (3, ANN, 1)]);
    assert_eq!(claim(&mut server, 5, &[id(2, 0)]), [], "where the clock has gone back nothing is idle");
}

#[test]
fn options_set_what_a_delivery_changes() {
    let mut server = delivered();
    let with = |server: &mut Engine, change: &dyn Fn(&mut Claim)| {
        let mut command = claim(BOB, 0, &[id(1, 0)]);
        change(&mut command);
        at(server, 50, &Command::XClaim(command))
    };
    assert_eq!(with(&mut server, &|claim| claim.just_id = true), Reply::Claimed(Claimed::Ids(vec![id(1, 0)])));
    assert_eq!(owed(&mut server)[0], (1, BOB, 1), "with JUSTID it is not delivered");
    with(&mut server, &|claim| claim.retry_count = Some(7));
    assert_eq!(owed(&mut server)[0], (1, BOB, 7));
    let idle = |server: &mut Engine| {
        server.keys().group(KEY, crate::say::GROUP).map(|group| group.pending[&id(1, 0)].idle(50))
    };
    with(&mut server, &|claim| claim.delivered = Delivered::Idle(30));
    assert_eq!(idle(&mut server), Some(30));
    with(&mut server, &|claim| claim.delivered = Delivered::At(45));
    assert_eq!(idle(&mut server), Some(5));
    with(&mut server, &|claim| claim.delivered = Delivered::At(60));
    assert_eq!(idle(&mut server), Some(0), "a time that is yet to come is now");
}

// "FORCE: creates the pending message entry in the PEL even if certain specified IDs are not already in the PEL."
#[test]
fn a_claim_can_be_forced_for_what_is_there() {
    let mut server = with_entries(1);
    let forced = |ids: &[Id]| Command::XClaim(Claim { force: true, ..claim(BOB, 1_000, ids) });
    assert_eq!(
        at(&mut server, 9, &forced(&[id(1, 0), id(2, 0)])),
        Reply::Claimed(Claimed::Entries(items(&[id(1, 0)])))
    );
    assert_eq!(owed(&mut server), [(1, BOB, 2)], "it begins with one delivery, and this is another");
}

// Since 7.0: "deleted entries that are still in the PEL are removed from it".
#[test]
fn a_claim_of_what_is_gone_removes_it() {
    let mut server = delivered();
    at(&mut server, 11, &Command::XDel(KEY, vec![id(1, 0), id(3, 0)]));
    assert_eq!(owed(&mut server).len(), 3, "deletion alone leaves them pending");
    let claim = Command::XClaim(claim(BOB, 0, &[id(1, 0), id(2, 0)]));
    assert_eq!(at(&mut server, 30, &claim), Reply::Claimed(Claimed::Entries(items(&[id(2, 0)]))));
    assert_eq!(owed(&mut server), [(2, BOB, 2), (3, ANN, 1)]);
    // However short it has been idle.
    assert_eq!(at(&mut server, 31, &auto_claim(BOB, 1_000, Id::ZERO, None)), auto(Id::ZERO, &[], &[id(3, 0)]));
    assert_eq!(owed(&mut server), [(2, BOB, 2)]);
}

#[test]
fn a_cursor_goes_through_all() {
    let mut server = delivered();
    let next = |server: &mut Engine, start| at(server, 30, &auto_claim(BOB, 20, start, Some(2)));
    assert_eq!(next(&mut server, Id::ZERO), auto(id(3, 0), &[id(1, 0), id(2, 0)], &[]));
    assert_eq!(next(&mut server, id(3, 0)), auto(Id::ZERO, &[id(3, 0)], &[]));
    assert_eq!(next(&mut server, Id::ZERO), auto(Id::ZERO, &[], &[]), "none has been idle");
    assert_eq!(at(&mut server, 30, &auto_claim(BOB, 20, Id::ZERO, Some(0))), Reply::Error(Error::CountIsZero));
}

#[test]
fn a_scan_looks_at_ten_times_its_count() {
    let mut server = with_entries(12);
    at(&mut server, 20, &read_new(ANN));
    // Ten of them are looked at, and none has been idle.
    assert_eq!(at(&mut server, 21, &auto_claim(BOB, 50, Id::ZERO, Some(1))), auto(id(11, 0), &[], &[]));
}

#[test]
fn deleted_entries_count_as_claimed_ones() {
    let mut server = delivered();
    at(&mut server, 11, &Command::XDel(KEY, vec![id(1, 0), id(2, 0)]));
    let first = at(&mut server, 40, &auto_claim(BOB, 0, Id::ZERO, Some(2)));
    assert_eq!(first, auto(id(3, 0), &[], &[id(1, 0), id(2, 0)]));
}

#[test]
fn a_consumer_that_gets_nothing_is_not_made() {
    let mut server = delivered();
    at(&mut server, 11, &auto_claim(BOB, 1_000, Id::ZERO, None));
    at(&mut server, 11, &Command::XClaim(claim(BOB, 1_000, &[id(1, 0)])));
    assert_eq!(server.keys().group(KEY, crate::say::GROUP).map(|group| group.consumers.len()), Some(1));
}

/// The reply with a bug planted.
fn planted(server: &mut Engine, bug: Bug, ms: u64, command: &Command) -> Reply {
    let by = Caller { client: NodeId(9), request: 1 };
    server.execute(Time::ms(ms), by, Some(bug), command).remove(0).reply
}

#[test]
fn planted_bugs_break_these_rules() {
    let mut server = delivered();
    let early = planted(&mut server, Bug::ClaimIgnoresIdle, 11, &auto_claim(BOB, 20, Id::ZERO, Some(1)));
    assert_eq!(early, auto(id(2, 0), &[id(1, 0)], &[]));
    planted(&mut server, Bug::CounterReset, 40, &Command::XClaim(claim(ANN, 0, &[id(1, 0)])));
    assert_eq!(owed(&mut server)[0], (1, ANN, 1));
    planted(&mut server, Bug::AckRemovesOthers, 40, &crate::say::ack(&[id(3, 0)]));
    assert_eq!(owed(&mut server), []);
}
