//! Logs in virtual time: `RUST_LOG` chooses which, each line says when on the world's clock, on which node, in which
//! role.

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

/// Prints logs to standard error, if `RUST_LOG` asks for any.
pub fn start() {
    if std::env::var_os("RUST_LOG").is_none() {
        return;
    }
    let mut filter = EnvFilter::from_default_env();
    // It puts spans of its own before every line, and warns of hash maps, of which there are none here.
    if !std::env::var("RUST_LOG").is_ok_and(|asked| asked.contains("madsim")) {
        filter = filter.add_directive("madsim=off".parse().expect("a directive"));
    }
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_timer(VirtualTime).with_writer(std::io::stderr);
    // A second start in one process changes nothing.
    let _ = logs.with_ansi(false).try_init();
}
