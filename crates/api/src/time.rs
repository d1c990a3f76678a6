//! Times as the API writes them: RFC 3339, UTC, `Z`, exactly three fractional digits.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// 0000-01-01T00:00:00.000Z.
const FIRST_WRITABLE_MS: i64 = -62_167_219_200_000;
/// 9999-12-30T22:00:00.000Z, the last that is a date everywhere on earth, and so the last of `jiff`.
const LAST_WRITABLE_MS: i64 = 253_402_207_200_000;

/// A moment, in whole milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This moment moved by `millis` (which may be negative).
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// Never fails, since an answer is made of it: what RFC 3339 cannot write is shown as the first or
/// the last moment that it can.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let writable = self.0.clamp(FIRST_WRITABLE_MS, LAST_WRITABLE_MS);
        let moment = jiff::Timestamp::from_millisecond(writable).unwrap_or(jiff::Timestamp::MAX);
        write!(f, "{moment:.3}")
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<jiff::Timestamp>()
            .map(|moment| Self(moment.as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(feature = "openapi")]
mod openapi {
    use utoipa::openapi::{
        ObjectBuilder, RefOr, Schema,
        schema::{KnownFormat, SchemaFormat, Type},
    };

    impl utoipa::PartialSchema for super::Timestamp {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
                .description(Some("RFC 3339, UTC, exactly three fractional digits"))
                .examples(["2026-03-01T09:01:00.412Z"])
                .into()
        }
    }

    impl utoipa::ToSchema for super::Timestamp {}
}

#[cfg(test)]
mod tests {
    use super::{FIRST_WRITABLE_MS, LAST_WRITABLE_MS, Timestamp};

    #[test]
    fn three_digits_always() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_772_355_660_412, "2026-03-01T09:01:00.412Z"),
            (1_772_355_660_400, "2026-03-01T09:01:00.400Z"),
        ] {
            assert_eq!(Timestamp::from_millis(millis).to_string(), text);
            assert_eq!(text.parse::<Timestamp>().unwrap().as_millis(), millis);
        }
    }

    #[test]
    fn every_moment_can_be_written_and_read_again() {
        let (first, last) = ("0000-01-01T00:00:00.000Z", "9999-12-30T22:00:00.000Z");
        for (millis, text) in [
            (i64::MIN, first),
            (FIRST_WRITABLE_MS - 1, first),
            (FIRST_WRITABLE_MS, first),
            (-1, "1969-12-31T23:59:59.999Z"),
            (LAST_WRITABLE_MS, last),
            (LAST_WRITABLE_MS + 1, last),
            (i64::MAX, last),
        ] {
            let json = serde_json::to_string(&Timestamp::from_millis(millis)).unwrap();
            assert_eq!(json, format!("\"{text}\""), "{millis}");
            let read: Timestamp = serde_json::from_str(&json).unwrap();
            assert_eq!(read.to_string(), text);
        }
    }
}
