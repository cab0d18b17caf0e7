//! How products are written: one under its own claim, or many under one.
//!
//! Look whose the names are, claim a revision, write names, then products, then settle. A conflict found when claiming starts over.

use std::collections::{HashMap, HashSet};

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
    product::{Product, ProductInput, Stamp, name_of_key},
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

/// Products to write together, by key: new ones and old ones. Answers with the position and the field of each that can't be.
///
/// The inputs must be valid, and no two may want the same name.
pub async fn save_all(
    app: &App,
    inputs: &[ProductInput],
    now: Timestamp,
) -> Result<Vec<(usize, String)>, SaveError> {
    let snapshot = app.index.snapshot();
    let (mut known, mut new): (Vec<usize>, Vec<usize>) =
        (0..inputs.len()).partition(|position| snapshot.has_key(&inputs[*position].key));
    // Rows that another import just wrote, or that are not published, are not in the read model. To find that out row by row is slow, so
    // a few are looked up before.
    let probes: Vec<String> = [0, new.len() / 2, new.len().saturating_sub(1)]
        .iter()
        .filter_map(|probe| new.get(*probe))
        .map(|position| name_of_key(&inputs[*position].key))
        .collect();
    if products::owners(&app.db, &probes)
        .await?
        .iter()
        .any(Option::is_some)
    {
        known.append(&mut new);
    }
    // What seems to be new is tried first, in a few large inserts; the database says what is not.
    let tried: Vec<&ProductInput> = new.iter().map(|position| &inputs[*position]).collect();
    known.extend(
        insert_new(app, &tried, now)
            .await?
            .into_iter()
            .map(|position| new[position]),
    );
    let again: Vec<&ProductInput> = known.iter().map(|position| &inputs[*position]).collect();
    let rejected = upsert(app, &again, now).await?;
    Ok(rejected
        .into_iter()
        .map(|(position, field)| (known[position], field))
        .collect())
}

/// Writes the products of which all names are new; answers with the positions of the others.
async fn insert_new(
    app: &App,
    inputs: &[&ProductInput],
    now: Timestamp,
) -> Result<Vec<usize>, SaveError> {
    if inputs.is_empty() {
        return Ok(Vec::new());
    }
    let drafts: Vec<Product> = inputs.iter().map(|input| draft(app, input, now)).collect();
    let names: Vec<(usize, String)> = drafts
        .iter()
        .enumerate()
        .flat_map(|(position, product)| {
            product
                .unique_names()
                .into_iter()
                .map(move |name| (position, name))
        })
        .collect();
    let mut touches: Vec<String> = names.iter().map(|(_, name)| name.clone()).collect();
    touches.extend(drafts.iter().map(|product| product_touch(product.id)));
    let claim = claim(app, &touches).await?;
    let pairs: Vec<(String, Uuid)> = names
        .iter()
        .map(|(position, name)| (name.clone(), drafts[*position].id))
        .collect();
    let existing: HashSet<usize> = products::name_new(&app.db, &pairs)
        .await?
        .into_iter()
        .collect();
    let known: HashSet<usize> = existing.iter().map(|name| names[*name].0).collect();
    let in_vain: Vec<String> = (0..names.len())
        .filter(|name| known.contains(&names[*name].0) && !existing.contains(name))
        .map(|name| names[name].1.clone())
        .collect();
    products::unname(&app.db, &in_vain).await?;
    let mut written: Vec<Product> = drafts
        .into_iter()
        .enumerate()
        .filter(|(position, _)| !known.contains(position))
        .map(|(_, product)| product)
        .collect();
    for product in &mut written {
        product.revision = claim.revision;
    }
    claim.still_holds()?;
    products::insert(&app.db, &written).await?;
    settle(app, claim, changes(written)).await?;
    let mut known: Vec<usize> = known.into_iter().collect();
    known.sort_unstable();
    Ok(known)
}

/// Writes products of which some exist, or whose names are someone else's.
async fn upsert(
    app: &App,
    inputs: &[&ProductInput],
    now: Timestamp,
) -> Result<Vec<(usize, String)>, SaveError> {
    if inputs.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<String> = inputs.iter().map(|input| name_of_key(&input.key)).collect();
    for _ in 0..ATTEMPTS {
        let mut drafts: Vec<Product> = inputs.iter().map(|input| draft(app, input, now)).collect();
        // Whoever writes one of these products touches its key as well, so its id need not be known yet.
        let mut touches: Vec<String> = drafts.iter().flat_map(Product::unique_names).collect();
        let base = app.journal.begin(&touches).await?;
        for (draft, owner) in drafts
            .iter_mut()
            .zip(products::owners(&app.db, &keys).await?)
        {
            draft.id = owner.unwrap_or(draft.id);
        }
        let plan = Plan::make(app, drafts).await?;
        touches.extend(plan.released.iter().cloned());
        touches.extend(plan.written.iter().map(|product| product_touch(product.id)));
        if plan.written.is_empty() {
            return Ok(plan.rejected);
        }
        let Some(claim) = app.journal.claim(base, &touches).await? else {
            continue;
        };
        return plan.carry_out(app, claim).await;
    }
    Err(SaveError::Contention)
}

/// What an upsert comes to.
#[derive(Default)]
struct Plan {
    written: Vec<Product>,
    gained: HashMap<Uuid, Vec<String>>,
    released: Vec<String>,
    rejected: Vec<(usize, String)>,
}

impl Plan {
    async fn make(app: &App, drafts: Vec<Product>) -> Result<Self, DbError> {
        let mut plan = Self::default();
        let ids: Vec<Uuid> = drafts.iter().map(|draft| draft.id).collect();
        let before = products::products(&app.db, &ids).await?;
        for (position, (mut draft, before)) in drafts.into_iter().zip(before).enumerate() {
            let before = match before {
                // The key was left to a product that has another one by now.
                Some(other) if other.key != draft.key => {
                    draft.id = app.clock.uuid();
                    None
                }
                before => before,
            };
            if let Some(before) = &before {
                draft.created_at = before.created_at;
                if is_same(&draft, before) {
                    continue;
                }
            }
            let names = Names::of(&draft, before.as_ref());
            if let Some(taken) = names.first_taken(app, draft.id).await? {
                plan.rejected.push((position, draft.field_of_name(&taken)));
                continue;
            }
            plan.gained.insert(draft.id, names.gained);
            plan.released.extend(names.released);
            plan.written.push(draft);
        }
        Ok(plan)
    }

    async fn carry_out(self, app: &App, claim: Claim) -> Result<Vec<(usize, String)>, SaveError> {
        let Self {
            mut written,
            gained,
            released,
            rejected,
        } = self;
        for (id, names) in &gained {
            products::name(&app.db, names, *id).await?;
        }
        for product in &mut written {
            product.revision = claim.revision;
        }
        claim.still_holds()?;
        products::replace(&app.db, &written).await?;
        products::unname(&app.db, &released).await?;
        settle(app, claim, changes(written)).await?;
        Ok(rejected)
    }
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

fn draft(app: &App, input: &ProductInput, now: Timestamp) -> Product {
    input.clone().into_product(Stamp {
        id: app.clock.uuid(),
        revision: 0,
        created_at: now,
        updated_at: now,
    })
}

fn changes(products: Vec<Product>) -> Vec<Change> {
    products
        .into_iter()
        .map(|product| Change::Product(Box::new(product)))
        .collect()
}

/// Whether writing changes nothing but the revision.
fn is_same(draft: &Product, before: &Product) -> bool {
    let draft = Product {
        revision: before.revision,
        updated_at: before.updated_at,
        ..draft.clone()
    };
    draft == *before
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
