//! Every error the API answers with: code and HTTP status in one table.

use serde::{Deserialize, Serialize};

/// The body of every answer that is not a success.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// Always `false`.
    pub success: bool,
    /// The stable code, e.g. `NOT_FOUND`.
    pub error: ErrorCode,
    /// What is wrong and what would be right, for people.
    pub message: String,
    /// What a program may want to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<ErrorDetails>,
}

/// What a program may want to know of an error; only what applies is present.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ErrorDetails {
    /// The field of the body, or the parameter, at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The job in the way, or the job that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<crate::JobId>,
    /// The limit that was hit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// The driver that cannot do it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
}

macro_rules! codes {
    ($($code:ident = $text:literal, $status:literal;)*) => {
        /// The stable code of an error. The set is closed; each code has one HTTP status.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ErrorCode {
            $(
                #[doc = concat!("HTTP status ", stringify!($status), ".")]
                #[serde(rename = $text)]
                $code,
            )*
        }

        impl ErrorCode {
            /// Every code there is.
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$code),*];

            /// The code as it stands on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$code => $text,)* }
            }

            /// The HTTP status it is answered with.
            pub const fn status(self) -> u16 {
                match self { $(ErrorCode::$code => $status,)* }
            }
        }
    };
}

codes! {
    Validation = "VALIDATION_ERROR", 400;
    Unauthorized = "UNAUTHORIZED", 401;
    Forbidden = "FORBIDDEN", 403;
    GpuNotEnabled = "GPU_NOT_ENABLED", 403;
    NotFound = "NOT_FOUND", 404;
    MethodNotAllowed = "METHOD_NOT_ALLOWED", 405;
    Conflict = "CONFLICT", 409;
    ResourceBusy = "RESOURCE_BUSY", 409;
    LineFull = "LINE_FULL", 409;
    InvalidState = "INVALID_STATE", 409;
    TooLate = "TOO_LATE", 409;
    NotSupported = "NOT_SUPPORTED", 409;
    LimitExceeded = "LIMIT_EXCEEDED", 409;
    VolumeAttached = "VOLUME_ATTACHED", 409;
    NetworkInUse = "NETWORK_IN_USE", 409;
    CapacityExceeded = "CAPACITY_EXCEEDED", 409;
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", 413;
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", 415;
    IdempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED", 422;
    RateLimitExceeded = "RATE_LIMIT_EXCEEDED", 429;
    Internal = "INTERNAL_ERROR", 500;
    DriverError = "DRIVER_ERROR", 502;
    ShuttingDown = "SHUTTING_DOWN", 503;
    StoreUnavailable = "STORE_UNAVAILABLE", 503;
}

/// By hand, since a derive does not see the names that the macro gives.
#[cfg(feature = "openapi")]
mod openapi {
    use super::ErrorCode;
    use utoipa::openapi::{ObjectBuilder, RefOr, Schema, schema::Type};

    impl utoipa::PartialSchema for ErrorCode {
        fn schema() -> RefOr<Schema> {
            let text =
                "The stable code of an error. The set is closed; each code has one HTTP status.";
            let codes = ErrorCode::ALL.iter().map(|code| code.as_str());
            ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some(text))
                .enum_values(Some(codes))
                .into()
        }
    }

    impl utoipa::ToSchema for ErrorCode {}
}
