//! What a machine wrote on its serial console.

use serde::{Deserialize, Serialize};

/// `GET /v1/resource/virtual-machines/{id}/console`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Console {
    /// The text, as the guest wrote it since its last launch; bytes that are no UTF-8 are replaced.
    pub text: String,
    /// Sent as `after`, it asks for what is written from here on.
    pub cursor: String,
}
