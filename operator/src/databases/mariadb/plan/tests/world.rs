//! A world to try plans in: members with logs, links that fail, orders that come late or twice, an operator that dies between any two steps. It
//! keeps what was measured of real servers: a replica that starts anew loses what it had received and not applied; one that was a
//! primary and starts as a replica loses what nobody had acknowledged to it.

mod members;

use super::super::super::record::{Member, Phase, Record};
use super::super::super::seen::{Seen, Sight};
use super::super::order::Order;
use super::super::{Plan, plan};
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// One step of time.
pub(super) const STEP: Duration = Duration::from_millis(100);
const ISOLATED: u32 = 40;
const OPENS_WITHIN: u64 = 2000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tx {
    writer: Member,
    seq: u64,
    id: u64,
}

#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Running {
    run: u64,
    open: bool,
    leads: bool,
    requires: bool,
    ackers: BTreeSet<Member>,
    follows: Option<Member>,
    receives: bool,
    impossible: bool,
    relay: VecDeque<Tx>,
}

#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Node {
    /// The agent's process runs.
    alive: bool,
    /// Agent and server do nothing.
    frozen: bool,
    /// What it receives is applied only now and then.
    slow: bool,
    /// It can't apply what it receives, until it is copied.
    stuck: bool,
    version: u64,
    log: Vec<Tx>,
    /// How far somebody else has acknowledged: what is beyond is cut off at a start as a replica.
    acknowledged: u64,
    server: Option<Running>,
    /// Steps since the operator last asked.
    unasked: u32,
    /// Milliseconds.
    age: u64,
    silent: u32,
}

/// In an [`Act`]: whoever is primary, and the first of those who acknowledge.
pub(super) const PRIMARY: Member = 200;
pub(super) const ACKER: Member = 201;

/// Ends of links that are no member.
const OPERATOR: Member = 100;
const API: Member = 101;

pub(super) struct World {
    random: StdRng,
    now: Timestamp,
    nodes: BTreeMap<Member, Node>,
    cut: BTreeSet<(Member, Member)>,
    record: Record,
    wanted: u32,
    pub(super) switch_to: Option<Member>,
    operator_up: bool,
    orders: Vec<(u32, Order)>,
    old_sights: VecDeque<BTreeMap<Member, Sight>>,
    next_id: u64,
    next_run: u64,
    acked: BTreeSet<u64>,
    pub(super) history: Vec<String>,
    pub(super) openings: u32,
}

/// What can go wrong, or be asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Wait(u32),
    KillServer(Member),
    KillContainer(Member),
    KillAll,
    StartContainer(Member),
    Freeze(Member),
    Thaw(Member),
    Slow(Member),
    Stick(Member),
    Cut(Member, Member),
    CutOff(Member),
    Mend,
    OperatorDies,
    OperatorComes,
    ApiDown,
    Switch(Member),
    Scale(u32),
}

fn at(nodes: &mut BTreeMap<Member, Node>, member: Member) -> &mut Node {
    nodes.get_mut(&member).expect("a member")
}

impl World {
    pub(super) fn new(members: u32, seed: u64) -> Self {
        let now = Timestamp::UNIX_EPOCH;
        Self {
            random: StdRng::seed_from_u64(seed),
            now,
            nodes: (0..5)
                .map(|member| {
                    let node = Node {
                        alive: true,
                        ..Node::default()
                    };
                    (member, node)
                })
                .collect(),
            cut: BTreeSet::new(),
            record: Record::new(members, now),
            wanted: members,
            switch_to: None,
            operator_up: true,
            orders: Vec::new(),
            old_sights: VecDeque::new(),
            next_id: 0,
            next_run: 0,
            acked: BTreeSet::new(),
            history: Vec::new(),
            openings: 0,
        }
    }

    pub(super) fn act(&mut self, act: Act) {
        let act = self.meant(act);
        self.history.push(format!("{act:?}"));
        match act {
            Act::Wait(steps) => (0..steps).for_each(|_| self.step()),
            Act::KillServer(member) => self.node(member).server = None,
            Act::KillContainer(member) => self.kill_container(member),
            Act::KillAll => (0..self.wanted).for_each(|member| self.kill_container(member)),
            Act::StartContainer(member) => self.node(member).alive = true,
            Act::Freeze(member) => self.node(member).frozen = true,
            Act::Thaw(member) => {
                self.node(member).frozen = false;
                // Its timers fire at once.
                self.guard();
            }
            Act::Slow(member) => self.node(member).slow = true,
            Act::Stick(member) => {
                let follows = |server: &Running| server.follows.is_some();
                let node = self.node(member);
                node.stuck = node.server.as_ref().is_some_and(follows);
            }
            Act::Cut(one, other) => {
                self.cut.insert((one.min(other), one.max(other)));
            }
            Act::CutOff(member) => {
                for other in (0..5).chain([OPERATOR, API]) {
                    self.cut.insert((member.min(other), member.max(other)));
                }
            }
            Act::Mend => self.cut.clear(),
            Act::OperatorDies => {
                self.operator_up = false;
                // Whatever it had not sent yet is never sent.
                let keep = self.random.random_range(0..=self.orders.len());
                self.orders.truncate(keep);
            }
            Act::OperatorComes => self.operator_up = true,
            Act::ApiDown => {
                for other in (0..5).chain([OPERATOR]) {
                    self.cut.insert((other, API));
                }
            }
            Act::Switch(member) => self.switch_to = Some(member),
            Act::Scale(members) => self.wanted = members,
        }
        self.check();
    }

    /// Who is meant by [`PRIMARY`] and [`ACKER`].
    fn meant(&self, act: Act) -> Act {
        let who = |member: Member| match member {
            PRIMARY => self.record.primary,
            ACKER => self
                .record
                .sync
                .keys()
                .next()
                .copied()
                .unwrap_or(self.record.primary),
            member => member,
        };
        match act {
            Act::KillServer(member) => Act::KillServer(who(member)),
            Act::KillContainer(member) => Act::KillContainer(who(member)),
            Act::Freeze(member) => Act::Freeze(who(member)),
            Act::Slow(member) => Act::Slow(who(member)),
            Act::Stick(member) => Act::Stick(who(member)),
            Act::Cut(one, other) => Act::Cut(who(one), who(other)),
            Act::CutOff(member) => Act::CutOff(who(member)),
            act => act,
        }
    }

    /// Everything is well again.
    pub(super) fn heal(&mut self) {
        self.cut.clear();
        self.operator_up = true;
        for node in self.nodes.values_mut() {
            node.alive = true;
            node.frozen = false;
            node.slow = false;
        }
        self.guard();
    }

    pub(super) fn is_settled(&self) -> bool {
        let Some(primary) = self.nodes[&self.record.primary].server.as_ref() else {
            return false;
        };
        let in_step = (0..self.wanted)
            .filter(|member| *member != self.record.primary)
            .all(|member| {
                self.record
                    .sync
                    .get(&member)
                    .is_some_and(|runs| runs.len() == 1)
                    && self.nodes[&member]
                        .server
                        .as_ref()
                        .is_some_and(|server| server.follows == Some(self.record.primary))
                    && !self.nodes[&member].stuck
            });
        primary.open
            && self.record.change.is_none()
            && self.record.leaving.is_empty()
            && in_step
            && self.record.primary < self.wanted
    }

    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    pub(super) fn open_member(&self) -> Option<Member> {
        (0..5).find(|member| {
            self.nodes[member]
                .server
                .as_ref()
                .is_some_and(|server| server.open)
        })
    }

    pub(super) fn acknowledged(&self) -> usize {
        self.acked.len()
    }

    /// What happened, for whoever reads a failure.
    fn note(&mut self, what: impl FnOnce() -> String) {
        let at = self.now.as_millisecond();
        self.history.push(format!("{at:>6} ms  {}", what()));
    }

    fn node(&mut self, member: Member) -> &mut Node {
        at(&mut self.nodes, member)
    }

    fn kill_container(&mut self, member: Member) {
        let node = self.node(member);
        node.server = None;
        node.alive = false;
        node.frozen = false;
    }

    fn linked(&self, one: Member, other: Member) -> bool {
        !self.cut.contains(&(one.min(other), one.max(other)))
    }

    fn answers(&self, member: Member) -> bool {
        let node = &self.nodes[&member];
        node.alive && !node.frozen && self.linked(member, OPERATOR)
    }

    pub(super) fn step(&mut self) {
        self.now += STEP;
        for member in 0..5 {
            // The kubelet starts again what has ended, after a while.
            if !self.nodes[&member].alive && self.random.random_ratio(1, 20) {
                self.node(member).alive = true;
            }
        }
        self.write();
        for member in 0..5 {
            self.replicate(member);
        }
        self.guard();
        self.operate();
        self.deliver();
        self.check();
    }

    fn sights(&mut self) -> BTreeMap<Member, Sight> {
        let there = self
            .wanted
            .max(self.record.primary + 1)
            .max(self.record.sync.keys().max().map_or(0, |last| last + 1));
        let mut sights = BTreeMap::new();
        let asks = self.operator_up;
        for member in 0..there {
            if self.answers(member) {
                let node = self.node(member);
                node.silent = 0;
                if asks {
                    node.unasked = 0;
                }
                sights.insert(member, Sight::Answers(self.report(member)));
            } else {
                self.node(member).silent += 1;
                let node = &self.nodes[&member];
                // The kubelet can say so only while it reaches the API server.
                let ended = !node.alive && self.linked(member, API);
                sights.insert(
                    member,
                    Sight::Silent {
                        since: STEP * node.silent,
                        ended,
                    },
                );
            }
        }
        sights
    }

    fn operate(&mut self) {
        let fresh = self.sights();
        self.old_sights.push_front(fresh.clone());
        self.old_sights.truncate(5);
        if !self.operator_up || !self.linked(OPERATOR, API) || self.random.random_ratio(1, 3) {
            return;
        }
        // Each member was asked at another moment.
        let mut members = fresh;
        for (member, sight) in &mut members {
            let age = self.random.random_range(0..self.old_sights.len());
            if let Some(old) = self.old_sights[age].get(member) {
                *sight = old.clone();
            }
        }
        let seen = Seen {
            now: self.now,
            members,
            wanted: self.wanted,
            switch_to: self.switch_to,
            force: None,
        };
        let Plan { record, orders, .. } = plan(&self.record, &seen);
        if record != self.record {
            if self
                .record
                .change
                .as_ref()
                .is_some_and(|change| matches!(change.phase, Phase::Closing { .. }))
            {
                self.switch_to = None;
            }
            self.note(|| format!("{record:?}"));
            self.record = record;
            return;
        }
        for order in orders {
            if self.random.random_ratio(1, 10) {
                continue;
            }
            if self.random.random_ratio(1, 10) {
                self.orders
                    .push((self.random.random_range(0..50), order.clone()));
            }
            self.orders.push((self.random.random_range(0..3), order));
        }
    }

    fn deliver(&mut self) {
        let mut later = Vec::new();
        for (after, order) in std::mem::take(&mut self.orders) {
            if after > 0 {
                later.push((after - 1, order));
            } else if self.answers(order.member) {
                self.obey(order);
            }
        }
        self.orders = later;
    }

    fn check_opened(&self, member: Member) {
        let there: BTreeSet<u64> = self.nodes[&member].log.iter().map(|tx| tx.id).collect();
        let lost: Vec<_> = self.acked.difference(&there).collect();
        assert!(
            lost.is_empty(),
            "member {member} opened without {lost:?}\nrecord {:?}\n{:#?}",
            self.record,
            self.history
        );
    }

    fn check(&self) {
        let takes_writes =
            |node: &Node| !node.frozen && node.server.as_ref().is_some_and(|server| server.open);
        let open: Vec<Member> = (0..5)
            .filter(|member| takes_writes(&self.nodes[member]))
            .collect();
        assert!(
            open.len() <= 1,
            "two take writes: {open:?}\nrecord {:?}\n{:#?}",
            self.record,
            self.history
        );
    }
}
