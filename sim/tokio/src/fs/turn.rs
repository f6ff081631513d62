//! Operations on files let others run.

use madsim_tokio::task::yield_now;

/// Every operation on files lets others run first, as one that waits for a disk does.
pub(super) async fn turn() {
    yield_now().await;
}
