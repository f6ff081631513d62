//! What the derives write: names of plain enums, and nodes of several roles, some of them hosted.

use seedbed_sim::{Bench, Context, Hosts, Kinded, Named, NoDisk, NoOp, NodeId, Process, Roles};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Named)]
enum Level {
    ReadCommitted,
    #[named("serial")]
    Serializable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Named)]
#[named(kebab)]
enum Shape {
    LongLine,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Named)]
#[named(as_written)]
enum Request {
    GetS,
    #[named("GetM(shared)")]
    GetM,
}

#[test]
fn names_are_spelled_as_the_type_says() {
    assert_eq!(Level::ALL.map(Level::name), ["read_committed", "serial"]);
    assert_eq!(Level::NAMES, "read_committed, serial");
    assert_eq!(Shape::LongLine.name(), "long-line");
    assert_eq!(Request::NAMES, "GetS, GetM(shared)");
    assert_eq!("GetM(shared)".parse(), Ok(Request::GetM));
    assert_eq!("get_s".parse::<Request>(), Err("'get_s' is not a request: choose from GetS, GetM(shared)".into()));
}

/// A server of another component: it knows nothing of the messages below.
#[derive(Clone, Debug, Hash)]
struct Echo;

#[derive(Clone, Debug, PartialEq, Hash, Kinded)]
enum EchoMessage {
    Ping,
    Pong,
}

impl Process for Echo {
    type Message = EchoMessage;
    type Timer = ();
    type Record = NoDisk;
    type Op = NoOp;
    type Ret = NoOp;

    fn start(&mut self, _: &mut Context<'_, Self>) {}

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, _: EchoMessage) {
        ctx.send(from, EchoMessage::Pong);
    }
}

#[derive(Clone, Debug, PartialEq, Hash, Kinded, Hosts)]
enum Message {
    Hello,
    #[hosts]
    Echo(EchoMessage),
}

#[derive(Clone, Debug, Hash)]
struct Greeter;

impl Process for Greeter {
    type Message = Message;
    type Timer = ();
    type Record = NoDisk;
    type Op = NoOp;
    type Ret = NoOp;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        ctx.send(NodeId(1), Message::Hello);
    }

    fn message(&mut self, _: &mut Context<'_, Self>, _: NodeId, _: Message) {}
}

#[derive(Clone, Debug, Hash, Roles)]
#[roles(Message, (), NoDisk, NoOp, NoOp)]
enum Node {
    #[roles("echo")]
    Echo(Echo),
    Greeter(Greeter),
}

#[test]
fn a_role_of_another_component_is_hosted_and_its_messages_are_wrapped() {
    let mut node = Bench::new(Node::Echo(Echo));
    node.start();
    let handled = node.message(NodeId(1), Message::Echo(EchoMessage::Ping));
    assert_eq!(handled.sent(), [(NodeId(1), Message::Echo(EchoMessage::Pong))]);
    let mut node = Bench::new(Node::Greeter(Greeter));
    assert_eq!(node.start().sent(), [(NodeId(1), Message::Hello)]);
}

#[test]
#[should_panic(expected = "nothing for a node that hosts echo: Hello")]
fn a_hosted_role_is_sent_nothing_else() {
    let mut node = Bench::new(Node::Echo(Echo));
    node.start();
    node.message(NodeId(1), Message::Hello);
}
