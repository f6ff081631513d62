//! `seedbed compare transactions`: the costs of each way to move money over several nodes, and its visible
//! inconsistencies.

use std::ops::Range;

use comfy_table::{Table, presets};
use rayon::prelude::*;
use seedbed_models::transactions::mvcc::{Isolation, Mvcc};
use seedbed_models::transactions::outbox::{Outbox, Relay};
use seedbed_models::transactions::saga::{Coordination, Saga};
use seedbed_models::transactions::tcc::Tcc;
use seedbed_models::transactions::three_phase_commit::ThreePhaseCommit;
use seedbed_models::transactions::transfer::{COMPARED_ACCOUNTS, Transfers};
use seedbed_models::transactions::two_phase_commit::{Presumption, TwoPhaseCommit};
use seedbed_properties::transactions::compare::{Costs, measure, one_transfer};
use seedbed_sim::{FaultClass, Span, Swarm};
use serde_json::{Value, json};

use crate::commands::Ended;
use crate::commands::progress::bar;
use crate::report::{latencies, print_json};
use crate::say;
use crate::signals::interrupted;

/// A model with its options.
struct Contender {
    name: &'static str,
    model: &'static str,
    /// The textbook costs of one transfer between two participants: messages of the protocol's phases, forced writes,
    /// lazy ones. `None` for models without textbook figures.
    textbook: Option<[u64; 3]>,
    one_transfer: Box<OneTransfer>,
    measure: Box<Measure>,
}

type OneTransfer = dyn Fn() -> anyhow::Result<[u64; 3]> + Send + Sync;

type Measure = dyn Fn(&Swarm, Range<u64>) -> anyhow::Result<Costs> + Send + Sync;

fn contender<M: Transfers>(name: &'static str, model: M) -> Contender {
    let alone = model.clone();
    let one_transfer = Box::new(move || Ok(one_transfer(&alone)?));
    let measure = Box::new(move |swarm: &Swarm, seeds| Ok(measure(&model, swarm, seeds)?));
    Contender { name, model: M::INFO.name, textbook: None, one_transfer, measure }
}

/// Two-phase commit with the figures of Mohan, Lindsay and Obermarck (1986, table 1) for two participants that both
/// write; see `seedbed_models::transactions::two_phase_commit`.
fn two_phase_commit(name: &'static str, presumption: Presumption) -> Contender {
    let textbook = match presumption {
        Presumption::Nothing | Presumption::Abort => [8, 5, 1],
        Presumption::Commit => [6, 4, 2],
    };
    Contender { textbook: Some(textbook), ..contender(name, TwoPhaseCommit::presuming(presumption)) }
}

/// All models, from the strictest isolation to the weakest.
fn contenders() -> Vec<Contender> {
    vec![
        two_phase_commit("2PC, basic", Presumption::Nothing),
        two_phase_commit("2PC, presumed abort", Presumption::Abort),
        two_phase_commit("2PC, presumed commit", Presumption::Commit),
        contender("3PC", ThreePhaseCommit::default()),
        contender("MVCC, serializable", mvcc(Isolation::Serializable)),
        contender("MVCC, write-snapshot isolation", mvcc(Isolation::WriteSnapshot)),
        contender("MVCC, snapshot isolation", mvcc(Isolation::Snapshot)),
        contender("TCC", Tcc::default()),
        contender("outbox, polling", Outbox { accounts: COMPARED_ACCOUNTS, ..Outbox::default() }),
        contender(
            "outbox, half messages",
            Outbox { accounts: COMPARED_ACCOUNTS, ..Outbox::default().with(Relay::Transactional) },
        ),
        contender("saga, orchestrated", Saga::default()),
        contender("saga, choreographed", Saga::default().coordinated(Coordination::Choreographed)),
    ]
}

fn mvcc(isolation: Isolation) -> Mvcc {
    Mvcc { keys: COMPARED_ACCOUNTS, clients: 3, ..Mvcc::default().at(isolation) }
}

/// The fault plans, the same for all models, tolerated or not.
fn plans() -> [(&'static str, Swarm); 4] {
    [
        ("calm", Swarm::calm()),
        ("messages", Swarm::only([FaultClass::Loss, FaultClass::Dup, FaultClass::Reorder])),
        ("crashes", Swarm::only([FaultClass::Crash])),
        ("partitions", Swarm::only([FaultClass::Partition])),
    ]
}

/// Measures all models, and prints the table.
///
/// # Errors
/// If a model cannot be run.
pub fn compare(seeds: Range<u64>, as_json: bool) -> anyhow::Result<Ended> {
    let contenders = contenders();
    costs_of_one(&contenders, as_json)?;
    let work: Vec<_> =
        plans().into_iter().flat_map(|plan| contenders.iter().map(move |one| (plan.clone(), one))).collect();
    let progress = bar(work.len() as u64, "comparing");
    let measured: Vec<_> = work
        .par_iter()
        .map(|((_, swarm), one)| {
            let costs = if interrupted() { Ok(Costs::default()) } else { (one.measure)(swarm, seeds.clone()) };
            progress.inc(1);
            costs
        })
        .collect();
    progress.finish_and_clear();
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(HEADER);
    let mut last = "";
    for (((plan, _), one), costs) in work.iter().zip(measured) {
        let costs = costs?;
        if as_json {
            print_json(&json(plan, one, &costs));
            continue;
        }
        table.add_row(row(if last == *plan { "" } else { plan }, one.name, &costs));
        last = plan;
    }
    if !as_json {
        say!("{table}\n\n{LEGEND}");
    }
    Ok(Ended::Held)
}

/// The costs of one transfer without faults, and the textbook figures.
fn costs_of_one(contenders: &[Contender], as_json: bool) -> anyhow::Result<()> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["one transfer, calm", "messages", "forced", "lazy", "textbook: messages", "forced", "lazy"]);
    for one in contenders {
        let counted = (one.one_transfer)()?;
        if as_json {
            let [messages, forced, lazy] = counted;
            let textbook = one.textbook.map(
                |[messages, forced, lazy]| json!({"messages": messages, "forced_writes": forced, "lazy_writes": lazy}),
            );
            print_json(&json!({
                "one_transfer": {"messages": messages, "forced_writes": forced, "lazy_writes": lazy},
                "textbook": textbook,
                "contender": one.name,
                "model": one.model,
            }));
            continue;
        }
        let textbook = one.textbook.map_or([const { String::new() }; 3], |textbook| textbook.map(|n| n.to_string()));
        table.add_row([one.name.to_string()].into_iter().chain(counted.map(|n| n.to_string())).chain(textbook));
    }
    if !as_json {
        say!("{table}");
        say!(
            "messages: the client's question and answer are among them, in 2PC and 3PC a round of work before the vote too;"
        );
        say!("the textbooks count the messages of the two phases alone\n");
    }
    Ok(())
}

const HEADER: [&str; 11] =
    ["faults", "", "moved", "refused", "open", "p50 ms", "p99 ms", "messages", "forced writes", "locked ms", "exposed"];

const LEGEND: &str = "\
moved, refused, open   of the transfers that were asked for: done, not done, and of unknown outcome at the end
p50, p99               virtual time until the client knew that the money was moved
messages, forced       for each transfer that was moved or refused; the clients' messages are among them
locked                 account-milliseconds that readers were locked out, for each of these
exposed                share of the time in which somebody who reads all accounts finds a sum that never was;
                       WRONG: worlds that ended so, with nothing locked";

fn row(plan: &str, name: &str, costs: &Costs) -> Vec<String> {
    let percent = |n: u64, of: u64| format!("{:.1} %", n as f64 * 100.0 / of.max(1) as f64);
    let each = |n: f64| format!("{:.1}", n / ended(costs));
    let open = costs.asked - costs.moved.len() as u64 - costs.refused;
    let latency = latencies(&costs.moved.iter().map(|span| span.0).collect::<Vec<_>>());
    let ms = |quantile| format!("{:.1}", latency.value_at_quantile(quantile) as f64 / 1e6);
    let wrong = if costs.wrong > 0 { format!(", {} WRONG", costs.wrong) } else { String::new() };
    vec![
        plan.into(),
        name.into(),
        percent(costs.moved.len() as u64, costs.asked),
        percent(costs.refused, costs.asked),
        percent(open, costs.asked),
        ms(0.5),
        ms(0.99),
        each(costs.messages as f64),
        each(costs.forced as f64),
        each(in_ms(costs.locked)),
        percent(costs.exposed.0, costs.watched.0) + &wrong,
    ]
}

fn json(plan: &str, one: &Contender, costs: &Costs) -> Value {
    let latency = latencies(&costs.moved.iter().map(|span| span.0).collect::<Vec<_>>());
    json!({
        "faults": plan,
        "contender": one.name,
        "model": one.model,
        "worlds": costs.worlds,
        "asked": costs.asked,
        "moved": costs.moved.len(),
        "refused": costs.refused,
        "latency_ns": {"p50": latency.value_at_quantile(0.5), "p99": latency.value_at_quantile(0.99)},
        "messages_each": costs.messages as f64 / ended(costs),
        "forced_writes_each": costs.forced as f64 / ended(costs),
        "lazy_writes_each": costs.lazy as f64 / ended(costs),
        "locked_ms_each": in_ms(costs.locked) / ended(costs),
        "exposed_share": costs.exposed.0 as f64 / costs.watched.0.max(1) as f64,
        "wrong": costs.wrong,
    })
}

/// The number of transfers with a known outcome, as a divisor; at least one.
fn ended(costs: &Costs) -> f64 {
    (costs.moved.len() as u64 + costs.refused).max(1) as f64
}

fn in_ms(span: Span) -> f64 {
    span.0 as f64 / 1e6
}
