//! Decimal fractions as text, from whole numbers: seconds from milliseconds, for example.

/// A number of thousandths as a decimal fraction, without zeros at its end.
///
/// ```
/// use evergraph::decimal::thousandths;
///
/// assert_eq!([0, 1, 250, 1_000, 41_200].map(thousandths), ["0", "0.001", "0.25", "1", "41.2"]);
/// ```
pub fn thousandths(number: u64) -> String {
    let mut text = format!("{}.{:03}", number / 1_000, number % 1_000);
    text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    text
}
