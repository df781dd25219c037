//! Stretches of time: joined, cut and taken from one another. Pure.

use chrono::{DateTime, Utc};

/// The moments after `from`, up to and with `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Not a part of it.
    pub from: DateTime<Utc>,
    /// The last moment of it; `None` if it has no end.
    pub to: Option<DateTime<Utc>>,
}

impl Window {
    /// Whether `moment` lies in it.
    #[must_use]
    pub fn contains(&self, moment: DateTime<Utc>) -> bool {
        moment > self.from && self.to.is_none_or(|to| moment <= to)
    }

    /// Whether there is a moment in both.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        let from = self.from.max(other.from);
        [self.to, other.to].into_iter().flatten().all(|to| to > from)
    }

    fn is_empty(&self) -> bool {
        self.to.is_some_and(|to| to <= self.from)
    }
}

/// Whether `moment` lies in one of `windows`.
#[must_use]
pub fn contain(windows: &[Window], moment: DateTime<Utc>) -> bool {
    windows.iter().any(|window| window.contains(moment))
}

/// The same moments in order, without overlaps.
#[must_use]
pub fn merged(mut windows: Vec<Window>) -> Vec<Window> {
    windows.retain(|window| !window.is_empty());
    windows.sort_by_key(|window| window.from);
    let mut merged: Vec<Window> = Vec::new();
    for window in windows {
        match merged.last_mut() {
            Some(Window { to: None, .. }) => {}
            Some(Window { to: Some(to), .. }) if window.from <= *to => match window.to {
                Some(end) => *to = end.max(*to),
                None => merged.last_mut().into_iter().for_each(|last| last.to = None),
            },
            _ => merged.push(window),
        }
    }
    merged
}

/// The moments of `windows` that are in none of `taken`, in order.
#[must_use]
pub fn without(windows: Vec<Window>, taken: &[Window]) -> Vec<Window> {
    let mut left = merged(windows);
    for taken in taken.iter().filter(|taken| !taken.is_empty()) {
        let pieces = left.into_iter().flat_map(|window| {
            let before = Window { to: Some(window.to.map_or(taken.from, |to| to.min(taken.from))), ..window };
            let after = taken.to.map(|end| Window { from: window.from.max(end), to: window.to });
            [Some(before), after]
        });
        left = pieces.flatten().filter(|piece| !piece.is_empty()).collect();
    }
    left
}

/// `windows` with `start` for the beginning of the first; what ended before it is left out. If nothing is left, everything
/// after `start`.
#[must_use]
pub fn since(windows: Vec<Window>, start: DateTime<Utc>) -> Vec<Window> {
    let mut left = merged(windows);
    left.retain(|window| window.to.is_none_or(|to| to > start));
    match left.first_mut() {
        Some(first) => first.from = start,
        None => left.push(Window { from: start, to: None }),
    }
    left
}

/// `windows` up to and with `end`.
#[must_use]
pub fn until(windows: Vec<Window>, end: DateTime<Utc>) -> Vec<Window> {
    let cut = |window: Window| Window { to: Some(window.to.map_or(end, |to| to.min(end))), ..window };
    windows.into_iter().map(cut).filter(|window| !window.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn windows(bounds: &[(i64, Option<i64>)]) -> Vec<Window> {
        bounds.iter().map(|(from, to)| Window { from: at(*from), to: to.map(at) }).collect()
    }

    #[test]
    fn the_end_belongs_to_it_and_the_beginning_does_not() {
        let window = windows(&[(1, Some(3))])[0];
        assert_eq!([1, 2, 3, 4].map(|second| window.contains(at(second))), [false, true, true, false]);
    }

    #[test]
    fn a_start_takes_the_place_of_the_first_that_reaches_it() {
        let gaps = windows(&[(1, Some(3)), (5, Some(8)), (20, None)]);
        assert_eq!(since(gaps.clone(), at(4)), windows(&[(4, Some(8)), (20, None)]));
        assert_eq!(since(gaps.clone(), at(0)), windows(&[(0, Some(3)), (5, Some(8)), (20, None)]));
        assert_eq!(since(gaps[..2].to_vec(), at(8)), windows(&[(8, None)]));
        assert_eq!(since(Vec::new(), at(8)), windows(&[(8, None)]));
    }

    fn any_windows() -> impl Strategy<Value = Vec<Window>> {
        let bounds = prop::collection::vec((0_i64..30, prop::option::of(0_i64..30)), 0..6);
        bounds.prop_map(|bounds| windows(&bounds))
    }

    proptest! {
        #[test]
        fn a_moment_is_where_the_words_say(
            all in any_windows(), taken in any_windows(), second in -1_i64..32, end in 0_i64..30,
        ) {
            let moment = at(second);
            let was_in = contain(&all, moment);
            let joined = merged(all.clone());
            prop_assert_eq!(contain(&joined, moment), was_in);
            prop_assert!(joined.windows(2).all(|pair| pair[0].to.is_some_and(|to| to < pair[1].from)));
            let left = without(all.clone(), &taken);
            prop_assert_eq!(contain(&left, moment), was_in && !contain(&taken, moment));
            prop_assert_eq!(contain(&until(all.clone(), at(end)), moment), was_in && moment <= at(end));
            let meets = |one: &Window| taken.iter().any(|other| one.meets(other));
            let shared = (-1_i64..=32).map(at).any(|moment| contain(&all, moment) && contain(&taken, moment));
            prop_assert_eq!(all.iter().any(meets), shared);
        }
    }
}
