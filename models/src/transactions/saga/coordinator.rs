//! The coordinator of orchestrated sagas: the paper's *saga execution component*, with its saga log.
//!
//! | record | written | forced, because |
//! |---|---|---|
//! | `Begin` | when a client has asked | a saga that was begun must end |
//! | `Executed` | when `T_i` is executed | not forced: requesting it again does no harm |
//! | `Pivot` | before the pivot is requested | from here on nobody may roll the saga back |
//! | `Abort` | before the first `C_i` is requested | from here on it only goes back |
//! | `Compensated` | when `C_i` is executed | not forced |
//! | `End` | before the client is answered | an answer is final |

use std::collections::BTreeMap;

use seedbed_sim::{Context, File, NodeId, Process};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::saga::bugs::Bug;
use crate::transactions::saga::business::Request;
use crate::transactions::saga::marks;
use crate::transactions::saga::messages::{LogRecord, Message, Outcome, Record, Timer, Why};
use crate::transactions::saga::plan::{Kind, StepId, Steps};
use crate::transactions::saga::settings::{Recovery, Settings};

/// The saga log.
pub const SAGA_LOG: File = File(1);

/// The phase of a saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Before the pivot: it may be rolled back.
    Forward,
    /// The pivot may have been executed: the saga goes on, unless the pivot is refused.
    Committed,
    /// It is rolled back.
    Backward {
        /// Why.
        why: Why,
        /// The steps that are not compensated yet.
        to_compensate: Steps,
    },
    /// It has ended.
    Ended(Outcome),
}

/// A saga, as its coordinator knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Saga {
    request: Request,
    client: NodeId,
    phase: Phase,
    executed: Steps,
    /// The steps that were requested in this phase and by this incarnation of the coordinator, and need not be requested
    /// again before a retry.
    requested: Steps,
    /// Whether it was begun by an earlier incarnation: then steps may have been requested of which nothing is known.
    recovered: bool,
}

/// The coordinator.
#[derive(Clone, Debug, Hash)]
pub struct Coordinator {
    /// By their places in the business.
    services: Vec<NodeId>,
    settings: Settings,
    sagas: BTreeMap<TxId, Saga>,
}

impl Coordinator {
    /// A coordinator of these services, by their places in the business, before it has read its log.
    pub fn new(services: Vec<NodeId>, settings: Settings) -> Self {
        Coordinator { services, settings, sagas: BTreeMap::new() }
    }

    /// The phase of a saga, if it was begun.
    pub fn phase(&self, saga: TxId) -> Option<Phase> {
        self.sagas.get(&saga).map(|saga| saga.phase)
    }

    /// The sagas that have not ended.
    pub fn open(&self) -> impl Iterator<Item = TxId> {
        self.sagas.iter().filter(|(_, saga)| !matches!(saga.phase, Phase::Ended(_))).map(|(saga, _)| *saga)
    }

    /// A client requests a saga, perhaps again.
    fn place(&mut self, ctx: &mut Context<'_, Self>, client: NodeId, saga: TxId, request: Request) {
        let Some(known) = self.sagas.get(&saga) else {
            ctx.append(SAGA_LOG, Record::Log(saga, LogRecord::Begin { request, client }));
            self.sagas.insert(saga, Saga::begun(request, client));
            ctx.arm(Timer::GiveUp(saga), self.settings.give_up);
            return self.advance(ctx, saga);
        };
        assert!(known.request == request, "a saga has one request: {saga} is for {:?} and {request:?}", known.request);
        if let Phase::Ended(outcome) = known.phase {
            ctx.send(client, Message::Ended(saga, outcome));
        }
    }

    /// `T_i` is executed or refused.
    fn executed(&mut self, ctx: &mut Context<'_, Self>, saga: TxId, step: StepId, refused: Option<Why>) {
        let known = self.saga(saga);
        // A reply that comes late: what was executed before it could be undone is undone.
        if !matches!(known.phase, Phase::Forward | Phase::Committed) || known.executed.contains(step) {
            return;
        }
        if let Some(why) = refused {
            let kind = known.request.plan()[step].kind;
            assert!(kind != Kind::Retriable, "a retriable step is never refused: step {step} of {saga}: {why:?}");
            self.abort(ctx, saga, why, step.into());
        } else {
            self.log_lazily(ctx, saga, LogRecord::Executed(step));
            self.advance(ctx, saga);
        }
    }

    /// `T_i` has no effect any more.
    fn compensated(&mut self, ctx: &mut Context<'_, Self>, saga: TxId, step: StepId) {
        if let Phase::Backward { to_compensate, .. } = self.saga(saga).phase
            && to_compensate.contains(step)
        {
            self.log_lazily(ctx, saga, LogRecord::Compensated(step));
            self.advance(ctx, saga);
        }
    }

    /// A saga waits for replies for too long.
    fn retry(&mut self, ctx: &mut Context<'_, Self>, saga: TxId) {
        ctx.mark(marks::STEP_ASKED_FOR_AGAIN);
        self.saga_mut(saga).requested = Steps::NONE;
        self.advance(ctx, saga);
    }

    /// The saga takes too long. Before the pivot is requested that is a reason to roll it back, and later it is none.
    fn give_up(&mut self, ctx: &mut Context<'_, Self>, saga: TxId) {
        match self.saga(saga).phase {
            Phase::Forward => {
                ctx.mark(marks::SAGA_GIVEN_UP);
                self.abort(ctx, saga, Why::Late, Steps::NONE);
            }
            Phase::Committed if ctx.planted(Bug::CompensatesAfterPivot) => {
                self.abort(ctx, saga, Why::Late, Steps::NONE);
            }
            _ => {}
        }
    }

    /// Begins to roll back (the paper's *Backward Recovery*): compensates whatever may have been executed, which is what
    /// was requested and not refused. After a restart any step may have been requested.
    fn abort(&mut self, ctx: &mut Context<'_, Self>, saga: TxId, why: Why, refused: Steps) {
        let Saga { request, phase, executed, recovered, .. } = *self.saga(saga);
        let plan = request.plan();
        assert!(
            phase == Phase::Forward || refused.contains(plan.pivot()) || ctx.planted(Bug::CompensatesAfterPivot),
            "past the pivot a saga only goes forward: {saga} is {phase:?}: {why:?}"
        );
        let requested = if recovered { plan.all() } else { executed.union(plan.ready(executed)) };
        let never = refused.union(plan.descendants(refused));
        let to_compensate = requested.intersection(plan.compensatable()).difference(never);
        self.log(ctx, saga, LogRecord::Abort { why, to_compensate });
        ctx.cancel(&Timer::GiveUp(saga));
        ctx.mark(marks::BACKWARD_RECOVERY);
        if ctx.planted(Bug::AnswersAtAbort) {
            ctx.send(self.saga(saga).client, Message::Ended(saga, Outcome::Cancelled(why)));
        }
        self.advance(ctx, saga);
    }

    /// Brings a saga as far as it comes without further replies: into its next phase, or to the steps that are to be
    /// executed or compensated next, which are requested.
    fn advance(&mut self, ctx: &mut Context<'_, Self>, saga: TxId) {
        let Saga { request, client, phase, executed, requested, .. } = *self.saga(saga);
        let plan = request.plan();
        let (next, message): (Steps, fn(TxId, Request, StepId) -> Message) = match phase {
            Phase::Ended(outcome) => {
                ctx.cancel(&Timer::Retry(saga));
                return ctx.send(client, Message::Ended(saga, outcome));
            }
            Phase::Forward if plan.ready(executed).contains(plan.pivot()) => {
                self.log(ctx, saga, LogRecord::Pivot);
                if !ctx.planted(Bug::CompensatesAfterPivot) {
                    ctx.cancel(&Timer::GiveUp(saga));
                }
                return self.advance(ctx, saga);
            }
            Phase::Committed if executed == plan.all() => {
                self.log(ctx, saga, LogRecord::End);
                return self.advance(ctx, saga);
            }
            Phase::Backward { to_compensate: Steps::NONE, .. } => {
                self.log(ctx, saga, LogRecord::End);
                return self.advance(ctx, saga);
            }
            Phase::Forward | Phase::Committed => (plan.ready(executed), Message::Execute),
            Phase::Backward { to_compensate, .. } if ctx.planted(Bug::WrongOrder) => {
                (to_compensate, Message::Compensate)
            }
            Phase::Backward { to_compensate, .. } => (plan.ready_to_compensate(to_compensate), Message::Compensate),
        };
        assert!(!next.is_empty(), "a saga that has not ended has a next step: {saga} is {phase:?}");
        for step in next.difference(requested).iter() {
            ctx.send(self.services[plan[step].service.index()], message(saga, request, step));
        }
        self.saga_mut(saga).requested = requested.union(next);
        ctx.arm(Timer::Retry(saga), self.settings.retry);
    }

    fn saga(&self, saga: TxId) -> &Saga {
        self.sagas.get(&saga).unwrap_or_else(|| panic!("the saga was not begun here: {saga}"))
    }

    fn saga_mut(&mut self, saga: TxId) -> &mut Saga {
        self.sagas.get_mut(&saga).unwrap_or_else(|| panic!("the saga was not begun here: {saga}"))
    }

    fn log(&mut self, ctx: &mut Context<'_, Self>, saga: TxId, record: LogRecord) {
        ctx.append(SAGA_LOG, Record::Log(saga, record.clone()));
        self.apply(saga, record);
    }

    fn log_lazily(&mut self, ctx: &mut Context<'_, Self>, saga: TxId, record: LogRecord) {
        ctx.append_lazily(SAGA_LOG, Record::Log(saga, record.clone()));
        self.apply(saga, record);
    }

    fn apply(&mut self, saga: TxId, record: LogRecord) {
        if let LogRecord::Begin { request, client } = record {
            self.sagas.insert(saga, Saga { recovered: true, ..Saga::begun(request, client) });
        } else {
            self.saga_mut(saga).apply(record);
        }
    }
}

impl Process for Coordinator {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Request;
    type Ret = Outcome;

    /// Recovers from the saga log: what had come to the pivot goes on, what was being compensated is compensated, and the
    /// rest goes forward or back, as configured (the paper's *Forward Recovery* and *Backward Recovery*).
    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(records) = wal::recover(ctx, SAGA_LOG) else { return };
        for record in records {
            match record {
                Record::Log(saga, record) => self.apply(saga, record),
                other => panic!("a saga log has records of sagas: {other:?}"),
            }
        }
        if ctx.planted(Bug::ForgetsOnCoordinatorCrash) {
            return;
        }
        for saga in self.open().collect::<Vec<_>>() {
            ctx.mark(marks::COORDINATOR_RECOVERS_AN_OPEN_SAGA);
            match (self.sagas[&saga].phase, self.settings.recovery) {
                (Phase::Forward, Recovery::Backward) => {
                    ctx.mark(marks::BACKWARD_RECOVERY_AFTER_A_RESTART);
                    self.abort(ctx, saga, Why::Restarted, Steps::NONE);
                }
                (Phase::Forward, Recovery::Forward) => {
                    ctx.mark(marks::FORWARD_RECOVERY_AFTER_A_RESTART);
                    ctx.arm(Timer::GiveUp(saga), self.settings.give_up);
                    self.advance(ctx, saga);
                }
                _ => self.advance(ctx, saga),
            }
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Place(saga, request) => self.place(ctx, from, saga, request),
            Message::Executed(saga, step, refused) => self.executed(ctx, saga, step, refused),
            Message::Compensated(saga, step) => self.compensated(ctx, saga, step),
            message => panic!("no message for a coordinator: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Retry(saga) => self.retry(ctx, saga),
            Timer::GiveUp(saga) => self.give_up(ctx, saga),
            timer => panic!("no timer of a coordinator: {timer:?}"),
        }
    }
}

impl Saga {
    fn begun(request: Request, client: NodeId) -> Self {
        let (phase, executed, requested) = (Phase::Forward, Steps::NONE, Steps::NONE);
        Saga { request, client, phase, executed, requested, recovered: false }
    }

    /// Applies a record of the log; the one place where a saga's phase changes.
    fn apply(&mut self, record: LogRecord) {
        let plan = self.request.plan();
        match (record, self.phase) {
            (LogRecord::Executed(step), Phase::Forward | Phase::Committed) => self.executed.insert(step),
            (LogRecord::Pivot, Phase::Forward) => {
                // A crash may have taken the records of steps on which later ones depend: they are executed all the same.
                self.executed = self.executed.union(plan.ancestors(plan.pivot()));
                self.phase = Phase::Committed;
            }
            (LogRecord::Abort { why, to_compensate }, Phase::Forward | Phase::Committed) => {
                self.phase = Phase::Backward { why, to_compensate };
                self.requested = Steps::NONE;
            }
            (LogRecord::Compensated(step), Phase::Backward { why, to_compensate }) => {
                self.phase = Phase::Backward { why, to_compensate: to_compensate.difference(step.into()) };
            }
            (LogRecord::End, Phase::Committed) => {
                assert!(self.executed == plan.all(), "a saga completes with all steps: it has {:?}", self.executed);
                self.phase = Phase::Ended(Outcome::Completed);
            }
            (LogRecord::End, Phase::Backward { why, to_compensate }) => {
                assert!(to_compensate.is_empty(), "a saga is cancelled when all is compensated: {to_compensate:?}");
                self.phase = Phase::Ended(Outcome::Cancelled(why));
            }
            (record, phase) => panic!("a record of the saga log does not fit the phase: {record:?} in {phase:?}"),
        }
    }
}
