//! A primary is lost, hands over, or is opened.

use super::super::record::{Member, Phase, Run};
use super::super::seen::{Receiving, Server, Sight, State};
use super::order::{Say, Task, Trouble};
use super::verdict::{Verdict, of_primary};
use super::{Draft, steady};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long the others may take to answer before the old primary is taken back instead, if it is there.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a handover may keep the set closed before it is given up.
const HANDOVER: Duration = Duration::from_secs(3);
/// A primary that has been silent for so long, and that nobody follows, takes no writes: its agent has ended it
/// [`ISOLATED`](super::order::ISOLATED) after it was last asked, and some time goes by until that is seen from here.
const ENDED: Duration = Duration::from_secs(6);
/// The pause between two looks while something is under way.
const SOON: Duration = Duration::from_millis(50);

/// The primary is lost: stop everyone, compare, choose.
pub(super) fn gather(draft: &mut Draft<'_>) {
    let (record, seen) = (draft.record, draft.seen);
    let from = record.primary;
    draft.say(Say::Closed(Trouble::FailingOver));
    draft.look_again(SOON);

    // Also when it is down already: so that it hears of this record, and obeys no older one.
    if let Some(Sight::Answers(report)) = seen.members.get(&from)
        && (report.server != Server::Down || report.version < record.version)
    {
        draft.order(from, Task::Kill, "another primary is being chosen");
    }
    if let Some(force) = seen.force
        && !record.sync.contains_key(&force)
        && force != from
    {
        draft.order(
            force,
            Task::StopReceiving,
            "a person wants it to become primary",
        );
    }
    let mut stopped: BTreeMap<Member, &State> = BTreeMap::new();
    let mut unknown = BTreeSet::new();
    // Those of them for whom it is no use to wait.
    let mut anew = 0;
    for member in record.sync.keys() {
        let sight = seen.members.get(member);
        match sight.and_then(|sight| sight.state_since(record.version)) {
            // A new run has lost what the last had received and not applied.
            Some(state) if !same_run(&record.sync, *member, state) => {
                unknown.insert(*member);
                anew += 1;
            }
            Some(state) if state.receiving == Receiving::Stopped => {
                stopped.insert(*member, state);
            }
            _ => {
                unknown.insert(*member);
                // Its run is over, and with it what it had received and not applied.
                anew += usize::from(matches!(
                    sight,
                    Some(Sight::Answers(report)) if report.server == Server::Down
                ));
                if sight.and_then(Sight::state).is_some() {
                    draft.order(
                        *member,
                        Task::StopReceiving,
                        "nobody is to acknowledge for the lost primary",
                    );
                }
            }
        }
    }

    // The one that has most; of equals the first that can apply it.
    let best = stopped
        .iter()
        .max_by_key(|(member, state)| (state.received, !state.stuck, std::cmp::Reverse(**member)))
        .map(|(member, state)| (*member, *state));
    let proven = unknown.is_empty() && best.is_some_and(|(_, state)| state.received >= record.base);
    if proven
        && let Some((member, state)) = best
        && !state.stuck
    {
        // What it has received is applied without being told. And nobody opens before the last one is known to be closed.
        if state.written >= state.received && is_closed(draft, from) {
            let written = state.written;
            let others = stopped
                .iter()
                .map(|(other, state)| (*other, [state.run].into()));
            let others = others
                .filter(|(other, _)| *other != member && *other < seen.wanted)
                .collect();
            promote(draft, member, written, others);
        }
        return;
    }
    if let Some(force) = seen.force
        && force != from
        && is_closed(draft, from)
        && let Some(state) = seen
            .members
            .get(&force)
            .and_then(|sight| sight.state_since(record.version))
        && state.receiving == Receiving::Stopped
    {
        promote(draft, force, state.written, BTreeMap::new());
        return;
    }
    let waited = draft.age() >= PATIENCE || unknown.len() == anew;
    let is_back = matches!(seen.members.get(&from), Some(Sight::Answers(report)) if report.server == Server::Down);
    if waited && is_back {
        // Nobody was promoted: it still holds everything that anyone acknowledged for it.
        draft.begin(Phase::Opening);
    } else if waited {
        let trouble = match best {
            Some((member, _)) if proven => Trouble::Stuck(member),
            Some((_, state)) if unknown.is_empty() => Trouble::Behind {
                best: state.received,
                base: record.base,
            },
            _ => Trouble::Blocked(unknown),
        };
        draft.say = Say::Closed(trouble);
    }
}

/// Whether the last primary takes no more writes: because its agent or the kubelet says so, or because its agent has long ended it, having
/// neither been asked for too long nor anybody who follows.
fn is_closed(draft: &Draft<'_>, from: Member) -> bool {
    match draft.seen.members.get(&from) {
        Some(Sight::Answers(report)) => match &report.server {
            Server::Down => report.version >= draft.record.version,
            _ => false,
        },
        Some(Sight::Silent { ended: true, .. }) => true,
        Some(Sight::Silent { since, .. }) => (*since).min(draft.age()) >= ENDED,
        None => draft.age() >= ENDED,
    }
}

/// A new epoch. `sync` are those who shall acknowledge in it; who else follows is taken in as it comes.
fn promote(
    draft: &mut Draft<'_>,
    member: Member,
    written: u64,
    sync: BTreeMap<Member, BTreeSet<Run>>,
) {
    draft.next.epoch += 1;
    draft.next.primary = member;
    draft.next.base = written;
    draft.next.sync = sync;
    draft.next.leaving.clear();
    draft.next.alone = draft.seen.wanted <= 1 && member < draft.seen.wanted;
    draft.begin(Phase::Opening);
}

/// The primary is made ready and opened.
pub(super) fn open(draft: &mut Draft<'_>) {
    let (record, seen) = (draft.record, draft.seen);
    let primary = record.primary;
    draft.look_again(SOON);
    match of_primary(record, seen) {
        Verdict::Open => draft.next.change = None,
        Verdict::Closed => make_ready(draft),
        Verdict::Down => {
            draft.order(
                primary,
                Task::StartAsPrimary,
                "it is the primary of this epoch, and holds everything",
            );
            draft.say(Say::Closed(Trouble::Opening));
        }
        Verdict::Hung => {
            draft.order(primary, Task::Kill, "it does nothing any more");
            draft.say(Say::Closed(Trouble::Opening));
        }
        Verdict::Lost if steady::can_move(record) => draft.begin(Phase::Gathering),
        Verdict::Changing | Verdict::Lost | Verdict::Unsure => {
            draft.say(Say::Closed(Trouble::Opening));
        }
    }
}

fn make_ready(draft: &mut Draft<'_>) {
    let record = draft.record;
    let Sight::Answers(report) = &draft.seen.members[&record.primary] else {
        return;
    };
    let Server::Up(state) = &report.server else {
        return;
    };
    steady::keep_ackers(draft, state);
    steady::take_in(draft, state);
    steady::change_loneliness(draft, state);
    let is_ready =
        state.leads && state.requires == steady::requires(draft) && state.ackers == record.ackers();
    if is_ready && (record.alone || state.connected > 0) {
        draft.order(
            record.primary,
            Task::Open { seen_at: report.at },
            "it is ready, and somebody acknowledges",
        );
        draft.say(Say::Closed(Trouble::Opening));
    } else if is_ready {
        draft.say(Say::Closed(Trouble::NobodyAcknowledges));
    } else {
        draft.say(Say::Closed(Trouble::Opening));
    }
}

/// The primary hands over.
pub(super) fn close(draft: &mut Draft<'_>, to: Member) {
    let (record, seen) = (draft.record, draft.seen);
    let from = record.primary;
    draft.say(Say::Closed(Trouble::SwitchingOver(to)));
    draft.look_again(SOON);
    match of_primary(record, seen) {
        Verdict::Open => {
            draft.order(from, Task::Close, "it hands over");
            if draft.age() >= HANDOVER {
                draft.next.change = None;
            }
        }
        Verdict::Closed => {
            let closed = seen.members[&from].state_since(record.version);
            let next = seen.members.get(&to).and_then(|sight| sight.state_since(0));
            let all = closed.map(|state| state.written);
            if let (Some(all), Some(next)) = (all, next)
                && next.written >= all
            {
                let mut others = record.sync.clone();
                others.retain(|member, _| *member != to && !record.leaving.contains(member));
                promote(draft, to, next.written, others);
            } else if draft.age() >= HANDOVER {
                draft.begin(Phase::Opening);
            } else if closed.is_none() {
                draft.order(from, Task::Close, "it hands over");
            }
        }
        Verdict::Down | Verdict::Lost => steady::lose(draft),
        Verdict::Hung => draft.order(from, Task::Kill, "it does nothing any more"),
        Verdict::Changing | Verdict::Unsure => {}
    }
}

/// Whether the only run in which a member may have acknowledged is the one that is seen.
pub(super) fn same_run(
    sync: &BTreeMap<Member, BTreeSet<Run>>,
    member: Member,
    state: &State,
) -> bool {
    sync.get(&member)
        .is_some_and(|runs| runs.len() == 1 && runs.contains(&state.run))
}
