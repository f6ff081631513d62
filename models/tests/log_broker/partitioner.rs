//! Where records go: Kafka's `Utils.murmur2`, KIP-480, KIP-794.

use seedbed_models::communication::log_broker::names::Topic;
use seedbed_models::communication::log_broker::partitioner::{
    Partitioner, Partitioning, Queues, murmur2, partition_for_key, to_positive,
};

const TOPIC: Topic = Topic(1);
const IDLE: Queues<'_> = Queues { partitions: 3, available: &[(0, 0), (1, 0), (2, 0)] };

/// The vectors of Apache Kafka (`UtilsTest.testMurmur2`).
#[test]
fn murmur2_agrees_with_kafka() {
    for (key, hash) in [
        ("21", -973_932_308),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        ("abc", 479_470_107),
    ] {
        assert_eq!(murmur2(key.as_bytes()) as i32, hash, "{key}");
    }
}

/// The vectors of librdkafka (`rdmurmur2.c`, `unittest_murmur2`), which were made by the Java client.
#[test]
fn murmur2_agrees_with_librdkafka() {
    let long = "PreAmbleWillBeRemoved,ThePrePartThatIs";
    for (key, hash) in [
        ("kafka", 0xd067_cf64),
        ("giberish123456789", 0x8f55_2b0c),
        ("1234", 0x9fc9_7b14),
        ("234", 0xe7c0_09ca),
        ("34", 0x8739_30da),
        ("4", 0x5a4b_5ca1),
        (long, 0x7842_4f1c),
        (&long[1..], 0x4a62_b377),
        (&long[2..], 0xe0e4_e09e),
        (&long[3..], 0x62b8_b43f),
        ("", 0x106e_08d9),
    ] {
        assert_eq!(murmur2(key.as_bytes()), hash, "{key}");
    }
}

/// The positive hashes of "kafka", "amqp" and another key, as clients of the Java partitioner have published them; the sign is
/// dropped, and not turned.
#[test]
fn a_hash_is_made_positive_by_dropping_its_sign() {
    assert_eq!(to_positive(murmur2(b"kafka")), 1_348_980_580);
    assert_eq!(to_positive(murmur2(b"amqp")), 767_747_138);
    assert_eq!(to_positive(murmur2(b"giberish123456789")), 257_239_820);
    assert_eq!(to_positive(u32::MAX), i32::MAX as u32);
    assert_eq!(to_positive(0x8000_0000), 0, "the least number is zero, whose absolute value is none");
    assert_eq!(partition_for_key(b"kafka", 10), 0);
    assert_eq!(partition_for_key(b"test", 10), 9);
}

#[test]
fn a_key_decides_whatever_is_available() {
    for partitioning in [Partitioning::StickyByBatch, Partitioning::UniformSticky] {
        let mut partitioner = Partitioner::new(partitioning, 10);
        let nobody = Queues { partitions: 3, available: &[] };
        for _ in 0..2 {
            let chosen = partitioner.partition(TOPIC, Some(b"foobar"), nobody, &mut |_| panic!("nothing is drawn"));
            assert_eq!(chosen, partition_for_key(b"foobar", 3));
        }
    }
}

// KIP-480: "on the creation of a new batch, a new sticky partition is chosen".
#[test]
fn sticky_by_batch_changes_with_a_new_batch() {
    let mut partitioner = Partitioner::new(Partitioning::StickyByBatch, 10);
    assert_eq!(partitioner.partition(TOPIC, None, IDLE, &mut |_| 1), 1);
    assert_eq!(partitioner.partition(TOPIC, None, IDLE, &mut |_| panic!("it sticks")), 1);
    partitioner.appended(TOPIC, 100, true);
    assert_eq!(partitioner.partition(TOPIC, None, IDLE, &mut |_| panic!("bytes do not matter")), 1);
    let mut among = 0;
    let next = partitioner.on_new_batch(TOPIC, 1, IDLE, &mut |n| {
        among = n;
        1
    });
    assert_eq!((next, among), (Some(2), 2), "one of the two others");
    assert_eq!(partitioner.on_new_batch(TOPIC, 1, IDLE, &mut |_| 0), None, "it has changed already");
    let alone = Queues { partitions: 3, available: &[(2, 0)] };
    assert_eq!(partitioner.on_new_batch(TOPIC, 2, alone, &mut |_| 0), Some(2), "there is no other");
}

// KIP-794: "switch after batch.size bytes got produced to the partition".
#[test]
fn uniform_sticky_changes_after_the_size_of_a_batch() {
    let mut partitioner = Partitioner::new(Partitioning::UniformSticky, 10);
    assert_eq!(partitioner.partition(TOPIC, None, IDLE, &mut |_| 0), 0);
    partitioner.appended(TOPIC, 9, true);
    assert_eq!(partitioner.partition(TOPIC, None, IDLE, &mut |_| 2), 0, "nine bytes are not enough");
    partitioner.appended(TOPIC, 1, false);
    assert_eq!(partitioner.partition(TOPIC, None, IDLE, &mut |_| 2), 0, "the batch can grow");
    partitioner.appended(TOPIC, 1, true);
    assert_eq!(partitioner.partition(TOPIC, None, IDLE, &mut |_| 2), 2);
    partitioner.appended(TOPIC, 20, false);
    assert_eq!(partitioner.partition(TOPIC, None, IDLE, &mut |_| 1), 1, "twice as much is too much for any batch");
}

// KIP-794: "the probability of choosing a partition is proportional to the inverse of its queue length".
#[test]
fn uniform_sticky_weighs_queues() {
    let queues = Queues { partitions: 4, available: &[(0, 0), (1, 3), (3, 1)] };
    let chosen = |drawn| {
        let mut partitioner = Partitioner::new(Partitioning::UniformSticky, 10);
        partitioner.partition(TOPIC, None, queues, &mut |sum| {
            assert_eq!(sum, 4 + 1 + 3);
            drawn
        })
    };
    assert_eq!((0..8).map(chosen).collect::<Vec<_>>(), [0, 0, 0, 0, 1, 3, 3, 3]);
    let nobody = Queues { partitions: 4, available: &[] };
    let mut partitioner = Partitioner::new(Partitioning::UniformSticky, 10);
    assert_eq!(partitioner.partition(TOPIC, None, nobody, &mut |n| n - 1), 3, "without leaders, any");
}

#[test]
fn round_robin_takes_turns() {
    let mut partitioner = Partitioner::new(Partitioning::RoundRobin, 10);
    let queues = Queues { partitions: 4, available: &[(0, 9), (3, 0)] };
    let mut next = |key| partitioner.partition(TOPIC, key, queues, &mut |_| panic!("nothing is drawn"));
    assert_eq!([next(None), next(Some(b"foobar")), next(None), next(None)], [0, 3, 0, 3]);
}
