//! Histories as a correct object gives them to clients that invoke, take effect and return at random, and what is planted
//! in them.

use seedbed_properties::checkers::linearizability::specs::{cas_register, kv, register};
use seedbed_properties::checkers::linearizability::{Operation, Specification};

/// A history of a specification.
pub type Ops<S> = Vec<Operation<<S as Specification>::Op, <S as Specification>::Ret>>;

/// A small generator (SplitMix64).
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }
    /// Below the bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// So many operations of so many clients. Of a thousand operations, `lost` have no answer, and their client goes on under
/// another number.
pub fn record<S: Specification>(
    spec: &S,
    clients: u64,
    length: usize,
    lost: u64,
    seed: u64,
    mut op: impl FnMut(&mut Random, u64) -> S::Op,
) -> Ops<S> {
    let mut random = Random(seed);
    let mut state = spec.initial();
    let mut history: Ops<S> = Vec::new();
    let mut open: Vec<Option<usize>> = vec![None; clients as usize];
    let mut names: Vec<u64> = (0..clients).collect();
    let mut now = 0;
    while history.len() < length || open.iter().any(Option::is_some) {
        let client = random.below(clients) as usize;
        now += 1;
        match open[client] {
            None if history.len() >= length => {}
            None => {
                open[client] = Some(history.len());
                let asked = op(&mut random, history.len() as u64);
                history.push(Operation::pending(names[client], asked, now));
            }
            Some(n) if history[n].ret.is_none() => {
                if random.below(1_000) < lost {
                    // Its effect may come, or not.
                    if random.below(2) == 0 {
                        spec.apply(&mut state, &history[n].op, None);
                    }
                    open[client] = None;
                    names[client] += clients;
                    continue;
                }
                let ret = spec.answer(&state, &history[n].op).expect("it is determined");
                spec.apply(&mut state, &history[n].op, Some(&ret));
                history[n].ret = Some(ret);
            }
            Some(n) => {
                history[n].returned = Some(now);
                open[client] = None;
            }
        }
    }
    history
}

/// A read, or a write of one of so many values.
pub fn of_register(random: &mut Random, n: u64, values: u64) -> register::Access<u64> {
    match random.below(2) {
        0 => register::Access::Read,
        _ => register::Access::Write(1 + n % values),
    }
}

/// Reads, writes and compare-and-set of five values, as Jepsen asked of etcd.
pub fn of_cas_register(random: &mut Random, _: u64) -> cas_register::Access<u64> {
    match random.below(3) {
        0 => cas_register::Access::Read,
        1 => cas_register::Access::Write(random.below(5)),
        _ => cas_register::Access::Cas(random.below(5), random.below(5)),
    }
}

/// Gets and appends of so many keys, and a put now and then.
pub fn of_store(random: &mut Random, n: u64, keys: u64) -> kv::Request<u64, String> {
    let (key, text) = (random.below(keys), format!("x {n} y"));
    match random.below(20) {
        0..9 => kv::Request::Get(key),
        9..19 => kv::Request::Append(key, text),
        _ => kv::Request::Put(key, text),
    }
}

/// The same with one late read that returns what was there at the very first.
pub fn with_a_stale_read(history: &Ops<register::Register<u64>>) -> Ops<register::Register<u64>> {
    let mut history = history.clone();
    let last = history.iter_mut().rfind(|operation| operation.op == register::Access::Read).expect("somebody reads");
    last.ret = Some(register::Answer::Value(0));
    history
}

/// The same with one read, at `part` of the whole, that misses the end of what was appended before.
pub fn with_a_short_read(history: &Ops<kv::Kv<u64, String>>, part: f64) -> Ops<kv::Kv<u64, String>> {
    let mut history = history.clone();
    let from = (history.len() as f64 * part) as usize;
    let long = history[from..].iter_mut().find_map(|operation| match &mut operation.ret {
        Some(kv::Answer::Value(Some(text))) if text.len() > 40 => Some(text),
        _ => None,
    });
    let long = long.expect("somebody reads something long");
    long.truncate(long.len() / 2);
    history
}
