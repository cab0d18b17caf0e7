//! How products are written: one under its own claim, or many under one.
//!
//! Look whose the names are, claim a revision, write names, then products, then settle. A conflict found when claiming starts over.

mod batch;

pub use batch::save_all;
use jiff::Timestamp;
use kit::Problem;
use uuid::Uuid;

use crate::{
    App,
    db::{
        DbError,
        journal::{CATEGORIES_TOUCH, Claim, JournalError, product_touch},
        products,
    },
    product::{Product, ProductInput, Stamp},
    search::Change,
};

/// Who loses a race so often meets a storm; better to say so.
const ATTEMPTS: usize = 50;

/// Why something could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The write could not be ordered among the others.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The database refused, or could not be reached.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Others were faster, again and again.
    #[error("too many writes to the same at once")]
    Contention,
    /// Another product bears a name.
    #[error("{field} is taken")]
    Taken {
        /// The field that holds the name.
        field: String,
    },
    /// Refused by the use case, with its own answer.
    #[error("refused")]
    Refused(Box<Problem>),
}

impl From<SaveError> for Problem {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::Taken { field } => taken(&field),
            SaveError::Refused(problem) => *problem,
            error @ (SaveError::Journal(_) | SaveError::Db(_) | SaveError::Contention) => {
                Self::unavailable(error)
            }
        }
    }
}

fn taken(field: &str) -> Problem {
    Problem::new(
        http::StatusCode::CONFLICT,
        "name-taken",
        "Another product has this already.",
    )
    .field(field, "is taken by another product")
}

/// Writes one product. `decide` sees the product as it is and answers with what it shall be (or refuses); it may be asked more than once.
pub async fn save(
    app: &App,
    id: Uuid,
    input: ProductInput,
    now: Timestamp,
    decide: impl Fn(Option<&Product>) -> Result<(), Problem>,
) -> Result<Product, SaveError> {
    let draft = input.into_product(Stamp {
        id,
        revision: 0,
        created_at: now,
        updated_at: now,
    });
    let mut touches = draft.unique_names();
    touches.push(product_touch(id));
    for _ in 0..ATTEMPTS {
        let base = app.journal.begin(&touches).await?;
        let before = products::product(&app.db, id).await?;
        decide(before.as_ref()).map_err(|problem| SaveError::Refused(Box::new(problem)))?;
        let names = Names::of(&draft, before.as_ref());
        if let Some(name) = names.first_taken(app, id).await? {
            return Err(SaveError::Taken {
                field: draft.field_of_name(&name),
            });
        }
        let mut touches = touches.clone();
        touches.extend(names.released.iter().cloned());
        let Some(claim) = app.journal.claim(base, &touches).await? else {
            continue;
        };
        let product = Product {
            revision: claim.revision,
            created_at: before.as_ref().map_or(now, |before| before.created_at),
            ..draft
        };
        products::name(&app.db, &names.gained, id).await?;
        claim.still_holds()?;
        products::replace(&app.db, std::slice::from_ref(&product)).await?;
        products::unname(&app.db, &names.released).await?;
        settle(app, claim, vec![Change::Product(Box::new(product.clone()))]).await?;
        return Ok(product);
    }
    Err(SaveError::Contention)
}

/// Takes one product out.
pub async fn remove(
    app: &App,
    id: Uuid,
    decide: impl Fn(Option<&Product>) -> Result<(), Problem>,
) -> Result<(), SaveError> {
    let touches = vec![product_touch(id)];
    for _ in 0..ATTEMPTS {
        let base = app.journal.begin(&touches).await?;
        let before = products::product(&app.db, id).await?;
        decide(before.as_ref()).map_err(|problem| SaveError::Refused(Box::new(problem)))?;
        let names = before
            .map(|before| before.unique_names())
            .unwrap_or_default();
        let product_and_names: Vec<String> = touches.iter().chain(&names).cloned().collect();
        let Some(claim) = app.journal.claim(base, &product_and_names).await? else {
            continue;
        };
        products::delete(&app.db, id).await?;
        products::unname(&app.db, &names).await?;
        let removed = Change::Removed(id, claim.revision);
        return Ok(settle(app, claim, vec![removed]).await?);
    }
    Err(SaveError::Contention)
}

/// Tells everyone, this replica's read model first.
pub async fn settle(app: &App, claim: Claim, changes: Vec<Change>) -> Result<(), JournalError> {
    app.journal.settle(claim, &changes).await?;
    for change in changes {
        match change {
            // Only what was remembered: a bulk import must not push out what shoppers look at.
            Change::Product(product) if app.remembered.get(&product.id).is_some() => {
                app.remembered.insert(product.id, (*product).into());
            }
            Change::Removed(id, _) => {
                app.remembered.remove(&id);
            }
            Change::Product(_) | Change::Category(_) => {}
        }
    }
    app.written.notify_one();
    Ok(())
}

/// Claims a revision for what needs no look at the database before.
async fn claim(app: &App, touches: &[String]) -> Result<Claim, SaveError> {
    for _ in 0..ATTEMPTS {
        let base = app.journal.begin(touches).await?;
        if let Some(claim) = app.journal.claim(base, touches).await? {
            return Ok(claim);
        }
    }
    Err(SaveError::Contention)
}

/// Claims a revision for a change to the categories.
pub async fn claim_categories(app: &App) -> Result<Claim, SaveError> {
    claim(app, &[CATEGORIES_TOUCH.to_owned()]).await
}

/// How the names of a product change.
struct Names {
    gained: Vec<String>,
    released: Vec<String>,
}

impl Names {
    fn of(after: &Product, before: Option<&Product>) -> Self {
        let old = before.map(Product::unique_names).unwrap_or_default();
        let new = after.unique_names();
        Self {
            released: old
                .iter()
                .filter(|name| !new.contains(name))
                .cloned()
                .collect(),
            gained: new.into_iter().filter(|name| !old.contains(name)).collect(),
        }
    }

    /// The first name gained that another product bears.
    async fn first_taken(&self, app: &App, id: Uuid) -> Result<Option<String>, DbError> {
        for name in &self.gained {
            if products::bearer(&app.db, name)
                .await?
                .is_some_and(|bearer| bearer.id != id)
            {
                return Ok(Some(name.clone()));
            }
        }
        Ok(None)
    }
}
