//! The shape of a seed's world: how large it is, how long it lasts, how dense its operations are, and whether its faults
//! are aimed at instants that plans seldom hit. It is drawn from a stream of its own.

use rand_core::Rng;

use crate::generator::generator;
use crate::phases::Phases;
use crate::time::{Span, Time};
use crate::workload::Operation;

/// The length of the chaos of a long world.
pub(super) const LONG: Span = Span::secs(60);

/// One world in so many is long; one in so many has all its operations in a burst; one in so many is of another size; one in
/// so many has a deep plan.
const LONG_IN: u32 = 256;
const BURST_IN: u32 = 16;
const OTHER_SIZE_IN: u32 = 3;
const DEEP_IN: u32 = 4;

/// A burst takes this part of the chaos.
const BURST_PART: u64 = 16;

/// The shape of a seed's world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Which of the sizes; zero is the configured one.
    pub(super) size: usize,
    pub(super) tempo: Tempo,
    /// Whether the faults are a [deep](super::motif::Motif::DEEP) motif.
    pub(super) deep: bool,
}

/// How operations are spread over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tempo {
    Usual,
    /// The chaos lasts for [`LONG`], with the usual number of operations: what takes a long time to happen, happens.
    Long,
    /// All operations are asked for in a small part of the chaos, which begins after so many of its 65,536 parts: windows
    /// and queues fill.
    Burst(u16),
}

impl Shape {
    /// The usual shape.
    pub(super) const USUAL: Shape = Shape { size: 0, tempo: Tempo::Usual, deep: false };

    /// The shape of a seed, where there are so many sizes besides the configured one.
    pub(super) fn drawn(seed: u64, other_sizes: usize) -> Self {
        let mut words = generator(seed, "shape");
        let mut one_in = |n: u32| words.next_u32().is_multiple_of(n);
        let (other, long, burst, deep) = (one_in(OTHER_SIZE_IN), one_in(LONG_IN), one_in(BURST_IN), one_in(DEEP_IN));
        let size = words.next_u32() as usize;
        let at = words.next_u32() as u16;
        let tempo = match () {
            () if long => Tempo::Long,
            () if burst => Tempo::Burst(at),
            () => Tempo::Usual,
        };
        let size = if other && other_sizes > 0 { 1 + size % other_sizes } else { 0 };
        Shape { size, tempo, deep }
    }
}

impl Tempo {
    /// The phases of a world of these usual ones.
    pub(super) fn phases(self, usual: &Phases) -> Phases {
        match self {
            Tempo::Long => Phases { chaos: usual.chaos.max(LONG), ..usual.clone() },
            Tempo::Usual | Tempo::Burst(_) => usual.clone(),
        }
    }

    /// Moves operations, which are asked for in a chaos of this usual length. Their order stays.
    pub(super) fn spread<O>(self, usual: Span, operations: &mut [Operation<O>]) {
        let scaled = |at: Time, to: u64| (u128::from(at.0) * u128::from(to) / u128::from(usual.0.max(1))) as u64;
        for operation in operations {
            operation.at = match self {
                Tempo::Usual => operation.at,
                Tempo::Long => Time(scaled(operation.at, LONG.0.max(usual.0))),
                Tempo::Burst(begins) => {
                    let length = usual.0 / BURST_PART;
                    let begins = (usual.0 - length) / (1 << 16) * u64::from(begins);
                    Time(begins + scaled(operation.at, length))
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::NodeId;

    #[test]
    fn every_shape_is_drawn_and_most_worlds_are_usual() {
        let shapes: Vec<Shape> = (0..10_000).map(|seed| Shape::drawn(seed, 5)).collect();
        let share = |is: &dyn Fn(&Shape) -> bool| shapes.iter().filter(|shape| is(shape)).count();
        assert!((20..70).contains(&share(&|shape| shape.tempo == Tempo::Long)));
        assert!((500..750).contains(&share(&|shape| matches!(shape.tempo, Tempo::Burst(_)))));
        assert!((2_000..3_000).contains(&share(&|shape| shape.deep)));
        for size in 1..=5 {
            assert!((500..850).contains(&share(&|shape| shape.size == size)), "{size}");
        }
        assert!(shapes.iter().all(|shape| shape.size <= 5));
        assert!((0..1_000).all(|seed| Shape::drawn(seed, 0).size == 0), "the configured size is the only one");
    }

    #[test]
    fn operations_keep_their_order_and_stay_in_the_chaos() {
        let usual = Span::secs(4);
        let times = [0, 1, 1_999, 2_000, 3_999].map(Time::ms);
        for tempo in [Tempo::Usual, Tempo::Long, Tempo::Burst(0), Tempo::Burst(u16::MAX)] {
            let mut operations = times.map(|at| Operation { at, client: NodeId(0), op: () });
            tempo.spread(usual, &mut operations);
            let chaos = tempo.phases(&Phases { chaos: usual, settle: Span::ZERO }).chaos;
            assert!(operations.is_sorted_by_key(|operation| operation.at), "{tempo:?}");
            let last = operations.last().expect("five").at.since(Time::ZERO);
            assert!(last < chaos, "{tempo:?}: {last} of {chaos}");
            let lasts = operations[4].at.since(operations[0].at);
            match tempo {
                Tempo::Usual => assert_eq!(operations.map(|operation| operation.at), times),
                Tempo::Long => assert!(lasts > Span::secs(59)),
                Tempo::Burst(_) => assert!(lasts <= Span::ms(250)),
            }
        }
    }
}
