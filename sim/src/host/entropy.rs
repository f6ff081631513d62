//! Where hosted programs get their random numbers from: all of them are functions of the seed.
//!
//! | who asks | what it asks | what answers |
//! |---|---|---|
//! | the standard library's hash maps, once a thread | `getrandom` of libc | madsim, from the seed |
//! | `rand` 0.9, `uuid`, … | `getrandom` of libc | madsim's generator, while a simulated task runs |
//! | `rand` 0.8, by `getrandom` 0.2 | `syscall(SYS_getrandom, …)` of libc | [`syscall`] below hands it to libc's `getrandom`, and so to madsim |
//! | `tokio::select!`, `tokio::sync::watch` | a generator of tokio's own for each thread, whose seed hashes a counter of the process | a tokio runtime around the run, whose `rng_seed` is the run's |
//!
//! tokio offers `rng_seed` only under `--cfg tokio_unstable`. Without that flag the last row stays a matter of chance, which
//! shows: a run whose repetition differs is refused.
#![allow(unsafe_code)]

#[cfg(target_os = "linux")]
use std::{
    ffi::{c_int, c_long, c_void},
    mem::transmute,
    sync::atomic::{AtomicUsize, Ordering},
};

/// Runs `run` with tokio's own random choices made from the seed.
#[cfg(tokio_unstable)]
pub(super) fn seeded<T>(seed: u64, run: impl FnOnce() -> T) -> T {
    use real_tokio::runtime::{Builder, RngSeed};

    be_linked();
    let seed = RngSeed::from_bytes(&seed.to_le_bytes());
    let tokio = Builder::new_current_thread().rng_seed(seed).build().expect("a runtime without drivers needs nothing");
    // The runtime polls this future once: it is there for its random numbers, and madsim runs all tasks. Budgets are for
    // runtimes that poll again.
    tokio.handle().block_on(real_tokio::task::coop::unconstrained(async { run() }))
}

/// Without `--cfg tokio_unstable` nobody can seed tokio's choices.
#[cfg(not(tokio_unstable))]
pub(super) fn seeded<T>(_: u64, run: impl FnOnce() -> T) -> T {
    be_linked();
    run()
}

/// A linker leaves out what nobody calls.
fn be_linked() {
    #[cfg(target_os = "linux")]
    // SAFETY: it asks for the number of this process, and has no other effect.
    unsafe {
        syscall(libc::SYS_getpid, 0, 0, 0, 0, 0, 0)
    };
}

#[cfg(target_os = "linux")]
type Syscall = unsafe extern "C" fn(c_long, usize, usize, usize, usize, usize, usize) -> c_long;

/// libc's `syscall`, but for random numbers, which libc's `getrandom` gives: madsim replaces that one, and not this.
///
/// # Safety
/// As libc's `syscall`. Whoever calls it passes fewer arguments where the call has fewer; like libc's, it hands on what is in
/// their places, and the kernel looks only at those that the call has.
#[cfg(target_os = "linux")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn syscall(number: c_long, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> c_long {
    if number == libc::SYS_getrandom {
        // SAFETY: the caller of `SYS_getrandom` passes a buffer, its length and flags.
        return unsafe { libc::getrandom(a as *mut c_void, b, c as c_int as u32) as c_long };
    }
    // No lock: locks are made of this call.
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let mut next = NEXT.load(Ordering::Relaxed);
    if next == 0 {
        // SAFETY: the name ends with a zero.
        next = unsafe { libc::dlsym(libc::RTLD_NEXT, c"syscall".as_ptr()) } as usize;
        assert_ne!(next, 0, "libc has a function of this name");
        NEXT.store(next, Ordering::Relaxed);
    }
    // SAFETY: it is libc's function of this name, which takes up to six arguments.
    unsafe { transmute::<usize, Syscall>(next)(number, a, b, c, d, e, f) }
}
