//! Images of a host's own: what an operator brings and sees.

use serde::{Deserialize, Serialize};

/// `POST /admin/v1/images`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ImageImport {
    /// What machines ask for it by: a create's `imageId`.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 2_147_483_647))]
    pub id: i64,
    /// Its name, 1 to 63 characters.
    pub name: String,
    /// A qcow2 or raw file on the server's own host, by its absolute path. It is copied.
    #[cfg_attr(feature = "openapi", schema(pattern = "^/"))]
    pub file: String,
    /// Whom to log in as; default `root`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// How its guest says that it is ready: `none` (the default: a machine that runs is taken for
    /// ready), `agent` (the QEMU guest agent answers), or `console:` and the words that it then writes on
    /// its serial console, at most 200 bytes.
    #[cfg_attr(
        feature = "openapi",
        schema(pattern = "^(none|agent|console:.+)$", max_length = 208)
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<String>,
}

/// An image of a host's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct HostImage {
    /// A create's `imageId`.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Whether machines can be made from it.
    pub state: ImageState,
    /// 0 to 100, of its import.
    pub progress: u8,
    /// Why its import failed; null otherwise.
    pub error: Option<String>,
    /// Whom to log in as.
    pub username: String,
    /// The smallest disk that it fits on, in GB; null until that is known.
    pub min_disk_gb: Option<u32>,
    /// Bytes of its file.
    pub size_bytes: u64,
    /// SHA-256 of its file, in hexadecimal; null until it is copied.
    pub sha256: Option<String>,
    /// How its guest says that it is ready.
    pub ready: String,
    /// How many machines were made from it and are there.
    pub machines: u64,
}

/// Where an image stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ImageState {
    /// It is being copied and checked.
    Importing,
    /// Machines can be made from it.
    Ready,
    /// It could not be brought in; nothing of it is kept.
    Failed,
}
