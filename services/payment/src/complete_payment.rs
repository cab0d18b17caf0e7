//! The one place where a payment changes: whoever brings a fact (the provider's own answer, a webhook, the browser that came back, the
//! sweeper), it ends here, in one transaction.
//!
//! Locks are taken in one order: the payment, then its order's standing. The provider's event is noted in the same transaction as its
//! effect, so an event that comes twenty times at once has one.

use jiff::Timestamp;
use kit::mariadb;
use sqlx::MySqlConnection;
use uuid::Uuid;

use crate::{
    App,
    clients::Details,
    completion::{Heard, Step, decide},
    db::{self, payments, refunds, standings},
    events::{self, Captured, Failed},
    metrics,
    owner::Owner,
    payment::{Charge, Fact, Locale, Payment, Provider, Standing, State, Trouble},
    refund::{Origin, Refund, RefundState},
    schedule::next_look,
};

/// How often a transaction that lost against a rival is tried again.
const ATTEMPTS: u32 = 5;

/// Something heard of a payment.
#[derive(Debug)]
pub struct Hearing<'a> {
    /// Which.
    pub payment_id: Uuid,
    /// From whom.
    pub provider: Provider,
    /// The provider's id of the event, when it was one.
    pub event: Option<&'a str>,
    /// The provider's name for what it speaks of, when it was an event: a hosted page makes a payment of its own there.
    pub reference: Option<&'a str>,
    /// What the shopper needs to pay, when the provider said so.
    pub details: Option<&'a Details>,
    /// What is the case.
    pub fact: &'a Fact,
}

/// What became of it.
#[derive(Debug)]
pub enum Completed {
    /// The payment as it is now, and how its order stands.
    Done(Box<Payment>, Standing),
    /// The event had its effect before.
    Repeated,
    /// There is no such payment.
    Unknown,
}

/// Draws the consequences of a fact.
pub async fn complete(app: &App, hearing: &Hearing<'_>) -> sqlx::Result<Completed> {
    let (completed, is_told) = mariadb::retrying(ATTEMPTS, || complete_once(app, hearing)).await?;
    if is_told {
        app.relay.ring();
    }
    Ok(completed)
}

async fn complete_once(app: &App, hearing: &Hearing<'_>) -> sqlx::Result<(Completed, bool)> {
    let now = app.clock.now();
    let mut transaction = app.pool.begin().await?;
    let payment = match payments::lock(&mut transaction, hearing.payment_id).await? {
        Some(payment) if payment.provider == hearing.provider => payment,
        Some(_) => return Ok((Completed::Unknown, false)),
        None => match unknown_money(app, &mut transaction, hearing, now).await? {
            Some(payment) => payment,
            None => return Ok((Completed::Unknown, false)),
        },
    };
    if let Some(event) = hearing.event
        && !db::take_event(&mut transaction, hearing.provider, event, now).await?
    {
        return Ok((Completed::Repeated, false));
    }
    let standing = standings::lock(&mut transaction, payment.order_id).await?;
    let mut change = Change {
        app,
        now,
        payment,
        standing,
        is_told: false,
        gives_back: false,
    };
    let before = change.payment.clone();
    change.learn(hearing.details);
    let heard = heard(&mut transaction, hearing).await?;
    let steps = if change.payment.is_unknown() {
        // Nothing here asked for it, so nothing of it can be wanted.
        unwanted(heard, hearing.fact)
    } else {
        let fact = relevant(&change.payment, hearing);
        decide(&change.payment, &change.standing, heard, fact, now)
    };
    for step in &steps {
        change.take(&mut transaction, step).await?;
    }
    if !steps.is_empty() || change.payment != before {
        change.payment.attempts = 0;
        let look = next_look(&change.payment, &change.standing, now);
        payments::save(&mut transaction, &change.payment, look, now).await?;
    }
    transaction.commit().await?;
    metrics::count(&change.payment, &steps);
    if change.gives_back || change.payment.state == State::Authorized {
        app.sweep.notify_one();
    }
    let done = Completed::Done(Box::new(change.payment), change.standing);
    Ok((done, change.is_told))
}

/// That a hosted page was closed, or its payment with it, does not call off the payment that the page was another way to.
fn relevant<'a>(payment: &Payment, hearing: &Hearing<'a>) -> &'a Fact {
    let is_of_another = match (hearing.reference, &payment.reference) {
        (Some(of), Some(reference)) => of != reference,
        _ => false,
    };
    match hearing.fact {
        Fact::Canceled if is_of_another => &Fact::Processing,
        fact => fact,
    }
}

async fn heard(connection: &mut MySqlConnection, hearing: &Hearing<'_>) -> sqlx::Result<Heard> {
    let Fact::Charged(charge) = hearing.fact else {
        return Ok(Heard::Never);
    };
    let whose = db::payment_of_charge(connection, hearing.provider, &charge.reference).await?;
    Ok(if whose.is_some() {
        Heard::Before
    } else {
        Heard::Never
    })
}

fn unwanted(heard: Heard, fact: &Fact) -> Vec<Step> {
    match (heard, fact) {
        (Heard::Never, Fact::Charged(charge)) => {
            vec![Step::GiveBack(charge.clone(), Trouble::Unknown)]
        }
        _ => vec![],
    }
}

/// Money for a payment that is not in the books, though it says that it is ours: they were restored from a copy that is older. It gets
/// a row, so that it can go back and staff can see it.
async fn unknown_money(
    app: &App,
    connection: &mut MySqlConnection,
    hearing: &Hearing<'_>,
    now: Timestamp,
) -> sqlx::Result<Option<Payment>> {
    let Fact::Charged(charge) = hearing.fact else {
        return Ok(None);
    };
    if charge.amount.amount <= 0 {
        return Ok(None);
    }
    let payment = Payment {
        id: hearing.payment_id,
        order_id: charge.order_id.unwrap_or_default(),
        order_number: String::new(),
        provider: hearing.provider,
        state: State::Canceled,
        amount: charge.amount,
        received: 0,
        refunded: 0,
        reference: None,
        hosted_reference: None,
        charge: None,
        client_secret: None,
        approve_url: None,
        return_path: "/".to_owned(),
        locale: Locale::En,
        page_key: kit::clock::random_bytes(),
        trouble: Some(Trouble::Unknown),
        declined_because: None,
        is_superseded: false,
        attempts: 0,
        created_at: now,
        expires_at: now,
    };
    let new = payments::New {
        owner: &Owner::default(),
        outcome: None,
        request_key: Owner::default().request_key(&app.clock.uuid().to_string()),
        next_look_at: None,
    };
    match payments::insert(connection, &payment, &new).await {
        Ok(()) => Ok(Some(payment)),
        // The same event at the same time: that one wrote it.
        Err(error) if mariadb::constraint(&error).as_deref() == Some("PRIMARY") => {
            payments::lock(connection, hearing.payment_id).await
        }
        Err(error) => Err(error),
    }
}

/// What is changed, and by when.
struct Change<'a> {
    app: &'a App,
    now: Timestamp,
    payment: Payment,
    standing: Standing,
    is_told: bool,
    gives_back: bool,
}

impl Change<'_> {
    /// Keeps what the provider said about how to pay.
    fn learn(&mut self, details: Option<&Details>) {
        let Some(details) = details else {
            return;
        };
        let keep = |kept: &mut Option<String>, new: &Option<String>| {
            if let Some(new) = new {
                *kept = Some(new.clone());
            }
        };
        let Details {
            reference,
            client_secret,
            approve_url,
            hosted_reference,
        } = details;
        keep(&mut self.payment.reference, reference);
        keep(&mut self.payment.client_secret, client_secret);
        keep(&mut self.payment.approve_url, approve_url);
        keep(&mut self.payment.hosted_reference, hosted_reference);
    }

    async fn take(&mut self, connection: &mut MySqlConnection, step: &Step) -> sqlx::Result<()> {
        let order_id = self.payment.order_id;
        let payment_id = self.payment.id;
        match step {
            Step::Become(state) => {
                self.payment.state = *state;
                if !state.is_open() && *state != State::Declined {
                    // Nobody pays with it any more.
                    self.payment.client_secret = None;
                }
                tracing::info!(payment.id = %payment_id, order.id = %order_id, state = state.name(), "payment changed");
            }
            Step::Keep(charge) => {
                self.payment.received = charge.amount.amount;
                self.payment.charge = Some(charge.reference.clone());
                self.standing.paid_by = Some(payment_id);
                standings::pay(connection, order_id, payment_id).await?;
                self.insert_charge(connection, charge, true).await?;
            }
            Step::GiveBack(charge, trouble) => {
                self.payment.trouble = Some(*trouble);
                self.gives_back = true;
                self.insert_charge(connection, charge, false).await?;
                self.give_back(connection, charge, *trouble).await?;
            }
            Step::TellCaptured => {
                let captured = Captured {
                    payment_id,
                    order_id,
                    amount: self.payment.amount,
                };
                events::tell(self.app, connection, events::CAPTURED, order_id, &captured).await?;
                self.is_told = true;
            }
            Step::TellFailed(reason) => {
                self.payment.declined_because = Some(reason.clone());
                let failed = Failed {
                    payment_id,
                    order_id,
                    reason: reason.clone(),
                };
                events::tell(self.app, connection, events::FAILED, order_id, &failed).await?;
                self.is_told = true;
            }
        }
        Ok(())
    }

    async fn insert_charge(
        &self,
        connection: &mut MySqlConnection,
        charge: &Charge,
        is_kept: bool,
    ) -> sqlx::Result<()> {
        let provider = self.payment.provider;
        db::insert_charge(
            connection,
            provider,
            self.payment.id,
            charge,
            is_kept,
            self.now,
        )
        .await
    }

    async fn give_back(
        &self,
        connection: &mut MySqlConnection,
        charge: &Charge,
        trouble: Trouble,
    ) -> sqlx::Result<()> {
        tracing::warn!(
            payment.id = %self.payment.id, order.id = %self.payment.order_id, trouble = trouble.name(),
            "money that is not wanted goes back"
        );
        let refund = Refund {
            id: self.app.clock.uuid(),
            payment_id: self.payment.id,
            charge: charge.reference.clone(),
            amount: charge.amount,
            reason: trouble.name().to_owned(),
            origin: Origin::Automatic,
            state: RefundState::Pending,
            reference: None,
            failed_because: None,
            attempts: 0,
            created_at: self.now,
        };
        refunds::insert(connection, &refund, Some(self.now)).await
    }
}

/// Has a payment looked at soon, and by whom it may be.
pub async fn flag(app: &App, payment_id: Uuid, trouble: Trouble) -> sqlx::Result<()> {
    let now = app.clock.now();
    let mut transaction = app.pool.begin().await?;
    let Some(mut payment) = payments::lock(&mut transaction, payment_id).await? else {
        return Ok(());
    };
    let standing = standings::read(&mut transaction, payment.order_id).await?;
    payment.trouble = Some(trouble);
    let look = next_look(&payment, &standing, now);
    payments::save(&mut transaction, &payment, look, now).await?;
    transaction.commit().await
}
