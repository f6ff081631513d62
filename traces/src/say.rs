//! Standard output that may be closed early: `seedbed list | head` ends quietly instead of panicking.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write as _};

/// Writes to standard output. Ends the program quietly if the pipe is closed.
///
/// # Panics
/// If standard output cannot be written for another reason.
pub fn say(text: Arguments<'_>) {
    match std::io::stdout().write_fmt(text) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        result => result.expect("standard output can be written"),
    }
}

/// Prints a line. See [`say`].
#[macro_export]
macro_rules! say {
    () => { $crate::say::say(format_args!("\n")) };
    ($($words:tt)*) => { $crate::say::say(format_args!("{}\n", format_args!($($words)*))) };
}

/// Prints without ending the line. See [`say`].
#[macro_export]
macro_rules! say_all {
    ($($words:tt)*) => { $crate::say::say(format_args!($($words)*)) };
}
