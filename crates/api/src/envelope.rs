//! What every answer is wrapped in.

use serde::{Deserialize, Serialize};

/// A success: `{"success":true,"message":"","data":…}`, with `meta` on lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Envelope<T> {
    /// Always `true` here; errors have [`crate::ErrorBody`].
    pub success: bool,
    /// For people; may be empty.
    #[serde(default)]
    pub message: String,
    /// What was asked for.
    pub data: T,
    /// Where in a list this page is; absent elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<PageMeta>,
}

impl<T> Envelope<T> {
    /// A success without a message.
    pub fn new(data: T) -> Self {
        Self {
            success: true,
            message: String::new(),
            data,
            meta: None,
        }
    }

    /// A page of a list.
    pub fn page(data: T, meta: PageMeta) -> Self {
        Self {
            meta: Some(meta),
            ..Self::new(data)
        }
    }
}

/// A page of a list that is read from one cursor to the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CursorPage<T> {
    /// Always `true` here; errors have [`crate::ErrorBody`].
    pub success: bool,
    /// For people; may be empty.
    #[serde(default)]
    pub message: String,
    /// The rows.
    pub data: T,
    /// Where the next page begins.
    pub meta: CursorMeta,
}

/// Where the next page of a list begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CursorMeta {
    /// What `cursor` takes for the page that follows; null on the last one. Opaque.
    pub next_cursor: Option<String>,
    /// Whether a page follows.
    pub has_next_page: bool,
}

impl<T> CursorPage<T> {
    /// A page, and what the next one begins with.
    pub fn new(data: T, next_cursor: Option<String>) -> Self {
        Self {
            success: true,
            message: String::new(),
            data,
            meta: CursorMeta {
                has_next_page: next_cursor.is_some(),
                next_cursor,
            },
        }
    }
}

/// Where in a list a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PageMeta {
    /// Rows in the whole list.
    pub total: u64,
    /// This page, counted from 1.
    pub page: u64,
    /// Rows on a page at most.
    pub page_size: u64,
    /// Pages in the whole list.
    pub total_pages: u64,
    /// Whether a page follows.
    pub has_next_page: bool,
    /// Whether a page goes before.
    pub has_previous_page: bool,
}

impl PageMeta {
    /// The meta of page `page` of a list of `total` rows.
    pub fn new(total: u64, page: u64, page_size: u64) -> Self {
        let total_pages = total.div_ceil(page_size.max(1));
        Self {
            total,
            page,
            page_size,
            total_pages,
            has_next_page: page < total_pages,
            has_previous_page: page > 1,
        }
    }
}
