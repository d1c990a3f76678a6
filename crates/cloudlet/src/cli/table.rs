//! Tables without frames, and pairs of label and value.

use crate::cli::words::short;
use comfy_table::{ContentArrangement, Table, presets};

/// A column that is shortened stays at least this wide.
const NARROWEST: usize = 8;
/// Spaces between two columns.
const GAP: u16 = 2;

/// Rows under a header, aligned.
pub(crate) fn table(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = bare();
    table.set_header(header.iter().map(ToString::to_string).collect::<Vec<_>>());
    let plain = rows
        .into_iter()
        .map(|row| row.iter().map(|cell| plain(cell, &[])).collect::<Vec<_>>());
    table.add_rows(plain);
    finish(table)
}

/// Shortens the first column, so that a line fits this many columns if the others leave room for it.
pub(crate) fn squeeze(header: &[&str], rows: &mut [Vec<String>], columns: usize) {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([header[column].len()]).max().unwrap_or(0)
    };
    let others: usize = (1..header.len()).map(|n| usize::from(GAP) + width(n)).sum();
    let room = columns.saturating_sub(others).max(NARROWEST);
    for row in rows {
        row[0] = short(&row[0], room);
    }
}

/// One thing: a label and a value on each line; what is empty is left out.
pub(crate) fn pairs(pairs: Vec<(&str, String)>) -> String {
    let mut table = bare();
    for (label, value) in pairs {
        if !value.is_empty() {
            table.add_row(vec![label.to_owned(), plain(&value, &['\n'])]);
        }
    }
    finish(table)
}

/// Without what would command the terminal: texts are other people's.
fn plain(text: &str, kept: &[char]) -> String {
    let shown = |character: char| match character.is_control() && !kept.contains(&character) {
        true => ' ',
        false => character,
    };
    text.chars().map(shown).collect()
}

fn bare() -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn finish(mut table: Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    #[test]
    fn nobody_elses_text_commands_the_terminal() {
        let text = "a\u{1b}[31mred\u{7}\r\nb\u{9b}";
        let table = super::table(&["WHAT"], vec![vec![text.to_owned()]]);
        assert_eq!(table.lines().count(), 2, "{table}");
        let pairs = super::pairs(vec![("what", text.to_owned())]);
        for shown in [table, pairs] {
            let commands = |it: char| it.is_control() && it != '\n';
            assert!(!shown.chars().any(commands), "{shown:?}");
        }
    }

    #[test]
    fn the_first_column_gives_way() {
        let header = ["NAME", "STATUS"];
        let rows = || vec![vec!["web-frontend-12".into(), "Running".into()]];
        for (columns, name) in [
            (24, "web-frontend-12"),
            (23, "web-fro…end-12"),
            (9, "web-…-12"),
        ] {
            let mut rows = rows();
            super::squeeze(&header, &mut rows, columns);
            assert_eq!(rows[0][0], name, "{columns}");
        }
    }

    #[test]
    fn aligned_and_without_frames() {
        let rows = vec![
            vec!["web-1".into(), "Running".into()],
            vec!["b".into(), "Shutoff".into()],
        ];
        assert_eq!(
            super::table(&["NAME", "STATUS"], rows),
            "NAME   STATUS\nweb-1  Running\nb      Shutoff"
        );
        let pairs = vec![
            ("name", "web-1".into()),
            ("left out", String::new()),
            ("id", "7".into()),
        ];
        assert_eq!(super::pairs(pairs), "name  web-1\nid    7");
    }
}
