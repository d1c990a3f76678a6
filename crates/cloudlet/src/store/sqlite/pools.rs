//! Numbers of pools: which are free, found by walking along the index from where the last one was
//! given out. Never loads a pool.

use super::{facts, items, sql};
use model::claim::Pool;
use rusqlite::{Connection, Result, params};

/// So many numbers that nobody holds, at most: from these ranges, ascending, going on after the one
/// that was given out last and then from the beginning.
pub(super) fn free(
    connection: &Connection,
    pool: Pool,
    ranges: &[(u32, u32)],
    count: usize,
) -> Result<Vec<u32>> {
    let of = items::pool(pool);
    let parameters = params![of.kind, of.owner, of.detail];
    let last: Option<u32> = facts::row(connection, sql::LAST_GIVEN, parameters, |row| row.get(0))?;
    // None was given out: all of them are ahead.
    let next = last.map_or(0, |last| i64::from(last) + 1);
    let whole = ranges.iter().map(|&(a, b)| (i64::from(a), i64::from(b)));
    let ahead = whole.clone().map(|(a, b)| (a.max(next), b));
    let behind = whole.map(|(a, b)| (a, b.min(next - 1)));
    let mut found = Vec::new();
    for range in ahead.chain(behind) {
        gaps(connection, pool, range, count, &mut found)?;
    }
    Ok(found)
}

/// The numbers of a range that nobody holds, until there are enough.
fn gaps(
    connection: &Connection,
    pool: Pool,
    (first, last): (i64, i64),
    enough: usize,
    found: &mut Vec<u32>,
) -> Result<()> {
    if first > last || found.len() >= enough {
        return Ok(());
    }
    let of = items::pool(pool);
    let mut statement = connection.prepare_cached(sql::GIVEN)?;
    let mut given = statement.query(params![of.kind, of.owner, of.detail, first, last])?;
    let mut next = first;
    loop {
        // Rows are read one by one, as far as they are needed.
        let end: i64 = match given.next()? {
            Some(row) => row.get(0)?,
            None => last + 1,
        };
        let numbers = (next..end).filter_map(|number| u32::try_from(number).ok());
        found.extend(numbers.take(enough - found.len()));
        next = end + 1;
        if found.len() >= enough || next > last {
            return Ok(());
        }
    }
}

/// The smallest and the greatest number that somebody holds.
pub(super) fn span(connection: &Connection, pool: Pool) -> Result<Option<(u32, u32)>> {
    let of = items::pool(pool);
    let end = |sql| {
        let parameters = params![of.kind, of.owner, of.detail];
        facts::row(connection, sql, parameters, |row| row.get::<_, u32>(0))
    };
    Ok(end(sql::SMALLEST_GIVEN)?.zip(end(sql::GREATEST_GIVEN)?))
}
