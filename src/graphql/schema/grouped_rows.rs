//! Rows in groups, in one allocation: the fields of each type, the possible types of each
//! interface.

/// Rows in groups that are numbered from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GroupedRows<T> {
    rows: Vec<T>,
    /// The end of each group, which is the beginning of the next.
    ends: Vec<u32>,
}

impl<T> GroupedRows<T> {
    pub fn new() -> Self {
        Self { rows: Vec::new(), ends: Vec::new() }
    }

    /// Adds a row to the current group.
    pub fn push(&mut self, row: T) {
        self.rows.push(row);
    }

    /// Ends the current group and begins the next.
    pub fn close(&mut self) {
        // The limits on schemas are far below `u32::MAX`.
        self.ends.push(u32::try_from(self.rows.len()).unwrap_or(u32::MAX));
    }

    /// The rows of a group. Empty if there is no such group.
    pub fn get(&self, group: usize) -> &[T] {
        let end_of = |at: usize| self.ends.get(at).and_then(|end| usize::try_from(*end).ok());
        let start = group.checked_sub(1).map_or(Some(0), end_of);
        let range = start.zip(end_of(group)).map(|(start, end)| start..end);
        range.and_then(|range| self.rows.get(range)).unwrap_or_default()
    }

    /// The total number of rows.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Frees unused capacity, because a schema stays in memory for long.
    pub fn shrink(&mut self) {
        self.rows.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_has_its_rows() {
        let mut groups = GroupedRows::new();
        for group in [&[1, 2][..], &[], &[3]] {
            group.iter().for_each(|row| groups.push(*row));
            groups.close();
        }
        assert_eq!((groups.get(0), groups.get(1), groups.get(2)), (&[1, 2][..], &[][..], &[3][..]));
        assert!(groups.get(3).is_empty() && groups.get(usize::MAX).is_empty());
        assert_eq!(groups.rows(), 3);
    }
}
