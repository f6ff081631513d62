//! The property of a model: what a world's history is to a specification.

use seedbed_models::examples::tutorial::Tutorial;
use seedbed_properties::checkers::linearizability::specs::counter::{Answer, Counter, Request};
use seedbed_properties::checkers::linearizability::{Limits, linearizable};
use seedbed_sim::run::Record;
use seedbed_sim::{Case, NodeId, Operation, Source, Time, maker, run};

/// Three additions, one after the other.
fn three_additions() -> Case<Tutorial> {
    let mut case = Case::quiet(Tutorial::default());
    case.operations = (0..3).map(|n| Operation { at: Time::ms(100 * n), client: NodeId(1), op: () }).collect();
    case
}

#[test]
fn additions_are_additions() {
    let property =
        linearizable("tutorial/linearizable", Counter, |(), ret| Some((Request::Add(1), ret.map(|()| Answer::Added))));
    let outcome = run(&three_additions(), &Source::Fixed(Vec::new()), &[maker(property)], Record::No).unwrap();
    assert_eq!(outcome.violation, None);
    assert_eq!(outcome.history.returned().count(), 3);
}

#[test]
fn a_violation_names_the_client_and_tells_the_story() {
    // Whoever claims that each addition made it 1 is wrong from the second on.
    let property = linearizable("tutorial/always_one", Counter, |(), ret| {
        Some((Request::AddAndGet(1), ret.map(|()| Answer::Value(1))))
    });
    let outcome = run(&three_additions(), &Source::Fixed(Vec::new()), &[maker(property)], Record::No).unwrap();
    let violation = outcome.violation.expect("the second addition made it 2");
    assert_eq!(violation.property, "tutorial/always_one");
    assert_eq!(violation.nodes, [NodeId(1)]);
    assert!(violation.message.starts_with("p1 AddAndGet(1) → Value(1) returned at"), "{}", violation.message);
    assert!(violation.message.contains("It is event 4 of the history"), "{}", violation.message);
}

#[test]
fn what_was_not_decided_is_not_green() {
    let property =
        linearizable("tutorial/undecided", Counter, |(), ret| Some((Request::Add(1), ret.map(|()| Answer::Added))));
    let property = property.limits(Limits { steps: 1, configurations: 1, ..Limits::default() });
    let outcome = run(&three_additions(), &Source::Fixed(Vec::new()), &[maker(property)], Record::No).unwrap();
    assert_eq!(outcome.violation, None, "a limit says nothing about the protocol");
    let undecided = outcome.undecided.expect("one step is not enough").to_string();
    assert!(undecided.contains("linearizability of 3 operations is undecided after 1 steps"), "{undecided}");
}
