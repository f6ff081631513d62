//! In a still network, where every message takes the same time, nothing is lost and nobody fails, nobody has to ask twice. A
//! request that is not sent, or not answered, or a decision that is not told, comes again when a timer has elapsed, and no
//! property is violated: it is seen here, by the marks of retries and by the time that operations take.

use std::collections::BTreeMap;

use seedbed_properties::registry;
use seedbed_sim::{AnyCampaign, Outcome, Record, Setting, Source, Span, Swarm, Target, What};

/// What never happens in a still network, by component; and how long an operation takes there at most, of the faster half. (Of
/// raft and of locks elections are a part, and waiting for others is one of transactions.)
const STILL: [(&str, &[&str], Span); 11] = [
    ("tutorial", &["asked again", "recovered"], Span::ms(5)),
    (
        "pub_sub",
        &[
            "late mqtt connection closed",
            "mqtt broker restarted",
            "mqtt connection closed by silence",
            "mqtt connection given up",
            "packet of an unknown mqtt connection",
        ],
        Span::ms(25),
    ),
    (
        "message_queue",
        &[
            "channel closed for a reason",
            "connection closed, for the other side was silent",
            "consumer came back",
            "delivery of a lost connection dropped",
            "frame of an unknown connection",
            "late connection closed",
            "published again",
        ],
        Span::ms(15),
    ),
    (
        "task_queue",
        &[
            "dequeued for nobody",
            "late mark refused",
            "mark synced later",
            "orphaned task recovered",
            "owner noticed that its lease had expired",
            "recoverer came too late",
            "session reset",
            "stale aggregation set reclaimed",
            "task was enqueued already",
        ],
        Span::ms(15),
    ),
    (
        "two_phase_commit",
        &[
            "a peer is in doubt as well",
            "a peer knew",
            "decision told again",
            "had not voted and aborted",
            "in doubt for long",
            "presumed abort",
            "presumed commit",
            "request asked again",
            "votes timed out",
            "work given up",
            "work timed out",
        ],
        Span::ms(15),
    ),
    (
        "three_phase_commit",
        &["votes timed out", "work given up", "work timed out", "elected", "coordinator given up"],
        Span::ms(20),
    ),
    (
        "saga",
        &[
            "client asked again",
            "event dropped as a duplicate",
            "event sent again",
            "repeated step answered from the journal",
            "saga given up",
            "step asked for again",
        ],
        Span::ms(30),
    ),
    (
        "tcc",
        &[
            "asked again",
            "cancel repeated",
            "cancelled because a reservation timed out",
            "client asked again",
            "confirm repeated",
            "given up",
            "reservation timed out",
        ],
        Span::ms(10),
    ),
    ("outbox", &["checked back", "client asked again", "delivered again"], Span::ms(10)),
    (
        "mvcc",
        &["client turned to the other oracle", "oracle deposed", "oracle took over", "transaction given up"],
        Span::ms(25),
    ),
    (
        "lock",
        &[
            "said again",
            "failover",
            "extension refused",
            "replica promoted",
            "lease revoked",
            "stepped down by check-quorum",
            "write refused",
            "write with an old token",
            "lease over before it began",
        ],
        Span::ms(100),
    ),
];

#[test]
fn nobody_asks_twice_in_a_still_network() {
    let mut problems = Vec::new();
    for registered in registry::all() {
        let model = registered.system.info().name;
        let Some((_, never, half)) = STILL.iter().find(|(name, ..)| *name == model) else { continue };
        let campaign = AnyCampaign { system: registered.system, swarm: Swarm::calm() };
        let (mut marks, mut took) = (BTreeMap::new(), Vec::new());
        for seed in 0..120 {
            let mut case = campaign.case(seed).expect("the world is possible");
            case.faults.clear();
            // Every choice has its default: messages come in order after the base latency, and none is lost.
            let outcome = campaign.system.run(&case, &Source::Fixed(Vec::new()), Record::No);
            let outcome = outcome.expect("the world is possible");
            assert_eq!(outcome.violation, None, "{model}, seed {seed}");
            for (mark, count) in outcome.marks {
                *marks.entry(mark).or_insert(0) += count;
            }
            took.extend(outcome.history.invocations().iter().filter_map(|asked| match asked.outcome {
                Outcome::Returned { at, .. } => Some(at.since(asked.invoked)),
                _ => None,
            }));
        }
        took.sort();
        let median = took.get(took.len() / 2).copied().unwrap_or(Span::ZERO);
        if median > *half || median == Span::ZERO {
            problems.push(format!("{model}: half of all operations take more than {half}: {median}"));
        }
        for mark in never.iter().filter(|mark| marks.get(*mark).is_some_and(|count| *count > 0)) {
            problems.push(format!("{model}: '{mark}' {} times", marks[mark]));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Each role of a model is held by some node in some world: otherwise faults that are aimed at it strike nobody.
#[test]
fn every_role_is_held_by_somebody() {
    for registered in registry::all() {
        let info = registered.system.info();
        let campaign = AnyCampaign::new(registered.system);
        let mut left: Vec<&str> = info.roles.to_vec();
        for seed in 0..2_000 {
            if left.is_empty() {
                break;
            }
            let case = campaign.case(seed).expect("the world is possible");
            let aimed: Vec<Option<String>> = case.faults.iter().map(|fault| role(&fault.what)).collect();
            if !aimed.iter().flatten().any(|role| left.contains(&role.as_str())) {
                continue;
            }
            let outcome = campaign.system.run(&case, &Source::Seed(seed), Record::No).expect("the world is possible");
            for (index, _) in outcome.struck {
                left.retain(|role| aimed[index].as_deref() != Some(*role));
            }
        }
        assert!(left.is_empty(), "{}: nobody ever holds {left:?}", info.name);
    }
}

fn role(what: &What) -> Option<String> {
    match what.target()? {
        Target::Role(role) => Some(role.to_string()),
        Target::Node(_) => None,
    }
}

/// However many nodes are asked for, what comes of it is a configuration that a world can have, or an error.
#[test]
fn every_number_of_nodes_is_possible_or_refused() {
    for registered in registry::all() {
        let config = registered.system.config();
        let possible = (0..=config.size() + 3).filter(|nodes| match config.with_nodes(*nodes) {
            Err(_) => false,
            Ok(other) => {
                let validated = other.validate();
                assert_eq!(validated, Ok(()), "{}: {nodes} nodes", registered.system.info().name);
                assert_eq!(other.size(), *nodes, "{}", registered.system.info().name);
                true
            }
        });
        assert!(possible.count() > 0, "{}", registered.system.info().name);
    }
}

/// What a setting lists as its values is accepted, and some of them change the configuration.
#[test]
fn every_setting_can_be_set() {
    for registered in registry::all() {
        let system = registered.system;
        for Setting { name, what } in system.settings() {
            let values: Vec<&str> = what.split(':').next().unwrap_or_default().split(", ").collect();
            if values.len() < 2 || values.iter().any(|value| value.contains(' ')) {
                continue;
            }
            let changed = |value: &&&str| {
                let set = system.config().with_setting(name, value);
                set.unwrap_or_else(|problem| panic!("--{name} {value}: {problem}")) != system.config()
            };
            let changing = values.iter().filter(changed).count();
            assert!(changing > 0 && changing < values.len(), "--{name}: one of {values:?} is there already");
        }
    }
}
