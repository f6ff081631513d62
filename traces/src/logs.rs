//! Logs in virtual time, filtered by `RUST_LOG`. Each line has the world's time, the node and its role.

use std::fmt;

use seedbed_sim::log;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

struct VirtualTime;

impl FormatTime for VirtualTime {
    fn format_time(&self, to: &mut Writer<'_>) -> fmt::Result {
        match log::here() {
            Some(here) => write!(to, "{:>9} {:>4} {:9}", here.at.to_string(), here.node.to_string(), here.role),
            None => write!(to, "{:>9} {:>4} {:9}", "", "", ""),
        }
    }
}

/// Prints logs to standard error, if `RUST_LOG` is set.
pub fn start() {
    if std::env::var_os("RUST_LOG").is_none() {
        return;
    }
    let mut filter = EnvFilter::from_default_env();
    // madsim adds spans of its own to every line, and warns of hash maps, which are not used here.
    if !std::env::var("RUST_LOG").is_ok_and(|asked| asked.contains("madsim")) {
        filter = filter.add_directive("madsim=off".parse().expect("a directive"));
    }
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_timer(VirtualTime).with_writer(std::io::stderr);
    // A second start in one process has no effect.
    let _ = logs.with_ansi(false).try_init();
}
