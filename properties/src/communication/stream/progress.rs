//! L: everything is processed in the end, whoever had it.

use seedbed_models::communication::stream::Stream;
use seedbed_models::communication::stream::model::{MASTER, SENTINEL, SERVERS};
use seedbed_models::communication::stream::settings::{GROUP, STREAM};
use seedbed_sim::{Broken, NodeId, Property, Span, Verdict, World};

use crate::communication::stream::master;

/// How much longer than its phases a world may go on: where messages take longer than the sentinel waits, a failover may be under
/// way at the end, and another before it has ended.
const PATIENCE: Span = Span::secs(4);

/// L: when the world has been healed for a while, every entry of the stream was delivered, and nothing is pending: what dead consumers
/// had, others have claimed, and have processed or buried.
#[derive(Clone, Copy, Default)]
pub struct AllIsProcessed;

impl Property<Stream> for AllIsProcessed {
    fn name(&self) -> String {
        "stream/all_is_processed".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn patience(&self) -> Span {
        PATIENCE
    }

    fn at_end(&mut self, world: &World<Stream>) -> Verdict {
        if !possible(world) {
            return Ok(());
        }
        let Some((node, server)) = master(world) else { return Err("no server is a master".into()) };
        let Some(stream) = server.engine().keys().stream(STREAM).filter(|stream| !stream.is_empty()) else {
            return Ok(());
        };
        let Some(group) = stream.groups.get(&GROUP) else {
            return Err(Broken::new([node], "there are entries, and no group"));
        };
        if let Some((id, nack)) = group.pending.iter().next() {
            return Err(Broken::new([node], format!("{id} is pending: {nack:?}")));
        }
        match stream.entries().find(|(id, _)| *id > group.last_delivered) {
            Some((id, _)) => Err(Broken::new([node], format!("{id} was never delivered"))),
            None => Ok(()),
        }
    }
}

/// Whether the nodes that it takes are there: a shrunk trace may lack some.
fn possible(world: &World<Stream>) -> bool {
    let up = |node: u16| world.process(NodeId(node)).is_some();
    let servers = if world.config().replicated { (0..SERVERS).all(up) && up(SENTINEL.0) } else { up(MASTER.0) };
    servers && world.config().consumer_ids().any(up)
}
