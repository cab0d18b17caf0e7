//! A cart is what its changes make of it. The nth change makes revision n, so two who change the same revision can't both be the next.

mod rules;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kit::money::Currency;
pub use rules::{Refusal, add, left_out, merge, order, put};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{owner::Owner, variant::Variant};

/// The most lines of a cart: as many as the catalog describes in one answer.
pub const MOST_LINES: usize = 200;
/// The most pieces of one thing.
pub const MOST_PIECES: u32 = 99;
/// How long a guest's cart is kept after its last change.
const GUEST_DAYS: i64 = 30;
/// How long a person's cart is kept after its last change.
const PERSON_DAYS: i64 = 90;
/// How many earlier quantities of a line are remembered, for orders that are heard of late.
const STEPS: usize = 8;
/// How many orders and merged carts are remembered, so that hearing of them again changes nothing.
const REMEMBERED: usize = 32;

/// A cart at one revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cart {
    /// Its id.
    pub id: Uuid,
    /// How many changes made it.
    pub revision: u64,
    /// When the last one was.
    pub changed_at: Timestamp,
    /// What can be done with it.
    pub state: State,
    /// Whose it is.
    pub owner: Owner,
    /// The currency of its prices.
    pub currency: Currency,
    /// What is in it, in the order in which it was put there.
    pub lines: Vec<Line>,
    /// A coupon to be tried when ordering.
    pub coupon: Option<Coupon>,
    /// Orders whose lines were taken out.
    #[serde(default)]
    pub orders: Vec<Uuid>,
    /// Guests' carts that were moved here.
    #[serde(default)]
    pub merged: Vec<Uuid>,
}

/// What can be done with a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing: it was never opened.
    Absent,
    /// Everything, until it expires.
    Open,
    /// Nothing: its lines went to another cart.
    Moved {
        /// That cart.
        to: Uuid,
    },
    /// Nothing until it is opened again.
    Closed {
        /// Whether its owner asked to be forgotten.
        erased: bool,
    },
}

/// So and so many of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The thing, as it was when the shopper last set this line: with the price they saw.
    pub variant: Arc<Variant>,
    /// Its last quantities, and the revisions that made them; never empty.
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Step {
    revision: u64,
    quantity: u32,
}

/// A coupon code, and the revision that set it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coupon {
    /// What the shopper typed.
    pub code: String,
    /// Since when.
    pub revision: u64,
}

/// One change. It says what is so afterwards, not what was asked: applying it again to the same revision gives the same cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Change {
    /// The cart begins, or begins anew.
    Opened {
        /// Whose it is.
        owner: Owner,
        /// The currency of its prices.
        currency: Currency,
    },
    /// So many of this from now on.
    LineSet {
        /// What.
        variant: Arc<Variant>,
        /// How many, at least one.
        quantity: u32,
    },
    /// Nothing of this from now on.
    LineRemoved {
        /// What.
        sku: String,
    },
    /// This coupon from now on.
    CouponSet {
        /// Its code; none takes it out.
        code: Option<String>,
    },
    /// The lines of a guest's cart came in.
    Merged {
        /// That cart.
        from: Uuid,
        /// What was in it.
        lines: Vec<Pieces>,
        /// Its coupon.
        coupon: Option<String>,
    },
    /// All went to another cart.
    Moved {
        /// That cart.
        to: Uuid,
    },
    /// These were ordered.
    Ordered {
        /// The order.
        order: Uuid,
        /// What is in it of this cart.
        lines: Vec<OrderedLine>,
        /// The coupon it used.
        coupon: Option<String>,
    },
    /// It expired, or its owner is forgotten.
    Closed {
        /// Whether its owner asked to be forgotten.
        erased: bool,
    },
}

/// So many of one thing, on their way to another cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pieces {
    /// What.
    pub variant: Arc<Variant>,
    /// How many.
    pub quantity: u32,
}

/// So many of one thing, ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderedLine {
    /// What.
    pub sku: String,
    /// How many.
    pub quantity: u32,
}

impl Line {
    fn new(variant: Arc<Variant>, quantity: u32, revision: u64) -> Self {
        Self {
            variant,
            steps: vec![Step { revision, quantity }],
        }
    }

    /// How many.
    pub fn quantity(&self) -> u32 {
        self.steps.last().map_or(0, |step| step.quantity)
    }

    /// How many there were at an earlier revision; none when it was put in later.
    pub fn quantity_at(&self, revision: u64) -> u32 {
        let known = self.steps.iter().rev();
        known
            .skip_while(|step| step.revision > revision)
            .map(|step| step.quantity)
            .next()
            .unwrap_or(0)
    }

    fn set(&mut self, quantity: u32, revision: u64) {
        if self.steps.len() == STEPS {
            self.steps.remove(0);
        }
        self.steps.push(Step { revision, quantity });
    }
}

impl Cart {
    /// A cart before its first change.
    pub fn absent(id: Uuid, currency: Currency) -> Self {
        Self {
            id,
            revision: 0,
            changed_at: Timestamp::UNIX_EPOCH,
            state: State::Absent,
            owner: Owner::Person,
            currency,
            lines: Vec::new(),
            coupon: None,
            orders: Vec::new(),
            merged: Vec::new(),
        }
    }

    /// The line of a SKU.
    pub fn line(&self, sku: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.variant.sku == sku)
    }

    /// When it is given up unless it changes before.
    pub fn expires_at(&self) -> Timestamp {
        let days = match self.owner {
            Owner::Guest { .. } => GUEST_DAYS,
            Owner::Person => PERSON_DAYS,
        };
        self.changed_at
            .saturating_add(SignedDuration::from_hours(24 * days))
            .unwrap_or(Timestamp::MAX)
    }

    /// Whether it can be used.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.state == State::Open && now < self.expires_at()
    }

    /// The cart after one more change.
    #[must_use]
    pub fn after(&self, change: &Change, at: Timestamp) -> Self {
        let mut next = self.clone();
        next.revision += 1;
        next.changed_at = at;
        next.apply(change);
        next
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Opened { owner, currency } => {
                *self = Self {
                    revision: self.revision,
                    changed_at: self.changed_at,
                    state: State::Open,
                    owner: owner.clone(),
                    ..Self::absent(self.id, *currency)
                };
            }
            Change::LineSet { variant, quantity } => self.set(variant, *quantity),
            Change::LineRemoved { sku } => self.lines.retain(|line| line.variant.sku != *sku),
            Change::CouponSet { code } => self.set_coupon(code.clone()),
            Change::Merged {
                from,
                lines,
                coupon,
            } => {
                for pieces in lines {
                    self.add(&pieces.variant, pieces.quantity);
                }
                if self.coupon.is_none() {
                    self.set_coupon(coupon.clone());
                }
                remember(&mut self.merged, *from);
            }
            Change::Moved { to } => self.state = State::Moved { to: *to },
            Change::Ordered {
                order,
                lines,
                coupon,
            } => {
                for ordered in lines {
                    self.take_out(&ordered.sku, ordered.quantity);
                }
                if self.coupon.as_ref().map(|coupon| &coupon.code) == coupon.as_ref() {
                    self.coupon = None;
                }
                remember(&mut self.orders, *order);
            }
            Change::Closed { erased } => {
                self.state = State::Closed { erased: *erased };
                self.lines = Vec::new();
                self.coupon = None;
                self.orders = Vec::new();
                self.merged = Vec::new();
            }
        }
    }

    fn set(&mut self, variant: &Arc<Variant>, quantity: u32) {
        let revision = self.revision;
        match self.line_mut(&variant.sku) {
            Some(line) => {
                line.variant = Arc::clone(variant);
                line.set(quantity, revision);
            }
            None => self
                .lines
                .push(Line::new(Arc::clone(variant), quantity, revision)),
        }
    }

    /// Adds as many as there is room for.
    fn add(&mut self, variant: &Arc<Variant>, quantity: u32) {
        let has = self.line(&variant.sku).map_or(0, Line::quantity);
        if has > 0 || self.lines.len() < MOST_LINES {
            let seen = self
                .line(&variant.sku)
                .map_or(variant, |line| &line.variant);
            // The price seen last is the one to compare with.
            let seen = if seen.read_at < variant.read_at {
                variant
            } else {
                seen
            };
            let (seen, sum) = (Arc::clone(seen), has.saturating_add(quantity));
            self.set(&seen, sum.min(MOST_PIECES));
        }
    }

    fn take_out(&mut self, sku: &str, quantity: u32) {
        let revision = self.revision;
        let Some(line) = self.line_mut(sku) else {
            return;
        };
        match line.quantity().saturating_sub(quantity) {
            0 => self.lines.retain(|line| line.variant.sku != sku),
            left => line.set(left, revision),
        }
    }

    fn set_coupon(&mut self, code: Option<String>) {
        let revision = self.revision;
        self.coupon = code.map(|code| Coupon { code, revision });
    }

    fn line_mut(&mut self, sku: &str) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.variant.sku == sku)
    }
}

fn remember(ids: &mut Vec<Uuid>, id: Uuid) {
    if ids.len() == REMEMBERED {
        ids.remove(0);
    }
    ids.push(id);
}
