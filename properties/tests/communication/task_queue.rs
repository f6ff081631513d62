//! A task queue keeps its promises under every fault it tolerates, and each planted bug breaks the promise it should.

use seedbed_models::communication::task_queue::TaskQueue;
use seedbed_models::communication::task_queue::messages::Op;
use seedbed_models::communication::task_queue::model::BROKER;
use seedbed_models::communication::task_queue::settings::Priority;
use seedbed_models::communication::task_queue::store::journal::Event;
use seedbed_models::communication::task_queue::workload::Load;
use seedbed_properties::communication::task_queue::suite;
use seedbed_sim::{Case, NodeId, Operation, Source, Span, Time, World, component_tests};

component_tests! { suite, seeds: 300, calm: 100, bugs: 5_000 }

/// S5: over long runs, in which all queues have pending tasks, their shares are those of their weights. Of 10,000 tasks that start, a
/// share is off by 0.025 with a probability below 4 · 10⁻⁵, by Hoeffding's inequality; the seeds are always the same.
#[test]
fn over_long_runs_queues_have_the_shares_of_their_weights() {
    let model = TaskQueue {
        load: Load::LongRun,
        priority: Priority::Weighted,
        concurrency: 4,
        service: Span::ms(1),
        ..TaskQueue::default()
    };
    let client = NodeId(model.client_ids().start);
    let mut started = vec![0_u64; model.weights.len()];
    for seed in 0..12 {
        let mut case = Case::quiet(model.clone());
        case.operations = vec![Operation { at: Time::ms(10), client, op: Op::EnqueueBatch(3_000) }];
        let mut world = World::new(&case, &Source::Seed(seed)).expect("it is possible");
        while world.step() {}
        let broker = world.process(BROKER).and_then(|node| node.broker()).expect("the broker is up");
        for entry in broker.store().journal() {
            if let Event::Dequeued { queue, backlogged, .. } = &entry.event
                && backlogged.len() == started.len()
            {
                started[usize::from(queue.0)] += 1;
            }
        }
    }
    let all: u64 = started.iter().sum();
    assert!(all >= 10_000, "a long run has 10,000 starts: {started:?}");
    for (weight, count) in model.weights.iter().zip(&started) {
        let (share, of_weight) = (*count as f64 / all as f64, f64::from(*weight) / 10.0);
        assert!((share - of_weight).abs() < 0.025, "{share} and not {of_weight}: {started:?}");
    }
}
