//! A group, as its coordinator has it (`GroupMetadata`).

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::Span;

use crate::communication::log_broker::groups::assignors::{Assignment, Assignor, Member};
use crate::communication::log_broker::groups::coordinator::Caller;
use crate::communication::log_broker::groups::offsets::Offsets;
use crate::communication::log_broker::groups::protocol::{Identity, Join};
use crate::communication::log_broker::groups::records::{MemberValue, MembersValue};
use crate::communication::log_broker::groups::subscription::Subscription;
use crate::communication::log_broker::names::{Generation, InstanceId, MemberId, TopicPartition};

/// What a group is doing (`GroupState`). A group of which nothing is left is *Dead*: it is not there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It has no members.
    Empty,
    /// Members are asked to join again.
    PreparingRebalance(Waiting),
    /// All have joined, and the leader's assignment is awaited.
    CompletingRebalance,
    /// Every member can have its assignment.
    Stable,
}

/// What a rebalance waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Waiting {
    /// The first members of an empty group: more may come (`group.initial.rebalance.delay.ms`, KIP-134).
    ForMore {
        /// Whether one has come since the delay began.
        came: bool,
        /// For how long the delay can be extended.
        remaining: Span,
    },
    /// All members.
    ForAll,
}

/// A member, as its coordinator has it (`MemberMetadata`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupMember {
    /// Its lasting name, if it is static.
    pub instance: Option<InstanceId>,
    /// After how long without a heartbeat it is taken for dead.
    pub session_timeout: Span,
    /// How long it may take to join.
    pub rebalance_timeout: Span,
    /// The assignors that it supports, in its order.
    pub assignors: Vec<Assignor>,
    /// What it wants and had, as it said when it joined.
    pub subscription: Subscription,
    /// What it has.
    pub assignment: BTreeSet<TopicPartition>,
    /// The join request that is not answered.
    pub joining: Option<Caller>,
    /// The sync request that is not answered.
    pub syncing: Option<Caller>,
    /// Whether it was never in a generation.
    pub is_new: bool,
}

impl GroupMember {
    /// A member that joins for the first time.
    pub fn joining(join: &Join, caller: Caller) -> Self {
        GroupMember {
            instance: join.instance,
            session_timeout: join.session_timeout,
            rebalance_timeout: join.rebalance_timeout,
            assignors: join.assignors.clone(),
            subscription: join.subscription.clone(),
            assignment: BTreeSet::new(),
            joining: Some(caller),
            syncing: None,
            is_new: true,
        }
    }

    /// A member that another coordinator has remembered.
    pub fn remembered(value: &MemberValue) -> Self {
        GroupMember {
            instance: value.instance,
            session_timeout: value.session_timeout,
            rebalance_timeout: value.rebalance_timeout,
            assignors: value.assignors.clone(),
            subscription: value.subscription.clone(),
            assignment: value.assignment.clone(),
            joining: None,
            syncing: None,
            is_new: false,
        }
    }

    /// Whether it joins with what is known of it already (`MemberMetadata.matches`).
    pub fn matches(&self, join: &Join) -> bool {
        self.assignors == join.assignors && self.subscription == join.subscription
    }

    /// It joins again.
    pub fn update(&mut self, join: &Join, caller: Caller) {
        self.session_timeout = join.session_timeout;
        self.rebalance_timeout = join.rebalance_timeout;
        self.assignors = join.assignors.clone();
        self.subscription = join.subscription.clone();
        self.joining = Some(caller);
    }
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    /// What it is doing.
    pub state: State,
    /// Its generation; zero before the first.
    pub generation: Generation,
    /// The assignor of the generation.
    pub assignor: Option<Assignor>,
    /// The leader of the generation.
    pub leader: Option<MemberId>,
    /// The members.
    pub members: BTreeMap<MemberId, GroupMember>,
    /// The static members by their lasting names (KIP-345).
    pub statics: BTreeMap<InstanceId, MemberId>,
    /// Those who were given a name and have not joined with it (KIP-394).
    pub named: BTreeSet<MemberId>,
    /// Those who have not asked for their assignment in this generation.
    pub to_sync: BTreeSet<MemberId>,
    /// How far it is.
    pub offsets: Offsets,
}

impl Default for Group {
    fn default() -> Self {
        Group {
            state: State::Empty,
            generation: Generation(0),
            assignor: None,
            leader: None,
            members: BTreeMap::new(),
            statics: BTreeMap::new(),
            named: BTreeSet::new(),
            to_sync: BTreeSet::new(),
            offsets: Offsets::default(),
        }
    }
}

impl Group {
    /// A generation that another coordinator has remembered (`loadGroup`).
    pub fn remember(&mut self, value: &MembersValue) {
        self.state = if value.members.is_empty() { State::Empty } else { State::Stable };
        self.generation = value.generation;
        self.assignor = value.assignor;
        self.leader = value.leader;
        self.members = value.members.iter().map(|member| (member.id, GroupMember::remembered(member))).collect();
        self.statics = value.members.iter().filter_map(|member| Some((member.instance?, member.id))).collect();
    }

    /// What has to be remembered of the generation, with this assignment.
    pub fn value(&self, assignment: &Assignment) -> MembersValue {
        let member = |(id, member): (&MemberId, &GroupMember)| MemberValue {
            id: *id,
            instance: member.instance,
            session_timeout: member.session_timeout,
            rebalance_timeout: member.rebalance_timeout,
            assignors: member.assignors.clone(),
            subscription: member.subscription.clone(),
            assignment: assignment.get(id).cloned().unwrap_or_default(),
        };
        MembersValue {
            generation: self.generation,
            assignor: self.assignor,
            leader: self.leader,
            members: self.members.iter().map(member).collect(),
        }
    }

    /// What the members have.
    pub fn assignment(&self) -> Assignment {
        self.members.iter().map(|(id, member)| (*id, member.assignment.clone())).collect()
    }

    /// The members, for the leader.
    pub fn for_the_leader(&self) -> Vec<Member> {
        let member = |(id, member): (&MemberId, &GroupMember)| Member {
            id: *id,
            instance: member.instance,
            subscription: member.subscription.clone(),
        };
        self.members.iter().map(member).collect()
    }

    /// Whether all members support one of these assignors (`supportsProtocols`).
    pub fn supports_one_of(&self, assignors: &[Assignor]) -> bool {
        let by_all = |assignor: &Assignor| self.members.values().all(|member| member.assignors.contains(assignor));
        assignors.iter().any(by_all)
    }

    /// The assignor that most members prefer among those that all support (`selectProtocol`).
    ///
    /// # Panics
    /// If there is none: whoever does not support one is not let in.
    pub fn preferred_assignor(&self) -> Assignor {
        let supported = |assignor: &&Assignor| self.supports_one_of(&[**assignor]);
        let mut votes: BTreeMap<Assignor, usize> = BTreeMap::new();
        for member in self.members.values() {
            let vote = member.assignors.iter().find(supported).expect("all members support some assignor");
            *votes.entry(*vote).or_insert(0) += 1;
        }
        let most = votes.iter().max_by_key(|(_, count)| **count);
        *most.expect("an assignor is chosen by members").0
    }

    /// How long a rebalance waits: as long as the slowest member may take.
    pub fn rebalance_timeout(&self) -> Span {
        self.members.values().map(|member| member.rebalance_timeout).max().unwrap_or(Span::ZERO)
    }

    /// Whether all members have joined, and all who have a name (`hasAllMembersJoined`).
    pub fn have_all_joined(&self) -> bool {
        self.named.is_empty() && self.members.values().all(|member| member.joining.is_some())
    }

    /// Adds a member that joins. The first one leads.
    pub fn add(&mut self, id: MemberId, member: GroupMember) {
        if let Some(instance) = member.instance {
            let before = self.statics.insert(instance, id);
            assert!(before.is_none(), "a static member is replaced, and not added twice");
        }
        self.leader.get_or_insert(id);
        let before = self.members.insert(id, member);
        assert!(before.is_none(), "a member is added once");
    }

    /// Removes a member. Another leads, one that has joined if there is one.
    pub fn remove(&mut self, id: MemberId) -> Option<GroupMember> {
        let member = self.members.remove(&id)?;
        if let Some(instance) = member.instance {
            self.statics.remove(&instance);
        }
        self.to_sync.remove(&id);
        if self.leader == Some(id) {
            let joined = self.members.iter().find(|(_, member)| member.joining.is_some());
            self.leader = joined.or(self.members.iter().next()).map(|(id, _)| *id);
        }
        Some(member)
    }

    /// A static member comes back under another name, and takes over what the group has of it (`replaceStaticMember`, KIP-345).
    ///
    /// # Panics
    /// If the old name is unknown.
    pub fn replace(&mut self, instance: InstanceId, old: MemberId, new: MemberId) -> (Option<Caller>, Option<Caller>) {
        let mut member = self.members.remove(&old).expect("who is replaced is a member");
        let waiting = (member.joining.take(), member.syncing.take());
        self.members.insert(new, member);
        self.statics.insert(instance, new);
        if self.to_sync.remove(&old) {
            self.to_sync.insert(new);
        }
        if self.leader == Some(old) {
            self.leader = Some(new);
        }
        waiting
    }

    /// Who is meant by a lasting name, if it is known.
    pub fn holder(&self, identity: &Identity) -> Option<MemberId> {
        identity.instance.and_then(|instance| self.statics.get(&instance).copied())
    }
}
