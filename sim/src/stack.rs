//! Recursion without end. It would overflow the stack, and the operating system would end the process: no other seed would be
//! run, and nothing shrunk.
//!
//! A handler that calls itself again and again has effects on the way, or asks its context for something, as all that protocols
//! do goes through it. So a [`Context`](crate::Context), or what is behind it, looks at each use how much of the stack is in use
//! since the handler began, and panics where it is far more than any protocol needs. That is a violation like that of an
//! assertion: it is found, replayed and shrunk.
//!
//! What recurses without touching its context (a function of data, or a property) does come to the end of the stack. A stack
//! that is full cannot be unwound at any instruction, and jumping over its frames would leave locks locked. So the process ends,
//! as it must, but with exit code 1 and after saying which model and seed it was.

use std::cell::Cell;

use crate::choice::Source;

/// The property that such a recursion violates.
pub(crate) const OVERFLOW: &str = "stack overflow";

/// How much of the stack a handler may use. Threads have 2 MiB, unless somebody asks for less.
const MOST: usize = 1 << 20;

/// The lowest address that a handler's stack may come to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Floor(usize);

/// What such a panic carries.
pub(crate) struct Exhausted;

impl Floor {
    /// For a handler that is called here.
    #[inline(always)]
    pub(crate) fn below_here() -> Self {
        Floor(here().saturating_sub(MOST))
    }

    /// Panics if the stack has come lower.
    #[inline(always)]
    pub(crate) fn guard(self) {
        if here() < self.0 {
            exhausted();
        }
    }
}

/// An address in the current frame.
#[inline(always)]
fn here() -> usize {
    let here = 0_u8;
    (&raw const here).addr()
}

#[cold]
#[inline(never)]
fn exhausted() -> ! {
    std::panic::panic_any(Exhausted)
}

impl Exhausted {
    pub(crate) fn message(&self) -> String {
        format!("the calls of a handler nest without end: they fill {} KiB of stack", MOST >> 10)
    }
}

/// What runs on this thread.
#[derive(Clone, Copy)]
struct Running {
    model: &'static str,
    seed: Option<u64>,
}

thread_local! {
    static RUNNING: Cell<Option<Running>> = const { Cell::new(None) };
}

/// Runs a world. If it comes to the end of the stack, the process says which world it was.
pub(crate) fn watched<T>(model: &'static str, source: &Source, run: impl FnOnce() -> T) -> T {
    handler::install();
    let before = RUNNING.replace(Some(Running { model, seed: source.seed() }));
    let result = run();
    RUNNING.set(before);
    result
}

/// The signal handler. All of it is async-signal-safe: it allocates nothing, and calls nothing but `write`, `_exit` and
/// `sigaction`. It runs on the alternate stack that the standard library gives to each thread.
#[cfg(unix)]
#[allow(unsafe_code, reason = "signals are handled by the C library")]
mod handler {
    use std::ffi::c_void;
    use std::mem::MaybeUninit;
    use std::sync::{Once, OnceLock};

    use super::{RUNNING, Running};

    /// What was in force before, for each signal.
    static BEFORE: OnceLock<[(i32, libc::sigaction); 2]> = OnceLock::new();

    pub(super) fn install() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let current = |signal: i32| {
                let mut before = MaybeUninit::uninit();
                // SAFETY: without a new action it only reads, and on success it writes all of `before`.
                let read = unsafe { libc::sigaction(signal, std::ptr::null(), before.as_mut_ptr()) };
                // SAFETY: as above.
                (read == 0).then(|| (signal, unsafe { before.assume_init() }))
            };
            let (Some(segv), Some(bus)) = (current(libc::SIGSEGV), current(libc::SIGBUS)) else { return };
            // Without the standard library's handler there is no alternate stack to run on.
            if [segv.1, bus.1].iter().any(|before| before.sa_flags & libc::SA_ONSTACK == 0) {
                return;
            }
            BEFORE.get_or_init(|| [segv, bus]);
            for signal in [libc::SIGSEGV, libc::SIGBUS] {
                // SAFETY: an action of zeros is a valid one, with an empty mask.
                let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
                action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
                action.sa_sigaction = overflowed as *const () as libc::sighandler_t;
                // SAFETY: the handler has the signature that `SA_SIGINFO` asks for, and is async-signal-safe.
                unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) };
            }
        });
    }

    /// How far from the end of the stack a fault can be: a guard page, and a frame that is probed page by page.
    const NEAR: usize = 1 << 16;

    extern "C" fn overflowed(signal: i32, info: *mut libc::siginfo_t, context: *mut c_void) {
        // SAFETY: the kernel hands over a valid `siginfo_t`.
        let at = unsafe { (*info).si_addr() }.addr();
        match RUNNING.get() {
            Some(running) if stack_pointer(context).is_none_or(|top| at.abs_diff(top) < NEAR) => end(running),
            _ => hand_back(signal),
        }
    }

    /// Where the stack ended; `None` on machines for which it is not known how to tell.
    fn stack_pointer(context: *mut c_void) -> Option<usize> {
        #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
        {
            let context = context.cast::<libc::ucontext_t>();
            // SAFETY: the kernel hands over a valid `ucontext_t`.
            return Some(unsafe { (*context).uc_mcontext.gregs[libc::REG_RSP as usize] } as usize);
        }
        #[cfg(all(target_os = "linux", target_arch = "aarch64"))]
        {
            let context = context.cast::<libc::ucontext_t>();
            // SAFETY: the kernel hands over a valid `ucontext_t`.
            return Some(unsafe { (*context).uc_mcontext.sp } as usize);
        }
        #[allow(unreachable_code)]
        {
            let _ = context;
            None
        }
    }

    /// Another kind of fault: the handler from before takes the signal, as soon as the instruction is repeated.
    fn hand_back(signal: i32) {
        let before = BEFORE.get().and_then(|before| before.iter().find(|(of, _)| *of == signal));
        if let Some((_, before)) = before {
            // SAFETY: the action was in force before.
            unsafe { libc::sigaction(signal, before, std::ptr::null_mut()) };
        }
    }

    fn end(running: Running) -> ! {
        say("\n");
        say(running.model);
        say(": stack overflow VIOLATED");
        match running.seed {
            Some(seed) => {
                say(" (seed ");
                say_number(seed);
                say(")");
            }
            None => say(" in a replay"),
        }
        say("\n  functions call each other without end, and none asks its context for anything on the way. ");
        say("A full stack cannot be unwound, so this ends the process, and nothing is shrunk.\n");
        // SAFETY: it ends the process at once, and runs nothing.
        unsafe { libc::_exit(1) }
    }

    fn say(text: &str) {
        // SAFETY: the text is valid for its length.
        unsafe { libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len()) };
    }

    fn say_number(number: u64) {
        let (mut digits, mut rest, mut first) = ([0_u8; 20], number, 20);
        while first == 20 || rest > 0 {
            first -= 1;
            digits[first] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        say(std::str::from_utf8(&digits[first..]).unwrap_or_default());
    }
}

/// On other systems the process ends without words.
#[cfg(not(unix))]
mod handler {
    pub(super) fn install() {}
}
