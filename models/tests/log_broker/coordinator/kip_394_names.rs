//! KIP-394: a new member gets its name before it joins.

use seedbed_models::communication::log_broker::groups::{Error, GroupTimer, Request, Response, State};

use super::say::{Desk, GROUP, dynamic, join};

#[test]
fn a_process_that_asks_twice_is_one_member() {
    let mut desk = Desk::new();
    let (lost, name) = (desk.name(), desk.name());
    assert_ne!(lost, name);
    desk.ask(Request::JoinGroup(join(Some(name))));
    desk.fire(GroupTimer::Join(GROUP));
    assert_eq!(desk.coordinator.groups()[&GROUP].members.len(), 1);
}

#[test]
fn a_name_that_is_not_used_expires() {
    let (mut desk, names) = Desk::stable(1);
    let lost = desk.name();
    let asked = desk.ask(Request::JoinGroup(join(Some(names[0]))));
    assert_eq!(desk.answer(asked), None, "who has a name is awaited");
    desk.fire(GroupTimer::Session(GROUP, lost));
    assert_eq!(desk.joined(asked).members.len(), 1);
    let late = desk.call(Request::JoinGroup(join(Some(lost))));
    assert_eq!(late, Response::JoinGroup(Err(Error::UnknownMemberId)));
}

#[test]
fn who_has_only_a_name_can_leave() {
    let (mut desk, names) = Desk::stable(1);
    let name = desk.name();
    desk.ask(Request::JoinGroup(join(Some(names[0]))));
    assert_eq!(desk.call(Request::LeaveGroup(dynamic(name, 0))), Response::LeaveGroup(Ok(())));
    assert_eq!(desk.state(), State::CompletingRebalance);
}
