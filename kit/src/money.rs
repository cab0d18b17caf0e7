//! Money: integer minor units of an ISO 4217 currency, checked arithmetic, one rounding function.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An amount of money, such as 349 minor units of EUR (3.49 €).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units (cents; whole yen; thousandths of a dinar).
    pub amount: i64,
    /// ISO 4217 code.
    #[schema(value_type = String, pattern = "^[A-Z]{3}$", example = "EUR")]
    pub currency: Currency,
}

impl Money {
    /// `amount` minor units of `currency`.
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// The sum, or why there is none.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_add)
    }

    /// The difference, or why there is none.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_sub)
    }

    /// `quantity` times this amount.
    pub fn checked_mul(self, quantity: i64) -> Result<Self, MoneyError> {
        let amount = self
            .amount
            .checked_mul(quantity)
            .ok_or(MoneyError::Overflow)?;
        Ok(Self { amount, ..self })
    }

    /// This amount times `numerator / denominator`, rounded by [`round_ratio`].
    pub fn checked_ratio(self, numerator: i64, denominator: i64) -> Result<Self, MoneyError> {
        let amount =
            round_ratio(self.amount, numerator, denominator).ok_or(MoneyError::Overflow)?;
        Ok(Self { amount, ..self })
    }

    fn combine(
        self,
        other: Self,
        with: impl Fn(i64, i64) -> Option<i64>,
    ) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch(self.currency, other.currency));
        }
        let amount = with(self.amount, other.amount).ok_or(MoneyError::Overflow)?;
        Ok(Self { amount, ..self })
    }
}

/// The one rounding of money: `amount × numerator ÷ denominator`, half away from zero; `None` when it
/// does not fit or the denominator is zero.
pub fn round_ratio(amount: i64, numerator: i64, denominator: i64) -> Option<i64> {
    let denominator = i128::from(denominator);
    if denominator == 0 {
        return None;
    }
    let scaled = i128::from(amount) * i128::from(numerator);
    let magnitude = (2 * scaled.abs() + denominator.abs()) / (2 * denominator.abs());
    let sign = scaled.signum() * denominator.signum();
    i64::try_from(sign * magnitude).ok()
}

/// Why an amount could not be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The two amounts are of different currencies.
    #[error("{0} and {1} can't be combined")]
    CurrencyMismatch(Currency, Currency),
    /// The result does not fit.
    #[error("the amount is too large")]
    Overflow,
}

/// A currency by its ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(*b"EUR");
    /// The United States dollar.
    pub const USD: Self = Self(*b"USD");

    /// The three capital letters.
    pub fn code(&self) -> &str {
        // Only ASCII capitals get in, so this can't fail.
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// How many digits stand after the decimal point (ISO 4217 "minor unit").
    pub fn minor_unit_digits(&self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG"
            | b"RWF" | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(code: &str) -> Result<Self, CurrencyError> {
        match <[u8; 3]>::try_from(code.as_bytes()) {
            Ok(bytes) if bytes.iter().all(u8::is_ascii_uppercase) => Ok(Self(bytes)),
            _ => Err(CurrencyError),
        }
    }
}

/// The text is no currency code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a currency is three capital letters, such as EUR")]
pub struct CurrencyError;

impl TryFrom<String> for Currency {
    type Error = CurrencyError;

    fn try_from(code: String) -> Result<Self, CurrencyError> {
        code.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rounds_half_away_from_zero() {
        for (amount, numerator, denominator, expected) in [
            (100, 1, 3, Some(33)),
            (200, 1, 3, Some(67)),
            (1, 1, 2, Some(1)),
            (-1, 1, 2, Some(-1)),
            (5, -1, 2, Some(-3)),
            (5, 1, -2, Some(-3)),
            (0, 7, 9, Some(0)),
            (1, 1, 0, None),
            (i64::MAX, 2, 1, None),
        ] {
            assert_eq!(
                round_ratio(amount, numerator, denominator),
                expected,
                "{amount} × {numerator}/{denominator}"
            );
        }
    }

    #[test]
    fn refuses_to_mix_currencies() {
        let sum = Money::new(1, Currency::EUR).checked_add(Money::new(1, Currency::USD));
        assert_eq!(
            sum,
            Err(MoneyError::CurrencyMismatch(Currency::EUR, Currency::USD))
        );
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let most = Money::new(i64::MAX, Currency::EUR);
        assert_eq!(
            most.checked_add(Money::new(1, Currency::EUR)),
            Err(MoneyError::Overflow)
        );
        assert_eq!(most.checked_mul(2), Err(MoneyError::Overflow));
    }

    #[test]
    fn only_three_capitals_are_a_currency() {
        for (code, valid) in [
            ("EUR", true),
            ("eur", false),
            ("EURO", false),
            ("", false),
            ("E1R", false),
            ("ÉU", false),
        ] {
            assert_eq!(code.parse::<Currency>().is_ok(), valid, "{code}");
        }
    }

    proptest! {
        #[test]
        fn rounding_is_never_more_than_half_a_unit_off(amount in -1_000_000_000_i64..1_000_000_000, numerator in -10_000_i64..10_000, denominator in 1_i64..10_000) {
            let rounded = round_ratio(amount, numerator, denominator).expect("small values fit");
            let error = i128::from(rounded) * i128::from(denominator) - i128::from(amount) * i128::from(numerator);
            prop_assert!(2 * error.abs() <= i128::from(denominator));
        }
    }
}
