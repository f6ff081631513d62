//! madsim's clock, in the world's terms.

use std::pin::Pin;
use std::time::Duration;

use madsim::time::{Sleep, TimeHandle};

use crate::time::Time;

/// What madsim's clock shows.
pub(super) fn read(clock: &TimeHandle) -> Time {
    Time(clock.elapsed().as_nanos() as u64)
}

/// Resolves exactly when the clock reaches `at`; a plain sleep is rounded up to a millisecond.
pub(super) fn reaches(clock: &TimeHandle, at: Time) -> Pin<Box<Sleep>> {
    let begin = clock.now_instant() - clock.elapsed();
    let mut sleep = Box::pin(clock.sleep(Duration::ZERO));
    sleep.as_mut().reset(begin + Duration::from_nanos(at.0));
    sleep
}
