//! A saga participant in a process of one's own: a warehouse that counts what it is asked, and leaves the rest to the service
//! that it hosts. It has no timers or records of its own, so it has those of the participant.

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::saga::business::{Order, Request, STOCK};
use seedbed_models::transactions::saga::plan::StepId;
use seedbed_models::transactions::saga::{Participant, messages};
use seedbed_sim::{Bench, Context, Hosted, Hosts, Kinded, NoOp, NodeId, Process};

#[derive(Clone, Debug, Hash, PartialEq, Kinded, Hosts)]
enum Message {
    #[hosts]
    Saga(messages::Message),
    /// How many requests have come?
    Count,
    Counted(u32),
}

#[derive(Clone, Debug, Hash)]
struct Warehouse {
    stock: Participant,
    requests: u32,
}

const SAGA: Hosted = Hosted::named("saga");

impl Process for Warehouse {
    type Message = Message;
    type Timer = messages::Timer;
    type Record = messages::Record;
    type Op = NoOp;
    type Ret = NoOp;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        ctx.host(SAGA, |ctx| self.stock.start(ctx));
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        if let Message::Saga(message) = message {
            self.requests += 1;
            ctx.host(SAGA, |ctx| self.stock.message(ctx, from, message));
        } else {
            ctx.send(from, Message::Counted(self.requests));
        }
    }
}

#[test]
fn a_hosted_participant_executes_once_and_remembers() {
    const COORDINATOR: NodeId = NodeId(7);
    let warehouse = || Warehouse { stock: Participant::new(STOCK, true), requests: 0 };
    let reserve = StepId(1);
    let order = Request::Order(Order { customer: 0, product: 0, pieces: 2 });
    let execute = || Message::Saga(messages::Message::Execute(TxId(1), order, reserve));
    let executed = Message::Saga(messages::Message::Executed(TxId(1), reserve, None));

    let mut bench = Bench::new(warehouse());
    bench.start();
    let handled = bench.message(COORDINATOR, execute());
    assert_eq!(handled.appended().len(), 1, "what is done is forced to disk");
    assert_eq!(handled.sent(), [(COORDINATOR, executed.clone())]);
    assert!(handled.released().is_empty(), "and told when it is there");
    assert_eq!(bench.synced().released().len(), 1);

    // After a crash the journal answers, and the host begins to count again.
    bench.restart(warehouse());
    let handled = bench.message(COORDINATOR, execute());
    assert!(handled.appended().is_empty(), "nothing is done twice");
    assert_eq!(handled.sent(), [(COORDINATOR, executed)]);
    assert_eq!(bench.message(COORDINATOR, Message::Count).sent(), [(COORDINATOR, Message::Counted(1))]);
}
