//! What stands in a path and in a query.

use super::{
    App,
    error::ApiError,
    json::shown,
    limits::{PAGE_LIMIT, PAGE_SIZE_DEFAULT, PAGE_SIZE_LIMIT},
};
use api::PageMeta;
use axum::{
    extract::{FromRequestParts, Path, Query},
    http::request::Parts,
};
use std::str::FromStr;
use uuid::Uuid;

/// The id in a path.
///
/// What is no UUID becomes the nil UUID, and what is no number where ids are numbers becomes 0, which
/// nothing has: so it is answered by the same query, with the same answer, as an id that never was.
#[derive(Clone, Copy, Debug)]
pub(super) struct PathId<T>(pub(super) T);

impl<T: FromStr> FromRequestParts<App> for PathId<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let Path(text) = Path::<String>::from_request_parts(parts, app)
            .await
            .unwrap_or_else(|_| Path(String::new()));
        id(&text).map(Self)
    }
}

/// The two ids in a path, the outer first; each as in [`PathId`].
#[derive(Clone, Copy, Debug)]
pub(super) struct PathIds<A, B>(pub(super) A, pub(super) B);

impl<A: FromStr, B: FromStr> FromRequestParts<App> for PathIds<A, B> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let path = Path::<(String, String)>::from_request_parts(parts, app).await;
        let (outer, inner) = path.map_or_else(|_| Default::default(), |Path(ids)| ids);
        Ok(Self(id(&outer)?, id(&inner)?))
    }
}

fn id<T: FromStr>(text: &str) -> Result<T, ApiError> {
    let nil = || Uuid::nil().to_string().parse().ok();
    let zero = || "0".parse().ok();
    let id = text.parse().ok().or_else(nil).or_else(zero);
    id.ok_or_else(|| ApiError::internal("an id that cannot be nil"))
}

/// The parameters of a query; each also as `filter[name]`, and empty ones are absent.
#[derive(Clone, Debug, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl FromRequestParts<App> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let query = Query::from_request_parts(parts, app).await;
        query
            .map(|Query(pairs)| Self(pairs))
            .map_err(|_| ApiError::body("The query is not of the form name=value&name=value"))
    }
}

impl Params {
    /// Every value of a parameter.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter_map(move |(key, value)| {
            let filter = key
                .strip_prefix("filter[")
                .and_then(|key| key.strip_suffix(']'));
            let fits = filter.unwrap_or(key) == name && !value.is_empty();
            fits.then_some(value.as_str())
        })
    }

    /// Whether a text holds one of those asked for, letter for letter but without case; nothing
    /// asked for fits all.
    pub(super) fn fits(&self, name: &str, text: &str) -> bool {
        self.finds(name, &[text])
    }

    /// Whether one of the texts holds one of those asked for, as in [`fits`](Self::fits).
    pub(super) fn finds(&self, name: &str, texts: &[impl AsRef<str>]) -> bool {
        let mut asked = self.all(name).map(str::to_lowercase).peekable();
        let texts = || texts.iter().map(|text| text.as_ref().to_lowercase());
        asked.peek().is_none() || asked.any(|asked| texts().any(|text| text.contains(&asked)))
    }

    /// Every value of a parameter, read; what cannot be read is refused with what is right. None
    /// asked for is all.
    pub(super) fn read<T: FromStr>(&self, name: &str, right: &str) -> Result<Vec<T>, ApiError> {
        let values = self.all(name).map(|text| {
            text.parse().map_err(|_| {
                let text = format!("must be {right}, not {}", shown(text));
                ApiError::field(name, &text)
            })
        });
        values.collect()
    }

    /// Those of a test.
    #[cfg(test)]
    pub(super) fn of(pairs: &[(&str, &str)]) -> Self {
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self(owned.collect())
    }

    /// The value of a parameter that may stand once.
    pub(super) fn one<'a>(&'a self, name: &'a str) -> Result<Option<&'a str>, ApiError> {
        only(name, self.all(name))
    }

    /// A whole number, if it is there.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let text = only(name, self.all(name))?;
        text.map(|text| whole(name, text)).transpose()
    }

    /// Every value of a parameter, each a whole number.
    pub(super) fn integers(&self, name: &str) -> Result<Vec<i64>, ApiError> {
        self.all(name).map(|text| whole(name, text)).collect()
    }

    /// The page asked for.
    pub(super) fn page(&self) -> Result<Page, ApiError> {
        Ok(Page {
            page: self.between("page", 1, PAGE_LIMIT)?,
            limit: self.limit()?,
        })
    }

    /// How many rows a page is to have.
    pub(super) fn limit(&self) -> Result<u64, ApiError> {
        self.between("limit", PAGE_SIZE_DEFAULT, PAGE_SIZE_LIMIT)
    }

    /// A number from 1 to `most`; an empty one is not a number.
    fn between(&self, name: &str, default: u64, most: u64) -> Result<u64, ApiError> {
        let given = self.0.iter().filter(|(key, _)| key == name);
        let Some(text) = only(name, given.map(|(_, text)| text.as_str()))? else {
            return Ok(default);
        };
        let number = number(text).filter(|number| (1..=most).contains(number));
        number.ok_or_else(|| {
            let text = format!(
                "must be a whole number from 1 to {most}, not {}",
                shown(text)
            );
            ApiError::field(name, &text)
        })
    }
}

/// The one value of a parameter that may stand once.
fn only<'a>(
    name: &str,
    mut given: impl Iterator<Item = &'a str>,
) -> Result<Option<&'a str>, ApiError> {
    let first = given.next();
    if given.next().is_some() {
        return Err(ApiError::field(
            name,
            "is there more than once; once is right",
        ));
    }
    Ok(first)
}

fn whole(name: &str, text: &str) -> Result<i64, ApiError> {
    number(text).ok_or_else(|| {
        let text = format!("must be a whole number, not {}", shown(text));
        ApiError::field(name, &text)
    })
}

/// A number as JSON would write it: without the plus sign that Rust would take.
fn number<T: FromStr>(text: &str) -> Option<T> {
    (!text.starts_with('+')).then(|| text.parse().ok())?
}

/// A page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Which, from 1.
    pub(super) page: u64,
    /// How many rows.
    pub(super) limit: u64,
}

impl Page {
    /// Where it is in a list of `total` rows.
    pub(super) fn meta(self, total: u64) -> PageMeta {
        PageMeta::new(total, self.page, self.limit)
    }

    /// Its rows of a list that is whole.
    pub(super) fn cut<T>(self, rows: Vec<T>) -> (Vec<T>, PageMeta) {
        let meta = self.meta(u64::try_from(rows.len()).unwrap_or(u64::MAX));
        let skipped = usize::try_from((self.page - 1) * self.limit).unwrap_or(usize::MAX);
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let rows = rows.into_iter().skip(skipped).take(limit).collect();
        (rows, meta)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&str, &str)]) -> Params {
        Params::of(pairs)
    }

    #[test]
    fn pages() {
        let page =
            |pairs: &[(&str, &str)]| params(pairs).page().map(|page| (page.page, page.limit));
        assert_eq!(page(&[]).unwrap(), (1, 10));
        assert_eq!(page(&[("page", "3"), ("limit", "100")]).unwrap(), (3, 100));
        for (name, value) in [
            ("page", "0"),
            ("page", "-1"),
            ("page", "x"),
            ("page", ""),
            ("page", "1.0"),
            ("page", "+1"),
            ("page", "99999999999999999999"),
            ("limit", "0"),
            ("limit", "101"),
        ] {
            let error = page(&[(name, value)]).expect_err(value);
            assert_eq!(error.details.field.as_deref(), Some(name));
            assert!(error.message.contains("from 1 to"), "{}", error.message);
        }
    }

    #[test]
    fn a_list_is_cut() {
        let page = |page, limit| Page { page, limit }.cut(vec![1, 2, 3, 4, 5]);
        assert_eq!(page(2, 2).0, [3, 4]);
        assert_eq!(page(3, 2).0, [5]);
        assert_eq!(page(1_000_000_000, 100).0, [0; 0]);
        let meta = page(2, 2).1;
        assert_eq!(
            (meta.total, meta.total_pages, meta.has_next_page),
            (5, 3, true)
        );
    }

    #[test]
    fn filters() {
        let east = params(&[("filter[regionName]", "EAST"), ("regionName", "west")]);
        assert!(east.fits("regionName", "East") && east.fits("regionName", "West"));
        assert!(!east.fits("regionName", "North"));
        assert!(east.fits("regionName", "Middle East"), "a part will do");
        assert!(!params(&[("name", "%")]).fits("name", "Lab A"));
        assert!(params(&[("name", "B_")]).fits("name", "lab_a"));
        assert!(params(&[("regionName", "")]).fits("regionName", "East"));
        assert_eq!(
            params(&[("imageId", "12")]).integer("imageId").unwrap(),
            Some(12)
        );
        for wrong in ["1x", "+1"] {
            assert!(params(&[("imageId", wrong)]).integer("imageId").is_err());
        }
        let twice = params(&[("imageId", "1"), ("filter[imageId]", "1")]);
        assert!(twice.integer("imageId").is_err());
    }
}
