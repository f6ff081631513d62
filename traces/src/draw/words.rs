//! The texts of entries and of messages' fates in all drawings.

use seedbed_sim::timeline::{Happening, Undelivered};

/// An entry in words, without node and time.
pub(super) fn words(what: &Happening) -> String {
    match what {
        Happening::Started { .. } => "starts".into(),
        Happening::Down { why, .. } => format!("goes down: {why}"),
        Happening::Invoked { op, text, .. } => format!("op {} asks {text}", op.0),
        Happening::Ended { op, text, .. } => format!("op {} gets {text}", op.0),
        Happening::Sent { to, kind, .. } => format!("sends {kind} to {to}"),
        Happening::Delivered { from, kind, .. } => format!("gets {kind} from {from}"),
        Happening::Held { from, to, kind, .. } => format!("{kind} from {from} to {to}: held"),
        Happening::Undelivered { from, to, kind, why, .. } => format!("{kind} from {from} to {to}: {}", fate(*why)),
        Happening::Fired { text, .. } => format!("timer {text}"),
        Happening::Synced { .. } => "synced".into(),
        Happening::FaultBegan { text, .. } => text.clone(),
        Happening::FaultEnded { text, .. } => format!("ended: {text}"),
        Happening::Healed => "all faults end".into(),
        Happening::Marked { name, .. } => format!("* {name}"),
        Happening::Noted { text, .. } => text.clone(),
    }
}

/// Why a message did not arrive, in words.
pub(super) fn fate(why: Undelivered) -> &'static str {
    match why {
        Undelivered::Lost => "lost",
        Undelivered::Cut => "cut",
        Undelivered::Down => "receiver down",
    }
}
