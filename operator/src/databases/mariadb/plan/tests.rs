//! What holds whatever happens.

mod world;

use super::super::record::Record;
use super::super::seen::{Report, Seen, Server, Sight, State};
use super::{Say, order::Trouble, plan};
use jiff::Timestamp;
use proptest::prelude::*;
use world::{ACKER, Act, PRIMARY, World};

fn acts() -> impl Strategy<Value = Act> {
    let member = prop_oneof![3 => 0u32..3, 2 => Just(PRIMARY), 2 => Just(ACKER)];
    let ordinal = 0u32..3;
    prop_oneof![
        3 => (1u32..10).prop_map(Act::Wait),
        3 => (10u32..60).prop_map(Act::Wait),
        2 => member.clone().prop_map(Act::KillServer),
        2 => member.clone().prop_map(Act::KillContainer),
        1 => Just(Act::KillAll),
        1 => member.clone().prop_map(Act::Slow),
        1 => member.clone().prop_map(Act::Stick),
        1 => ordinal.clone().prop_map(Act::StartContainer),
        1 => member.clone().prop_map(Act::Freeze),
        2 => ordinal.clone().prop_map(Act::Thaw),
        1 => (member.clone(), prop_oneof![member.clone(), Just(100u32), Just(101u32)]).prop_map(|(one, other)| Act::Cut(one, other)),
        1 => member.clone().prop_map(Act::CutOff),
        2 => Just(Act::Mend),
        1 => Just(Act::OperatorDies),
        2 => Just(Act::OperatorComes),
        1 => Just(Act::ApiDown),
        1 => ordinal.prop_map(Act::Switch),
        1 => prop_oneof![Just(1u32), Just(2), Just(3), Just(5)].prop_map(Act::Scale),
    ]
}

fn settle(world: &mut World) {
    world.heal();
    world.switch_to = None;
    for _ in 0..1200 {
        if world.is_settled() {
            return;
        }
        world.step();
    }
    panic!(
        "not settled within two minutes: {:#?}\n{:#?}",
        world.record(),
        world.history
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    /// Never two that take writes, never an acknowledged write lost, and it always settles once the world is well again.
    #[test]
    fn no_history_loses_an_acknowledged_write(seed in any::<u64>(), members in prop_oneof![Just(1u32), Just(2), Just(3)], acts in prop::collection::vec(acts(), 1..40)) {
        let mut world = World::new(members, seed);
        settle(&mut world);
        for act in acts {
            world.act(act);
        }
        settle(&mut world);
    }
}

/// Whatever dies, at whatever moment of a change.
#[test]
fn a_death_at_any_step_of_any_change_loses_nothing() {
    let changes = [
        (3, Act::Switch(1)),
        (3, Act::KillServer(PRIMARY)),
        (3, Act::KillServer(ACKER)),
        (3, Act::Scale(1)),
        (3, Act::Scale(2)),
        (1, Act::Scale(2)),
        (1, Act::Scale(3)),
        (2, Act::Scale(3)),
    ];
    let deaths = [
        Act::KillServer(PRIMARY),
        Act::KillContainer(PRIMARY),
        Act::KillServer(ACKER),
        Act::CutOff(PRIMARY),
        Act::CutOff(ACKER),
        Act::OperatorDies,
        Act::KillAll,
    ];
    for (members, change) in changes {
        for death in deaths {
            for step in 0..30 {
                let mut world = World::new(members, u64::from(step));
                settle(&mut world);
                world.act(Act::Wait(10));
                world.act(change);
                world.act(Act::Wait(step));
                world.act(death);
                world.act(Act::Wait(30));
                settle(&mut world);
            }
        }
    }
}

#[test]
fn that_nothing_can_be_written_is_said_before_what_is_merely_out_of_step() {
    let record = Record::new(2, Timestamp::UNIX_EPOCH);
    let leads = State {
        leads: true,
        requires: true,
        ..State::default()
    };
    let answers = |server| {
        Sight::Answers(Report {
            version: record.version,
            at: 0,
            leaving: false,
            server,
        })
    };
    let seen = Seen {
        now: Timestamp::UNIX_EPOCH,
        members: [(0, answers(Server::Up(leads))), (1, answers(Server::Down))].into(),
        wanted: 2,
        switch_to: None,
        force: None,
    };
    let said = plan(&record, &seen).say;
    assert_eq!(said, Say::Closed(Trouble::NobodyAcknowledges));
}

/// Steps of a tenth of a second from an act until the set takes writes again.
fn until_open(world: &mut World) -> u32 {
    (1..600)
        .find(|_| {
            world.step();
            world.open_member().is_some()
        })
        .expect("it opens")
}

#[test]
fn a_killed_server_is_replaced_by_another_member_even_when_orders_are_slow_and_get_lost() {
    let mut took = Vec::new();
    for seed in 0..200 {
        let mut world = World::new(3, seed);
        settle(&mut world);
        world.act(Act::Wait(50));
        let before = world.record().primary;
        world.act(Act::KillServer(before));
        let steps = until_open(&mut world);
        assert_ne!(
            world.open_member(),
            Some(before),
            "the other is quicker than a start"
        );
        took.push(steps);
    }
    took.sort_unstable();
    let (median, slowest) = (took[took.len() / 2], took[took.len() - 1]);
    assert!(
        median <= 25 && slowest <= 50,
        "median {median}, slowest {slowest} tenths of a second"
    );
}

#[test]
fn after_all_were_killed_the_last_primary_returns() {
    for seed in 0..200 {
        let mut world = World::new(3, seed);
        settle(&mut world);
        world.act(Act::Wait(50));
        world.act(Act::KillAll);
        settle(&mut world);
        assert!(world.acknowledged() > 0);
    }
}

#[test]
fn a_switch_over_ends_with_the_member_that_was_asked_for() {
    for seed in 0..200 {
        let mut world = World::new(3, seed);
        settle(&mut world);
        world.act(Act::Switch(2));
        world.act(Act::Wait(60));
        settle(&mut world);
        assert_eq!(world.open_member(), Some(2), "{:#?}", world.history);
    }
}

#[test]
fn a_primary_cut_off_from_the_operator_alone_goes_on() {
    for seed in 0..50 {
        let mut world = World::new(3, seed);
        settle(&mut world);
        let primary = world.record().primary;
        world.act(Act::Cut(primary, 100));
        world.act(Act::Wait(200));
        assert_eq!(world.open_member(), Some(primary));
    }
}
