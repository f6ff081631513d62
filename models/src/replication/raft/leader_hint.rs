//! Whom a client asks: the server that it takes for the leader.

use seedbed_sim::NodeId;

/// The servers of a group, and which of them a client takes for the leader.
#[derive(Clone, Debug, Hash)]
pub struct LeaderHint {
    servers: Vec<NodeId>,
    /// Whom it takes for the leader: a place in `servers`.
    target: usize,
    /// Whom it asked last of its own accord. Servers that are no more in the group may point at each other for ever; so
    /// whoever is not answered goes on from here, and not from where it was sent.
    turn: usize,
}

impl LeaderHint {
    /// Takes the first for the leader.
    pub fn new(servers: Vec<NodeId>) -> Self {
        LeaderHint { servers, target: 0, turn: 0 }
    }

    /// The server that is taken for the leader, if there is any server.
    pub fn server(&self) -> Option<NodeId> {
        self.servers.get(self.target).copied()
    }

    /// Begins somewhere: not all clients with the same server.
    pub fn begin(&mut self, client: NodeId) {
        self.turn = usize::from(client.0) % self.servers.len().max(1);
        self.target = self.turn;
    }

    /// Goes to the leader that a server has pointed to, and says whether that is another than was asked. Without a hint
    /// it stays: there may be no leader for a while.
    pub fn redirect(&mut self, from: NodeId, leader: Option<NodeId>) -> bool {
        let place = leader.and_then(|leader| self.servers.iter().position(|server| *server == leader));
        match place {
            Some(place) if self.server() == Some(from) && place != self.target => {
                self.target = place;
                true
            }
            _ => false,
        }
    }

    /// Nobody has answered: goes on to the next server.
    pub fn next(&mut self) {
        self.turn = (self.turn + 1) % self.servers.len().max(1);
        self.target = self.turn;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVERS: [NodeId; 3] = [NodeId(0), NodeId(1), NodeId(2)];

    #[test]
    fn servers_that_point_at_each_other_do_not_keep_a_client_from_the_third() {
        let mut contact = LeaderHint::new(SERVERS.to_vec());
        contact.begin(NodeId(0));
        let mut asked = Vec::new();
        for _ in 0..3 {
            asked.extend(contact.server());
            match contact.server() {
                Some(NodeId(0)) => assert!(contact.redirect(NodeId(0), Some(NodeId(1)))),
                Some(NodeId(1)) => assert!(contact.redirect(NodeId(1), Some(NodeId(0)))),
                _ => assert!(!contact.redirect(NodeId(2), None)),
            }
            asked.extend(contact.server());
            contact.next();
        }
        assert!(asked.contains(&NodeId(2)), "{asked:?}");
    }

    #[test]
    fn only_the_one_that_was_asked_may_point_elsewhere_and_only_to_a_server() {
        let mut contact = LeaderHint::new(SERVERS.to_vec());
        assert!(!contact.redirect(NodeId(2), Some(NodeId(1))));
        assert!(!contact.redirect(NodeId(0), Some(NodeId(7))));
        assert!(!contact.redirect(NodeId(0), Some(NodeId(0))));
        assert_eq!(contact.server(), Some(NodeId(0)));
    }
}
