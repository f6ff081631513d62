//! What the tool says on standard output and standard error.
//!
//! - **A closed pipe ends nothing**: in `seedbed check … | head -1` the rest of the text is dropped, the work goes on, and the
//!   exit code says what was found, whoever reads it.
//! - **A full output is an error**: the text that follows is dropped too, and [`finish`] returns the problem.
//! - **Control characters never reach a terminal**: texts come from files, and could hide a verdict or rename a window. They
//!   are printed as the escapes of JSON, which leaves JSON lines what they are.

use std::cell::RefCell;
use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::escape;

/// Whether nothing more can be written to standard output.
static DEAF: AtomicBool = AtomicBool::new(false);
/// Why, unless the reader has closed the pipe.
static PROBLEM: OnceLock<io::Error> = OnceLock::new();

/// Writes to standard output. What cannot be written is dropped; see the module.
pub fn say(text: Arguments<'_>) {
    let text = text.to_string();
    let text = escape::text(&text);
    if !capture(|captured| captured.out.push_str(&text)) && !DEAF.load(Ordering::Relaxed) {
        written(io::stdout().write_all(text.as_bytes()));
    }
}

/// Writes to standard error. What cannot be written is dropped: there is nobody left to be told.
pub fn tell(text: Arguments<'_>) {
    let text = text.to_string();
    let text = escape::text(&text);
    if !capture(|captured| captured.err.push_str(&text)) {
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

/// What a thread said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// On standard output.
    pub out: String,
    /// On standard error.
    pub err: String,
}

thread_local! {
    static CAPTURED: RefCell<Option<Captured>> = const { RefCell::new(None) };
}

/// Runs `f`, and returns what it says on this thread instead of printing it.
pub fn captured<T>(f: impl FnOnce() -> T) -> (T, Captured) {
    CAPTURED.set(Some(Captured::default()));
    let result = f();
    (result, CAPTURED.take().unwrap_or_default())
}

/// Whether this thread is captured; if so, `add` adds to what it said.
fn capture(add: impl FnOnce(&mut Captured)) -> bool {
    CAPTURED.with_borrow_mut(|captured| captured.as_mut().map(add).is_some())
}

/// Writes what is still in the buffer of standard output.
///
/// # Errors
/// If something could not be written, now or earlier, although its reader had not closed the pipe.
pub fn finish() -> Result<(), &'static io::Error> {
    if !DEAF.load(Ordering::Relaxed) {
        written(io::stdout().flush());
    }
    PROBLEM.get().map_or(Ok(()), Err)
}

fn written(result: io::Result<()>) {
    let Err(problem) = result else { return };
    DEAF.store(true, Ordering::Relaxed);
    if problem.kind() != ErrorKind::BrokenPipe {
        // Of several problems the first is told.
        let _ = PROBLEM.set(problem);
    }
}

/// Prints a line to standard output. See [`say`].
#[macro_export]
macro_rules! say {
    () => { $crate::say::say(format_args!("\n")) };
    ($($words:tt)*) => { $crate::say::say(format_args!("{}\n", format_args!($($words)*))) };
}

/// Prints to standard output without ending the line. See [`say`].
#[macro_export]
macro_rules! say_all {
    ($($words:tt)*) => { $crate::say::say(format_args!($($words)*)) };
}

/// Prints a line to standard error. See [`tell`].
#[macro_export]
macro_rules! tell {
    ($($words:tt)*) => { $crate::say::tell(format_args!("{}\n", format_args!($($words)*))) };
}
