//! Signals that end long work early: Ctrl-C (SIGINT), and SIGTERM, which engines of jobs send before they kill.
//!
//! The first one only asks: the work comes to an end, what was found until then is printed, and no file is left half written. A
//! second one, of either kind, ends the process at once.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// A signal that ends work early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal {
    number: i32,
    /// What people call it.
    pub name: &'static str,
}

const HANDLED: [Signal; 2] = [Signal { number: SIGINT, name: "Ctrl-C" }, Signal { number: SIGTERM, name: "SIGTERM" }];

/// The number of the signal that came; 0 before.
static CAME: AtomicUsize = AtomicUsize::new(0);
/// Whether one came: then the next one ends the process.
static ANY: AtomicBool = AtomicBool::new(false);

impl Signal {
    /// The exit code of what the signal has ended: that of shells, 128 and its number.
    pub fn exit_code(self) -> u8 {
        u8::try_from(128 + self.number).expect("numbers of signals are small")
    }

    fn handle(self) -> std::io::Result<()> {
        // In this order they run when the signal comes.
        flag::register_conditional_shutdown(self.number, self.exit_code().into(), &ANY)?;
        flag::register_usize(self.number, &CAME, self.number as usize)?;
        flag::register(self.number, &ANY)?;
        Ok(())
    }
}

/// From now on, signals end work early. Before, and where no handler can be set, they kill the process as usual.
pub fn handle() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for signal in HANDLED {
            let _ = signal.handle();
        }
    });
}

/// The signal that came, if one did.
pub fn received() -> Option<Signal> {
    let came = CAME.load(Ordering::SeqCst);
    HANDLED.into_iter().find(|signal| signal.number as usize == came)
}

/// Whether work is to end early.
pub fn interrupted() -> bool {
    received().is_some()
}
