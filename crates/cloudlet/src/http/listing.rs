//! Lists that are sorted, searched and cut into pages in memory.
//!
//! A [`Listing`] says of one kind of row by which fields it is sorted, where a search looks and what is
//! filtered by; the parameters `sort`, `search`, `page`, `limit` and every filter then mean the same in
//! every list. The id is always the last thing that rows are sorted by, so that pages over
//! equal rows neither repeat nor skip one.

use super::{
    error::ApiError,
    job_filter::unknown,
    json::shown,
    params::{Page, Params},
};
use api::{PageMeta, Timestamp};
use std::{
    borrow::Cow,
    cmp::{Ordering, Reverse},
};
use uuid::Uuid;

/// What a row is sorted by, of one field.
pub(super) type KeyOf<T> = fn(&T) -> Key;

/// How one kind of row is listed.
pub(super) struct Listing<T: 'static> {
    /// What it can be sorted by: names as `sort` takes them.
    pub(super) fields: &'static [(&'static str, KeyOf<T>)],
    /// The row's id.
    pub(super) id: KeyOf<T>,
    /// How it is sorted where nothing is asked for, e.g. `createdAt:desc`.
    pub(super) default: &'static str,
    /// The texts that `search` looks into.
    pub(super) searched: fn(&T) -> Vec<Cow<'_, str>>,
    /// What is filtered by: parameters and what of a row they ask for.
    pub(super) filters: &'static [(&'static str, Filter<T>)],
}

/// What of a row a filter asks for, as a whole; a parameter that is repeated asks for any of its
/// values. What no row has finds nothing, what no row could have is refused.
pub(super) enum Filter<T> {
    /// A whole number.
    Number(fn(&T) -> i64),
    /// A UUID.
    Id(fn(&T) -> Option<Uuid>),
    /// A text, without case.
    Text(fn(&T) -> Cow<'_, str>),
    /// One of a few words, without case; the second are all of them.
    Word(fn(&T) -> &'static str, fn() -> Vec<&'static str>),
}

/// What rows are sorted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// A number, a time.
    Number(i64),
    /// Numbers, the first first.
    Numbers(Vec<i64>),
    /// A UUID.
    Id(Uuid),
    /// A text without case, then the text itself.
    Text(String, String),
}

impl Key {
    /// A text; its case counts only where nothing else differs.
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_lowercase(), text.to_owned())
    }
}

impl From<Timestamp> for Key {
    fn from(time: Timestamp) -> Self {
        Self::Number(time.as_millis())
    }
}

/// A page as asked for; to be read before the rows are, so that a wrong parameter costs nothing.
pub(super) struct Order<'a, T: 'static> {
    listing: &'a Listing<T>,
    params: &'a Params,
    by: Vec<Column<T>>,
    wanted: Vec<Wanted<T>>,
    page: Page,
}

/// A filter with the values asked for.
enum Wanted<T> {
    Numbers(fn(&T) -> i64, Vec<i64>),
    Ids(fn(&T) -> Option<Uuid>, Vec<Uuid>),
    Texts(fn(&T) -> Cow<'_, str>, Vec<String>),
    Words(fn(&T) -> &'static str, Vec<&'static str>),
}

impl<T> Wanted<T> {
    /// What the parameters ask of a filter; `None`: nothing.
    fn read(
        params: &Params,
        (name, filter): &(&'static str, Filter<T>),
    ) -> Result<Option<Self>, ApiError> {
        if params.all(name).next().is_none() {
            return Ok(None);
        }
        Ok(Some(match *filter {
            Filter::Number(of) => Self::Numbers(of, params.integers(name)?),
            Filter::Id(of) => Self::Ids(of, params.read(name, "a UUID")?),
            Filter::Text(of) => Self::Texts(of, params.all(name).map(str::to_lowercase).collect()),
            Filter::Word(of, known) => Self::Words(of, words(params, name, &known())?),
        }))
    }

    fn fits(&self, row: &T) -> bool {
        match self {
            Self::Numbers(of, wanted) => wanted.contains(&of(row)),
            Self::Ids(of, wanted) => of(row).is_some_and(|id| wanted.contains(&id)),
            Self::Texts(of, wanted) => wanted.contains(&of(row).to_lowercase()),
            Self::Words(of, wanted) => wanted.contains(&of(row)),
        }
    }
}

fn words(
    params: &Params,
    name: &str,
    known: &[&'static str],
) -> Result<Vec<&'static str>, ApiError> {
    let word = |text: &str| {
        let is_it = |word: &&&'static str| word.eq_ignore_ascii_case(text);
        let found = known.iter().find(is_it).copied();
        found.ok_or_else(|| unknown(name, text, known))
    };
    params.all(name).map(word).collect()
}

/// A field that rows are sorted by, and in which direction.
struct Column<T> {
    key: KeyOf<T>,
    descends: bool,
}

impl<T> Listing<T> {
    /// What the parameters ask for.
    pub(super) fn order<'a>(&'a self, params: &'a Params) -> Result<Order<'a, T>, ApiError> {
        let asked = params.one("sort")?.unwrap_or(self.default);
        let by = self.columns(asked)?;
        let page = params.page()?;
        let mut wanted = Vec::new();
        for filter in self.filters {
            wanted.extend(Wanted::read(params, filter)?);
        }
        Ok(Order {
            listing: self,
            params,
            by,
            wanted,
            page,
        })
    }

    /// The columns of `field:dir,field:dir`.
    fn columns(&self, asked: &str) -> Result<Vec<Column<T>>, ApiError> {
        let mut seen = Vec::new();
        let mut columns = Vec::new();
        for column in asked.split(',') {
            let (name, direction) = column.split_once(':').unwrap_or((column, ""));
            let field = self.fields.iter().find(|field| field.0 == name);
            let (name, key) = *field.ok_or_else(|| self.wrong("field", name))?;
            let descends = match direction {
                "asc" => false,
                "desc" => true,
                _ => return Err(self.wrong("direction", direction)),
            };
            // Rows that are equal by the first are equal by the second.
            if !seen.contains(&name) {
                seen.push(name);
                columns.push(Column { key, descends });
            }
        }
        Ok(columns)
    }

    fn wrong(&self, what: &str, found: &str) -> ApiError {
        let names: Vec<_> = self.fields.iter().map(|field| field.0).collect();
        let text = format!(
            "there is no {what} {}; field:direction is right, several separated by commas, with the \
             fields {} and the directions asc, desc",
            shown(found),
            names.join(", ")
        );
        ApiError::field("sort", &text)
    }
}

impl<T> Order<'_, T> {
    /// The page asked for where nothing else is: neither an order nor a choice. Whoever has the rows in
    /// the default order need not read them all then.
    pub(super) fn plain_page(&self) -> Option<Page> {
        let asked = |name| self.params.all(name).next().is_some();
        let chooses = asked("sort") || asked("search") || !self.wanted.is_empty();
        (!chooses).then_some(self.page)
    }

    /// The page of these rows: those that the search and the filters let through, sorted.
    pub(super) fn page(&self, rows: Vec<T>) -> (Vec<T>, PageMeta) {
        let fits = |row: &T| {
            self.wanted.iter().all(|wanted| wanted.fits(row))
                && self.params.finds("search", &(self.listing.searched)(row))
        };
        let keys = |row: &T| -> Vec<Key> {
            let by = self.by.iter().map(|column| (column.key)(row));
            by.chain([(self.listing.id)(row)]).collect()
        };
        let rows = rows.into_iter().filter(fits);
        let mut rows: Vec<_> = rows.map(|row| (keys(&row), row)).collect();
        rows.sort_by(|(one, _), (other, _)| self.compare(one, other));
        self.page
            .cut(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// The id goes the way of the column before it: what descends is what ascends, from its end.
    fn compare(&self, one: &[Key], other: &[Key]) -> Ordering {
        let mut descends = false;
        for place in 0..one.len() {
            if let Some(column) = self.by.get(place) {
                descends = column.descends;
            }
            let order = match descends {
                false => one[place].cmp(&other[place]),
                true => Reverse(&one[place]).cmp(&Reverse(&other[place])),
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Row(i64, &'static str, i64);

    const ROWS: Listing<Row> = Listing {
        fields: &[
            ("name", |row| Key::text(row.1)),
            ("size", |row| Key::Number(row.2)),
        ],
        id: |row| Key::Number(row.0),
        default: "size:desc",
        searched: |row| vec![row.1.into(), "Lab A".into()],
        filters: &[
            ("size", Filter::Number(|row| row.2)),
            ("owner", Filter::Id(|row| owner(row.2))),
            ("state", Filter::Text(|row| row.1.into())),
            ("kind", Filter::Word(kind, || vec!["Web", "Other"])),
        ],
    };

    fn owner(size: i64) -> Option<Uuid> {
        (size > 0).then(|| Uuid::from_u128(size.unsigned_abs().into()))
    }

    fn kind(row: &Row) -> &'static str {
        if row.1.eq_ignore_ascii_case("web") {
            "Web"
        } else {
            "Other"
        }
    }

    fn rows() -> Vec<Row> {
        vec![
            Row(3, "web", 1),
            Row(1, "Web", 2),
            Row(4, "db_1", 0),
            Row(2, "web", 2),
            Row(5, "DB%1", 1),
        ]
    }

    fn ids(pairs: &[(&str, &str)]) -> Result<Vec<i64>, ApiError> {
        let params = Params::of(pairs);
        let (rows, _) = ROWS.order(&params)?.page(rows());
        Ok(rows.iter().map(|row| row.0).collect())
    }

    #[test]
    fn sorted_by_several_columns_and_the_id_last() {
        for (sort, expected) in [
            ("", [2, 1, 5, 3, 4]),
            ("size:asc", [4, 3, 5, 1, 2]),
            ("size:desc", [2, 1, 5, 3, 4]),
            ("name:asc", [5, 4, 1, 2, 3]),
            ("name:desc", [3, 2, 1, 4, 5]),
            ("name:asc,size:desc", [5, 4, 1, 2, 3]),
            ("size:asc,name:desc", [4, 3, 5, 2, 1]),
        ] {
            assert_eq!(ids(&[("sort", sort)]).unwrap(), expected, "{sort}");
        }
    }

    #[test]
    fn pages_put_together_are_the_list() {
        for sort in ["size:asc", "size:desc", "name:asc,size:asc"] {
            let all = ids(&[("sort", sort)]).unwrap();
            let mut paged = Vec::new();
            for page in ["1", "2", "3"] {
                let page = [("sort", sort), ("page", page), ("limit", "2")];
                paged.extend(ids(&page).unwrap());
            }
            assert_eq!(paged, all, "{sort}");
        }
    }

    #[test]
    fn a_search_is_literal_and_without_case() {
        for (search, found) in [
            ("WEB", 3),
            ("b_", 1),
            ("b%", 1),
            ("%", 1),
            ("", 5),
            ("lab a", 5),
            ("x", 0),
        ] {
            let found_now = ids(&[("search", search)]).unwrap().len();
            assert_eq!(found_now, found, "{search}");
        }
        let either = [("search", "db_"), ("search", "db%")];
        assert_eq!(ids(&either).unwrap().len(), 2);
        let found = ROWS
            .order(&Params::of(&[("search", "web")]))
            .unwrap()
            .page(rows())
            .1;
        assert_eq!(found.total, 3);
    }

    #[test]
    fn filters_ask_for_whole_values() {
        let one = Uuid::from_u128(1).to_string();
        for (filters, found) in [
            (&[("size", "1")][..], &[5, 3][..]),
            (&[("filter[size]", "1"), ("size", "0")], &[5, 3, 4]),
            (&[("size", "9")], &[]),
            (&[("size", "")], &[2, 1, 5, 3, 4]),
            (&[("state", "WEB")], &[2, 1, 3]),
            (&[("state", "we")], &[]),
            (&[("state", "db_1"), ("state", "db%1")], &[5, 4]),
            (&[("state", "web"), ("size", "1")], &[3]),
            (
                &[("state", "web"), ("search", "lab"), ("size", "2")],
                &[2, 1],
            ),
            (&[("owner", &one)], &[5, 3]),
            (&[("kind", "WEB")], &[2, 1, 3]),
            (&[("kind", "other"), ("kind", "Web")], &[2, 1, 5, 3, 4]),
        ] {
            assert_eq!(ids(filters).unwrap(), found, "{filters:?}");
        }
        for (name, value) in [
            ("size", "x"),
            ("size", "+1"),
            ("size", "1.0"),
            ("owner", "x"),
            ("owner", "1"),
            ("kind", "we"),
        ] {
            let error = ids(&[(name, value)]).expect_err(value);
            assert_eq!(error.details.field.as_deref(), Some(name));
        }
    }

    #[test]
    fn nothing_asked_for_is_a_plain_page() {
        let plain = |pairs: &[(&str, &str)]| {
            let params = Params::of(pairs);
            let order = ROWS.order(&params).unwrap();
            order.plain_page().is_some()
        };
        assert!(plain(&[]) && plain(&[("page", "2"), ("limit", "3")]));
        assert!(plain(&[("size", ""), ("sort", ""), ("colour", "red")]));
        for asked in [
            ("sort", "size:asc"),
            ("search", "x"),
            ("filter[size]", "1"),
            ("state", "web"),
        ] {
            assert!(!plain(&[asked]), "{asked:?}");
        }
    }

    #[test]
    fn a_wrong_sort_says_what_is_right() {
        for wrong in [
            "name",
            "name:",
            "name:up",
            "name:ASC",
            "size:asc:desc",
            "colour:asc",
            ":asc",
            ",",
            "name:asc,",
            "name asc",
            "name:asc, size:asc",
        ] {
            let error = ids(&[("sort", wrong)]).expect_err(wrong);
            assert_eq!(error.details.field.as_deref(), Some("sort"));
            let text = &error.message;
            assert!(text.contains("name, size"), "{text}");
        }
        assert!(ids(&[("sort", "name:asc"), ("sort", "size:asc")]).is_err());
        assert!(ids(&[("limit", "0")]).is_err());
        let twice = ids(&[("sort", "name:asc,name:desc")]).unwrap();
        assert_eq!(twice, ids(&[("sort", "name:asc")]).unwrap());
    }
}
