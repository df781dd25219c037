//! Lays rows out in columns that fit a width: shrinks what may be shortened, drops the least useful columns, never cuts
//! what must stay whole. Pure; what the columns mean is the callers' business.

use super::text::{elided, width};

/// Blanks between columns.
const GAP: usize = 2;

/// One huge cell must not push every other row apart: a column is padded to this at most.
const WIDEST_PADDING: usize = 80;

/// A column's head and how it yields when space is short.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// The head.
    pub head: &'static str,
    /// Columns with the highest rank are dropped first; rank 0 stays.
    pub drop_rank: u8,
    /// May be elided down to this width; `None` keeps cells whole.
    pub shrinks_to: Option<usize>,
}

/// Lines of a table, heads first, as wide as `limit` allows (`None`: nothing is dropped or cut).
///
/// `rows` have one cell for each of `columns`; cells must be inert.
#[must_use]
pub fn lay_out(columns: &[Column], rows: &[Vec<String>], limit: Option<usize>) -> Vec<String> {
    let is_needed = |index: &usize| {
        limit.is_none()
            || columns[*index].drop_rank == 0
            || rows.iter().any(|cells| !cells[*index].is_empty())
    };
    let mut shown: Vec<usize> = (0..columns.len()).filter(is_needed).collect();
    let mut widths: Vec<usize> =
        columns.iter().enumerate().map(|(index, column)| natural(column, rows, index)).collect();
    if let Some(limit) = limit {
        while !shrink(columns, &shown, &mut widths, limit) {
            let Some(position) = (0..shown.len())
                .filter(|position| columns[shown[*position]].drop_rank > 0)
                .max_by_key(|position| columns[shown[*position]].drop_rank)
            else {
                break;
            };
            shown.remove(position);
            for (index, column) in columns.iter().enumerate() {
                widths[index] = natural(column, rows, index);
            }
        }
    }
    let heads: Vec<String> = columns.iter().map(|column| column.head.to_owned()).collect();
    let is_limited = limit.is_some();
    std::iter::once(&heads)
        .chain(rows)
        .map(|cells| line(columns, cells, &shown, &widths, is_limited))
        .collect()
}

fn natural(column: &Column, rows: &[Vec<String>], index: usize) -> usize {
    let widest = rows.iter().map(|cells| width(&cells[index])).filter(|width| *width <= WIDEST_PADDING).max();
    let has_huge =
        column.shrinks_to.is_some() && rows.iter().any(|cells| width(&cells[index]) > WIDEST_PADDING);
    if has_huge { WIDEST_PADDING } else { widest.unwrap_or(0).max(width(column.head)) }
}

/// Shrinks what may shrink, always the widest, until the shown columns fit; `false` if they cannot.
fn shrink(columns: &[Column], shown: &[usize], widths: &mut [usize], limit: usize) -> bool {
    loop {
        let total =
            shown.iter().map(|index| widths[*index]).sum::<usize>() + GAP * shown.len().saturating_sub(1);
        if total <= limit {
            return true;
        }
        let can_shrink =
            |index: &&usize| columns[**index].shrinks_to.is_some_and(|least| widths[**index] > least);
        let Some(&widest) = shown.iter().filter(can_shrink).max_by_key(|index| widths[**index]) else {
            return false;
        };
        widths[widest] -= 1;
    }
}

fn line(columns: &[Column], cells: &[String], shown: &[usize], widths: &[usize], is_limited: bool) -> String {
    let mut line = String::new();
    for (position, &index) in shown.iter().enumerate() {
        let cell = if is_limited && columns[index].shrinks_to.is_some() {
            elided(&cells[index], widths[index])
        } else {
            cells[index].as_str().into()
        };
        line.push_str(&cell);
        if position + 1 < shown.len() {
            let padding = widths[index].saturating_sub(width(&cell)) + GAP;
            line.extend(std::iter::repeat_n(' ', padding));
        }
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::{Column, lay_out};

    const COLUMNS: [Column; 4] = [
        Column { head: "HEALTH", drop_rank: 0, shrinks_to: None },
        Column { head: "ID", drop_rank: 0, shrinks_to: None },
        Column { head: "URL", drop_rank: 1, shrinks_to: Some(10) },
        Column { head: "EXPIRES", drop_rank: 2, shrinks_to: None },
    ];

    fn rows() -> Vec<Vec<String>> {
        [["failed", "id-1", "https://a.example/webhook", "in 9d"], ["ok", "id-22", "x", ""]]
            .map(|cells| cells.map(str::to_owned).to_vec())
            .to_vec()
    }

    #[test]
    fn without_a_limit_nothing_is_lost() {
        assert_eq!(
            lay_out(&COLUMNS, &rows(), None),
            [
                "HEALTH  ID     URL                        EXPIRES",
                "failed  id-1   https://a.example/webhook  in 9d",
                "ok      id-22  x"
            ]
        );
    }

    #[test]
    fn a_narrow_table_shrinks_then_drops_but_keeps_ids() {
        assert_eq!(lay_out(&COLUMNS, &rows(), Some(40))[1], "failed  id-1   https://a.examp…  in 9d");
        assert_eq!(lay_out(&COLUMNS, &rows(), Some(30))[1], "failed  id-1   https://a.exam…");
        assert_eq!(lay_out(&COLUMNS, &rows(), Some(20))[1], "failed  id-1");
        assert_eq!(lay_out(&COLUMNS, &rows(), Some(5))[1], "failed  id-1");
    }

    #[test]
    fn one_huge_cell_widens_only_its_own_row() {
        let mut rows = rows();
        rows[0][1] = "i".repeat(10_000);
        let lines = lay_out(&COLUMNS, &rows, Some(80));
        assert!(lines[1].contains(&rows[0][1]));
        assert_eq!(lines[2], "ok      id-22  x");
        rows[0][2] = "u".repeat(10_000);
        assert!(lay_out(&COLUMNS, &rows, None)[1].contains(&rows[0][2]));
        assert!(lay_out(&COLUMNS, &rows, Some(80))[2].len() <= 80);
    }
}
