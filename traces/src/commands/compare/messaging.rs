//! `seedbed compare messaging`: what becomes of orders on their way from shops to a group of consumers.

use std::ops::Range;

use comfy_table::{Table, presets};
use rayon::prelude::*;
use seedbed_models::communication::message_queue::MessageQueue;
use seedbed_models::communication::message_queue::books::settings::QueueKind;
use seedbed_models::communication::message_queue::client::consumer::Acks;
use seedbed_models::communication::orders::{CarriesOrders, GROUP, SERVICE, SHOPS};
use seedbed_models::communication::pub_sub::PubSub;
use seedbed_models::communication::pub_sub::packet::Qos;
use seedbed_models::communication::stream::Stream;
use seedbed_models::communication::stream::settings::Durability;
use seedbed_models::communication::task_queue::TaskQueue;
use seedbed_properties::communication::compare::{Plan, Totals, measure};
use seedbed_sim::Span;
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
    measure: Box<Measure>,
}

type Measure = dyn Fn(Plan, Range<u64>) -> anyhow::Result<Totals> + Send + Sync;

fn contender<M: CarriesOrders>(name: &'static str, model: M) -> Contender {
    let measure = Box::new(move |plan, seeds| Ok(measure(&model, plan, seeds)?));
    Contender { name, model: M::INFO.name, measure }
}

/// All models, each as it is used to be safe, and as it is used to be fast.
fn contenders() -> Vec<Contender> {
    vec![
        contender("AMQP, classic queue", queue(QueueKind::Classic)),
        contender("AMQP, classic, no confirms, auto-ack", careless(queue(QueueKind::Classic))),
        contender("AMQP, quorum queue", queue(QueueKind::Quorum)),
        contender("MQTT, QoS 0", topics(Qos::AtMostOnce)),
        contender("MQTT, QoS 1", topics(Qos::AtLeastOnce)),
        contender("MQTT, QoS 2", topics(Qos::ExactlyOnce)),
        contender("Redis stream, always synced", stream()),
        contender("Redis stream, synced every second", Stream { durability: Durability::EverySecond, ..stream() }),
        contender("Redis stream, replicated", Stream { replicated: true, ..stream() }),
        contender("task queue", tasks()),
    ]
}

fn queue(queues: QueueKind) -> MessageQueue {
    MessageQueue { queues, publishers: SHOPS, consumers: GROUP, service: SERVICE, ..MessageQueue::default() }
}

fn careless(model: MessageQueue) -> MessageQueue {
    MessageQueue { confirms: false, acks: Acks::Auto, ..model }
}

/// A shared subscription, and sessions that outlive their connections.
fn topics(qos: Qos) -> PubSub {
    PubSub { publishers: SHOPS, durable: GROUP, transient: 0, granted: qos, shared_alone: true, ..PubSub::default() }
}

/// Consumers claim what has been idle for as long as a queue waits for its consumers, and give up nothing.
fn stream() -> Stream {
    let patient = Stream { min_idle: Span::ms(200), max_deliveries: 100, ..Stream::default() };
    Stream { producers: SHOPS, consumers: GROUP, service: SERVICE, ..patient }
}

/// One queue, and servers that process one task at a time.
fn tasks() -> TaskQueue {
    let queue = TaskQueue { weights: vec![1], schedulers: 0, cron: Vec::new(), concurrency: 1, ..TaskQueue::default() };
    TaskQueue { clients: SHOPS, servers: GROUP, service: SERVICE, ..queue }
}

/// Measures all models, and prints the table.
///
/// # Errors
/// If a model cannot be run.
pub fn compare(seeds: Range<u64>, as_json: bool) -> anyhow::Result<Ended> {
    let contenders = contenders();
    let work: Vec<_> = Plan::ALL.into_iter().flat_map(|plan| contenders.iter().map(move |one| (plan, one))).collect();
    let progress = bar(work.len() as u64, "comparing");
    let measured: Vec<_> = work
        .par_iter()
        .map(|(plan, one)| {
            let totals = if interrupted() { Ok(Totals::default()) } else { (one.measure)(*plan, seeds.clone()) };
            progress.inc(1);
            totals
        })
        .collect();
    progress.finish_and_clear();
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_header(HEADER);
    let mut last = None;
    for ((plan, one), totals) in work.into_iter().zip(measured) {
        let totals = totals?;
        if as_json {
            print_json(&json(plan, one, &totals));
            continue;
        }
        table.add_row(row(if last == Some(plan) { "" } else { plan.name() }, one.name, &totals));
        last = Some(plan);
    }
    if !as_json {
        say!("{table}\n\n{LEGEND}");
    }
    Ok(Ended::Held)
}

const HEADER: [&str; 11] = [
    "faults",
    "",
    "told",
    "lost",
    "doubled",
    "reordered",
    "p50 ms",
    "p99 ms",
    "standstill ms",
    "messages",
    "forced writes",
];

const LEGEND: &str = "\
told                   of the orders: those whose shops were told that they are published
lost                   of these: those that nobody has processed
doubled, reordered     for each thousand of orders that were processed: how often one was processed that had been before,
                       and how many came after a later one of their customer
p50, p99               virtual time from when a shop wants to publish an order until it is processed first
standstill             the longest time in which orders waited and none was processed: of the median world, and of one in
                       a hundred
messages, forced       for each order that was processed: all that is sent and forced while orders are published,
                       heartbeats and elections among them

A crash is a loss of power: what is not synced is lost. The server is the node that serves then: a master, or a leader.";

fn row(plan: &str, name: &str, totals: &Totals) -> Vec<String> {
    let percent = |n: u64, of: u64| format!("{:.1} %", n as f64 * 100.0 / of.max(1) as f64);
    let in_thousand = |n: u64| format!("{:.1}", n as f64 * 1000.0 / totals.processed.max(1) as f64);
    let each = |n: u64| format!("{:.1}", n as f64 / totals.processed.max(1) as f64);
    let (latency, standstill) = (quantiles(&totals.latencies), quantiles(&totals.unavailable));
    let ms = |nanos: u64| format!("{:.1}", nanos as f64 / 1e6);
    vec![
        plan.into(),
        name.into(),
        percent(totals.published, totals.asked),
        format!("{:.2} %", totals.lost as f64 * 100.0 / totals.published.max(1) as f64),
        in_thousand(totals.doubled),
        in_thousand(totals.reordered),
        ms(latency[0]),
        ms(latency[1]),
        format!("{}, {}", ms(standstill[0]), ms(standstill[1])),
        each(totals.messages),
        each(totals.forced),
    ]
}

/// The median and the 99th percentile, in nanoseconds.
fn quantiles(spans: &[Span]) -> [u64; 2] {
    let histogram = latencies(&spans.iter().map(|span| span.0).collect::<Vec<_>>());
    [0.5, 0.99].map(|quantile| histogram.value_at_quantile(quantile))
}

fn json(plan: Plan, one: &Contender, totals: &Totals) -> Value {
    let (latency, standstill) = (quantiles(&totals.latencies), quantiles(&totals.unavailable));
    let each = |n: u64| n as f64 / totals.processed.max(1) as f64;
    json!({
        "faults": plan.name(),
        "contender": one.name,
        "model": one.model,
        "worlds": totals.worlds,
        "asked": totals.asked,
        "published": totals.published,
        "lost": totals.lost,
        "processed": totals.processed,
        "doubled": totals.doubled,
        "reordered": totals.reordered,
        "latency_ns": {"p50": latency[0], "p99": latency[1]},
        "standstill_ns": {"p50": standstill[0], "p99": standstill[1]},
        "messages_each": each(totals.messages),
        "forced_writes_each": each(totals.forced),
    })
}
