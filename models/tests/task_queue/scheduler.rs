//! A scheduler (wiki, *Periodic Tasks*).

use std::sync::Arc;

use seedbed_models::communication::task_queue::command::{Command, Reply};
use seedbed_models::communication::task_queue::cron::Cron;
use seedbed_models::communication::task_queue::messages::{Message, Timer};
use seedbed_models::communication::task_queue::scheduler::Scheduler;
use seedbed_models::communication::task_queue::settings::SchedulerSettings;
use seedbed_models::communication::task_queue::task::{EntryId, TaskId, Tick};
use seedbed_sim::{Bench, NodeId, Span, Time};

use crate::say::*;

const ENTRY: EntryId = EntryId(0);

fn scheduler(node: u16) -> Bench<Scheduler> {
    let settings = SchedulerSettings {
        broker: BROKER,
        timeout: Span::ms(40),
        entries: vec![Cron(1 << 2 | 1 << 4)],
        until: Time::ms(1_150),
        retention: Span::ZERO,
    };
    let mut scheduler = Bench::new(Scheduler::new(Arc::new(settings))).on(NodeId(node));
    scheduler.draws("connect", 5);
    let sent = scheduler.start().sent();
    let [(BROKER, Message::Connect(nonce))] = sent[..] else { panic!("it connects: {sent:?}") };
    scheduler.message(BROKER, Message::Connected(nonce, SESSION));
    scheduler
}

fn enqueued(sent: &[(NodeId, Message)]) -> Vec<(TaskId, Option<Tick>)> {
    let of = |message: &Message| match message {
        Message::Request(_, _, Command::Enqueue { task, tick, .. }) => (task.id, *tick),
        message => panic!("it enqueues: {message:?}"),
    };
    sent.iter().map(|(_, message)| of(message)).collect()
}

#[test]
fn all_schedulers_name_the_task_of_a_tick_the_same() {
    let tick = Tick { entry: ENTRY, slot: 2 };
    for node in [2, 3] {
        let mut scheduler = scheduler(node);
        assert_eq!(scheduler.due(&Timer::Tick(ENTRY)), Some(Time::ms(100)));
        scheduler.at(Time::ms(100));
        assert_eq!(enqueued(&scheduler.timer(Timer::Tick(ENTRY)).sent()), [(TaskId::Tick(tick), Some(tick))]);
        assert_eq!(scheduler.due(&Timer::Tick(ENTRY)), Some(Time::ms(200)));
    }
}

#[test]
fn a_scheduler_that_stood_still_fires_once() {
    let mut scheduler = scheduler(2);
    scheduler.at(Time::ms(450));
    let tick = Tick { entry: ENTRY, slot: 2 };
    assert_eq!(enqueued(&scheduler.timer(Timer::Tick(ENTRY)).sent()), [(TaskId::Tick(tick), Some(tick))]);
    assert_eq!(scheduler.due(&Timer::Tick(ENTRY)), Some(Time::ms(550)), "it looks at its clock now and then");
    assert_eq!(scheduler.timer(Timer::Tick(ENTRY)).sent(), []);
}

#[test]
fn a_tick_is_enqueued_until_somebody_has_enqueued_it() {
    let mut scheduler = scheduler(2);
    scheduler.at(Time::ms(100));
    scheduler.timer(Timer::Tick(ENTRY));
    assert_eq!(enqueued(&scheduler.timer(Timer::Reply(1)).sent()).len(), 1);
    scheduler.message(BROKER, answer(2, Reply::TaskIdConflict));
    let sent = scheduler.message(BROKER, Message::Reset(SESSION)).sent();
    let [(BROKER, Message::Connect(nonce))] = sent[..] else { panic!("it connects: {sent:?}") };
    assert_eq!(scheduler.message(BROKER, Message::Connected(nonce, SESSION)).sent(), []);
}

#[test]
fn entries_are_unregistered() {
    let mut scheduler = scheduler(2);
    scheduler.at(Time::ms(1_120));
    scheduler.timer(Timer::Tick(ENTRY));
    assert_eq!(scheduler.due(&Timer::Tick(ENTRY)), None);
}
