//! What members do by themselves and when told.

use super::super::super::super::record::Member;
use super::super::super::super::seen::{Receiving, Report, Server, State};
use super::super::super::order::{Order, Task};
use super::{ISOLATED, OPENS_WITHIN, Running, Tx, World, at};
use rand::RngExt as _;
use std::collections::BTreeMap;

impl World {
    pub(super) fn write(&mut self) {
        for member in 0..5 {
            let node = at(&mut self.nodes, member);
            if node.frozen || self.random.random_ratio(1, 3) {
                continue;
            }
            let Some(server) = node.server.as_ref().filter(|server| server.open) else {
                continue;
            };
            let seq = node.log.last().map_or(0, |tx| tx.seq) + 1;
            self.next_id += 1;
            node.log.push(Tx {
                writer: member,
                seq,
                id: self.next_id,
            });
            if !server.requires {
                self.acked.insert(self.next_id);
                node.acknowledged = seq;
            }
        }
    }
    pub(super) fn replicate(&mut self, member: Member) {
        let node = &self.nodes[&member];
        let Some(server) = node.server.as_ref().filter(|_| !node.frozen) else {
            return;
        };
        if self
            .connected_source(member)
            .is_some_and(|_| !server.impossible)
            && let Some(source) = server.follows
        {
            let last = server.relay.back().or_else(|| node.log.last()).copied();
            let from = &self.nodes[&source].log;
            let start = match last {
                None => Some(0),
                Some(last) => from.iter().position(|tx| *tx == last).map(|at| at + 1),
            };
            let many = self.random.random_range(0..4);
            let Some(start) = start else {
                if let Some(server) = self.node(member).server.as_mut() {
                    server.impossible = true;
                }
                return;
            };
            let news: Vec<Tx> = from.iter().skip(start).take(many).copied().collect();
            let received = news.last().or(last.as_ref()).map_or(0, |tx| tx.seq);
            if let Some(server) = self.node(member).server.as_mut() {
                server.relay.extend(news);
            }
            self.acknowledge(source, received);
        }
        let applies = if self.nodes[&member].stuck {
            0
        } else if self.nodes[&member].slow {
            u32::from(self.random.random_ratio(1, 10))
        } else {
            self.random.random_range(0..4)
        };
        let node = self.node(member);
        if let Some(server) = node.server.as_mut() {
            for _ in 0..applies {
                if let Some(tx) = server.relay.pop_front() {
                    node.log.push(tx);
                    node.acknowledged = tx.seq;
                }
            }
        }
    }
    fn acknowledge(&mut self, primary: Member, to: u64) {
        let node = at(&mut self.nodes, primary);
        if node.server.as_ref().is_some_and(|server| server.leads) {
            for tx in node
                .log
                .iter()
                .filter(|tx| tx.seq <= to && tx.seq > node.acknowledged && tx.writer == primary)
            {
                self.acked.insert(tx.id);
            }
            node.acknowledged = node.acknowledged.max(to);
        }
    }
    /// Whom a member receives from just now.
    pub(super) fn connected_source(&self, member: Member) -> Option<Member> {
        let node = &self.nodes[&member];
        let server = node
            .server
            .as_ref()
            .filter(|server| server.receives && !node.frozen)?;
        let source = server.follows?;
        let theirs = &self.nodes[&source];
        let lets_in = theirs
            .server
            .as_ref()
            .is_some_and(|server| !server.leads || server.ackers.contains(&member));
        (lets_in && !theirs.frozen && self.linked(member, source)).then_some(source)
    }
    pub(super) fn guard(&mut self) {
        for member in 0..5 {
            let has_peer =
                (0..5).any(|other| other != member && self.connected_source(other) == Some(member));
            let node = at(&mut self.nodes, member);
            node.unasked += 1;
            node.age += 100;
            let writes = node
                .server
                .as_ref()
                .is_some_and(|server| server.open && server.requires);
            if node.alive && !node.frozen && writes && node.unasked > ISOLATED && !has_peer {
                node.server = None;
            }
        }
    }
    pub(super) fn report(&self, member: Member) -> Report {
        let node = &self.nodes[&member];
        let written = node.log.last().map_or(0, |tx| tx.seq);
        let server = node.server.as_ref().map_or(Server::Down, |server| {
            let receiving = match (server.receives, server.impossible) {
                (_, true) => Receiving::Impossible,
                (false, _) => Receiving::Stopped,
                (true, _) if self.connected_source(member).is_some() => Receiving::Running,
                (true, _) => Receiving::Connecting,
            };
            let mut history = BTreeMap::new();
            for tx in &node.log {
                history.insert(tx.writer, tx.seq);
            }
            Server::Up(State {
                run: server.run,
                open: server.open,
                leads: server.leads,
                written,
                received: server.relay.back().map_or(written, |tx| tx.seq),
                history,
                follows: server.follows,
                receiving,
                stuck: node.stuck && !server.relay.is_empty(),
                ackers: server.ackers.clone(),
                requires: server.requires,
                connected: u32::try_from(
                    (0..5)
                        .filter(|other| self.connected_source(*other) == Some(member))
                        .count(),
                )
                .unwrap_or(0),
                waits: false,
            })
        });
        Report {
            version: node.version,
            at: node.age,
            leaving: false,
            server,
        }
    }
    pub(super) fn obey(&mut self, order: Order) {
        let member = order.member;
        if order.version < self.nodes[&member].version {
            return;
        }
        let node = &self.nodes[&member];
        let at = node.log.last().map_or(0, |tx| tx.seq);
        let acked = node.acknowledged;
        self.note(|| format!("member {member} at {at}, {acked} acknowledged: {order:?}"));
        self.next_run += 1;
        let run = self.next_run;
        let copy = match order.task {
            Task::Copy { from } if self.linked(member, from) => {
                let source = &self.nodes[&from];
                source
                    .server
                    .as_ref()
                    .filter(|_| !source.frozen)
                    .map(|_| source.log.clone())
            }
            _ => None,
        };
        let node = self.node(member);
        node.version = order.version;
        let server = node.server.as_mut();
        match (order.task, server) {
            (Task::StartAsReplica, None) => {
                node.log.retain(|tx| tx.seq <= node.acknowledged);
                node.server = Some(Running {
                    run,
                    ..Running::default()
                });
            }
            (Task::StartAsPrimary, None) => {
                node.server = Some(Running {
                    run,
                    leads: true,
                    requires: true,
                    ..Running::default()
                });
            }
            (Task::Kill, Some(_)) => node.server = None,
            (Task::StopReceiving, Some(server)) => server.receives = false,
            (Task::Follow { source }, Some(server)) if !server.open => {
                if server.leads || server.follows != Some(source) {
                    server.relay.clear();
                }
                server.leads = false;
                server.ackers.clear();
                server.follows = Some(source);
                server.receives = true;
                server.impossible = false;
            }
            (Task::Lead { ackers, required }, Some(server)) => {
                if !server.leads {
                    server.relay.clear();
                }
                server.leads = true;
                server.follows = None;
                server.receives = false;
                server.ackers = ackers;
                server.requires = required;
            }
            (Task::Open { seen_at }, Some(server))
                if node.age <= seen_at + OPENS_WITHIN && server.leads && !server.open =>
            {
                server.open = true;
                self.openings += 1;
                self.check_opened(member);
            }
            (Task::Close, Some(server)) => server.open = false,
            (Task::Copy { .. }, _) => {
                if let Some(log) = copy {
                    node.stuck = false;
                    node.acknowledged = log.last().map_or(0, |tx| tx.seq);
                    node.log = log;
                    node.server = Some(Running {
                        run,
                        ..Running::default()
                    });
                }
            }
            _ => {}
        }
    }
}
