//! How well traces survive changes of the code: shrinks failing seeds of Raft's bugs and replays each trace after one
//! more broadcast kind of message, after one more labelled draw, and with heartbeats 10 % further apart.
//!
//! The later versions of the code are made of today's from outside: a node that hosts Raft's ([`later`]).
//!
//! `cargo run --release -p seedbed-traces --example durability -- 100`

use std::collections::BTreeMap;

use seedbed_properties::registry::component;
use seedbed_sim::Replayed;
use seedbed_sim::replay::NUDGES;
use seedbed_traces::component::{Component, Options};
use seedbed_traces::failing::failing_seeds;
use seedbed_traces::registry;
use serde_json::{Value, json};

const MOST_SEEDS: u64 = 20_000;

/// A change of the code, and how many of a hundred traces must survive it.
struct Change {
    what: &'static str,
    /// The code after it.
    after: Component,
    /// What it does to the configuration of a trace.
    configure: fn(&mut Value),
    least: usize,
}

fn changes() -> anyhow::Result<[Change; 4]> {
    let change = |what, after, configure, least| Change { what, after, configure, least };
    Ok([
        change("none", registry::find("raft")?, |_| {}, 100),
        change("one more kind of message", Component::new(component(later::suite::<true, false>)), |_| {}, 98),
        change("one more labelled draw", Component::new(component(later::suite::<false, true>)), |_| {}, 98),
        change(
            "heartbeats 10 % further apart",
            registry::find("raft")?,
            |settings| settings["heartbeat"] = json!("55ms"),
            85,
        ),
    ])
}

fn main() -> anyhow::Result<()> {
    let wanted: usize = std::env::args().nth(1).map_or(Ok(100), |word| word.parse())?;
    let raft = registry::find("raft")?;
    let traces = traces(&raft, wanted)?;
    println!("{} traces of {} bugs", traces.len(), raft.info().bugs.len());
    println!("{:32} {:>6} {:>7} {:>5} {:>6}", "change", "same", "nudged", "lost", "wanted");
    let mut kept = true;
    for Change { what, after, configure, least } in changes()? {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for text in &traces {
            let mut trace: Value = serde_json::from_str(text)?;
            configure(&mut trace["scenario"]["config"]["settings"]);
            let replay = after.replay(&trace.to_string(), NUDGES)?;
            let word = match replay.replayed {
                // In a changed configuration the run is another one.
                Replayed::Exact | Replayed::Same => "same",
                Replayed::Nudged { .. } => "nudged",
                Replayed::Lost => "lost",
                Replayed::Unknown => "unknown",
            };
            *counts.entry(word).or_insert(0) += 1;
        }
        let count = |word| counts.get(word).copied().unwrap_or(0);
        println!("{what:32} {:>6} {:>7} {:>5} {least:>6}", count("same"), count("nudged"), count("lost"));
        kept &= (count("same") + count("nudged")) * 100 >= least * traces.len();
    }
    anyhow::ensure!(kept, "fewer traces survived than should");
    Ok(())
}

/// Shrunk traces, as many of each bug as it takes.
fn traces(raft: &Component, wanted: usize) -> anyhow::Result<Vec<String>> {
    let bugs = raft.info().bugs;
    let each = wanted.div_ceil(bugs.len());
    let mut traces = Vec::new();
    for bug in bugs {
        let options = Options { bug: Some(bug.name.into()), ..Options::default() };
        let prepared = raft.prepare(&options)?;
        for seed in failing_seeds(raft, &options, bug.caught_by, each, MOST_SEEDS)? {
            if let Some(shrunk) = prepared.hunt(seed, &mut |progress| progress.runs < 20_000)? {
                traces.push(shrunk.text);
            }
        }
    }
    traces.truncate(wanted);
    Ok(traces)
}

/// Later versions of Raft's code, which say or draw more and do the same.
mod later {
    use proptest::strategy::BoxedStrategy;
    use seedbed_models::replication::raft::client::Ask;
    use seedbed_models::replication::raft::kv::{Kv, Output};
    use seedbed_models::replication::raft::messages::Message as RaftMessage;
    use seedbed_models::replication::raft::record::Record;
    use seedbed_models::replication::raft::server::Server;
    use seedbed_models::replication::raft::settings::Timer;
    use seedbed_models::replication::raft::{Node, Raft};
    use seedbed_properties::replication::raft::{Group, commands_linearizable, safety};
    use seedbed_sim::{
        Context, Embed, File, Hosts, Info, Kinded, Model, NodeId, OpId, Phases, Process, Span, Suite, Tolerance,
        Workload,
    };
    use serde::{Deserialize, Serialize};

    /// Raft's suite, for a later version whose leaders broadcast one more kind of message with each heartbeat, or whose
    /// elections each make one more draw.
    pub fn suite<const BEACON: bool, const DRAW: bool>() -> Suite<Later<BEACON, DRAW>> {
        let suite = Suite { properties: safety(), ..Suite::bare(Later(Raft::default())) };
        suite.property(commands_linearizable())
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(transparent)]
    pub struct Later<const BEACON: bool, const DRAW: bool>(Raft);

    #[derive(Clone, Debug, Hash, Kinded, Hosts)]
    pub enum Message {
        #[hosts(as_own)]
        Raft(RaftMessage<Kv>),
        Beacon,
    }

    /// A node of Raft, and who else is there.
    #[derive(Clone, Debug, Hash)]
    pub struct Host<const BEACON: bool, const DRAW: bool> {
        node: Node,
        others: Vec<NodeId>,
    }

    /// The host stands for what it hosts: no choice changes its name.
    struct AsRaft;

    impl<const BEACON: bool, const DRAW: bool> Embed<Host<BEACON, DRAW>, Node> for AsRaft {
        fn name(&self) -> &'static str {
            ""
        }
        fn message(&self, message: RaftMessage<Kv>) -> Message {
            message.into()
        }
        fn timer(&self, timer: Timer) -> Timer {
            timer
        }
        fn record(&self, record: Record<Kv>) -> Record<Kv> {
            record
        }
        fn unwrap_record(&self, record: Record<Kv>) -> Option<Record<Kv>> {
            Some(record)
        }
        fn file(&self, file: File) -> File {
            file
        }
        fn ret(&self, ret: Output) -> Output {
            ret
        }
    }

    impl<const BEACON: bool, const DRAW: bool> Process for Host<BEACON, DRAW> {
        type Message = Message;
        type Timer = Timer;
        type Record = Record<Kv>;
        type Op = Ask;
        type Ret = Output;

        fn start(&mut self, ctx: &mut Context<'_, Self>) {
            ctx.host(AsRaft, |ctx| self.node.start(ctx));
        }

        fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
            if let Message::Raft(message) = message {
                ctx.host(AsRaft, |ctx| self.node.message(ctx, from, message));
            }
        }

        fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
            if DRAW && timer == Timer::Election {
                ctx.draw("extra", 0..=9);
            }
            if BEACON && timer == Timer::Heartbeat {
                ctx.broadcast(self.others.iter().copied(), Message::Beacon);
            }
            ctx.host(AsRaft, |ctx| self.node.timer(ctx, timer));
        }

        fn synced(&mut self, ctx: &mut Context<'_, Self>) {
            ctx.host(AsRaft, |ctx| self.node.synced(ctx));
        }

        fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, ask: Ask) {
            ctx.host(AsRaft, |ctx| self.node.invoke(ctx, op, ask));
        }
    }

    impl<const BEACON: bool, const DRAW: bool> Model for Later<BEACON, DRAW> {
        type Process = Host<BEACON, DRAW>;
        const INFO: Info = Raft::INFO;

        fn size(&self) -> usize {
            self.0.size()
        }

        fn spawn(&self, node: NodeId, nodes: &[NodeId]) -> Self::Process {
            let servers = nodes.iter().copied().filter(|other| other.0 < self.0.servers);
            Host { node: self.0.spawn(node, nodes), others: servers.filter(|other| *other != node).collect() }
        }

        fn validate(&self) -> Result<(), String> {
            self.0.validate()
        }

        fn tolerance(&self) -> Tolerance {
            self.0.tolerance()
        }

        fn reaction_time(&self) -> Span {
            self.0.reaction_time()
        }

        fn holds(&self, process: &Self::Process, role: &str) -> Option<u64> {
            self.0.holds(&process.node, role)
        }

        fn phases(&self) -> Phases {
            self.0.phases()
        }

        fn workload(&self) -> BoxedStrategy<Workload<Self>> {
            self.0.workload()
        }
    }

    impl<const BEACON: bool, const DRAW: bool> Group for Later<BEACON, DRAW> {
        type Machine = Kv;

        fn server(process: &Self::Process) -> Option<&Server<Kv>> {
            process.node.server()
        }
    }
}
