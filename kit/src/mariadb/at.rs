use jiff::Timestamp;
use sqlx::{
    Decode, Encode, MySql, Type,
    encode::IsNull,
    error::BoxDynError,
    mysql::{MySqlTypeInfo, MySqlValueRef},
    types::time::{OffsetDateTime, PrimitiveDateTime},
};

/// An instant as a `DATETIME(6)` column keeps it: in UTC, to the microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At(pub Timestamp);

impl From<Timestamp> for At {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

impl From<At> for Timestamp {
    fn from(at: At) -> Self {
        at.0
    }
}

impl Type<MySql> for At {
    fn type_info() -> MySqlTypeInfo {
        PrimitiveDateTime::type_info()
    }

    fn compatible(column: &MySqlTypeInfo) -> bool {
        OffsetDateTime::compatible(column)
    }
}

impl Encode<'_, MySql> for At {
    fn encode_by_ref(&self, buffer: &mut Vec<u8>) -> Result<IsNull, BoxDynError> {
        let at = OffsetDateTime::from_unix_timestamp_nanos(self.0.as_nanosecond())?;
        Encode::<MySql>::encode(PrimitiveDateTime::new(at.date(), at.time()), buffer)
    }
}

impl<'r> Decode<'r, MySql> for At {
    fn decode(value: MySqlValueRef<'r>) -> Result<Self, BoxDynError> {
        let at: PrimitiveDateTime = Decode::<MySql>::decode(value)?;
        let nanosecond = at.assume_utc().unix_timestamp_nanos();
        Ok(Self(Timestamp::from_nanosecond(nanosecond)?))
    }
}
