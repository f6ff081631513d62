//! A protocol that calls itself without end violates something, with a seed, like any other bug.

use std::process::Command;

use seedbed_sim::replay::Replayed;
use seedbed_sim::shrink::record_and_shrink;
use seedbed_sim::{
    Campaign, Context, Info, Kinded, Model, NoDisk, NoOp, NodeId, Process, Record, Source, Span, Suite, replay,
};
use serde::{Deserialize, Serialize};

/// What a node does when it has missed a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Descent {
    /// It calls itself again and again, and looks at its clock on the way.
    Handler,
    /// It computes something of its data, which calls itself again and again.
    Data,
}

#[derive(Clone, Debug, Hash)]
struct Diver {
    descent: Descent,
    said: u32,
    heard: u32,
}

#[derive(Clone, Debug, Hash, Kinded)]
enum Message {
    Number(u32),
}

impl Diver {
    fn dive(&mut self, ctx: &mut Context<'_, Self>, depth: u32) -> u32 {
        self.heard = depth;
        if ctx.now().0 == u64::MAX { depth } else { self.dive(ctx, depth.wrapping_add(1)).wrapping_add(depth) }
    }

    fn sum(&self, depth: u64) -> u64 {
        let here = std::hint::black_box([depth; 4]);
        if here[0] == u64::MAX { here[1] } else { self.sum(depth.wrapping_add(1)).wrapping_add(here[3]) }
    }
}

impl Process for Diver {
    type Message = Message;
    type Timer = ();
    type Record = NoDisk;
    type Op = NoOp;
    type Ret = NoOp;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        ctx.arm((), Span::ms(20));
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, (): ()) {
        let other = NodeId(1 - ctx.id().0);
        ctx.send(other, Message::Number(self.said));
        self.said += 1;
        ctx.arm((), Span::ms(20));
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, _: NodeId, Message::Number(number): Message) {
        if number <= self.heard {
            self.heard = number + 1;
            return;
        }
        match self.descent {
            Descent::Handler => self.heard = self.dive(ctx, 0),
            Descent::Data => self.heard = self.sum(0) as u32,
        }
    }
}

impl Model for Descent {
    type Process = Diver;
    const INFO: Info = Info::named("descent", "", "tests", "Two nodes that dive when they have missed a message.");
    fn size(&self) -> usize {
        2
    }
    fn spawn(&self, _: NodeId, _: &[NodeId]) -> Diver {
        Diver { descent: *self, said: 0, heard: 0 }
    }
}

#[test]
fn a_handler_without_end_is_found_shrunk_and_replayed() {
    let campaign = Campaign::new(Suite::bare(Descent::Handler));
    let summary = campaign.sweep(0..100, 10, &|_| true).expect("the world is possible");
    assert_eq!((summary.runs, summary.diverged), (100, 0), "no seed ends the sweep, and both runs of a seed agree");
    assert!(summary.violations > 0, "a message is lost in some seed");
    let cases = campaign.cases();
    let (seed, case, violation) = (0..100)
        .find_map(|seed| {
            let (case, run) = campaign.run(&cases, seed, Record::No).expect("the world is possible");
            Some((seed, case, run.violation?))
        })
        .expect("a message is lost in some seed");
    assert_eq!(violation.property, "stack overflow");
    assert!(violation.message.contains("nest without end"), "{}", violation.message);

    let shrunk = record_and_shrink(&case, &Source::Seed(seed), &campaign, &mut |_| true);
    let shrunk = shrunk.expect("the recording fails as well").expect("the seed fails");
    assert_eq!(shrunk.violation.property, "stack overflow");
    assert!(shrunk.story.sizes().items() <= 2, "one lost message is enough: {:?}", shrunk.story.sizes());
    let trace = shrunk.trace(Some(seed));
    assert_eq!(replay(&trace, &campaign.suite.properties, Record::No, 0).replayed, Replayed::Exact);
}

/// What this test does in a process of its own, which ends with it.
const DEEP: &str = "SEEDBED_TEST_DEEP";

#[cfg(unix)]
#[test]
fn data_without_end_names_its_model_and_seed() {
    if std::env::var_os(DEEP).is_some() {
        let campaign = Campaign::new(Suite::bare(Descent::Data));
        campaign.sweep(0..100, 0, &|_| true).expect("the world is possible");
        return;
    }
    let this = std::env::current_exe().expect("a test has a program");
    let name = "stack::data_without_end_names_its_model_and_seed";
    let output = Command::new(this).args([name, "--exact", "--nocapture"]).env(DEEP, "1").output();
    let output = output.expect("it can be run again");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("descent: stack overflow VIOLATED (seed "), "{said}");
}
