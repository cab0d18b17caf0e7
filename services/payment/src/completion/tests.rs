use std::collections::HashSet;

use jiff::Timestamp;
use kit::money::{Currency, Money};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::payment::{Locale, Provider};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const EUROS: Money = Money::new(1000, Currency::EUR);

fn payment(state: State) -> Payment {
    Payment {
        id: Uuid::from_u128(1),
        order_id: Uuid::from_u128(2),
        order_number: "A-1".to_owned(),
        provider: Provider::Stripe,
        state,
        amount: EUROS,
        received: 0,
        refunded: 0,
        reference: None,
        hosted_reference: None,
        charge: None,
        client_secret: None,
        approve_url: None,
        return_path: "/".to_owned(),
        locale: Locale::En,
        page_key: [0; 16],
        trouble: None,
        declined_because: None,
        is_superseded: false,
        attempts: 0,
        created_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::MAX,
    }
}

fn charge(reference: &str) -> Charge {
    Charge {
        reference: reference.to_owned(),
        amount: EUROS,
        order_id: Some(Uuid::from_u128(2)),
    }
}

fn declined() -> Fact {
    Fact::Declined {
        reason: "insufficient_funds".to_owned(),
    }
}

fn failed(reason: &str) -> Step {
    Step::TellFailed(reason.to_owned())
}

fn check(state: State, standing: Standing, fact: &Fact, expected: &[Step]) {
    let steps = decide(&payment(state), &standing, Heard::Never, fact, NOW);
    assert_eq!(steps, expected, "{state:?} {standing:?} {fact:?}");
}

fn closed(closed: Closed) -> Standing {
    Standing {
        closed: Some(closed),
        ..Standing::default()
    }
}

fn paid_by(payment: u128) -> Standing {
    Standing {
        paid_by: Some(Uuid::from_u128(payment)),
        ..Standing::default()
    }
}

/// A state, and what follows from each fact in it.
type Row<'a> = (
    State,
    &'a [Step],
    &'a [Step],
    &'a [Step],
    &'a [Step],
    &'a [Step],
);

#[test]
fn every_state_and_fact_of_an_order_that_stands() {
    use State as S;
    let open = Standing::default();
    let paid = Fact::Charged(charge("a"));
    let kept = [
        Step::Become(S::Captured),
        Step::Keep(charge("a")),
        Step::TellCaptured,
    ];
    let back = [Step::GiveBack(charge("a"), Trouble::PaidTwice)];
    let no = [Step::Become(S::Declined), failed("insufficient_funds")];
    let off = [Step::Become(S::Canceled), failed("canceled")];
    let action = [Step::Become(S::ActionRequired)];
    let authorized = [Step::Become(S::Authorized)];
    #[rustfmt::skip]
    let table: [Row<'_>; 9] = [
        // state                waiting   authorized     declined  canceled                      charged
        (S::Created,            &action,  &authorized,   &no,      &off,                         &kept),
        (S::ActionRequired,     &[],      &authorized,   &no,      &off,                         &kept),
        (S::Authorized,         &[],      &[],           &no,      &off,                         &kept),
        (S::Captured,           &[],      &[],           &[],      &[],                          &back),
        (S::PartiallyRefunded,  &[],      &[],           &[],      &[],                          &back),
        (S::Refunded,           &[],      &[],           &[],      &[],                          &back),
        (S::Declined,           &[],      &authorized,   &[],      &[Step::Become(S::Canceled)], &kept),
        (S::Canceled,           &[],      &[],           &[],      &[],                          &kept),
        (S::Expired,            &[],      &[],           &[],      &[],                          &kept),
    ];
    for (state, waiting, authorized, declined_steps, canceled, charged) in table {
        check(state, open, &Fact::Waiting, waiting);
        check(state, open, &Fact::Processing, waiting);
        check(state, open, &Fact::Authorized, authorized);
        check(state, open, &declined(), declined_steps);
        check(state, open, &Fact::Canceled, canceled);
        check(state, open, &paid, charged);
    }
}

#[test]
fn money_for_an_order_that_takes_none() {
    use State as S;
    let paid = Fact::Charged(charge("a"));
    let back = |trouble| Step::GiveBack(charge("a"), trouble);
    check(
        S::ActionRequired,
        paid_by(9),
        &paid,
        &[back(Trouble::PaidTwice), Step::Become(S::Canceled)],
    );
    check(S::Canceled, paid_by(9), &paid, &[back(Trouble::PaidTwice)]);
    check(
        S::ActionRequired,
        closed(Closed::Canceled),
        &paid,
        &[back(Trouble::Late), Step::Become(S::Canceled)],
    );
    check(
        S::Canceled,
        closed(Closed::Canceled),
        &paid,
        &[back(Trouble::Late)],
    );
    // After expiry the shop decides.
    check(
        S::Expired,
        closed(Closed::Expired),
        &paid,
        &[
            Step::Become(S::Captured),
            Step::Keep(charge("a")),
            Step::TellCaptured,
        ],
    );
}

#[test]
fn what_does_not_match_is_never_captured_as_paid() {
    let with = |change: &dyn Fn(&mut Charge)| {
        let mut charge = charge("a");
        change(&mut charge);
        charge
    };
    let table = [
        (
            with(&|charge| charge.amount.amount = 999),
            Trouble::AmountMismatch,
        ),
        (
            with(&|charge| charge.amount.amount = 1001),
            Trouble::AmountMismatch,
        ),
        (
            with(&|charge| charge.amount.currency = Currency::USD),
            Trouble::CurrencyMismatch,
        ),
        (
            with(&|charge| charge.order_id = Some(Uuid::from_u128(3))),
            Trouble::OrderMismatch,
        ),
        (
            with(&|charge| charge.order_id = None),
            Trouble::OrderMismatch,
        ),
    ];
    for (charge, trouble) in table {
        for state in State::ALL {
            let steps = decide(
                &payment(state),
                &Standing::default(),
                Heard::Never,
                &Fact::Charged(charge.clone()),
                NOW,
            );
            assert_eq!(steps[0], Step::GiveBack(charge.clone(), trouble));
            assert!(!steps.contains(&Step::TellCaptured), "{state:?}");
            assert!(!steps.contains(&Step::Become(State::Captured)), "{state:?}");
        }
    }
}

#[test]
fn a_payment_that_we_called_off_is_no_news_to_the_shop() {
    for standing in [
        closed(Closed::Canceled),
        closed(Closed::Expired),
        paid_by(9),
    ] {
        let steps = decide(
            &payment(State::ActionRequired),
            &standing,
            Heard::Never,
            &Fact::Canceled,
            NOW,
        );
        assert!(
            matches!(steps[..], [Step::Become(State::Canceled | State::Expired)]),
            "{steps:?}"
        );
    }
    let overdue = Payment {
        expires_at: NOW,
        ..payment(State::ActionRequired)
    };
    let steps = decide(
        &overdue,
        &Standing::default(),
        Heard::Never,
        &Fact::Canceled,
        NOW,
    );
    assert_eq!(steps, [Step::Become(State::Expired)]);
    let superseded = Payment {
        is_superseded: true,
        ..payment(State::ActionRequired)
    };
    let steps = decide(
        &superseded,
        &Standing::default(),
        Heard::Never,
        &Fact::Canceled,
        NOW,
    );
    assert_eq!(steps, [Step::Become(State::Canceled)]);
}

/// What the transaction does with the steps, without a database.
#[derive(Debug)]
struct Ledger {
    payment: Payment,
    standing: Standing,
    kept: Vec<Charge>,
    given_back: Vec<Charge>,
    told_captured: usize,
}

impl Ledger {
    fn new(standing: Standing) -> Self {
        Self {
            payment: payment(State::Created),
            standing,
            kept: vec![],
            given_back: vec![],
            told_captured: 0,
        }
    }

    fn hear(&mut self, fact: &Fact) {
        let heard = match fact {
            Fact::Charged(charge)
                if self
                    .kept
                    .iter()
                    .chain(&self.given_back)
                    .any(|known| known.reference == charge.reference) =>
            {
                Heard::Before
            }
            _ => Heard::Never,
        };
        for step in decide(&self.payment, &self.standing, heard, fact, NOW) {
            match step {
                Step::Become(state) => {
                    assert!(
                        self.payment.state.may_become(state),
                        "{:?} → {state:?}",
                        self.payment.state
                    );
                    self.payment.state = state;
                }
                Step::Keep(charge) => {
                    self.standing.paid_by = Some(self.payment.id);
                    self.kept.push(charge);
                }
                Step::GiveBack(charge, _) => self.given_back.push(charge),
                Step::TellCaptured => self.told_captured += 1,
                Step::TellFailed(_) => {}
            }
        }
    }
}

fn any_fact() -> impl Strategy<Value = Fact> {
    let any_charge = (
        prop::sample::select(vec!["a", "b", "c"]),
        prop::sample::select(vec![1000, 1000, 1000, 1]),
    )
        .prop_map(|(reference, amount)| {
            // The provider's charge of one name is always the same charge.
            let amount = if reference == "c" {
                1
            } else {
                amount.max(1000)
            };
            Fact::Charged(Charge {
                amount: Money::new(amount, Currency::EUR),
                ..charge(reference)
            })
        });
    prop_oneof![
        Just(Fact::Waiting),
        Just(Fact::Processing),
        Just(Fact::Authorized),
        Just(declined()),
        Just(Fact::Canceled),
        any_charge,
    ]
}

fn any_standing() -> impl Strategy<Value = Standing> {
    prop_oneof![
        Just(Standing::default()),
        Just(closed(Closed::Canceled)),
        Just(closed(Closed::Expired)),
        Just(paid_by(9)),
    ]
}

proptest! {
    /// Whatever is heard, however often, in whatever order: every charge is kept or given back exactly once, at most one is kept, the shop is
    /// told of exactly that one, and matching money for an order that wants it is kept.
    #[test]
    fn no_order_of_facts_loses_or_doubles_money(standing in any_standing(), facts in prop::collection::vec(any_fact(), 0..20)) {
        let mut ledger = Ledger::new(standing);
        for fact in &facts {
            ledger.hear(fact);
        }
        let charges: HashSet<&str> = facts.iter().filter_map(|fact| match fact { Fact::Charged(charge) => Some(charge.reference.as_str()), _ => None }).collect();
        prop_assert_eq!(ledger.kept.len() + ledger.given_back.len(), charges.len());
        prop_assert!(ledger.kept.len() <= 1);
        prop_assert_eq!(ledger.told_captured, ledger.kept.len());
        prop_assert_eq!(ledger.payment.state.is_paid(), ledger.kept.len() == 1);
        prop_assert!(ledger.kept.iter().all(|charge| charge.amount == EUROS));
        let is_wanted = standing.paid_by.is_none() && standing.closed != Some(Closed::Canceled);
        let matches = charges.contains("a") || charges.contains("b");
        prop_assert_eq!(ledger.kept.len() == 1, is_wanted && matches);
    }

    /// Hearing everything a second time changes nothing.
    #[test]
    fn a_repetition_is_silent(facts in prop::collection::vec(any_fact(), 0..8)) {
        let mut ledger = Ledger::new(Standing::default());
        for fact in &facts {
            ledger.hear(fact);
        }
        let (state, back, told) = (ledger.payment.state, ledger.given_back.len(), ledger.told_captured);
        if state.is_paid() {
            for fact in &facts {
                ledger.hear(fact);
            }
            prop_assert_eq!((state, back, told), (ledger.payment.state, ledger.given_back.len(), ledger.told_captured));
        }
    }
}
