//! "Entry IDs" (Redis Streams) and `XADD`: "If the current local time is smaller than the previous entry time, the previous entry time is
//! used instead", and the sequence is incremented.

use seedbed_models::communication::stream::{Engine, Error, Id, NewId, Reply};

use crate::say::{add, at, id};

#[test]
fn the_time_and_a_number_in_it() {
    let mut server = Engine::new(100);
    assert_eq!(at(&mut server, 5, &add(NewId::Auto)), Reply::Id(id(5, 0)));
    assert_eq!(at(&mut server, 5, &add(NewId::Auto)), Reply::Id(id(5, 1)));
    assert_eq!(at(&mut server, 6, &add(NewId::Auto)), Reply::Id(id(6, 0)));
}

#[test]
fn a_clock_that_goes_back_does_not_take_identifiers_with_it() {
    let mut server = Engine::new(100);
    assert_eq!(at(&mut server, 50, &add(NewId::Auto)), Reply::Id(id(50, 0)));
    assert_eq!(at(&mut server, 20, &add(NewId::Auto)), Reply::Id(id(50, 1)));
    assert_eq!(at(&mut server, 20, &add(NewId::At(20))), Reply::Error(Error::IdTooSmall));
    assert_eq!(at(&mut server, 51, &add(NewId::Auto)), Reply::Id(id(51, 0)));
}

#[test]
fn explicit_identifiers_increase_and_are_above_zero() {
    let mut server = Engine::new(100);
    assert_eq!(at(&mut server, 1, &add(NewId::Exactly(Id::ZERO))), Reply::Error(Error::IdIsZero));
    assert!(server.keys().stream(crate::say::KEY).is_none(), "no empty stream is made for that");
    assert_eq!(at(&mut server, 1, &add(NewId::At(0))), Reply::Id(id(0, 1)), "the least");
    assert_eq!(at(&mut server, 1, &add(NewId::Exactly(id(7, 3)))), Reply::Id(id(7, 3)));
    for not_greater in [id(7, 3), id(7, 2), id(6, 9)] {
        assert_eq!(at(&mut server, 1, &add(NewId::Exactly(not_greater))), Reply::Error(Error::IdTooSmall));
    }
    assert_eq!(at(&mut server, 1, &add(NewId::At(7))), Reply::Id(id(7, 4)));
}

#[test]
fn numbers_carry_over_and_come_to_an_end() {
    let mut server = Engine::new(100);
    at(&mut server, 1, &add(NewId::Exactly(id(9, u64::MAX))));
    assert_eq!(
        at(&mut server, 1, &add(NewId::At(9))),
        Reply::Error(Error::IdTooSmall),
        "no number is left in this time"
    );
    assert_eq!(at(&mut server, 1, &add(NewId::Auto)), Reply::Id(id(10, 0)));
    assert_eq!(at(&mut server, 1, &add(NewId::Exactly(Id::MAX))), Reply::Id(Id::MAX));
    assert_eq!(at(&mut server, 1, &add(NewId::Auto)), Reply::Error(Error::IdsExhausted));
}

#[test]
fn what_is_deleted_does_not_come_again() {
    let mut server = Engine::new(100);
    at(&mut server, 5, &add(NewId::Auto));
    at(&mut server, 5, &seedbed_models::communication::stream::Command::XDel(crate::say::KEY, vec![id(5, 0)]));
    assert_eq!(at(&mut server, 5, &add(NewId::Auto)), Reply::Id(id(5, 1)));
}
