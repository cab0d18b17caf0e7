//! What must hold of the books, whatever happened to the machines that keep them.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use super::books::{Books, Mail, Order, Payment, States};
use crate::shoppers::Purchase;

/// How many of those that break a rule are named.
const NAMED: usize = 5;

/// Orders that the shop has acknowledged, by id.
pub(crate) type Purchases = BTreeMap<String, Purchase>;

/// What is asked of the books beyond what always holds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rules {
    /// Every order is one that somebody was told of.
    pub(crate) only: bool,
    /// The same mail (of one Message-ID) may have been handed in again.
    pub(crate) mails_may_come_again: bool,
}

/// Something that holds, or does not.
#[derive(Debug, Serialize)]
pub(crate) struct Fact {
    pub(crate) name: &'static str,
    pub(crate) holds: bool,
    pub(crate) figures: String,
    /// Some of those that break it.
    pub(crate) offenders: Vec<String>,
}

/// All facts, in the order in which a purchase happens.
pub(crate) fn judge(books: &Books, acknowledged: &Purchases, rules: Rules) -> Vec<Fact> {
    let mut facts = Vec::new();
    let orders: HashMap<&str, &Order> = books
        .orders
        .iter()
        .map(|order| (order.id.as_str(), order))
        .collect();
    if !acknowledged.is_empty() {
        facts.extend(promises(&orders, acknowledged));
    }
    if rules.only {
        facts.push(strangers(books, acknowledged));
    }
    facts.extend(money(books, &orders));
    facts.extend(stock(books));
    if let Some(mails) = &books.mails {
        facts.extend(letters(books, mails, rules));
    }
    let dead = books.dead_letters.iter().map(|letter| letter.id.clone());
    facts.push(none("no event was given up", "given up", dead));
    facts
}

/// What the shop said is so.
fn promises(orders: &HashMap<&str, &Order>, acknowledged: &Purchases) -> Vec<Fact> {
    let missing = acknowledged
        .keys()
        .filter(|id| !orders.contains_key(id.as_str()))
        .cloned();
    let there: Vec<(&Order, &Purchase)> = acknowledged
        .iter()
        .filter_map(|(id, purchase)| Some((*orders.get(id.as_str())?, purchase)))
        .collect();
    let changed = there
        .iter()
        .filter(|(order, purchase)| {
            order.total.amount != purchase.total || order.units != i64::from(purchase.units)
        })
        .map(|(order, _)| order.number.clone());
    let confirmed = there.iter().filter(|(_, purchase)| purchase.confirmed);
    let undone = confirmed
        .clone()
        .filter(|(order, _)| !stands(order))
        .map(|(order, _)| {
            let States {
                order: state,
                payment,
            } = &order.states;
            format!("{}: {state}, {payment}", order.number)
        });
    vec![
        all(
            "every acknowledged order is there",
            acknowledged.len(),
            missing,
        ),
        all(
            "…with the total and the units it was placed with",
            there.len(),
            changed,
        ),
        all(
            "every order seen confirmed is confirmed and paid",
            confirmed.clone().count(),
            undone,
        ),
    ]
}

/// Orders that nobody was told of: an answer was lost, and the same wish became two.
fn strangers(books: &Books, acknowledged: &Purchases) -> Fact {
    let strangers = books
        .orders
        .iter()
        .filter(|order| !acknowledged.contains_key(&order.id))
        .map(|order| order.number.clone());
    none("no order was placed twice", "nobody was told of", strangers)
}

fn money(books: &Books, orders: &HashMap<&str, &Order>) -> Vec<Fact> {
    let mut kept: HashMap<&str, Vec<&Payment>> = HashMap::new();
    for payment in &books.payments {
        if matches!(payment.state.as_str(), "captured" | "partially_refunded") {
            kept.entry(&payment.order_id).or_default().push(payment);
        }
    }
    let standing: Vec<&Order> = books.orders.iter().filter(|order| stands(order)).collect();
    let is_paid_once = |order: &&&Order| {
        // What is given back in full after a return stands all the same.
        order.states.payment == "refunded"
            || matches!(kept.get(order.id.as_str()).map(Vec::as_slice), Some([payment]) if payment.amount == order.total)
    };
    let wrong = standing
        .iter()
        .filter(|order| !is_paid_once(order))
        .map(|order| {
            let times = kept.get(order.id.as_str()).map_or(0, Vec::len);
            format!("{}: paid {times} times", order.number)
        });
    let unwanted = kept
        .keys()
        .filter(|id| !orders.get(*id).is_some_and(|order| stands(order)))
        .map(|id| format!("order {id}"));
    let troubled = books
        .payments
        .iter()
        .filter_map(|payment| Some(format!("{}: {}", payment.id, payment.problem.as_ref()?)));
    let off = books.ledger.money.iter().filter(|row| {
        // All that came in pays for an order, is on its way back, or went back.
        row.captured.amount < row.accepted.amount
            || [&row.captured, &row.accepted, &row.refunded]
                .iter()
                .any(|money| money.amount < 0)
    });
    let off = off.map(|row| row.captured.currency.clone());
    let unpaid = books.ledger.odd_orders.iter().cloned();
    vec![
        all(
            "every confirmed order is paid once, in full",
            standing.len(),
            wrong,
        ),
        none(
            "no money is kept for an order that does not stand",
            "kept",
            unwanted,
        ),
        none("no payment needs a look", "in trouble", troubled),
        all("no sum of money is odd", books.ledger.money.len(), off),
        none(
            "no order stands unpaid or holds stock it must not",
            "odd",
            unpaid,
        ),
    ]
}

fn stock(books: &Books) -> Vec<Fact> {
    let units = &books.ledger.units;
    let moved = |kind: &str| {
        books
            .ledger
            .movements
            .get(kind)
            .copied()
            .unwrap_or_default()
    };
    // What was paid and then called off, whole or in part, went back on the shelf; orders are counted whole.
    let (most, least) = (-moved("sold"), -(moved("sold") + moved("released")));
    let negative = units.on_hand < 0 || units.reserved < 0 || units.on_hand < units.reserved;
    let odd = books.ledger.odd_stock.iter().cloned();
    vec![
        fact(
            "what was sold is what left the shelves",
            (least..=most).contains(&units.sold),
            format!(
                "{} sold, {most} left, {} came back",
                units.sold,
                moved("released")
            ),
        ),
        fact(
            "what is promised is what orders hold",
            units.reserved == units.held,
            format!("{} promised, {} held", units.reserved, units.held),
        ),
        fact(
            "no stock is negative",
            !negative,
            format!("{} on hand, {} promised", units.on_hand, units.reserved),
        ),
        none(
            "every variant's stock is the sum of its movements",
            "odd",
            odd,
        ),
        fact(
            "orders calls its books balanced",
            books.ledger.balanced,
            books.ledger.balanced.to_string(),
        ),
    ]
}

/// Mails about orders that are confirmed: those of other occasions are not counted.
fn letters(books: &Books, mails: &[Mail], rules: Rules) -> Vec<Fact> {
    let numbers: HashMap<&str, &Order> = books
        .orders
        .iter()
        .map(|order| (order.number.as_str(), order))
        .collect();
    let mut sent: HashMap<&str, HashSet<&str>> = HashMap::new();
    let mut copies = 0;
    for mail in mails {
        if let Some(order) = confirmed_order(&mail.subject, &numbers)
            && !sent
                .entry(&order.number)
                .or_default()
                .insert(&mail.message_id)
        {
            copies += 1;
        }
    }
    let is_due = |order: &&Order| stands(order);
    let due = books.orders.iter().filter(is_due).count();
    let wrong = books.orders.iter().filter(is_due).filter_map(|order| {
        let mails = sent.get(order.number.as_str()).map_or(0, HashSet::len);
        (mails != 1).then(|| format!("{}: {mails} mails", order.number))
    });
    let untrue = sent.keys().filter(|number| {
        let order = numbers.get(*number);
        // Whoever cancels later had a confirmation, rightly.
        order.is_some_and(|order| matches!(order.states.order.as_str(), "placed" | "expired"))
    });
    let untrue = untrue.map(|number| (*number).to_owned());
    vec![
        all(
            "every confirmed order has one mail that says so",
            due,
            wrong,
        ),
        none("no mail says so of another", "untrue", untrue),
        fact(
            "no mail was handed in twice",
            copies == 0 || rules.mails_may_come_again,
            if copies > 0 && rules.mails_may_come_again {
                format!("{copies} again, under the same Message-ID, as services were killed")
            } else {
                format!("{copies} again")
            },
        ),
    ]
}

/// The order that a subject says is confirmed.
fn confirmed_order<'a>(subject: &str, numbers: &HashMap<&str, &'a Order>) -> Option<&'a Order> {
    let says_so = ["is confirmed", "est confirmée"];
    if !says_so.iter().any(|words| subject.ends_with(words)) {
        return None;
    }
    subject
        .split_whitespace()
        .find_map(|word| numbers.get(word).copied())
}

fn stands(order: &Order) -> bool {
    let is_confirmed = matches!(order.states.order.as_str(), "confirmed" | "completed");
    let is_paid = matches!(
        order.states.payment.as_str(),
        "paid" | "partially_refunded" | "refunded"
    );
    is_confirmed && is_paid
}

fn fact(name: &'static str, holds: bool, figures: String) -> Fact {
    Fact {
        name,
        holds,
        figures,
        offenders: Vec::new(),
    }
}

/// All of so many are as they should be, but for the given.
fn all(name: &'static str, of: usize, offenders: impl Iterator<Item = String>) -> Fact {
    let offenders: Vec<String> = offenders.collect();
    Fact {
        name,
        holds: offenders.is_empty(),
        figures: format!("{} of {of}", of.saturating_sub(offenders.len())),
        offenders: offenders.into_iter().take(NAMED).collect(),
    }
}

/// There is none of a kind.
fn none(name: &'static str, kind: &str, offenders: impl Iterator<Item = String>) -> Fact {
    let offenders: Vec<String> = offenders.collect();
    Fact {
        name,
        holds: offenders.is_empty(),
        figures: format!("{} {kind}", offenders.len()),
        offenders: offenders.into_iter().take(NAMED).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::books::{DeadLetter, Money};

    fn eur(amount: i64) -> Money {
        Money {
            amount,
            currency: "EUR".to_owned(),
        }
    }

    /// A shop that sold two units for 10 euros to one shopper, and promised one unit to another.
    fn shop() -> (Books, Purchases) {
        let order = |id: &str, order: &str, payment: &str, units| Order {
            id: id.to_owned(),
            number: format!("N-{id}"),
            states: States {
                order: order.to_owned(),
                payment: payment.to_owned(),
            },
            total: eur(1000),
            units,
        };
        let mut books = Books {
            orders: vec![
                order("1", "confirmed", "paid", 2),
                order("2", "placed", "awaiting", 1),
            ],
            payments: vec![payment("p", "1")],
            mails: Some(vec![mail("a", "N-1")]),
            ..Books::default()
        };
        books.ledger.balanced = true;
        books.ledger.units.on_hand = 98;
        books.ledger.units.sold = 2;
        books.ledger.units.reserved = 1;
        books.ledger.units.held = 1;
        books.ledger.movements.insert("sold".to_owned(), -2);
        let purchase = |units, confirmed| Purchase {
            token: String::new(),
            total: 1000,
            units,
            confirmed,
        };
        let purchases = Purchases::from([
            ("1".to_owned(), purchase(2, true)),
            ("2".to_owned(), purchase(1, false)),
        ]);
        (books, purchases)
    }

    fn payment(id: &str, order: &str) -> Payment {
        Payment {
            id: id.to_owned(),
            order_id: order.to_owned(),
            state: "captured".to_owned(),
            amount: eur(1000),
            problem: None,
        }
    }

    fn mail(message: &str, number: &str) -> Mail {
        Mail {
            id: format!("{message} of {number}"),
            message_id: message.to_owned(),
            subject: format!("Order {number} is confirmed"),
        }
    }

    const STRICT: Rules = Rules {
        only: true,
        mails_may_come_again: false,
    };

    /// The facts that don't hold once the books of a shop in which all is well are changed.
    fn broken(change: impl FnOnce(&mut Books, &mut Purchases)) -> Vec<&'static str> {
        let (mut books, mut purchases) = shop();
        change(&mut books, &mut purchases);
        let facts = judge(&books, &purchases, STRICT);
        let failing = facts.iter().filter(|fact| !fact.holds);
        failing.map(|fact| fact.name).collect()
    }

    fn check(change: impl FnOnce(&mut Books, &mut Purchases), expected: &[&str]) {
        assert_eq!(broken(change), expected);
    }

    #[test]
    fn a_shop_in_which_all_is_well_balances() {
        check(|_, _| (), &[]);
    }

    #[test]
    fn a_lost_order_is_missed() {
        check(
            |_, purchases| {
                let lost = purchases["1"].clone();
                purchases.insert("3".to_owned(), lost);
            },
            &["every acknowledged order is there"],
        );
    }

    #[test]
    fn an_order_that_changed_shows() {
        check(
            |books, _| books.orders[0].units = 3,
            &["…with the total and the units it was placed with"],
        );
    }

    #[test]
    fn an_order_that_is_no_longer_confirmed_shows_everywhere() {
        check(
            |books, _| books.orders[0].states.order = "expired".to_owned(),
            &[
                "every order seen confirmed is confirmed and paid",
                "no money is kept for an order that does not stand",
                "no mail says so of another",
            ],
        );
    }

    #[test]
    fn a_wish_that_became_two_orders_shows() {
        check(
            |_, purchases| drop(purchases.remove("2")),
            &["no order was placed twice"],
        );
    }

    #[test]
    fn an_order_paid_twice_or_not_at_all_shows() {
        let name = "every confirmed order is paid once, in full";
        check(|books, _| books.payments.push(payment("q", "1")), &[name]);
        check(|books, _| books.payments.clear(), &[name]);
        check(|books, _| books.payments[0].amount = eur(999), &[name]);
    }

    #[test]
    fn stock_that_moved_otherwise_than_sold_shows() {
        check(
            |books, _| {
                books.ledger.movements.insert("sold".to_owned(), -4);
            },
            &["what was sold is what left the shelves"],
        );
        check(
            |books, _| books.ledger.units.held = 0,
            &["what is promised is what orders hold"],
        );
    }

    #[test]
    fn a_mail_too_few_or_too_many_shows() {
        let name = "every confirmed order has one mail that says so";
        check(|books, _| books.mails = Some(Vec::new()), &[name]);
        let add = |books: &mut Books, message: &str, number: &str| {
            books.mails.get_or_insert_default().push(Mail {
                id: "new".to_owned(),
                ..mail(message, number)
            });
        };
        check(|books, _| add(books, "b", "N-1"), &[name]);
        check(
            |books, _| add(books, "a", "N-1"),
            &["no mail was handed in twice"],
        );
        check(
            |books, _| add(books, "b", "N-2"),
            &["no mail says so of another"],
        );
    }

    #[test]
    fn an_event_that_was_given_up_shows() {
        check(
            |books, _| {
                books.dead_letters.push(DeadLetter { id: "e".to_owned() });
            },
            &["no event was given up"],
        );
    }
}
