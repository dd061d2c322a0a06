//! One spelling for equal numbers.

use std::borrow::Cow;

/// How many zeros are written for an exponent, at most.
const MOST_ZEROS: usize = 40;

/// A JSON number (RFC 8259 §6) as a plain decimal: `42` for `42.0` and `4.2e1`, `0.5` for `5E-1`. Equal numbers have
/// equal texts. `None` if that would take many zeros, as for `1e100`.
pub fn plain_decimal(number: &str) -> Option<Cow<'_, str>> {
    if number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Cow::Borrowed(number));
    }
    let (sign, rest) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: isize = exponent.parse().ok().filter(|shift: &isize| shift.abs() <= 10_000)?;
    let digits = [whole, fraction].concat();
    let significant = digits.trim_start_matches('0');
    // Where the decimal point is, counted from the first significant digit.
    let leading = digits.len() - significant.len();
    let point = whole.len() as isize - leading as isize + exponent;
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        return Some(Cow::Borrowed("0"));
    }
    let zeros = |count: usize| (count <= MOST_ZEROS).then(|| "0".repeat(count));
    let plain = match usize::try_from(point) {
        Ok(point) if point >= significant.len() => {
            [sign, significant, &zeros(point - significant.len())?].concat()
        }
        Ok(point) if point > 0 => {
            let (whole, fraction) = significant.split_at_checked(point)?;
            [sign, whole, ".", fraction].concat()
        }
        _ => [sign, "0.", &zeros(point.unsigned_abs())?, significant].concat(),
    };
    Some(Cow::Owned(plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_numbers_have_equal_texts() {
        for (number, expected) in [
            ("42", "42"),
            ("42.0", "42"),
            ("4.2e1", "42"),
            ("42E0", "42"),
            ("420e-1", "42"),
            ("0.42E+2", "42"),
            ("-42.00", "-42"),
            ("0", "0"),
            ("-0", "0"),
            ("0.000e7", "0"),
            ("5E-1", "0.5"),
            ("0.050", "0.05"),
            ("1200", "1200"),
            ("1.2e3", "1200"),
            ("12.50", "12.5"),
            ("9007199254740993", "9007199254740993"),
            ("9007199254740993.0", "9007199254740993"),
        ] {
            assert_eq!(plain_decimal(number).as_deref(), Some(expected), "{number}");
        }
        for number in ["1e100", "1e-100", "1e99999", "1e999999999999999999999"] {
            assert_eq!(plain_decimal(number), None, "{number}");
        }
    }

    proptest! {
        #[test]
        fn moving_the_point_and_adding_zeros_change_nothing(
            digits in 0_u64.., places in 0_usize..30, zeros in 0_usize..10, is_negative: bool
        ) {
            let sign = if is_negative { "-" } else { "" };
            let expected = plain_decimal(&format!("{sign}{digits}")).unwrap().into_owned();
            let padded = format!("{digits:0>width$}", width = places + 1);
            let (whole, fraction) = padded.split_at(padded.len() - places);
            let trimmed = whole.trim_start_matches('0');
            let whole = if trimmed.is_empty() { "0" } else { trimmed };
            let zeros = "0".repeat(zeros);
            let moved = format!("{sign}{whole}.{fraction}{zeros}0E+{places}");
            prop_assert_eq!(plain_decimal(&moved).unwrap(), expected, "{}", moved);
        }
    }
}
