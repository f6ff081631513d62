//! Cron schedules.

use seedbed_models::communication::task_queue::cron::{Cron, SLOTS, begin_of};
use seedbed_sim::Time;

#[test]
fn an_entry_fires_in_its_slots_of_each_round() {
    let entry = Cron(1 << 1 | 1 << 11);
    assert_eq!(entry.next(Time::ms(0)), 1);
    assert_eq!(entry.next(Time::ms(49)), 1);
    assert_eq!(entry.next(Time::ms(50)), 11);
    assert_eq!(entry.next(Time::ms(551)), SLOTS + 1);
    assert_eq!(begin_of(SLOTS + 1), Time::ms(1_050));
}

#[test]
fn an_entry_that_fires_always_or_once_is_valid_and_one_that_never_does_is_not() {
    assert!(Cron(1).is_valid() && Cron((1 << SLOTS) - 1).is_valid());
    assert!(!Cron(0).is_valid() && !Cron(1 << SLOTS).is_valid());
    assert_eq!(Cron(1).next(Time::ms(0)), SLOTS);
    assert_eq!(Cron((1 << SLOTS) - 1).next(Time::ms(0)), 1);
}
