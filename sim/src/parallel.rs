//! Seeds on the threads of the current rayon pool; sequentially without the feature `threads`. Both give the same
//! results.

use std::ops::Range;

#[cfg(feature = "threads")]
use rayon::prelude::*;

/// The results of `f` for each number, in their order. Each thread has a state of its own.
///
/// # Errors
/// One that `f` returned; then no more numbers are begun.
pub fn collect<S, T: Send, E: Send>(
    numbers: Range<u64>,
    state: impl Fn() -> S + Sync + Send,
    f: impl Fn(&mut S, u64) -> Result<Option<T>, E> + Sync + Send,
) -> Result<Vec<T>, E> {
    #[cfg(feature = "threads")]
    return numbers.into_par_iter().map_init(state, f).filter_map(Result::transpose).collect();
    #[cfg(not(feature = "threads"))]
    {
        let mut state = state();
        numbers.filter_map(|number| f(&mut state, number).transpose()).collect()
    }
}

/// The merged results of `f` for all numbers. `merge` must not depend on the order, nor on how numbers are divided.
pub fn merge<S, T: Default + Send>(
    numbers: Range<u64>,
    state: impl Fn() -> S + Sync + Send,
    f: impl Fn(&mut S, u64) -> T + Sync + Send,
    merge: impl Fn(T, T) -> T + Sync + Send,
) -> T {
    #[cfg(feature = "threads")]
    return numbers.into_par_iter().map_init(state, f).reduce(T::default, merge);
    #[cfg(not(feature = "threads"))]
    {
        let mut state = state();
        numbers.map(|number| f(&mut state, number)).fold(T::default(), merge)
    }
}
