//! One line of the report.

use serde::Serialize;

/// Which way is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Better {
    Lower,
}

/// A measurement of ours beside that of a baseline. The ratio is the median of the pairs' ratios.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Row {
    name: String,
    unit: &'static str,
    ours: f64,
    baseline: f64,
    ratio: f64,
    better: Better,
    goal: f64,
    met: bool,
}

impl Row {
    /// From pairs of (ours, baseline), measured one after the other; less is better, `goal` is the largest good ratio.
    pub(crate) fn lower(name: &str, unit: &'static str, pairs: &[(f64, f64)], goal: f64) -> Self {
        let of = |value: fn(&(f64, f64)) -> f64| median(pairs.iter().map(value).collect());
        let ratio = of(|(ours, baseline)| ours / baseline);
        Self {
            name: name.to_owned(),
            unit,
            ours: of(|(ours, _)| *ours),
            baseline: of(|(_, baseline)| *baseline),
            ratio,
            better: Better::Lower,
            goal,
            met: ratio <= goal,
        }
    }
}

/// The middle one; of an even number the larger of the two.
fn median(mut values: Vec<f64>) -> f64 {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_that_of_pairs_and_not_of_medians() {
        let row = Row::lower("a", "ms", &[(1.0, 1.0), (4.0, 2.0), (9.0, 3.0)], 2.0);
        assert_eq!((row.ours, row.baseline, row.ratio, row.met), (4.0, 2.0, 2.0, true));
        assert!(!Row::lower("a", "ms", &[(2.1, 1.0)], 2.0).met);
    }

    #[test]
    fn quantiles_lie_where_they_should() {
        let values: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!((quantile(&values, 0.5), quantile(&values, 0.99), quantile(&values, 1.0)), (50.0, 99.0, 100.0));
        assert_eq!(quantile(&[7.0], 0.99), 7.0);
    }
}
