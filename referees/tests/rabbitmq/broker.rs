//! A RabbitMQ server of the distribution, with everything of its own: ports, folders, cookie, and the name server of its runtime.

use seedbed_referees::{Server, free_port};

/// The server itself: `rabbitmq-server` on the path is a script that becomes another user, and forgets the environment.
const PROGRAM: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// A broker, and the `epmd` that it registers with. The one that is named first ends first.
pub struct Broker {
    server: Server,
    _epmd: Server,
}

impl Broker {
    /// Starts both. `None` if they are not installed.
    pub fn start() -> Option<Broker> {
        let epmd = Server::start("epmd", |command, port, _| {
            command.arg("-port").arg(port.to_string()).args(["-address", "127.0.0.1"]);
        })?;
        let server = Server::start(PROGRAM, |command, port, folder| {
            let own = |name: &str| folder.join(name);
            command.env("HOME", folder);
            command.env("RABBITMQ_MNESIA_BASE", own("mnesia")).env("RABBITMQ_LOG_BASE", own("log"));
            command.env("RABBITMQ_CONFIG_FILE", own("rabbitmq.conf")).env("RABBITMQ_CONF_ENV_FILE", own("none"));
            command.env("RABBITMQ_ENABLED_PLUGINS_FILE", own("plugins")).env("RABBITMQ_PID_FILE", own("pid"));
            command.env("RABBITMQ_NODENAME", "referee@localhost");
            command.env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1").env("RABBITMQ_NODE_PORT", port.to_string());
            command.env("RABBITMQ_DIST_PORT", free_port().to_string());
            command.env("ERL_EPMD_PORT", epmd.port().to_string()).env("ERL_EPMD_ADDRESS", "127.0.0.1");
            // The script is replaced by the server, instead of waiting for it.
            command.env("RUNNING_UNDER_SYSTEMD", "true");
        })?;
        Some(Broker { server, _epmd: epmd })
    }

    /// The port on which it listens.
    pub fn port(&self) -> u16 {
        self.server.port()
    }
}
