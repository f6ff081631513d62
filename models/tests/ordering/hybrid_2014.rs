//! The hybrid logical clock against Figure 5 of the paper, case by case as it stands there, and its bounds.

use proptest::prelude::*;
use seedbed_models::communication::ordering::clocks::{HybridClock, HybridTime};
use seedbed_sim::Time;

/// Figure 5, word for word.
#[derive(Clone, Copy, Default)]
struct Figure5 {
    l: u64,
    c: u32,
}

impl Figure5 {
    fn send_or_local(&mut self, pt: u64) {
        let old = self.l;
        self.l = old.max(pt);
        self.c = if self.l == old { self.c + 1 } else { 0 };
    }

    fn receive(&mut self, m: Figure5, pt: u64) {
        let old = self.l;
        self.l = old.max(m.l).max(pt);
        self.c = if self.l == old && self.l == m.l {
            self.c.max(m.c) + 1
        } else if self.l == old {
            self.c + 1
        } else if self.l == m.l {
            m.c + 1
        } else {
            0
        };
    }

    fn time(self) -> HybridTime {
        HybridTime { l: Time(self.l), c: self.c }
    }
}

proptest! {
    #[test]
    fn it_is_that_of_figure_5(events in prop::collection::vec((0u64..8, prop::option::of((0u64..8, 0u32..4))), 1..30)) {
        let (mut clock, mut figure) = (HybridClock::default(), Figure5::default());
        for (pt, message) in events {
            let shown = match message {
                None => {
                    figure.send_or_local(pt);
                    clock.local(Time(pt))
                }
                Some((l, c)) => {
                    figure.receive(Figure5 { l, c }, pt);
                    clock.receive(HybridTime { l: Time(l), c }, Time(pt))
                }
            };
            prop_assert_eq!(shown, figure.time());
        }
    }

    /// Theorem 2 and 3: `l` is the physical time of some event in the past, so it is not behind the own clock, and not before any.
    #[test]
    fn it_shows_the_greatest_physical_time_in_the_past(events in prop::collection::vec((0u64..100, 0u64..100), 1..30)) {
        let mut clock = HybridClock::default();
        let mut greatest = 0;
        for (pt, heard) in events {
            greatest = greatest.max(pt).max(heard);
            prop_assert_eq!(clock.receive(HybridTime { l: Time(heard), c: 0 }, Time(pt)).l, Time(greatest));
        }
    }
}
