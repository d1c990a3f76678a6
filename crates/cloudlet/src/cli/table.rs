//! Tables without frames, and pairs of label and value.

use comfy_table::{ContentArrangement, Table, presets};

/// Spaces between two columns.
const GAP: u16 = 2;

/// Rows under a header, aligned.
pub(crate) fn table(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = bare();
    table.set_header(header.iter().map(ToString::to_string).collect::<Vec<_>>());
    table.add_rows(rows);
    finish(table)
}

/// One thing: a label and a value on each line; what is empty is left out.
pub(crate) fn pairs(pairs: Vec<(&str, String)>) -> String {
    let mut table = bare();
    for (label, value) in pairs {
        if !value.is_empty() {
            table.add_row(vec![label.to_owned(), value]);
        }
    }
    finish(table)
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
