//! Coherence: where messages from the home to a cache keep their order (Primer §8.2).

use std::collections::BTreeSet;

use seedbed_models::caching::coherence::messages::MessageKind;
use seedbed_models::caching::coherence::{Coherence, Interconnect, Protocol};
use seedbed_sim::{Kinded, Model};

/// The kinds of messages that keep their order.
fn in_order(model: &Coherence) -> BTreeSet<String> {
    let kinds = (0..MessageKind::kind_count()).map(MessageKind::kind_name);
    kinds.filter(|kind| model.fifo(kind)).collect()
}

#[test]
fn forwards_keep_their_order_where_the_network_has_one() {
    let on = |interconnect| Coherence::default().on(Protocol::Msi, interconnect);
    let (directory, bus, unordered) = (on(Interconnect::Directory), on(Interconnect::Bus), on(Interconnect::Unordered));
    let forwards = [
        "fwd_get_s",
        "fwd_get_m",
        "inv",
        "put_ack",
        "ack_count",
        "grant",
        "bus_get_s",
        "bus_get_m",
        "bus_put_m",
        "bus_put_f",
        "bus_upd",
    ];
    let forwards: BTreeSet<String> = forwards.map(String::from).into();
    assert_eq!(in_order(&directory), forwards);
    assert_eq!(in_order(&bus), forwards);
    let nothing = BTreeSet::new();
    assert_eq!(in_order(&unordered), nothing);
    for ordered in [directory, bus] {
        assert_eq!(in_order(&Coherence { disordered: true, ..ordered.clone() }), nothing);
        assert_eq!(in_order(&Coherence { linked: true, ..ordered }), nothing, "reliable links make their own order");
    }
}
