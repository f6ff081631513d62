//! Logical clocks against reachability in random executions, worked out by brute force.

use proptest::prelude::*;
use seedbed_models::communication::ordering::clocks::{Clocks, Stamp};
use seedbed_sim::{NodeId, Time};

/// What a process does next: something alone, or it receives what was sent by an earlier event.
#[derive(Clone, Debug)]
struct Step {
    process: u16,
    receives: Option<prop::sample::Index>,
    /// What the physical clock of the process shows.
    clock: u64,
}

const PROCESSES: u16 = 4;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..PROCESSES, prop::option::of(any::<prop::sample::Index>()), 0u64..50)
        .prop_map(|(process, receives, clock)| Step { process, receives, clock });
    prop::collection::vec(step, 1..40)
}

/// An execution: of each event its process, its stamp, and the events right before it.
struct Execution(Vec<(u16, Stamp, Vec<usize>)>);

impl Execution {
    fn of(steps: &[Step]) -> Self {
        let mut clocks: Vec<Clocks> = (0..PROCESSES).map(|n| Clocks::new(NodeId(n), PROCESSES.into())).collect();
        let mut events: Vec<(u16, Stamp, Vec<usize>)> = Vec::new();
        for step in steps {
            let last = events.iter().rposition(|(process, ..)| *process == step.process);
            let sent = step.receives.as_ref().filter(|_| !events.is_empty()).map(|which| which.index(events.len()));
            let clock = &mut clocks[usize::from(step.process)];
            let stamp = match sent {
                Some(sent) => clock.receive(&events[sent].1.clone(), Time::ms(step.clock)),
                None => clock.local(Time::ms(step.clock)),
            };
            events.push((step.process, stamp, last.into_iter().chain(sent).collect()));
        }
        Execution(events)
    }

    /// Whether one event happened before another: whether it is reached from there.
    fn happened_before(&self, a: usize, b: usize) -> bool {
        self.0[b].2.iter().any(|before| *before == a || self.happened_before(a, *before))
    }

    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        let count = self.0.len();
        (0..count).flat_map(move |a| (0..count).map(move |b| (a, b))).filter(|(a, b)| a != b)
    }
}

proptest! {
    /// Lamport 1978, Clock Condition; Mattern 1989, Theorem 10; Kulkarni and others 2014, Theorem 1.
    #[test]
    fn clocks_respect_what_happened_before(steps in steps()) {
        let execution = Execution::of(&steps);
        for (a, b) in execution.pairs() {
            let (first, second) = (&execution.0[a].1, &execution.0[b].1);
            let before = execution.happened_before(a, b);
            prop_assert_eq!(first.vector < second.vector, before, "{:?} and {:?}", first.vector, second.vector);
            if before {
                prop_assert!(first.lamport < second.lamport);
                prop_assert!(first.hybrid < second.hybrid);
            }
        }
    }

    /// Mattern 1989: of each process the vector has the number of events that it knows of.
    #[test]
    fn a_vector_counts_the_past(steps in steps()) {
        let execution = Execution::of(&steps);
        for b in 0..execution.0.len() {
            let past = |process: u16| (0..=b).filter(|a| execution.0[*a].0 == process && (*a == b || execution.happened_before(*a, b))).count() as u64;
            let counts: Vec<u64> = (0..PROCESSES).map(past).collect();
            prop_assert_eq!(execution.0[b].1.vector.counts(), counts);
        }
    }

    /// A clock that is restored goes on where it was.
    #[test]
    fn a_restored_clock_goes_on(steps in steps(), clock in 0u64..50) {
        let execution = Execution::of(&steps);
        for (process, last, _) in &execution.0 {
            let mut clocks = Clocks::new(NodeId(*process), PROCESSES.into());
            clocks.restore(last);
            let next = clocks.local(Time::ms(clock));
            prop_assert!(last.lamport < next.lamport && last.vector < next.vector && last.hybrid < next.hybrid);
        }
    }
}
