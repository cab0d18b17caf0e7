//! Roles, and what they allow.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// What somebody is to the shop. Everybody is a customer.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Buys.
    Customer,
    /// Helps customers with their orders.
    Support,
    /// Keeps the catalog, the stock and the promotions.
    Merchandiser,
    /// Everything, roles included.
    Admin,
}

const SUPPORT: &[&str] = &[
    "orders:read",
    "orders:write",
    "users:read",
    "reviews:moderate",
];
const MERCHANDISER: &[&str] = &[
    "catalog:write",
    "stock:write",
    "promotions:write",
    "orders:read",
];
const ADMIN: &[&str] = &[
    "audit:read",
    "catalog:write",
    "events:write",
    "ledger:read",
    "mails:read",
    "mails:write",
    "orders:read",
    "orders:write",
    "payments:read",
    "payments:write",
    "promotions:write",
    "reviews:moderate",
    "roles:write",
    "stock:write",
    "users:read",
    "users:write",
];

/// Permissions, sorted, without duplicates.
pub type Permissions = BTreeSet<&'static str>;

impl Role {
    /// All roles, the least first.
    pub const ALL: [Self; 4] = [
        Self::Customer,
        Self::Support,
        Self::Merchandiser,
        Self::Admin,
    ];

    /// Its name in the API and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Support => "support",
            Self::Merchandiser => "merchandiser",
            Self::Admin => "admin",
        }
    }

    /// The role of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// What it allows beyond what everybody may do with what is theirs.
    pub const fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::Customer => &[],
            Self::Support => SUPPORT,
            Self::Merchandiser => MERCHANDISER,
            Self::Admin => ADMIN,
        }
    }
}

/// The roles of one person; a customer always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles(BTreeSet<Role>);

impl Roles {
    /// These roles.
    pub fn new(roles: impl IntoIterator<Item = Role>) -> Self {
        Self(roles.into_iter().chain([Role::Customer]).collect())
    }

    /// All of them, the least first.
    pub fn iter(&self) -> impl Iterator<Item = Role> + '_ {
        self.0.iter().copied()
    }

    /// The roles that somebody had to give.
    pub fn given(&self) -> impl Iterator<Item = Role> + '_ {
        self.iter().filter(|role| *role != Role::Customer)
    }

    /// Whether this person works here.
    pub fn is_staff(&self) -> bool {
        self.given().next().is_some()
    }

    /// Whether this is one of them.
    pub fn contains(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// What they allow together.
    pub fn permissions(&self) -> Permissions {
        self.iter()
            .flat_map(|role| role.permissions().iter().copied())
            .collect()
    }
}

/// Why roles may not be changed so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody gives or takes more than they have.
    #[error("allows more than you may do yourself")]
    Exceeds(Role),
    /// The shop would be left without anybody who can give roles.
    #[error("the last admin stays one")]
    LastAdmin,
}

/// Whether somebody who may do `actor` may change `before` into `after`, when `other_admins` remain.
pub fn may_assign(
    actor: &Permissions,
    before: &Roles,
    after: &Roles,
    other_admins: u64,
) -> Result<(), Refusal> {
    let changed = before.0.symmetric_difference(&after.0);
    for role in changed {
        if !role
            .permissions()
            .iter()
            .all(|permission| actor.contains(permission))
        {
            return Err(Refusal::Exceeds(*role));
        }
    }
    if before.contains(Role::Admin) && !after.contains(Role::Admin) && other_admins == 0 {
        return Err(Refusal::LastAdmin);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::subsequence};

    use super::*;

    fn roles(names: &str) -> Roles {
        Roles::new(names.split_whitespace().filter_map(Role::parse))
    }

    #[test]
    fn an_admin_may_do_all_that_others_may() {
        let admin = roles("admin").permissions();
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
            assert!(
                role.permissions()
                    .iter()
                    .all(|permission| admin.contains(permission)),
                "{role:?}"
            );
        }
        assert!(roles("").permissions().is_empty());
        assert!(!roles("").is_staff() && roles("support").is_staff());
    }

    #[test]
    fn nobody_gives_or_takes_more_than_they_have() {
        for (actor, before, after, others, expected) in [
            ("admin", "", "admin", 1, Ok(())),
            ("admin", "admin", "", 1, Ok(())),
            ("admin", "admin", "", 0, Err(Refusal::LastAdmin)),
            ("admin", "admin", "admin support", 0, Ok(())),
            ("support", "", "support", 1, Ok(())),
            (
                "support",
                "",
                "merchandiser",
                1,
                Err(Refusal::Exceeds(Role::Merchandiser)),
            ),
            (
                "support merchandiser",
                "",
                "admin",
                1,
                Err(Refusal::Exceeds(Role::Admin)),
            ),
            (
                "support",
                "admin",
                "",
                1,
                Err(Refusal::Exceeds(Role::Admin)),
            ),
            ("support", "admin", "admin support", 1, Ok(())),
        ] {
            let decided = may_assign(
                &roles(actor).permissions(),
                &roles(before),
                &roles(after),
                others,
            );
            assert_eq!(decided, expected, "{actor}: {before} to {after}");
        }
    }

    proptest! {
        #[test]
        fn an_assignment_never_adds_what_the_actor_lacks(
            actor in subsequence(Role::ALL.to_vec(), 0..=4),
            before in subsequence(Role::ALL.to_vec(), 0..=4),
            after in subsequence(Role::ALL.to_vec(), 0..=4),
        ) {
            let (actor, before, after) = (Roles::new(actor).permissions(), Roles::new(before), Roles::new(after));
            if may_assign(&actor, &before, &after, 1).is_ok() {
                let (had, has) = (before.permissions(), after.permissions());
                prop_assert!(has.difference(&had).all(|gained| actor.contains(gained)));
                prop_assert!(had.difference(&has).all(|lost| actor.contains(lost)));
            }
        }
    }
}
