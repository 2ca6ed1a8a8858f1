//! One line of the report.

use serde::Serialize;

/// Which way is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Better {
    Lower,
    Higher,
}

/// A measurement of ours beside that of a baseline. The ratio is the median of the pairs' ratios. Without a baseline
/// it is held against the goal alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Row {
    name: String,
    unit: &'static str,
    ours: f64,
    baseline: Option<f64>,
    ratio: Option<f64>,
    better: Better,
    /// Of the ratio, or without a baseline of ours; `None`: it is only told.
    goal: Option<f64>,
    met: Option<bool>,
    /// Ours without encryption.
    unencrypted: Option<f64>,
}

impl Row {
    /// From pairs of (ours, baseline), measured one after the other; less is better, `goal` is the largest good ratio.
    pub(crate) fn lower(name: &str, unit: &'static str, pairs: &[(f64, f64)], goal: f64) -> Self {
        Self::of_pairs(name, unit, pairs, Better::Lower, goal)
    }

    /// From pairs of (ours, baseline); more is better, `goal` is the smallest good ratio.
    pub(crate) fn higher(name: &str, unit: &'static str, pairs: &[(f64, f64)], goal: f64) -> Self {
        Self::of_pairs(name, unit, pairs, Better::Higher, goal)
    }

    /// Ours alone; less is better, `goal` is the most that is good.
    pub(crate) fn within(name: &str, unit: &'static str, ours: f64, goal: f64) -> Self {
        Self { goal: Some(goal), met: Some(ours <= goal), ..Self::told(name, unit, ours) }
    }

    /// Ours alone; more is better, `goal` is the least that is good.
    pub(crate) fn at_least(name: &str, unit: &'static str, ours: f64, goal: f64) -> Self {
        let better = Better::Higher;
        Self { better, goal: Some(goal), met: Some(ours >= goal), ..Self::told(name, unit, ours) }
    }

    /// Without a goal.
    pub(crate) fn told(name: &str, unit: &'static str, ours: f64) -> Self {
        Self {
            name: name.to_owned(),
            unit,
            ours,
            baseline: None,
            ratio: None,
            better: Better::Lower,
            goal: None,
            met: None,
            unencrypted: None,
        }
    }

    /// With the same on an unencrypted database.
    pub(crate) fn unencrypted(mut self, ours: f64) -> Self {
        self.unencrypted = Some(ours);
        self
    }

    fn of_pairs(name: &str, unit: &'static str, pairs: &[(f64, f64)], better: Better, goal: f64) -> Self {
        let of = |value: fn(&(f64, f64)) -> f64| median(pairs.iter().map(value).collect());
        let ratio = of(|(ours, baseline)| ours / baseline);
        let met = if better == Better::Lower { ratio <= goal } else { ratio >= goal };
        Self {
            baseline: Some(of(|(_, baseline)| *baseline)),
            ratio: Some(ratio),
            better,
            goal: Some(goal),
            met: Some(met),
            ..Self::told(name, unit, of(|(ours, _)| *ours))
        }
    }
}

/// The middle one; of an even number the larger of the two.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The value below which a share of all values lies, e.g. 0.99.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let index = (last as f64 * share).round() as usize;
    sorted[index.min(last)]
}

/// The values in their order, for [`quantile`].
pub(crate) fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_that_of_pairs_and_not_of_medians() {
        let row = Row::lower("a", "ms", &[(1.0, 1.0), (4.0, 2.0), (9.0, 3.0)], 2.0);
        assert_eq!((row.ours, row.baseline, row.ratio, row.met), (4.0, Some(2.0), Some(2.0), Some(true)));
        assert_eq!(Row::lower("a", "ms", &[(2.1, 1.0)], 2.0).met, Some(false));
        assert_eq!(Row::higher("a", "1/s", &[(2.1, 1.0)], 2.0).met, Some(true));
        assert_eq!(Row::within("a", "ms", 2.1, 2.0).met, Some(false));
    }

    #[test]
    fn quantiles_lie_where_they_should() {
        let values: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!((quantile(&values, 0.5), quantile(&values, 0.99), quantile(&values, 1.0)), (50.0, 99.0, 100.0));
        assert_eq!(quantile(&[7.0], 0.99), 7.0);
    }
}
