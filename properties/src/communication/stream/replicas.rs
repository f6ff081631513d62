//! A replica that has come as far as its master has the same.

use seedbed_models::communication::stream::log::Stream as Log;
use seedbed_models::communication::stream::server::{Role, Server};
use seedbed_models::communication::stream::{ConsumerName, Group, GroupName, Id, Keyspace, Stream};
use seedbed_models::parts::redis::Key;
use seedbed_sim::{Broken, Property, Verdict, World};

use crate::communication::stream::server;

/// At the same offset of the same life of a master, a replica has the same streams, with the same entries, and groups that have
/// come equally far, with the same pending entries for the same consumers. (When each was delivered, and how often, a replica
/// may not know: reading a history is not propagated.)
#[derive(Clone, Copy, Default)]
pub struct ReplicasAgree;

/// A group: its name, position, count of entries read, and who has what.
type Seen = (GroupName, Id, Option<u64>, Vec<(Id, ConsumerName)>);

fn groups(stream: &Log) -> Vec<Seen> {
    let group = |(name, group): (&GroupName, &Group)| {
        let pending = group.pending.iter().map(|(id, nack)| (*id, nack.consumer)).collect();
        (*name, group.last_delivered, group.entries_read, pending)
    };
    stream.groups.iter().map(group).collect()
}

/// The key at which two differ.
fn difference(one: &Keyspace, other: &Keyspace) -> Option<Key> {
    let same = |stream: &Log, twin: &Log| {
        stream.entries().eq(twin.entries())
            && (stream.last_id(), stream.max_deleted(), stream.added())
                == (twin.last_id(), twin.max_deleted(), twin.added())
            && groups(stream) == groups(twin)
    };
    let keys = one.streams().chain(other.streams()).map(|(key, _)| key);
    let mut differ = keys.filter(|key| match (one.stream(*key), other.stream(*key)) {
        (Some(stream), Some(twin)) => !same(stream, twin),
        _ => true,
    });
    differ.next()
}

impl Property<Stream> for ReplicasAgree {
    fn name(&self) -> String {
        "stream/replicas_agree".into()
    }

    fn after_event(&mut self, world: &World<Stream>) -> Verdict {
        for &node in world.changed() {
            let Some(replica) = server(world, node) else { continue };
            let Role::Replica { of } = replica.role() else { continue };
            let Some(master) = server(world, of).filter(|master| is_level(master, replica)) else { continue };
            if let Some(key) = difference(master.engine().keys(), replica.engine().keys()) {
                let words = format!("{node} has come as far as {of}, and {key:?} is not the same");
                return Err(Broken::new([node, of], words));
            }
        }
        Ok(())
    }
}

/// Whether a replica has come as far as its master.
fn is_level(master: &Server, replica: &Server) -> bool {
    master.role() == Role::Master && master.position().is_some() && master.position() == replica.position()
}
