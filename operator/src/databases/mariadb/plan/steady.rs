//! The primary is open: everyone else is kept in step with it.

use super::super::record::{Member, Phase, Record};
use super::super::seen::{Receiving, Server, Sight, State};
use super::Draft;
use super::change::same_run;
use super::order::{Say, Task, Trouble};
use super::verdict::{Verdict, is_missing, of_primary};
use std::time::Duration;

/// Who has received so much less than the primary has written is said to be catching up.
const IN_STEP: u64 = 100;
/// Nothing is handed over to who has so much left to apply: it would keep everyone waiting. A busy primary writes thousands a second, so some
/// hundreds are always under way.
const SOON_APPLIED: u64 = 3000;
/// How often a look is due while somebody is not in step, or may be lost.
const WATCHFUL: Duration = Duration::from_millis(250);

pub(super) fn tend(draft: &mut Draft<'_>) {
    let (record, seen) = (draft.record, draft.seen);
    match of_primary(record, seen) {
        Verdict::Open => {
            let Some(state) = seen.members[&record.primary].state() else {
                return;
            };
            keep_ackers(draft, state);
            take_in(draft, state);
            let_go(draft, state);
            change_loneliness(draft, state);
            cure(draft, state);
            hand_over(draft, state);
            if record.alone {
                draft.say(Say::Degraded(Trouble::Alone));
            }
        }
        // Somebody closed it, or it was started anew: it is opened again, if it still may be.
        Verdict::Closed => draft.begin(Phase::Opening),
        Verdict::Down | Verdict::Lost => lose(draft),
        Verdict::Hung => {
            draft.order(record.primary, Task::Kill, "it does nothing any more");
            draft.say(Say::Closed(Trouble::PrimaryUnsure));
        }
        Verdict::Changing | Verdict::Unsure => {
            draft.say(Say::Closed(Trouble::PrimaryUnsure));
            draft.look_again(WATCHFUL);
        }
    }
}

/// The primary is lost. Without others that may hold what it acknowledged, there is only itself.
pub(super) fn lose(draft: &mut Draft<'_>) {
    draft.begin(if can_move(draft.record) {
        Phase::Gathering
    } else {
        Phase::Opening
    });
}

/// Whether others hold what the primary acknowledged.
pub(super) fn can_move(record: &Record) -> bool {
    !record.alone && !record.sync.is_empty()
}

/// The primary takes acknowledgements of whom the record says, and of nobody else.
pub(super) fn keep_ackers(draft: &mut Draft<'_>, primary: &State) {
    let (ackers, required) = (draft.record.ackers(), requires(draft));
    if !draft.is_heard()
        || !primary.leads
        || primary.ackers != ackers
        || primary.requires != required
    {
        let task = Task::Lead { ackers, required };
        draft.order(draft.record.primary, task, "these may acknowledge");
    }
}

/// Whether the primary may acknowledge nothing by itself. One that was alone begins as soon as somebody has joined, and only then is it written
/// that it is alone no longer.
pub(super) fn requires(draft: &Draft<'_>) -> bool {
    let record = draft.record;
    !record.alone || (!is_last(draft) && !record.ackers().is_empty())
}

/// Whether the store wants this one member and no other.
fn is_last(draft: &Draft<'_>) -> bool {
    draft.seen.wanted <= 1 && draft.record.primary < draft.seen.wanted
}

/// Everyone else who is wanted follows.
pub(super) fn take_in(draft: &mut Draft<'_>, primary: &State) {
    let (record, seen) = (draft.record, draft.seen);
    for (&member, sight) in &seen.members {
        if member == record.primary || member >= seen.wanted {
            continue;
        }
        match sight {
            Sight::Silent { .. } => draft.say(Say::Degraded(Trouble::Missing(member))),
            Sight::Answers(report) => match &report.server {
                Server::Down => {
                    draft.order(member, Task::StartAsReplica, "it follows the primary");
                    draft.say(Say::Degraded(Trouble::CatchingUp(member)));
                }
                Server::Changing | Server::Hung(_) => {
                    draft.say(Say::Degraded(Trouble::CatchingUp(member)));
                }
                Server::Up(state) => take_in_one(draft, primary, member, state),
            },
        }
    }
}

fn take_in_one(draft: &mut Draft<'_>, primary: &State, member: Member, state: &State) {
    let record = draft.record;
    let is_in = record.sync.contains_key(&member);
    let has_diverged = draft.is_heard() && !state.is_contained_in(record.primary, primary);
    if has_diverged || state.receiving == Receiving::Impossible {
        draft.say(Say::Degraded(Trouble::Copying(member)));
        if is_in {
            draft.next.leaving.insert(member);
        } else {
            let task = Task::Copy {
                from: to_copy(draft, member),
            };
            draft.order(member, task, "it holds or lacks what can't be cured");
        }
        return;
    }
    if !is_in {
        // Written before the primary lets it connect.
        draft.next.sync.insert(member, [state.run].into());
        return;
    }
    draft.next.leaving.remove(&member);
    if !same_run(&record.sync, member, state) {
        // The primary's report must be of a time when the new run was known: then it lists whatever the last one acknowledged.
        if !record.sync[&member].contains(&state.run) {
            draft.next.sync.entry(member).or_default().insert(state.run);
        } else if draft.is_heard() && state.received >= primary.written {
            draft.next.sync.insert(member, [state.run].into());
        }
        draft.say(Say::Degraded(Trouble::CatchingUp(member)));
    }
    if state.follows != Some(record.primary) || state.receiving == Receiving::Stopped {
        let task = Task::Follow {
            source: record.primary,
        };
        draft.order(member, task, "it follows the primary");
    }
    if state.stuck {
        // It goes on acknowledging while it is copied, and is then a member that was started anew.
        draft.say(Say::Degraded(Trouble::Copying(member)));
        let task = Task::Copy {
            from: to_copy(draft, member),
        };
        draft.order(member, task, "it can't apply what it receives");
    }
    if state.receiving != Receiving::Running || state.received + IN_STEP < primary.written {
        draft.say(Say::Degraded(Trouble::CatchingUp(member)));
        draft.look_again(WATCHFUL);
    }
}

/// Whom to copy: another replica that is well, so that the primary has no work with it.
fn to_copy(draft: &Draft<'_>, member: Member) -> Member {
    let is_well = |other: &Member| {
        let state = draft.seen.members.get(other).and_then(Sight::state);
        *other != member && acknowledges(draft, *other) && state.is_some_and(|state| !state.stuck)
    };
    let ackers = draft.record.ackers();
    ackers
        .into_iter()
        .find(is_well)
        .unwrap_or(draft.record.primary)
}

/// Who is missing is waited for no longer, once what it may have acknowledged is known to be elsewhere.
fn let_go(draft: &mut Draft<'_>, primary: &State) {
    let (record, seen) = (draft.record, draft.seen);
    for &member in record.sync.keys() {
        let is_gone = seen.members.get(&member).is_none_or(is_missing) || member >= seen.wanted;
        let others = record
            .ackers()
            .iter()
            .any(|other| *other != member && acknowledges(draft, *other));
        if is_gone && (others || record.alone) {
            draft.next.leaving.insert(member);
            draft.look_again(WATCHFUL);
        }
    }
    if record.leaving.is_empty() {
        return;
    }
    draft.look_again(WATCHFUL);
    let is_excluded = draft.is_heard()
        && primary.ackers == record.ackers()
        && primary.requires == requires(draft);
    let holds_all = |member: Member| {
        let state = seen.members.get(&member).and_then(Sight::state)?;
        (state.received >= primary.written).then_some(state)
    };
    let is_elsewhere = record
        .ackers()
        .into_iter()
        .any(|other| holds_all(other).is_some_and(|state| same_run(&record.sync, other, state)));
    // The primary's report is of a time when they were locked out already, so nothing they acknowledged is newer than what it wrote.
    if is_excluded && (is_elsewhere || record.alone) {
        for member in &record.leaving {
            draft.next.sync.remove(member);
        }
        draft.next.leaving.clear();
    }
}

fn acknowledges(draft: &Draft<'_>, member: Member) -> bool {
    let state = draft.seen.members.get(&member).and_then(Sight::state);
    state.is_some_and(|state| {
        same_run(&draft.record.sync, member, state)
            && state.follows == Some(draft.record.primary)
            && state.receiving == Receiving::Running
    })
}

/// From one member to several and back.
pub(super) fn change_loneliness(draft: &mut Draft<'_>, primary: &State) {
    let (record, seen) = (draft.record, draft.seen);
    let is_last = is_last(draft);
    if is_last && !record.alone {
        // Written before the primary is told that it needs nobody.
        draft.next.alone = true;
    }
    if !is_last && record.alone {
        let holds_all = record.ackers().iter().any(|member| {
            acknowledges(draft, *member)
                && seen.members[member]
                    .state()
                    .is_some_and(|state| state.received >= primary.written)
        });
        if draft.is_heard() && primary.requires && holds_all {
            draft.next.alone = false;
        }
    }
    if is_last && record.alone && !primary.requires && !record.sync.is_empty() {
        draft.next.sync.clear();
        draft.next.leaving.clear();
    }
}

/// An acknowledgement that is lost when a replica connects anew is never sent again, and every later commit queues behind the one that waits for
/// it. Let go only when somebody is known to hold all that was written: else a client would be told of what only the primary has.
fn cure(draft: &mut Draft<'_>, primary: &State) {
    if !primary.waits || primary.connected == 0 {
        return;
    }
    draft.look_again(WATCHFUL);
    let holds_all = draft.record.ackers().into_iter().any(|member| {
        let state = draft.seen.members.get(&member).and_then(Sight::state);
        acknowledges(draft, member) && state.is_some_and(|state| state.received >= primary.written)
    });
    if holds_all {
        draft.order(
            draft.record.primary,
            Task::CureWedge {
                held: primary.written,
            },
            "an acknowledgement was lost although everything has arrived",
        );
    }
}

/// Hands over when it was asked for, or when the primary is to be taken away, and somebody is in step.
fn hand_over(draft: &mut Draft<'_>, primary: &State) {
    let (record, seen) = (draft.record, draft.seen);
    let is_leaving = |member: Member| {
        let sight = seen.members.get(&member);
        sight.is_some_and(|sight| matches!(sight, Sight::Answers(report) if report.leaving))
    };
    let must_go = record.primary >= seen.wanted || is_leaving(record.primary);
    let first = record
        .ackers()
        .into_iter()
        .filter(|member| *member < seen.wanted && acknowledges(draft, *member))
        .min_by_key(|member| (is_leaving(*member), *member));
    let to = seen
        .switch_to
        .filter(|to| *to != record.primary)
        .or_else(|| first.filter(|_| must_go));
    let Some(to) = to else {
        return;
    };
    let is_in_step = record.ackers().contains(&to)
        && acknowledges(draft, to)
        && seen.members[&to]
            .state()
            .is_some_and(|state| !state.stuck && state.written + SOON_APPLIED >= primary.written);
    if !is_in_step {
        draft.say(Say::Degraded(Trouble::NotInStep(to)));
        draft.look_again(WATCHFUL);
    } else if draft.next == *record {
        draft.begin(Phase::Closing { to });
    }
}
