//! What a payment waits for from us, and when it is looked at again. Everything a provider is asked goes through here, so that a reply
//! that was lost, or a provider that was away, needs nobody's attention: the same question is asked again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::payment::{Payment, Standing, State};

/// The first look after something happened; it doubles with every look in vain.
const FIRST_WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_mins(5);
/// How long a provider may take to call off what has expired before it is looked at less often.
const MOST_DOUBLINGS: u32 = 5;

/// What the provider is to be asked next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Todo {
    /// To make the payment: its answer to the first time is missing.
    Open,
    /// How it stands.
    Ask,
    /// To take the money that the shopper agreed to.
    Take,
    /// To call it off.
    CallOff,
}

/// What is to be done about a payment now; none when nothing is.
pub fn todo(payment: &Payment, standing: &Standing, now: Timestamp) -> Option<Todo> {
    let is_over = is_over(payment, standing, now);
    match payment.state {
        State::Created | State::ActionRequired | State::Authorized if is_over => {
            Some(Todo::CallOff)
        }
        State::Declined if is_over && payment.provider.waits_after_decline() => Some(Todo::CallOff),
        State::Created if payment.reference.is_none() => Some(Todo::Open),
        State::Created | State::ActionRequired => Some(Todo::Ask),
        State::Authorized => Some(Todo::Take),
        _ => None,
    }
}

/// Whether nobody wants it to be paid any more.
fn is_over(payment: &Payment, standing: &Standing, now: Timestamp) -> bool {
    payment.is_superseded
        || standing.closed.is_some()
        || standing.is_paid_by_another(payment.id)
        || now >= payment.expires_at
}

/// When it is looked at next; none when it needs no more looks.
pub fn next_look(payment: &Payment, standing: &Standing, now: Timestamp) -> Option<Timestamp> {
    match todo(payment, standing, now) {
        Some(_) => Some(after(now, wait(payment.attempts))),
        // To be called off when its time is up.
        None if payment.state == State::Declined && payment.provider.waits_after_decline() => {
            Some(payment.expires_at.max(after(now, FIRST_WAIT)))
        }
        None => None,
    }
}

/// How long until the next look, after so many in vain.
pub fn wait(attempts: u32) -> Duration {
    (FIRST_WAIT * 2_u32.pow(attempts.min(MOST_DOUBLINGS))).min(LONGEST_WAIT)
}

/// `by` later.
pub fn after(now: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by)
        .ok()
        .and_then(|by| now.checked_add(by).ok())
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use kit::money::{Currency, Money};
    use uuid::Uuid;

    use super::*;
    use crate::payment::{Closed, Locale, Provider};

    fn payment(provider: Provider, state: State, reference: Option<&str>) -> Payment {
        Payment {
            id: Uuid::from_u128(1),
            order_id: Uuid::from_u128(2),
            order_number: "A-1".to_owned(),
            provider,
            state,
            amount: Money::new(1000, Currency::EUR),
            received: 0,
            refunded: 0,
            reference: reference.map(str::to_owned),
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
            expires_at: at(1800),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn what_each_state_waits_for() {
        use Provider::{Paypal, Stripe};
        use State as S;
        #[rustfmt::skip]
        let table = [
            // provider, state,             reference,   while it is wanted, once it is over
            (Stripe, S::Created,            None,        Some(Todo::Open),   Some(Todo::CallOff)),
            (Stripe, S::Created,            Some("pi"),  Some(Todo::Ask),    Some(Todo::CallOff)),
            (Stripe, S::ActionRequired,     Some("pi"),  Some(Todo::Ask),    Some(Todo::CallOff)),
            (Stripe, S::Authorized,         Some("pi"),  Some(Todo::Take),   Some(Todo::CallOff)),
            (Stripe, S::Captured,           Some("pi"),  None,               None),
            (Stripe, S::PartiallyRefunded,  Some("pi"),  None,               None),
            (Stripe, S::Refunded,           Some("pi"),  None,               None),
            (Stripe, S::Declined,           Some("pi"),  None,               Some(Todo::CallOff)),
            (Paypal, S::Declined,           Some("id"),  None,               None),
            (Stripe, S::Canceled,           Some("pi"),  None,               None),
            (Stripe, S::Expired,            Some("pi"),  None,               None),
        ];
        for (provider, state, reference, wanted, over) in table {
            let payment = payment(provider, state, reference);
            let open = Standing::default();
            assert_eq!(todo(&payment, &open, at(0)), wanted, "{payment:?}");
            assert_eq!(
                todo(&payment, &open, at(1800)),
                over,
                "too late: {payment:?}"
            );
            let closed = Standing {
                closed: Some(Closed::Canceled),
                ..open
            };
            assert_eq!(todo(&payment, &closed, at(0)), over, "closed: {payment:?}");
            let paid = Standing {
                paid_by: Some(Uuid::from_u128(9)),
                ..open
            };
            assert_eq!(
                todo(&payment, &paid, at(0)),
                over,
                "paid by another: {payment:?}"
            );
            let superseded = Payment {
                is_superseded: true,
                ..payment
            };
            assert_eq!(
                todo(&superseded, &open, at(0)),
                over,
                "superseded: {superseded:?}"
            );
        }
    }

    #[test]
    fn whatever_has_something_to_do_is_looked_at_again() {
        for provider in Provider::ALL {
            for state in State::ALL {
                let payment = payment(provider, state, Some("x"));
                for (standing, now) in [
                    (Standing::default(), at(0)),
                    (Standing::default(), at(9000)),
                ] {
                    let next = next_look(&payment, &standing, now);
                    if todo(&payment, &standing, now).is_some() {
                        assert!(next.is_some_and(|next| next > now), "{payment:?}");
                    }
                }
            }
        }
        let declined = payment(Provider::Stripe, State::Declined, Some("pi"));
        assert_eq!(
            next_look(&declined, &Standing::default(), at(0)),
            Some(at(1800))
        );
    }

    #[test]
    fn waits_double_up_to_five_minutes() {
        let seconds: Vec<u64> = [0, 1, 2, 3, 4, 5, 6, 1000]
            .into_iter()
            .map(|attempts| wait(attempts).as_secs())
            .collect();
        assert_eq!(seconds, [10, 20, 40, 80, 160, 300, 300, 300]);
    }
}
