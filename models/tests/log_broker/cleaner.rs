//! Retention and compaction, against the log that was not compacted (S8).

use std::collections::BTreeMap;

use proptest::prelude::*;
use seedbed_models::communication::log_broker::cleaner::{Compaction, Horizons, Retention};
use seedbed_models::communication::log_broker::log::Log;
use seedbed_models::communication::log_broker::names::{Offset, ProducerEpoch, ProducerId};
use seedbed_models::communication::log_broker::numbers::{CoordinatorEpoch, LeaderEpoch, Sequence};
use seedbed_models::communication::log_broker::record::{
    Batch, Contents, Data, Draft, Key, Marker, Produced, Record, Value,
};
use seedbed_sim::{Span, Time};

const HOUR: Span = Span::secs(3_600);

/// What is appended to a log.
#[derive(Clone, Debug)]
enum Step {
    /// Records: a key, and a value or none; of a producer, in a transaction or not.
    Append(Vec<(u16, bool)>, Option<(u64, bool)>),
    /// The transaction of a producer ends.
    End(u64, bool),
}

#[derive(Default)]
struct Writer {
    log: Log,
    next: BTreeMap<u64, u32>,
    open: BTreeMap<u64, bool>,
    value: u64,
}

impl Writer {
    fn write(&mut self, step: &Step) {
        let draft = match step {
            Step::Append(records, by) => {
                let produced = by.map(|(id, transactional)| {
                    // A producer is in a transaction or not.
                    let id = if transactional { id + 100 } else { id };
                    let next = self.next.entry(id).or_default();
                    let sequence = Some(Sequence(*next));
                    *next += records.len() as u32;
                    if transactional {
                        self.open.insert(id, true);
                    }
                    Produced { id: ProducerId(id), epoch: ProducerEpoch(0), sequence, transactional }
                });
                let record = |((key, has_value), offset_delta): (&(u16, bool), u32)| {
                    self.value += 1;
                    let value = has_value.then_some(Value(self.value));
                    Record {
                        offset_delta,
                        timestamp: Time::ms(self.value),
                        data: Data::User { key: Some(Key(*key)), value },
                    }
                };
                Draft { produced, contents: Contents::Records(records.iter().zip(0..).map(record).collect()) }
            }
            Step::End(id, committed) => {
                let id = id + 100;
                if self.open.remove(&id).is_none() {
                    return;
                }
                let produced =
                    Produced { id: ProducerId(id), epoch: ProducerEpoch(0), sequence: None, transactional: true };
                let marker = Marker { committed: *committed, coordinator_epoch: CoordinatorEpoch(0) };
                Draft { produced: Some(produced), contents: Contents::Control(marker) }
            }
        };
        self.log.append_as_leader(draft, LeaderEpoch(0));
    }
}

fn written(steps: &[Step]) -> Log {
    let mut writer = Writer::default();
    steps.iter().for_each(|step| writer.write(step));
    let open: Vec<u64> = writer.open.keys().copied().collect();
    open.into_iter().for_each(|id| writer.write(&Step::End(id - 100, true)));
    writer.log
}

fn compact(log: &Log, to: Offset, now: Time, horizons: &mut Horizons) -> Vec<Batch> {
    let compaction = Compaction { to, now, delete_retention: HOUR, producers: log.producers() };
    compaction.compact(log.batches(), horizons)
}

/// What somebody has who reads the batches with `read_committed`: of each key the last value, and where it was.
fn view(batches: &[Batch]) -> BTreeMap<Key, (Offset, Option<Value>)> {
    let mut ends: BTreeMap<(ProducerId, Offset), bool> = BTreeMap::new();
    for batch in batches {
        if let (Some(marker), Some(produced)) = (batch.marker(), batch.produced) {
            ends.insert((produced.id, batch.base_offset), marker.committed);
        }
    }
    let mut view = BTreeMap::new();
    for batch in batches {
        let end = batch.in_transaction().map(|produced| {
            let from = (produced.id, batch.base_offset);
            ends.range(from..).next().is_some_and(|((id, _), committed)| *id == produced.id && *committed)
        });
        if end == Some(false) {
            continue;
        }
        for (offset, record) in batch.records() {
            if let Data::User { key: Some(key), value } = &record.data {
                view.insert(*key, (offset, *value));
            }
        }
    }
    view
}

fn without_deletions(view: BTreeMap<Key, (Offset, Option<Value>)>) -> BTreeMap<Key, (Offset, Option<Value>)> {
    view.into_iter().filter(|(_, (_, value))| value.is_some()).collect()
}

fn append(records: &[(u16, bool)]) -> Step {
    Step::Append(records.to_vec(), None)
}

fn offsets(batches: &[Batch]) -> Vec<u64> {
    batches.iter().flat_map(|batch| batch.records().map(|(offset, _)| offset.0)).collect()
}

#[test]
fn the_last_of_each_key_stays_at_its_offset() {
    let log = written(&[append(&[(1, true), (2, true)]), append(&[(1, true)]), append(&[(3, true), (3, true)])]);
    let kept = compact(&log, log.end(), Time::ms(9), &mut Horizons::new());
    assert_eq!(offsets(&kept), [1, 2, 4]);
    let kept = compact(&log, Offset(3), Time::ms(9), &mut Horizons::new());
    assert_eq!(offsets(&kept), [1, 2, 3, 4], "what is not below the bound is left alone");
}

// "delete.retention.ms: the amount of time to retain delete tombstone markers", since a compaction has seen them (KIP-534).
#[test]
fn a_tombstone_stays_for_a_while() {
    let log = written(&[append(&[(1, true)]), append(&[(1, false)])]);
    let mut horizons = Horizons::new();
    let at = |time| Time::ms(9) + time;
    assert_eq!(offsets(&compact(&log, log.end(), at(Span::ZERO), &mut horizons)), [1]);
    assert_eq!(offsets(&compact(&log, log.end(), at(Span(HOUR.0 - 1)), &mut horizons)), [1]);
    assert_eq!(offsets(&compact(&log, log.end(), at(HOUR), &mut horizons)), [0; 0]);
}

#[test]
fn records_of_aborted_transactions_go_and_their_markers_later() {
    let log = written(&[
        append(&[(1, true)]),
        Step::Append(vec![(1, true)], Some((1, true))),
        Step::End(1, false),
        Step::Append(vec![(2, true)], Some((1, true))),
        Step::End(1, true),
    ]);
    let mut horizons = Horizons::new();
    let kept = compact(&log, log.end(), Time::ms(9), &mut horizons);
    assert_eq!(offsets(&kept), [0, 3]);
    assert_eq!(kept.iter().filter(|batch| batch.marker().is_some()).count(), 2);
    let kept = compact(&log, log.end(), Time::ms(9) + HOUR, &mut horizons);
    let markers: Vec<u64> = kept.iter().filter(|b| b.marker().is_some()).map(|batch| batch.base_offset.0).collect();
    assert_eq!(markers, [4], "a marker stays while records of its transaction do");
}

#[test]
fn the_last_batch_of_a_producer_stays_without_records() {
    let log = written(&[Step::Append(vec![(1, true)], Some((1, false))), append(&[(1, true)])]);
    let kept = compact(&log, log.end(), Time::ms(9), &mut Horizons::new());
    assert_eq!((kept.len(), offsets(&kept)), (2, vec![1]));
    let mut again = Log::default();
    kept.into_iter().for_each(|batch| again.append(batch));
    assert_eq!(again.producers().get(ProducerId(1)), log.producers().get(ProducerId(1)));
}

#[test]
fn retention_takes_what_is_old_or_too_much() {
    let log = written(&[append(&[(1, true), (2, true)]), append(&[(3, true)]), append(&[(4, true)])]);
    let start = |time, offsets, high_watermark| {
        Retention { time, offsets }.start(log.batches(), Offset::ZERO, Offset(high_watermark), Time::ms(10))
    };
    assert_eq!(start(None, None, 4), Offset(0));
    assert_eq!(start(Some(Span::ms(7)), None, 4), Offset(2), "the first batch ends at 2 ms");
    assert_eq!(start(Some(Span::ms(6)), None, 4), Offset(3));
    assert_eq!(start(None, Some(2), 4), Offset(2));
    assert_eq!(start(None, Some(1), 2), Offset(2), "what is not committed stays");
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let records = prop::collection::vec((0u16..4, prop::bool::weighted(0.7)), 1..4);
    let by = prop::option::weighted(0.6, (0u64..2, any::<bool>()));
    let step = prop_oneof![
        3 => (records, by).prop_map(|(records, by)| Step::Append(records, by)),
        1 => (0u64..2, any::<bool>()).prop_map(|(id, committed)| Step::End(id, committed)),
    ];
    prop::collection::vec(step, 1..16)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// S8: whoever reads the compacted log has of each key what one has who has read all: the same value, at the same offset; deleted
    /// keys may be unknown when their tombstones are gone. At every time, and after any number of compactions.
    #[test]
    fn the_last_value_of_every_key_stays(steps in steps(), times in prop::collection::vec(0u64..4_000, 1..4)) {
        let log = written(&steps);
        let mut horizons = Horizons::new();
        let mut batches = log.batches().to_vec();
        let mut times = times;
        times.sort_unstable();
        let first = Time::ZERO + Span::secs(times[0]);
        for time in times {
            let now = Time::ZERO + Span::secs(time);
            let compaction = Compaction { to: log.end(), now, delete_retention: HOUR, producers: log.producers() };
            batches = compaction.compact(&batches, &mut horizons);
            prop_assert_eq!(without_deletions(view(&batches)), without_deletions(view(log.batches())));
            if now.since(first) < HOUR {
                prop_assert_eq!(view(&batches), view(log.batches()), "tombstones stay for their time");
            }
            let mut again = Log::default();
            batches.iter().for_each(|batch| again.append(batch.clone()));
            for (id, known) in log.producers().all() {
                let now = again.producers().get(id).expect("a producer is remembered");
                prop_assert_eq!(now.batches.back(), known.batches.back());
            }
            prop_assert_eq!(again.producers().first_unstable(log.end()), None);
        }
        let twice = compact(&log, log.end(), first, &mut Horizons::new());
        let again = Compaction { to: log.end(), now: first, delete_retention: HOUR, producers: log.producers() };
        prop_assert_eq!(again.compact(&twice, &mut Horizons::new()), twice, "a compacted log is compact");
    }
}
