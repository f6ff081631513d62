//! quick
use seedbed_models::examples::echo::Echo;
use seedbed_sim::*;
#[allow(clippy::disallowed_methods, clippy::disallowed_types)]
fn main() {
    for _ in 0..3 {
        let mut c = Case::quiet(Echo {
            round_trips: 25000,
            ..Echo::default()
        });
        c.scenario.phases.chaos = Span::secs(100000);
        c.scenario.network.fifo = false;
        let t = std::time::Instant::now();
        let o = run(&c, &Source::Seed(1), &[], Record::No).unwrap();
        println!(
            "{:?} {} msg, {:.2} M/s fp {:x}",
            t.elapsed(),
            o.stats.sent,
            o.stats.sent as f64 / t.elapsed().as_secs_f64() / 1e6,
            o.fingerprint
        );
        let t = std::time::Instant::now();
        let n = 50000;
        let mut c = Case::quiet(Echo {
            servers: 2,
            clients: 3,
            round_trips: 3,
            ..Echo::default()
        });
        c.scenario.network.fifo = false;
        let mut e = 0;
        for s in 0..n {
            e += run(&c, &Source::Seed(s), &[], Record::No).unwrap().stats.sent;
        }
        println!("{} worlds/s, {} msgs each", n as f64 / t.elapsed().as_secs_f64(), e / n);
    }
}
