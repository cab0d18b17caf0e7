//! Many products under one claim: how imports write.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::{ATTEMPTS, Names, SaveError, claim, settle};
use crate::{
    App,
    db::{
        DbError,
        journal::{Claim, product_touch},
        products,
    },
    product::{Product, ProductInput, Stamp, name_of_key},
    search::Change,
};

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
