//! Time: madsim's, and what it lacks.

use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::task::Poll;

pub use madsim::time::*;

/// The output of `future`, unless that takes until after `deadline`.
///
/// # Errors
/// If the deadline comes first.
#[allow(clippy::disallowed_types, reason = "madsim answers the standard library's clock")]
pub async fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Result<F::Output, error::Elapsed> {
    let mut future = pin!(future.into_future());
    let mut sleep = pin!(sleep_until(deadline));
    std::future::poll_fn(|poller| match future.as_mut().poll(poller) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending => sleep.as_mut().poll(poller).map(|()| Err(error::Elapsed)),
    })
    .await
}
