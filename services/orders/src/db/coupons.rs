//! Coupons and their uses. A use is counted under the lock of the coupon's row: whoever comes at the same time waits, then sees it.

use jiff::Timestamp;
use kit::mariadb::At;
use sqlx::{FromRow, MySqlConnection, Row as _, mysql::MySqlRow};
use uuid::Uuid;

use super::{Result, json, to_json};
use crate::coupon::{CouponRule, Unusable};

const READ: &str = "SELECT code, revision, rule, max_uses, uses, created_at, updated_at FROM coupon WHERE code = ?";
const LIST: &str = "SELECT code, revision, rule, max_uses, uses, created_at, updated_at FROM coupon WHERE code > ? ORDER BY code LIMIT ?";
const INSERT: &str =
    "INSERT INTO coupon (code, rule, max_uses, created_at, updated_at) VALUES (?, ?, ?, ?, ?)";
const UPDATE: &str = "UPDATE coupon SET revision = revision + 1, rule = ?, max_uses = ?, updated_at = ? WHERE code = ? AND revision = ?";
const USE: &str =
    "UPDATE coupon SET uses = uses + 1 WHERE code = ? AND (max_uses IS NULL OR uses < max_uses)";
const USES_OF_PERSON: &str = "SELECT COUNT(DISTINCT order_id) FROM coupon_use WHERE code = ? AND (person_id = ? OR email_index = ?)";
const NOTE: &str =
    "INSERT INTO coupon_use (code, order_id, person_id, email_index) VALUES (?, ?, ?, ?)";
const FREE: &str = "DELETE FROM coupon_use WHERE code = ? AND order_id = ?";
const UNUSE: &str = "UPDATE coupon SET uses = uses - 1 WHERE code = ? AND uses > 0";
const FORGET: &str = "UPDATE coupon_use SET email_index = NULL WHERE order_id = ?";

/// A coupon.
#[derive(Debug, Clone)]
pub struct Coupon {
    /// Its code.
    pub code: String,
    /// Counts changes by staff.
    pub revision: u64,
    /// What it does, when.
    pub rule: CouponRule,
    /// How often it can be used in all.
    pub max_uses: Option<i32>,
    /// How often it is used by orders that stand.
    pub uses: i32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When staff last changed it.
    pub updated_at: Timestamp,
}

impl FromRow<'_, MySqlRow> for Coupon {
    fn from_row(row: &MySqlRow) -> Result<Self> {
        Ok(Self {
            code: row.try_get("code")?,
            revision: row.try_get("revision")?,
            rule: json("rule", row.try_get("rule")?)?,
            max_uses: row.try_get("max_uses")?,
            uses: row.try_get("uses")?,
            created_at: row.try_get::<At, _>("created_at")?.0,
            updated_at: row.try_get::<At, _>("updated_at")?.0,
        })
    }
}

/// Reads a coupon.
pub async fn read(connection: &mut MySqlConnection, code: &str) -> Result<Option<Coupon>> {
    sqlx::query_as(READ)
        .bind(code)
        .fetch_optional(connection)
        .await
}

/// A page of coupons by code.
pub async fn list(connection: &mut MySqlConnection, after: &str, most: u32) -> Result<Vec<Coupon>> {
    sqlx::query_as(LIST)
        .bind(after)
        .bind(most)
        .fetch_all(connection)
        .await
}

/// Writes a new coupon. The violated constraint is `PRIMARY` when the code is taken.
pub async fn insert(
    connection: &mut MySqlConnection,
    code: &str,
    rule: &CouponRule,
    max_uses: Option<i32>,
    now: Timestamp,
) -> Result<()> {
    sqlx::query(INSERT)
        .bind(code)
        .bind(to_json(rule)?)
        .bind(max_uses)
        .bind(At(now))
        .bind(At(now))
        .execute(connection)
        .await?;
    Ok(())
}

/// Changes a coupon of this revision; `false`: somebody else did. The violated constraint is `coupon_never_overused` when it was used more often.
pub async fn update(
    connection: &mut MySqlConnection,
    code: &str,
    revision: u64,
    rule: &CouponRule,
    max_uses: Option<i32>,
    now: Timestamp,
) -> Result<bool> {
    let updated = sqlx::query(UPDATE)
        .bind(to_json(rule)?)
        .bind(max_uses)
        .bind(At(now))
        .bind(code)
        .bind(revision)
        .execute(connection)
        .await?;
    Ok(updated.rows_affected() == 1)
}

/// Who uses a coupon.
#[derive(Debug, Clone, Copy)]
pub struct Holder<'a> {
    /// The order it is used for.
    pub order: Uuid,
    /// The account, if any.
    pub person: Option<Uuid>,
    /// The index of the e-mail.
    pub email_index: Option<&'a [u8]>,
}

/// Uses a coupon once, or says why that is not possible.
pub async fn take(
    connection: &mut MySqlConnection,
    code: &str,
    max_uses_per_person: Option<i32>,
    holder: Holder<'_>,
) -> Result<std::result::Result<(), Unusable>> {
    let used = sqlx::query(USE)
        .bind(code)
        .execute(&mut *connection)
        .await?;
    if used.rows_affected() == 0 {
        return Ok(Err(Unusable::UsedUp));
    }
    if let Some(most) = max_uses_per_person {
        let earlier: i64 = sqlx::query_scalar(USES_OF_PERSON)
            .bind(code)
            .bind(holder.person)
            .bind(holder.email_index)
            .fetch_one(&mut *connection)
            .await?;
        if earlier >= i64::from(most) {
            return Ok(Err(Unusable::UsedByYou));
        }
    }
    sqlx::query(NOTE)
        .bind(code)
        .bind(holder.order)
        .bind(holder.person)
        .bind(holder.email_index)
        .execute(connection)
        .await?;
    Ok(Ok(()))
}

/// Gives a use back, if the order has one.
pub async fn give_back(connection: &mut MySqlConnection, code: &str, order: Uuid) -> Result<()> {
    let freed = sqlx::query(FREE)
        .bind(code)
        .bind(order)
        .execute(&mut *connection)
        .await?;
    if freed.rows_affected() == 1 {
        sqlx::query(UNUSE).bind(code).execute(connection).await?;
    }
    Ok(())
}

/// Takes out what is personal.
pub async fn forget(connection: &mut MySqlConnection, order: Uuid) -> Result<()> {
    sqlx::query(FORGET).bind(order).execute(connection).await?;
    Ok(())
}
