//! What cannot be is refused, whatever number is in whatever field.

use seedbed_models::communication::message_queue::MessageQueue;
use seedbed_models::communication::message_queue::books::settings::{Overflow, QueueKind};
use seedbed_models::communication::message_queue::client::consumer::Acks;
use seedbed_models::communication::message_queue::messages::Op;
use seedbed_models::communication::message_queue::names::QueueName;
use seedbed_sim::{Model, NodeId, Span};

fn valid(change: impl FnOnce(&mut MessageQueue)) -> bool {
    let mut model = MessageQueue::default();
    change(&mut model);
    model.validate().is_ok()
}

#[test]
fn what_cannot_be_is_refused() {
    assert!(valid(|_| {}));
    assert!(!valid(|model| model.brokers = 0));
    assert!(!valid(|model| model.publishers = 0));
    assert!(!valid(|model| model.consumers = 0));
    assert!(!valid(|model| model.connections = 0) && !valid(|model| model.connections = 9));
    assert!(!valid(|model| model.channels = 0) && !valid(|model| model.channels = 9));
    assert!(!valid(|model| model.acks = Acks::Several(0)));
    assert!(!valid(|model| model.resend = Span::ZERO));
    assert!(!valid(|model| model.timeout = Span(model.resend.0 - 1)));
    assert!(valid(|model| model.global_prefetch = 1));
    assert!(!valid(|model| (model.queues, model.global_prefetch) = (QueueKind::Quorum, 1)));
    let refuses = |queues| {
        move |model: &mut MessageQueue| {
            (model.queues, model.overflow) = (queues, Overflow::RejectPublishDlx);
        }
    };
    assert!(valid(refuses(QueueKind::Classic)) && !valid(refuses(QueueKind::Quorum)));
}

#[test]
fn extremes_of_all_sizes_are_added_up_without_overflow() {
    for number in [0, 1, u16::MAX / 2, u16::MAX] {
        for which in 0..3 {
            let mut model = MessageQueue::default();
            *[&mut model.brokers, &mut model.publishers, &mut model.consumers][which] = number;
            model.sizes();
            model.tolerance();
            assert!(model.size() <= usize::from(u16::MAX));
            assert_eq!(model.validate().is_ok(), number > 0, "{model:?}");
        }
    }
    let all = MessageQueue { brokers: u16::MAX, publishers: u16::MAX, consumers: u16::MAX, ..MessageQueue::default() };
    assert_eq!(all.size(), usize::from(u16::MAX));
    all.tolerance();
}

#[test]
fn clients_ask_only_for_what_there_is() {
    let model = MessageQueue::default();
    assert!(model.validate_op(&Op::Get(QueueName::from("work"))).is_ok());
    assert!(model.validate_op(&Op::Get(QueueName::from("other"))).is_err());
    assert!(model.validate_op(&Op::Publish(Vec::new())).is_err());
    assert!(model.is_client(NodeId(3)) && !model.is_client(NodeId(0)) && !model.is_client(NodeId(5)));
}
