//! The clock of one node: offset, drift, jumps.

use crate::time::Time;

/// A node's clock. It shows the world's time until a fault skews it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Clock(Option<Skewed>);

/// `local = base_local + (world − base_world) · (1 + drift)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Skewed {
    base_world: Time,
    base_local: Time,
    /// Parts per million by which this clock runs fast.
    drift_ppm: i64,
    /// Whether the last skew had an offset, so that [`Clock::correct`] steps it back.
    stepped: bool,
}

const MILLION: i128 = 1_000_000;

impl Clock {
    /// What this clock shows when the world's time is `world`.
    #[inline]
    pub(crate) fn read(&self, world: Time) -> Time {
        match &self.0 {
            None => world,
            Some(skewed) => skewed.read(world),
        }
    }

    /// The first world time at which this clock shows at least `local`, at its present rate. It is in the past if the
    /// clock has stepped over `local`.
    #[inline]
    pub(crate) fn when(&self, local: Time) -> Time {
        match &self.0 {
            None => local,
            Some(skewed) => skewed.when(local),
        }
    }

    /// Steps by `offset_ns` from true time, unless that is zero, and runs fast by `drift_ppm` from now on.
    pub(crate) fn skew(&mut self, now: Time, offset_ns: i64, drift_ppm: i64) {
        assert!(drift_ppm > -1_000_000, "a clock may run slow but not stand still or run backwards: {drift_ppm} ppm");
        let steps = offset_ns != 0;
        let base_local = if steps { Time(now.0.saturating_add_signed(offset_ns)) } else { self.read(now) };
        let stepped = steps || self.stepped();
        self.0 = Some(Skewed { base_world: now, base_local, drift_ppm, stepped });
    }

    /// Ends the skew. A clock that was stepped steps back to true time; one that only drifted keeps its error, because
    /// it must not step.
    pub(crate) fn correct(&mut self, now: Time) {
        if self.stepped() {
            *self = Clock::default();
        } else {
            self.skew(now, 0, 0);
        }
    }

    fn stepped(&self) -> bool {
        self.0.is_some_and(|skewed| skewed.stepped)
    }
}

impl Skewed {
    #[inline(never)]
    fn read(&self, world: Time) -> Time {
        let elapsed = world.0 - self.base_world.0;
        if self.drift_ppm == 0 {
            return Time(self.base_local.0.saturating_add(elapsed));
        }
        let local = i128::from(elapsed) * (MILLION + i128::from(self.drift_ppm)) / MILLION;
        Time(self.base_local.0.saturating_add(local.max(0) as u64))
    }

    #[inline(never)]
    fn when(&self, local: Time) -> Time {
        if self.drift_ppm == 0 {
            let world = i128::from(local.0) - i128::from(self.base_local.0) + i128::from(self.base_world.0);
            return Time(world.clamp(0, i128::from(u64::MAX)) as u64);
        }
        let ahead = i128::from(local.0) - i128::from(self.base_local.0);
        let rate = MILLION + i128::from(self.drift_ppm);
        // Rounded up, so that the clock has reached `local` by then.
        let elapsed = (ahead * MILLION + rate - 1).div_euclid(rate);
        Time((i128::from(self.base_world.0) + elapsed).clamp(0, i128::from(u64::MAX)) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_clock_that_drifts_never_steps() {
        let mut clock = Clock::default();
        clock.skew(Time(1_000_000), 0, 500_000);
        assert_eq!(clock.read(Time(1_000_000)), Time(1_000_000));
        assert_eq!(clock.read(Time(3_000_000)), Time(4_000_000));
        clock.correct(Time(3_000_000));
        assert_eq!(clock.read(Time(3_000_000)), Time(4_000_000));
        assert_eq!(clock.read(Time(5_000_000)), Time(6_000_000));
        clock.skew(Time(5_000_000), -2_000_000, 0);
        assert_eq!(clock.read(Time(5_000_000)), Time(3_000_000));
        clock.correct(Time(6_000_000));
        assert_eq!(clock.read(Time(6_000_000)), Time(6_000_000));
    }

    proptest! {
        /// `when` is the inverse of `read`: the first instant at which the deadline is reached.
        #[test]
        fn a_timer_is_due_when_the_clock_shows_it(at in 0u64..1 << 40, offset in -1_000_000_000i64..1_000_000_000, drift in -200_000i64..200_000, after in 1u64..1 << 35) {
            let now = Time(at);
            let mut clock = Clock::default();
            clock.skew(now, offset, drift);
            let deadline = Time(clock.read(now).0 + after);
            let due = clock.when(deadline);
            prop_assert!(clock.read(due) >= deadline);
            prop_assert!(due == now || clock.read(Time(due.0 - 1)) < deadline);
        }
    }
}
