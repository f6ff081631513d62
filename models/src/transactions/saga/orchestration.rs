//! The coordinator of orchestrated sagas: the paper's *saga execution component*, with its saga log.
//!
//! | record | written | forced, because |
//! |---|---|---|
//! | `Begin` | when a client has asked | who was begun must be ended |
//! | `Executed` | when `T_i` is executed | not forced: asking again does no harm |
//! | `Pivot` | before the pivot is asked for | from here on nobody may give up |
//! | `Abort` | before the first `C_i` is asked for | from here on it only goes back |
//! | `Compensated` | when `C_i` is | not forced |
//! | `End` | before the client is answered | an answer is final |

use std::collections::BTreeMap;

use seedbed_sim::{Context, File, NodeId};

use crate::parts::wal;
use crate::transactions::TxId;
use crate::transactions::saga::Settings;
use crate::transactions::saga::bugs::Bug;
use crate::transactions::saga::business::Request;
use crate::transactions::saga::marks;
use crate::transactions::saga::messages::{Message, Outcome, Record, Why};
use crate::transactions::saga::model::{Node, Recovery, Timer};
use crate::transactions::saga::plan::{StepId, Steps};

/// The saga log.
pub const SAGA_LOG: File = File(1);

/// A record of the saga log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LogRecord {
    /// *begin saga*.
    Begin {
        /// Which.
        saga: TxId,
        /// What for.
        request: Request,
        /// Who waits for its end.
        client: NodeId,
    },
    /// *end transaction* of `T_i`.
    Executed {
        /// Of which saga.
        saga: TxId,
        /// The `i`.
        step: StepId,
    },
    /// All before the pivot is executed, and the pivot is about to be asked for.
    Pivot {
        /// Of which saga.
        saga: TxId,
    },
    /// *abort saga*.
    Abort {
        /// Which.
        saga: TxId,
        /// Why.
        why: Why,
        /// The steps that may have been executed.
        undo: Steps,
    },
    /// *end transaction* of `C_i`.
    Compensated {
        /// Of which saga.
        saga: TxId,
        /// The `i`.
        step: StepId,
    },
    /// *end saga*.
    End {
        /// Which.
        saga: TxId,
    },
}

/// How far a saga is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Up to the pivot; it may be given up.
    Forward,
    /// The pivot may have been executed: it goes on, unless the pivot is refused.
    Committed,
    /// These steps are still to be compensated.
    Backward {
        /// Why.
        why: Why,
        /// Which.
        undo: Steps,
    },
    /// It is over.
    Ended(Outcome),
}

/// A saga, as its coordinator knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Saga {
    request: Request,
    client: NodeId,
    phase: Phase,
    executed: Steps,
    /// What was asked for in this phase and this life, and need not be asked for again before a retry.
    asked: Steps,
    /// Whether it was begun in an earlier life: then steps may have been asked for of which nothing is known.
    recovered: bool,
}

/// The coordinator.
#[derive(Clone, Debug, Hash)]
pub struct Coordinator {
    settings: Settings,
    bug: Option<Bug>,
    sagas: BTreeMap<TxId, Saga>,
}

impl Coordinator {
    /// One that has coordinated nothing yet.
    pub fn new(settings: Settings, bug: Option<Bug>) -> Self {
        Coordinator { settings, bug, sagas: BTreeMap::new() }
    }

    /// How far a saga is, if it was begun.
    pub fn phase(&self, saga: TxId) -> Option<Phase> {
        self.sagas.get(&saga).map(|saga| saga.phase)
    }

    /// The sagas that have not ended.
    pub fn open(&self) -> impl Iterator<Item = TxId> {
        self.sagas.iter().filter(|(_, saga)| !matches!(saga.phase, Phase::Ended(_))).map(|(saga, _)| *saga)
    }

    /// Recovers from the saga log: what had come to the pivot goes on, what was being undone is undone, and
    /// the rest goes forward or back, as configured (the paper's *Forward Recovery* and
    /// *Backward Recovery*).
    pub(super) fn start(&mut self, ctx: &mut Context<'_, Node>) {
        let Some(records) = wal::recover(ctx, SAGA_LOG) else { return };
        for record in records {
            match record {
                Record::Log(record) => self.restore(record),
                other => panic!("a saga log has records of sagas: {other:?}"),
            }
        }
        if self.bug == Some(Bug::ForgetsOnCoordinatorCrash) {
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
                    self.go_on(ctx, saga);
                }
                _ => self.go_on(ctx, saga),
            }
        }
    }

    fn restore(&mut self, record: LogRecord) {
        if let LogRecord::Begin { saga, request, client } = record {
            self.sagas.insert(saga, Saga { recovered: true, ..Saga::new(request, client) });
            return;
        }
        let (LogRecord::Begin { saga, .. }
        | LogRecord::Executed { saga, .. }
        | LogRecord::Pivot { saga }
        | LogRecord::Abort { saga, .. }
        | LogRecord::Compensated { saga, .. }
        | LogRecord::End { saga }) = record;
        self.known_mut(saga).learn(record);
    }

    /// A client asks. The same saga may be asked for again and again.
    pub(super) fn place(&mut self, ctx: &mut Context<'_, Node>, client: NodeId, saga: TxId, request: Request) {
        match self.phase(saga) {
            None => {
                ctx.append(SAGA_LOG, Record::Log(LogRecord::Begin { saga, request, client }));
                self.sagas.insert(saga, Saga::new(request, client));
                ctx.arm(Timer::GiveUp(saga), self.settings.give_up);
                self.go_on(ctx, saga);
            }
            Some(Phase::Ended(outcome)) => ctx.send(client, Message::Ended { saga, outcome }),
            Some(_) => {}
        }
    }

    /// `T_i` is executed or refused.
    pub(super) fn executed(&mut self, ctx: &mut Context<'_, Node>, saga: TxId, step: StepId, refused: Option<Why>) {
        let known = self.known(saga);
        // What was executed before it could be undone is undone; its answer is of no interest any more.
        if !matches!(known.phase, Phase::Forward | Phase::Committed) || known.executed.has(step) {
            return;
        }
        match refused {
            Some(why) => self.abort(ctx, saga, why, Steps::of([step.0])),
            None => {
                self.log_lazily(ctx, LogRecord::Executed { saga, step });
                self.go_on(ctx, saga);
            }
        }
    }

    /// `T_i` has no effect any more.
    pub(super) fn compensated(&mut self, ctx: &mut Context<'_, Node>, saga: TxId, step: StepId) {
        match self.known(saga).phase {
            Phase::Backward { undo, .. } if undo.has(step) => {
                self.log_lazily(ctx, LogRecord::Compensated { saga, step });
                self.go_on(ctx, saga);
            }
            _ => {}
        }
    }

    /// Nobody answered for a while.
    pub(super) fn retry(&mut self, ctx: &mut Context<'_, Node>, saga: TxId) {
        ctx.mark(marks::STEP_ASKED_FOR_AGAIN);
        self.known_mut(saga).asked = Steps::NONE;
        self.go_on(ctx, saga);
    }

    /// It takes too long. Before the pivot is asked for that is a reason to go back, and later it is none.
    pub(super) fn give_up(&mut self, ctx: &mut Context<'_, Node>, saga: TxId) {
        match self.known(saga).phase {
            Phase::Forward => {
                ctx.mark(marks::SAGA_GIVEN_UP);
                self.abort(ctx, saga, Why::Late, Steps::NONE);
            }
            Phase::Committed if self.bug == Some(Bug::CompensatesAfterPivot) => {
                self.abort(ctx, saga, Why::Late, Steps::NONE);
            }
            _ => {}
        }
    }

    /// Begins to go back: to undo what may have been executed, which is what was asked for and not refused. After a
    /// restart that is everything.
    fn abort(&mut self, ctx: &mut Context<'_, Node>, saga: TxId, why: Why, refused: Steps) {
        let Saga { request, executed, recovered, .. } = *self.known(saga);
        let plan = request.plan();
        let asked = if recovered { plan.all() } else { executed.and(plan.ready(executed)) };
        let never = refused.and(plan.dependents(refused));
        let undo = asked.in_common(plan.compensatable()).without(never);
        self.log(ctx, LogRecord::Abort { saga, why, undo });
        ctx.cancel(&Timer::GiveUp(saga));
        ctx.mark(marks::BACKWARD_RECOVERY);
        self.go_on(ctx, saga);
    }

    /// Asks for whatever can be done next.
    fn go_on(&mut self, ctx: &mut Context<'_, Node>, saga: TxId) {
        let Saga { request, client, phase, executed, asked, .. } = *self.known(saga);
        let plan = request.plan();
        let (now, compensate) = match phase {
            Phase::Ended(outcome) => {
                ctx.cancel(&Timer::Retry(saga));
                return ctx.send(client, Message::Ended { saga, outcome });
            }
            Phase::Forward if plan.ready(executed).has(plan.pivot()) => {
                self.log(ctx, LogRecord::Pivot { saga });
                if self.bug != Some(Bug::CompensatesAfterPivot) {
                    ctx.cancel(&Timer::GiveUp(saga));
                }
                return self.go_on(ctx, saga);
            }
            Phase::Committed if executed == plan.all() => {
                self.log(ctx, LogRecord::End { saga });
                return self.go_on(ctx, saga);
            }
            Phase::Backward { undo: Steps::NONE, .. } => {
                self.log(ctx, LogRecord::End { saga });
                return self.go_on(ctx, saga);
            }
            Phase::Forward | Phase::Committed => (plan.ready(executed), false),
            Phase::Backward { undo, .. } if self.bug == Some(Bug::WrongOrder) => (undo, true),
            Phase::Backward { undo, .. } => (plan.undone_first(undo), true),
        };
        for step in now.without(asked).iter() {
            let message = match compensate {
                false => Message::Execute { saga, request, step },
                true => Message::Compensate { saga, request, step },
            };
            ctx.send(plan[step].at, message);
        }
        self.known_mut(saga).asked = asked.and(now);
        ctx.arm(Timer::Retry(saga), self.settings.retry);
    }

    fn known_mut(&mut self, saga: TxId) -> &mut Saga {
        self.sagas.get_mut(&saga).unwrap_or_else(|| panic!("nobody speaks of a saga that was not begun: {saga}"))
    }

    fn known(&self, saga: TxId) -> &Saga {
        self.sagas.get(&saga).unwrap_or_else(|| panic!("nobody speaks of a saga that was not begun: {saga}"))
    }

    fn log(&mut self, ctx: &mut Context<'_, Node>, record: LogRecord) {
        ctx.append(SAGA_LOG, Record::Log(record.clone()));
        self.restore(record);
    }

    fn log_lazily(&mut self, ctx: &mut Context<'_, Node>, record: LogRecord) {
        ctx.append_lazily(SAGA_LOG, Record::Log(record.clone()));
        self.restore(record);
    }
}

impl Saga {
    fn new(request: Request, client: NodeId) -> Self {
        let (phase, executed, asked) = (Phase::Forward, Steps::NONE, Steps::NONE);
        Saga { request, client, phase, executed, asked, recovered: false }
    }

    /// What a record of the log means; the one place where a saga's phase changes.
    fn learn(&mut self, record: LogRecord) {
        match (record, &mut self.phase) {
            (LogRecord::Executed { step, .. }, _) => self.executed.add(step),
            (LogRecord::Pivot { .. }, phase @ Phase::Forward) => {
                let plan = self.request.plan();
                self.executed = self.executed.and(plan.ancestors(plan.pivot()));
                *phase = Phase::Committed;
            }
            (LogRecord::Abort { why, undo, .. }, phase @ (Phase::Forward | Phase::Committed)) => {
                *phase = Phase::Backward { why, undo };
                self.asked = Steps::NONE;
            }
            (LogRecord::Compensated { step, .. }, Phase::Backward { undo, .. }) => {
                *undo = undo.without(Steps::of([step.0]));
            }
            (LogRecord::End { .. }, phase @ Phase::Committed) => {
                *phase = Phase::Ended(Outcome::Completed);
            }
            (LogRecord::End { .. }, phase @ Phase::Backward { .. }) => {
                let Phase::Backward { why, .. } = *phase else { unreachable!("just matched") };
                *phase = Phase::Ended(Outcome::Cancelled(why));
            }
            (record, phase) => panic!("a saga goes from phase to phase: {record:?} in {phase:?}"),
        }
    }
}
