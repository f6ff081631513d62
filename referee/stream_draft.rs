//! temporary differential test; not committed
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use seedbed_models::communication::stream::*;
use seedbed_models::communication::stream::reply::*;
use seedbed_models::parts::redis::{self, Key};
use seedbed_sim::Time;

#[derive(Debug, Clone, PartialEq)]
enum V { Nil, Int(i64), S(String), Err(String), A(Vec<V>) }
struct Conn { r: BufReader<TcpStream> }
impl Conn {
    fn new(port: u16) -> Self { let s = TcpStream::connect(("127.0.0.1", port)).unwrap(); s.set_nodelay(true).unwrap(); Conn { r: BufReader::new(s) } }
    fn send(&mut self, args: &[String]) {
        let mut out = format!("*{}\r\n", args.len());
        for a in args { out += &format!("${}\r\n{}\r\n", a.len(), a); }
        self.r.get_mut().write_all(out.as_bytes()).unwrap();
    }
    fn read(&mut self) -> V {
        let mut l = String::new(); self.r.read_line(&mut l).unwrap();
        let l = l.trim_end(); let (t, rest) = l.split_at(1);
        match t { "+" => V::S(rest.into()), "-" => V::Err(rest.into()), ":" => V::Int(rest.parse().unwrap()),
            "$" => { let n: i64 = rest.parse().unwrap(); if n < 0 { return V::Nil } let mut b = vec![0; n as usize + 2]; self.r.read_exact(&mut b).unwrap(); b.truncate(n as usize); V::S(String::from_utf8_lossy(&b).into()) }
            "*" => { let n: i64 = rest.parse().unwrap(); if n < 0 { return V::Nil } V::A((0..n).map(|_| self.read()).collect()) }
            _ => panic!("{l}") }
    }
    fn cmd(&mut self, args: &[String]) -> V { self.send(args); self.read() }
}
fn k(key: Key) -> String { format!("k{}", key.0) }
fn g(x: GroupName) -> String { format!("g{:05}", x.0) }
fn c(x: ConsumerName) -> String { format!("c{:05}", x.0) }
fn bound(b: Bound) -> String { match b { Bound::Including(i) => i.to_string(), Bound::Excluding(i) => format!("({i}") } }
fn trim(t: &Trim, a: &mut Vec<String>) {
    let (n, v) = match t.to { Threshold::MaxLen(n) => ("MAXLEN", n.to_string()), Threshold::MinId(i) => ("MINID", i.to_string()) };
    a.push(n.into());
    match t.how { Exactness::Exact => { a.push("=".into()); a.push(v) } Exactness::Approximate { limit } => { a.push("~".into()); a.push(v); if let Some(l) = limit { a.push("LIMIT".into()); a.push(l.to_string()) } } }
}
fn args(cmd: &Command) -> Vec<String> {
    let mut a: Vec<String> = vec![];
    macro_rules! p { ($($x:expr),*) => {{ $( a.push($x.to_string()); )* }} }
    match cmd {
        Command::XAdd { key, id, fields, no_make, trim: t } => { p!("XADD", k(*key)); if *no_make { p!("NOMKSTREAM") } if let Some(t) = t { trim(t, &mut a) }
            match id { NewId::Auto => p!("*"), NewId::At(ms) => p!(format!("{ms}-*")), NewId::Exactly(i) => p!(i) }
            for (f, v) in fields.iter() { p!(f, v) } }
        Command::XTrim(key, t) => { p!("XTRIM", k(*key)); trim(t, &mut a) }
        Command::XDel(key, ids) => { p!("XDEL", k(*key)); for i in ids { p!(i) } }
        Command::XLen(key) => p!("XLEN", k(*key)),
        Command::XRange { key, start, end, count, reversed } => { if *reversed { p!("XREVRANGE", k(*key), bound(*end), bound(*start)) } else { p!("XRANGE", k(*key), bound(*start), bound(*end)) } if let Some(n) = count { p!("COUNT", n) } }
        Command::XRead { streams, count, block } => { p!("XREAD"); if let Some(n) = count { p!("COUNT", n) } if let Some(n) = block { p!("BLOCK", n) } p!("STREAMS"); for (key, _) in streams { p!(k(*key)) } for (_, x) in streams { match x { After::Id(i) => p!(i), After::Now => p!("$") } } }
        Command::XGroupCreate { key, group, start, make, entries_read } => { p!("XGROUP", "CREATE", k(*key), g(*group)); match start { GroupStart::Id(i) => p!(i), GroupStart::Last => p!("$") } if *make { p!("MKSTREAM") } if let Some(n) = entries_read { p!("ENTRIESREAD", n) } }
        Command::XGroupSetId { key, group, start, entries_read } => { p!("XGROUP", "SETID", k(*key), g(*group)); match start { GroupStart::Id(i) => p!(i), GroupStart::Last => p!("$") } if let Some(n) = entries_read { p!("ENTRIESREAD", n) } }
        Command::XGroupDestroy(key, x) => p!("XGROUP", "DESTROY", k(*key), g(*x)),
        Command::XGroupCreateConsumer(key, x, y) => p!("XGROUP", "CREATECONSUMER", k(*key), g(*x), c(*y)),
        Command::XGroupDelConsumer(key, x, y) => p!("XGROUP", "DELCONSUMER", k(*key), g(*x), c(*y)),
        Command::XReadGroup { group, consumer, streams, count, block, no_ack } => { p!("XREADGROUP", "GROUP", g(*group), c(*consumer)); if let Some(n) = count { p!("COUNT", n) } if let Some(n) = block { p!("BLOCK", n) } if *no_ack { p!("NOACK") } p!("STREAMS"); for (key, _) in streams { p!(k(*key)) } for (_, x) in streams { match x { GroupAfter::Pending(i) => p!(i), GroupAfter::New => p!(">") } } }
        Command::XAck(key, x, ids) => { p!("XACK", k(*key), g(*x)); for i in ids { p!(i) } }
        Command::XPendingSummary(key, x) => p!("XPENDING", k(*key), g(*x)),
        Command::XPending { key, group, min_idle, start, end, count, consumer } => { p!("XPENDING", k(*key), g(*group)); if *min_idle > 0 { p!("IDLE", min_idle) } p!(bound(*start), bound(*end), count); if let Some(x) = consumer { p!(c(*x)) } }
        Command::XClaim(Claim { key, group, consumer, min_idle, ids, delivered, retry_count, force, just_id, last_id }) => { p!("XCLAIM", k(*key), g(*group), c(*consumer), min_idle); for i in ids { p!(i) } match delivered { Delivered::Now => {} Delivered::Idle(n) => p!("IDLE", n), Delivered::At(n) => p!("TIME", n) } if let Some(n) = retry_count { p!("RETRYCOUNT", n) } if *force { p!("FORCE") } if *just_id { p!("JUSTID") } if let Some(i) = last_id { p!("LASTID", i) } }
        Command::XAutoClaim(AutoClaim { key, group, consumer, min_idle, start, count, just_id }) => { p!("XAUTOCLAIM", k(*key), g(*group), c(*consumer), min_idle, start); if let Some(n) = count { p!("COUNT", n) } if *just_id { p!("JUSTID") } }
        Command::XInfoStream(key) => p!("XINFO", "STREAM", k(*key)),
        Command::XInfoGroups(key) => p!("XINFO", "GROUPS", k(*key)),
        Command::XInfoConsumers(key, x) => p!("XINFO", "CONSUMERS", k(*key), g(*x)),
        Command::Plain(redis::Command::Get(key)) => p!("GET", k(*key)),
        Command::Plain(redis::Command::Set { key, value, nx, .. }) => { p!("SET", k(*key), value); if *nx { p!("NX") } }
        Command::Plain(redis::Command::Del(key)) => p!("DEL", k(*key)),
        Command::Plain(redis::Command::Incr(key)) => p!("INCR", k(*key)),
        Command::Plain(_) => unreachable!(),
    }
    a
}
fn item(i: &Item) -> V { V::A(vec![V::S(i.id.to_string()), match &i.fields { None => V::Nil, Some(f) => V::A(f.iter().flat_map(|(a, b)| [V::S(a.to_string()), V::S(b.to_string())]).collect()) }]) }
fn ids(v: &[Id]) -> V { V::A(v.iter().map(|i| V::S(i.to_string())).collect()) }
fn claimed(x: &Claimed) -> V { match x { Claimed::Entries(e) => V::A(e.iter().map(item).collect()), Claimed::Ids(i) => ids(i) } }
fn int(n: u64) -> V { V::Int(n as i64) }
fn idle(_: u64) -> V { V::S("idle".into()) }
fn opt(n: Option<u64>) -> V { n.map_or(V::Nil, int) }
fn value(cmd: &Command, r: &Reply) -> V {
    match r {
        Reply::Ok => V::S("OK".into()), Reply::Nil => V::Nil, Reply::Number(n) => if matches!(cmd, Command::Plain(redis::Command::Get(_))) { V::S(n.to_string()) } else { int(*n) },
        Reply::Id(i) => V::S(i.to_string()), Reply::Entries(e) => V::A(e.iter().map(item).collect()),
        Reply::Streams(s) => V::A(s.iter().map(|(key, e)| V::A(vec![V::S(k(*key)), V::A(e.iter().map(item).collect())])).collect()),
        Reply::Claimed(x) => claimed(x),
        Reply::AutoClaimed { cursor, claimed: x, deleted } => V::A(vec![V::S(cursor.to_string()), claimed(x), ids(deleted)]),
        Reply::Summary(s) => V::A(vec![int(s.count), s.range.map_or(V::Nil, |r| V::S(r.0.to_string())), s.range.map_or(V::Nil, |r| V::S(r.1.to_string())), if s.count == 0 { V::Nil } else { V::A(s.consumers.iter().map(|(x, n)| V::A(vec![V::S(c(*x)), V::S(n.to_string())])).collect()) }]),
        Reply::Pending(p) => V::A(p.iter().map(|p| V::A(vec![V::S(p.id.to_string()), V::S(c(p.consumer)), idle(p.idle), int(p.deliveries)])).collect()),
        Reply::Stream(s) => V::A(vec![int(s.length), V::S(s.last_generated_id.to_string()), V::S(s.max_deleted_entry_id.to_string()), int(s.entries_added), V::S(s.recorded_first_entry_id.to_string()), int(s.groups), s.first_entry.as_ref().map_or(V::Nil, item), s.last_entry.as_ref().map_or(V::Nil, item)]),
        Reply::Groups(gs) => V::A(gs.iter().map(|x| V::A(vec![V::S(g(x.name)), int(x.consumers), int(x.pending), V::S(x.last_delivered_id.to_string()), opt(x.entries_read), x.lag.map_or(V::Nil, V::Int)])).collect()),
        Reply::Consumers(cs) => V::A(cs.iter().map(|x| V::A(vec![V::S(c(x.name)), int(x.pending), idle(x.idle)])).collect()),
        Reply::Error(e) => V::Err(e.to_string()),
    }
}
fn real(cmd: &Command, v: V) -> V {
    let odd = |x: V| match x { V::A(l) => V::A(l.into_iter().skip(1).step_by(2).collect()), x => x };
    match (cmd, v) {
        (_, V::Err(e)) => V::Err(e),
        (Command::XPending { .. }, V::A(l)) => V::A(l.into_iter().map(|x| match x { V::A(mut p) => { p[2] = idle(0); V::A(p) } x => x }).collect()),
        (Command::XInfoStream(_), x) => { let V::A(l) = odd(x) else { panic!() }; V::A([0, 3, 4, 5, 6, 7, 8, 9].iter().map(|i| l[*i].clone()).collect()) }
        (Command::XInfoGroups(_), V::A(l)) => V::A(l.into_iter().map(odd).collect()),
        (Command::XInfoConsumers(..), V::A(l)) => V::A(l.into_iter().map(|x| match odd(x) { V::A(mut p) => { p[2] = idle(0); V::A(p) } x => x }).collect()),
        (_, x) => x,
    }
}
fn err_class(v: &V) -> V { match v { V::Err(e) => { let w: Vec<_> = e.split(' ').collect(); V::Err(if w[0] == "NOGROUP" { "NOGROUP".into() } else { w.iter().take(7).cloned().collect::<Vec<_>>().join(" ").trim_end_matches('.').into() }) } x => x.clone() } }

struct R(u64);
impl R { fn n(&mut self, m: u64) -> u64 { self.0 ^= self.0 << 13; self.0 ^= self.0 >> 7; self.0 ^= self.0 << 17; (self.0 >> 11) % m } }
fn rid(r: &mut R) -> Id { match r.n(20) { 0 => Id::ZERO, 1 => Id::MAX, _ => Id::new(1 + r.n(8), r.n(4)) } }
fn rb(r: &mut R) -> Bound { if r.n(4) == 0 { Bound::Excluding(rid(r)) } else { Bound::Including(rid(r)) } }
fn rt(r: &mut R) -> Trim { let to = if r.n(2) == 0 { Threshold::MaxLen(r.n(10)) } else { Threshold::MinId(rid(r)) }; let how = if r.n(2) == 0 { Exactness::Exact } else { Exactness::Approximate { limit: match r.n(3) { 0 => None, 1 => Some(0), _ => Some(r.n(8)) } } }; Trim { to, how } }
fn ro(r: &mut R, m: u64) -> Option<u64> { if r.n(2) == 0 { None } else { Some(r.n(m)) } }
fn rcmd(r: &mut R, now_ms: u64, auto: bool) -> Command {
    let key = if r.n(12) == 0 { Key(2) } else { Key(1) };
    let group = if r.n(6) == 0 { GroupName(2) } else { GroupName(1) };
    let consumer = ConsumerName(1 + r.n(3) as u32);
    let fields: Fields = [(1, r.n(100))].into();
    let just_id = r.n(3) == 0; let start = if r.n(2) == 0 { GroupStart::Last } else { GroupStart::Id(rid(r)) };
    let idsn = |r: &mut R| -> Vec<Id> { (0..1 + r.n(3)).map(|_| rid(r)).collect() };
    let min_idle = if r.n(2) == 0 { 0 } else { 1_000_000 };
    match r.n(46) {
        0..=9 => { let id = match r.n(10) { 0 => NewId::Exactly(Id::new(1 + r.n(8), r.n(4))), 1 if auto => NewId::Auto, 2 => NewId::Exactly(rid(r)), _ => NewId::At(1 + r.n(3) + r.n(60) / 8) }; Command::XAdd { key, id, fields, no_make: r.n(8) == 0, trim: (r.n(4) == 0).then(|| rt(r)) } }
        10 => Command::XTrim(key, rt(r)), 11 => Command::XDel(key, idsn(r)), 12 => Command::XLen(key),
        13 | 14 => Command::XRange { key, start: rb(r), end: rb(r), count: ro(r, 5), reversed: r.n(2) == 0 },
        15 | 16 => Command::XRead { streams: (1..=1 + r.n(2)).map(|n| (Key(n as u32), if r.n(3) == 0 { After::Now } else { After::Id(rid(r)) })).collect(), count: ro(r, 4), block: None },
        17..=19 => Command::XGroupCreate { key, group, start, make: r.n(2) == 0, entries_read: ro(r, 12) },
        20 => Command::XGroupSetId { key, group, start, entries_read: ro(r, 12) },
        21 => if r.n(4) == 0 { Command::XGroupDestroy(key, group) } else { Command::XGroupCreateConsumer(key, group, consumer) },
        22 => if r.n(2) == 0 { Command::XGroupDelConsumer(key, group, consumer) } else { Command::XGroupCreateConsumer(key, group, consumer) },
        23..=29 => Command::XReadGroup { group, consumer, streams: vec![(key, if r.n(4) == 0 { GroupAfter::Pending(rid(r)) } else { GroupAfter::New })], count: if r.n(3) > 0 { Some(1 + r.n(2)) } else { ro(r, 4) }, block: None, no_ack: r.n(8) == 0 },
        30 | 31 => Command::XAck(key, group, idsn(r)),
        32 => Command::XPendingSummary(key, group),
        33 | 34 => Command::XPending { key, group, min_idle: if r.n(3) == 0 { 1_000_000 } else { 0 }, start: rb(r), end: rb(r), count: r.n(6), consumer: (r.n(3) == 0).then_some(consumer) },
        35..=37 => Command::XClaim(Claim { key, group, consumer, min_idle, ids: idsn(r), delivered: match r.n(4) { 0 => Delivered::Idle([0, 5_000_000, u64::MAX / 4][r.n(3) as usize]), 1 => Delivered::At([now_ms - 5_000_000, now_ms + 5_000_000, 0][r.n(3) as usize]), _ => Delivered::Now }, retry_count: ro(r, 9), force: r.n(3) == 0, just_id, last_id: (r.n(5) == 0).then(|| rid(r)) }),
        38 | 39 => Command::XAutoClaim(AutoClaim { key, group, consumer, min_idle, start: rid(r), count: ro(r, 4), just_id }),
        40 => Command::XInfoStream(key), 41 | 42 => Command::XInfoGroups(key), 43 => Command::XInfoConsumers(key, group),
        44 => Command::Plain(match r.n(4) { 0 => redis::Command::Set { key: Key(2), value: r.n(9), nx: r.n(2) == 0, px: None }, 1 => redis::Command::Get(key), 2 => redis::Command::Incr(key), _ => redis::Command::Del(Key(2)) }),
        _ => if r.n(6) == 0 { Command::Plain(redis::Command::Del(key)) } else { Command::XLen(key) },
    }
}
fn main() {
    let port: u16 = std::env::args().nth(1).unwrap().parse().unwrap();
    let from: u64 = std::env::args().nth(2).unwrap().parse().unwrap();
    let to: u64 = std::env::args().nth(3).unwrap().parse().unwrap();
    let mut conn = Conn::new(port);
    conn.cmd(&["CONFIG", "SET", "stream-node-max-entries", "3"].map(String::from));
    let (mut bad, mut n, mut errors) = (0, 0u64, 0u64);
    for seed in from..to {
        conn.cmd(&["FLUSHALL".to_string()]);
        let mut r = R(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1); for _ in 0..10 { r.n(2); }
        let mut e = Engine::new(3);
        let mut log = vec![];
        for _ in 0..40 {
            #[allow(clippy::disallowed_types, clippy::disallowed_methods)]
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
            let cmd = rcmd(&mut r, now / 1_000_000, false);
            let a = args(&cmd);
            let theirs = err_class(&real(&cmd, conn.cmd(&a)));
            let ours = err_class(&value(&cmd, &e.call(Time(now), &cmd)));
            log.push(format!("{} -> {:?}", a.join(" "), theirs));
            n += 1; if matches!(ours, V::Err(_)) { errors += 1; }
            if ours != theirs { bad += 1; if bad < 5 { println!("seed {seed}\n  {}\n  ours {ours:?}", log[log.len().saturating_sub(14)..].join("\n  ")); } break; }
        }
    }
    println!("{bad} differ of {} sequences, {n} commands, {errors} errors", to - from);
}
