//! A back server: it keeps tallies, and a completion record of each call (RIFL §3.1 and §3.3).

use std::collections::{BTreeMap, VecDeque};

use seedbed_sim::{Context, File, NodeId, Process, Span, Time};

use crate::communication::request_response::bugs::Bug;
use crate::communication::request_response::marks;
use crate::communication::request_response::messages::{
    Execution, Header, Key, Message, Op, Record, Refusal, Ret, RpcId, SessionId, Timer,
};
use crate::parts::wal;

/// Where effects and completion records are.
pub const LOG: File = File(0);

/// How a back server works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// The lease manager.
    pub leases: NodeId,
    /// The longest that it takes to execute a request.
    pub service: Span,
    /// For how long it relies on what it was told of a session, and then asks again.
    pub recheck: Span,
    /// After how long it asks again what was not answered.
    pub retry: Span,
    /// Whether it keeps completion records at all.
    pub table: bool,
}

/// A request that waits.
#[derive(Clone, Debug, Hash)]
struct Waiting {
    /// Who is answered.
    from: NodeId,
    header: Header,
    key: Key,
    amount: u32,
    /// The deadline, on this server's clock.
    deadline: Option<Time>,
}

impl Waiting {
    fn is(&self, id: RpcId, key: Key) -> bool {
        self.header.id == id && self.key == key
    }
}

/// What it knows of a session.
#[derive(Clone, Debug, Default, Hash)]
struct Session {
    /// When it was last told that the session lasts, in this life.
    checked: Option<Time>,
    first_incomplete: u64,
    /// The completion records, by call and tally.
    completed: BTreeMap<(u64, Key), u64>,
}

/// A question to the lease manager.
#[derive(Clone, Debug, Hash)]
struct Question {
    number: u64,
    requests: Vec<Waiting>,
}

/// A back server.
#[derive(Clone, Debug, Hash)]
pub struct Back {
    settings: Settings,
    tallies: BTreeMap<Key, u64>,
    sessions: BTreeMap<SessionId, Session>,
    questions: BTreeMap<SessionId, Question>,
    /// The number of the last question. Those of an earlier life are not answered by chance: it begins with the time.
    asked: u64,
    queue: VecDeque<Waiting>,
}

impl Back {
    /// A back server that has executed nothing.
    pub fn new(settings: Settings) -> Self {
        Back {
            settings,
            tallies: BTreeMap::new(),
            sessions: BTreeMap::new(),
            questions: BTreeMap::new(),
            asked: 0,
            queue: VecDeque::new(),
        }
    }

    /// The completion record of a call.
    pub fn completed(&self, id: RpcId, key: Key) -> Option<u64> {
        self.sessions.get(&id.session)?.completed.get(&(id.seq, key)).copied()
    }

    /// How many requests wait to be executed.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Whether a call waits to be executed here.
    pub fn awaits(&self, id: RpcId) -> bool {
        let asked = self.questions.values().flat_map(|question| &question.requests);
        self.queue.iter().chain(asked).any(|waiting| waiting.header.id == id)
    }

    fn execute(&mut self, ctx: &mut Context<'_, Self>, request: Waiting) {
        if !self.settings.table {
            return self.enqueue(ctx, request);
        }
        let session = self.sessions.get(&request.header.id.session);
        let checked = session.and_then(|session| session.checked);
        match checked.filter(|checked| ctx.now().since(*checked) < self.settings.recheck) {
            Some(_) => self.admit(ctx, request),
            None => self.ask(ctx, request),
        }
    }

    /// RIFL §3.4: a server does not rely on a lease that may be over; the lease manager knows.
    fn ask(&mut self, ctx: &mut Context<'_, Self>, request: Waiting) {
        let session = request.header.id.session;
        if let Some(question) = self.questions.get_mut(&session) {
            return question.requests.push(request);
        }
        ctx.mark(marks::LEASE_CHECKED);
        self.asked += 1;
        self.questions.insert(session, Question { number: self.asked, requests: vec![request] });
        self.send_question(ctx, session);
    }

    fn send_question(&self, ctx: &mut Context<'_, Self>, session: SessionId) {
        let Some(question) = self.questions.get(&session) else { return };
        ctx.send(self.settings.leases, Message::Check(session, question.number));
        ctx.arm(Timer::CheckAgain(session), self.settings.retry);
    }

    fn checked(&mut self, ctx: &mut Context<'_, Self>, session: SessionId, number: u64, lasts: bool) {
        let Some(question) = self.questions.remove(&session) else { return };
        if question.number != number {
            // An answer to an earlier question, which says nothing of now.
            self.questions.insert(session, question);
            return;
        }
        ctx.cancel(&Timer::CheckAgain(session));
        if lasts {
            self.sessions.entry(session).or_default().checked = Some(ctx.now());
            return question.requests.into_iter().for_each(|request| self.admit(ctx, request));
        }
        self.end_session(ctx, session);
        for request in question.requests {
            self.refuse(ctx, &request, Refusal::SessionExpired);
        }
    }

    /// The session is over for good: its client sends nothing again, and what is late is refused by the lease manager's word.
    fn end_session(&mut self, ctx: &mut Context<'_, Self>, session: SessionId) {
        if self.sessions.remove(&session).is_some() {
            ctx.mark(marks::SESSION_ENDED_AT_A_BACK);
            ctx.append(LOG, Record::Expired(session));
        }
        self.queue.retain(|waiting| waiting.header.id.session != session);
    }

    /// RIFL §3.3, `checkDuplicate`: new, in progress, completed, or stale.
    fn admit(&mut self, ctx: &mut Context<'_, Self>, request: Waiting) {
        let RpcId { session, seq } = request.header.id;
        self.drop_completed(ctx, &request.header);
        let known = self.sessions.entry(session).or_default();
        if seq < known.first_incomplete {
            return self.refuse_stale(ctx, &request);
        }
        if let Some(result) = known.completed.get(&(seq, request.key)) {
            ctx.mark(marks::ANSWERED_FROM_THE_TABLE);
            ctx.send(request.from, Message::Executed(request.header.id, request.key, Ok(*result)));
            return;
        }
        self.enqueue(ctx, request);
    }

    /// The client has had all results before the first incomplete call.
    fn drop_completed(&mut self, ctx: &mut Context<'_, Self>, header: &Header) {
        let RpcId { session, seq } = header.id;
        let known = self.sessions.entry(session).or_default();
        let kept_from = if ctx.planted(Bug::EarlyTableGc) { seq } else { header.first_incomplete };
        let kept = known.completed.split_off(&(kept_from, Key(0)));
        if !std::mem::replace(&mut known.completed, kept).is_empty() {
            ctx.mark(marks::RECORDS_DROPPED);
        }
        if header.first_incomplete > known.first_incomplete {
            known.first_incomplete = header.first_incomplete;
            ctx.append_lazily(LOG, Record::Incomplete(session, header.first_incomplete));
        }
    }

    fn enqueue(&mut self, ctx: &mut Context<'_, Self>, request: Waiting) {
        let same = self.queue.iter_mut().find(|waiting| waiting.is(request.header.id, request.key));
        if let Some(waiting) = same.filter(|_| self.settings.table) {
            ctx.mark(marks::CAME_AGAIN_IN_THE_QUEUE);
            waiting.from = request.from;
            return;
        }
        self.queue.push_back(request);
        if self.queue.len() == 1 {
            self.arm_serve(ctx);
        }
    }

    fn arm_serve(&self, ctx: &mut Context<'_, Self>) {
        if !self.queue.is_empty() {
            let after = ctx.draw_span("service", Span::ZERO..=self.settings.service);
            ctx.arm(Timer::Serve, after);
        }
    }

    /// The next request is executed, unless its time is over or it has become stale meanwhile.
    fn serve(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(request) = self.queue.pop_front() else { return };
        self.arm_serve(ctx);
        if request.deadline.is_some_and(|deadline| deadline <= ctx.now()) {
            ctx.mark(marks::DEADLINE_IN_THE_QUEUE);
            return self.refuse(ctx, &request, Refusal::DeadlineExceeded);
        }
        if self.settings.table && request.header.id.seq < self.session(request.header.id).first_incomplete {
            return self.refuse_stale(ctx, &request);
        }
        let Waiting { from, header, key, amount, .. } = request;
        let tally = self.tallies.entry(key).or_default();
        *tally += u64::from(amount);
        let execution = Execution { id: header.id, key, amount, result: *tally, call: header.call };
        ctx.append(LOG, Record::Executed(execution));
        self.complete(&execution);
        let answer = Message::Executed(header.id, key, Ok(execution.result));
        if ctx.planted(Bug::AnsweredBeforeSync) {
            ctx.send_early(from, answer);
        } else {
            ctx.send(from, answer);
        }
    }

    fn session(&mut self, id: RpcId) -> &mut Session {
        self.sessions.entry(id.session).or_default()
    }

    fn complete(&mut self, execution: &Execution) {
        if self.settings.table {
            let completed = &mut self.session(execution.id).completed;
            let before = completed.insert((execution.id.seq, execution.key), execution.result);
            assert!(before.is_none(), "a call is executed once: {execution:?}");
        }
    }

    /// RIFL §3.3: a stale request is answered by an error, so that whoever relays it sends it no more.
    fn refuse_stale(&self, ctx: &mut Context<'_, Self>, request: &Waiting) {
        ctx.mark(marks::STALE);
        if !ctx.planted(Bug::StaleUnanswered) {
            self.refuse(ctx, request, Refusal::Stale);
        }
    }

    fn refuse(&self, ctx: &mut Context<'_, Self>, request: &Waiting, why: Refusal) {
        ctx.send(request.from, Message::Executed(request.header.id, request.key, Err(why)));
    }

    /// What has not begun is not begun.
    fn cancel(&mut self, ctx: &mut Context<'_, Self>, id: RpcId) {
        let before = self.queue.len();
        self.queue.retain(|waiting| waiting.header.id != id);
        if self.queue.len() < before {
            ctx.mark(marks::CANCELLED_IN_THE_QUEUE);
        }
        for question in self.questions.values_mut() {
            question.requests.retain(|waiting| waiting.header.id != id);
        }
    }
}

impl Process for Back {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        // Clocks go back, so the draw tells lives apart that begin at one time.
        self.asked = (ctx.draw("questions", 0..=0xffff) << 40) + ctx.now().0 / 1_000;
        for record in wal::recover(ctx, LOG).unwrap_or_default() {
            match record {
                Record::Executed(execution) => {
                    self.tallies.insert(execution.key, execution.result);
                    if !ctx.planted(Bug::VolatileTable) {
                        self.complete(&execution);
                    }
                }
                Record::Incomplete(session, first) => {
                    let known = self.sessions.entry(session).or_default();
                    known.first_incomplete = first;
                    known.completed = known.completed.split_off(&(first, Key(0)));
                }
                Record::Expired(session) => _ = self.sessions.remove(&session),
                record @ Record::Opened(..) => panic!("no record of a back server: {record:?}"),
            }
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Execute(header, key, amount) => {
                let deadline = header.remaining.map(|remaining| ctx.now() + remaining);
                self.execute(ctx, Waiting { from, header, key, amount, deadline });
            }
            Message::Checked(session, number, lasts) => self.checked(ctx, session, number, lasts),
            Message::Cancel(id) => self.cancel(ctx, id),
            message => panic!("no message for a back server: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Serve => self.serve(ctx),
            Timer::CheckAgain(session) => self.send_question(ctx, session),
            timer => panic!("no timer of a back server: {timer:?}"),
        }
    }
}
