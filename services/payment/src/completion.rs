//! What follows from a fact about a payment: one total function, whoever brought the fact (a webhook, the browser that came back,
//! the sweeper, the provider's own answer), however often, in whatever order.

use jiff::Timestamp;

use crate::payment::{Charge, Closed, Fact, Payment, Standing, State, Trouble};

/// What is to be done, in this order, in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The payment changes its state.
    Become(State),
    /// This money paid the order.
    Keep(Charge),
    /// This money did not, and goes back by itself. Staff see why.
    GiveBack(Charge, Trouble),
    /// The shop is told that the order is paid.
    TellCaptured,
    /// The shop is told that this attempt came to nothing.
    TellFailed(String),
}

/// What was heard before about the charge of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Nothing: this is the first time.
    Never,
    /// It is kept or going back already.
    Before,
}

/// What follows from `fact` for `payment`, whose order stands as `standing`.
pub fn decide(
    payment: &Payment,
    standing: &Standing,
    heard: Heard,
    fact: &Fact,
    now: Timestamp,
) -> Vec<Step> {
    match fact {
        // Nothing is new: the shopper still has to act, or the provider to think.
        Fact::Waiting | Fact::Processing => match payment.state {
            State::Created => vec![Step::Become(State::ActionRequired)],
            _ => vec![],
        },
        Fact::Authorized => match payment.state {
            State::Created | State::ActionRequired | State::Declined => {
                vec![Step::Become(State::Authorized)]
            }
            _ => vec![],
        },
        Fact::Declined { reason } if payment.state.is_open() => vec![
            Step::Become(State::Declined),
            Step::TellFailed(reason.clone()),
        ],
        Fact::Declined { .. } => vec![],
        Fact::Canceled => canceled(payment, standing, now),
        Fact::Charged(charge) => match heard {
            Heard::Before => vec![],
            Heard::Never => charged(payment, standing, charge),
        },
    }
}

fn canceled(payment: &Payment, standing: &Standing, now: Timestamp) -> Vec<Step> {
    if !payment.state.is_open() && payment.state != State::Declined {
        return vec![];
    }
    let is_time_up = now >= payment.expires_at;
    let next = if is_time_up || standing.closed == Some(Closed::Expired) {
        State::Expired
    } else {
        State::Canceled
    };
    // The shop knows when it, the shopper or the clock was the reason, and was told when the payment was declined.
    let is_known = is_time_up
        || payment.is_superseded
        || payment.state == State::Declined
        || standing.closed.is_some()
        || standing.paid_by.is_some();
    let mut steps = vec![Step::Become(next)];
    if !is_known {
        steps.push(Step::TellFailed("canceled".to_owned()));
    }
    steps
}

fn charged(payment: &Payment, standing: &Standing, charge: &Charge) -> Vec<Step> {
    match unwanted(payment, standing, charge) {
        None => vec![
            Step::Become(State::Captured),
            Step::Keep(charge.clone()),
            Step::TellCaptured,
        ],
        Some(trouble) => {
            let mut steps = vec![Step::GiveBack(charge.clone(), trouble)];
            if payment.state.is_open() {
                steps.push(Step::Become(State::Canceled));
                if is_mismatch(trouble) {
                    steps.push(Step::TellFailed(trouble.name().to_owned()));
                }
            }
            steps
        }
    }
}

/// Why this money can't pay the order; none when it does.
fn unwanted(payment: &Payment, standing: &Standing, charge: &Charge) -> Option<Trouble> {
    if let Some(trouble) = mismatch(payment, charge) {
        return Some(trouble);
    }
    if payment.state.is_paid() || standing.paid_by.is_some() {
        return Some(Trouble::PaidTwice);
    }
    // Paid after it expired: the shop is told, and takes the goods again or asks for the money back. An order that was canceled on
    // purpose must not come back to life.
    (standing.closed == Some(Closed::Canceled)).then_some(Trouble::Late)
}

/// What differs between the money asked for and the money taken.
pub fn mismatch(payment: &Payment, charge: &Charge) -> Option<Trouble> {
    if charge.order_id != Some(payment.order_id) {
        Some(Trouble::OrderMismatch)
    } else if charge.amount.currency != payment.amount.currency {
        Some(Trouble::CurrencyMismatch)
    } else if charge.amount.amount != payment.amount.amount {
        Some(Trouble::AmountMismatch)
    } else {
        None
    }
}

const fn is_mismatch(trouble: Trouble) -> bool {
    matches!(
        trouble,
        Trouble::AmountMismatch | Trouble::CurrencyMismatch | Trouble::OrderMismatch
    )
}

#[cfg(test)]
mod tests;
