use super::*;

const WINDOWS: FreshnessWindows =
    FreshnessWindows { ttl: Ttl::MAX, swr: Ttl::ZERO, sie: Ttl::ZERO };
const ORIGIN: LifetimeRule =
    LifetimeRule::Origin(OriginRule { heuristic: false, swr: None, sie: None, most: None });
/// Sun, 06 Nov 1994 08:49:37 GMT
const NOW: Timestamp = Timestamp::from_millis(784_111_777_000);
const AT: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");

fn read(rule: LifetimeRule, status: u16, fields: &[(&str, &str)]) -> Result<Lifetime, NotStored> {
    let headers: Headers = fields.iter().copied().collect();
    lifetime(rule, ReceivedHead { status, headers: &headers, asked_at: NOW, at: NOW })
}

/// The ttl and the age.
fn lives(rule: LifetimeRule, fields: &[(&str, &str)]) -> Result<(u64, u64), NotStored> {
    read(rule, 200, fields).map(|life| (life.windows.ttl.as_seconds(), life.initial_age))
}

#[test]
fn section_4_2_1_the_origin_alone_decides_where_no_type_gives_a_ttl() {
    let max_age = ("cache-control", "max-age=60");
    assert_eq!(lives(ORIGIN, &[]), Err(NotStored::NoFreshness));
    assert_eq!(lives(ORIGIN, &[max_age]), Ok((60, 0)));
    assert_eq!(lives(ORIGIN, &[max_age, ("age", "60")]), Err(NotStored::NoFreshness));
    let no_cache = ("cache-control", "max-age=60, no-cache");
    assert_eq!(lives(ORIGIN, &[no_cache]), Err(NotStored::NoFreshness));
}

#[test]
fn section_4_3_what_can_be_validated_is_kept_though_it_is_not_fresh() {
    for fields in [
        vec![("etag", "\"a\"")],
        vec![("cache-control", "no-cache"), ("etag", "\"a\"")],
        vec![("cache-control", "max-age=0"), ("last-modified", AT.1)],
    ] {
        let life = read(ORIGIN, 200, &fields).unwrap();
        assert!(life.windows.ttl.is_zero() && !life.kept.is_zero(), "{fields:?}");
    }
    let graphql = LifetimeRule::AtMost(FreshnessWindows { ttl: Ttl::from_seconds(300), ..WINDOWS });
    let never = [("cache-control", "max-age=0"), ("etag", "\"a\"")];
    assert_eq!(lives(graphql, &never), Err(NotStored::NoFreshness));
}

#[test]
fn section_5_3_expires_counts_from_the_date() {
    let expires = ("expires", "Sun, 06 Nov 1994 08:50:37 GMT");
    let date = ("date", "Sun, 06 Nov 1994 08:50:07 GMT");
    assert_eq!(lives(ORIGIN, &[expires]), Ok((60, 0)));
    assert_eq!(lives(ORIGIN, &[expires, date]), Ok((30, 0)));
    assert_eq!(lives(ORIGIN, &[expires, ("date", "foo")]), Ok((60, 0)));
    assert_eq!(lives(ORIGIN, &[expires, expires]), Err(NotStored::NoFreshness));
    assert_eq!(lives(ORIGIN, &[("expires", "0")]), Err(NotStored::NoFreshness));
    assert_eq!(lives(ORIGIN, &[expires, ("cache-control", "max-age=5")]), Ok((5, 0)));
    let targeted = [expires, ("cdn-cache-control", "must-revalidate")];
    assert_eq!(lives(ORIGIN, &targeted), Err(NotStored::NoFreshness));
}

#[test]
fn section_4_2_3_the_age_is_the_larger_of_what_is_said_and_what_the_date_shows() {
    let max_age = ("cache-control", "max-age=600");
    let earlier = ("date", "Sun, 06 Nov 1994 08:48:37 GMT");
    let later = ("date", "Sun, 06 Nov 1994 09:48:37 GMT");
    assert_eq!(lives(ORIGIN, &[max_age, earlier]), Ok((600, 60)));
    assert_eq!(lives(ORIGIN, &[max_age, earlier, ("age", "90")]), Ok((600, 90)));
    assert_eq!(lives(ORIGIN, &[max_age, later, ("age", "7")]), Ok((600, 7)));
    let headers: Headers = [max_age, ("age", "7")].into_iter().collect();
    let asked_at = Timestamp::from_millis(NOW.as_millis() - 5_000);
    let slow = ReceivedHead { status: 200, headers: &headers, asked_at, at: NOW };
    assert_eq!(lifetime(ORIGIN, slow).unwrap().initial_age, 12);
}

#[test]
fn section_5_1_of_several_ages_the_first_counts_and_what_is_no_number_does_not() {
    for (value, expected) in [
        ("7, 0", Some(7)),
        ("0, 7", Some(0)),
        ("abc", None),
        ("-7", None),
        ("7.0", None),
        ("7;a=1", None),
        ("", None),
        ("2147483649", Some(1 << 31)),
        ("99999999999999999999999", Some(1 << 31)),
    ] {
        assert_eq!(age_of(value), expected, "{value}");
    }
}

#[test]
fn section_4_2_2_a_lifetime_is_guessed_where_that_is_wanted() {
    let guess = LifetimeRule::Origin(OriginRule { heuristic: true, ..OriginRule::default() });
    let modified = ("last-modified", "Sun, 06 Nov 1994 08:32:57 GMT");
    let guessed = |status, fields: &[(&str, &str)]| {
        let fields: Vec<_> = [&[AT, modified], fields].concat();
        read(guess, status, &fields).map(|life| life.windows.ttl.as_seconds())
    };
    assert_eq!(guessed(200, &[]), Ok(100));
    assert_eq!(guessed(404, &[]), Ok(100));
    assert_eq!(guessed(403, &[]), Err(NotStored::NoFreshness));
    assert_eq!(guessed(599, &[("cache-control", "public")]), Ok(100));
    assert_eq!(guessed(200, &[("cache-control", "max-age=5")]), Ok(5));
    let long_ago = [AT, ("last-modified", "Sun, 06 Nov 1974 08:32:57 GMT")];
    assert_eq!(lives(guess, &long_ago), Ok((GUESSED_SECONDS, 0)));
    assert_eq!(lives(ORIGIN, &[AT, modified]), Ok((0, 0)));
}

#[test]
fn section_4_2_4_what_must_be_revalidated_has_no_stale_windows() {
    let windows = "stale-while-revalidate=5, stale-if-error=7";
    let stale = |rule, more: &str| {
        let value = format!("max-age=9, {windows}{more}");
        let life = read(rule, 200, &[("cache-control", &value)]).unwrap();
        (life.windows.swr.as_seconds(), life.windows.sie.as_seconds(), life.must_revalidate)
    };
    assert_eq!(stale(ORIGIN, ""), (5, 7, false));
    for directive in ["must-revalidate", "proxy-revalidate", "s-maxage=9"] {
        assert_eq!(stale(ORIGIN, &format!(", {directive}")), (0, 0, true), "{directive}");
    }
    let by = OriginRule { sie: Some(Ttl::from_seconds(60)), ..OriginRule::default() };
    assert_eq!(stale(LifetimeRule::Origin(by), ""), (5, 60, false));
    assert_eq!(stale(LifetimeRule::Origin(by), ", must-revalidate"), (0, 0, true));
    let most = OriginRule { swr: Some(Ttl::from_seconds(3)), most: Some(Ttl::MAX), ..by };
    assert_eq!(stale(LifetimeRule::Origin(most), ""), (3, 7, false));
    assert_eq!(stale(LifetimeRule::Configured(WINDOWS), ", must-revalidate"), (0, 0, false));
}

#[test]
fn an_error_does_not_stand_in_for_another_one() {
    let value = ("cache-control", "max-age=9, stale-if-error=7, stale-while-revalidate=5");
    let life = read(ORIGIN, 503, &[value, ("etag", "\"a\"")]).unwrap();
    assert_eq!(
        life.windows,
        FreshnessWindows {
            ttl: Ttl::from_seconds(9),
            ..FreshnessWindows { swr: Ttl::ZERO, sie: Ttl::ZERO, ttl: Ttl::ZERO }
        }
    );
    assert!(life.kept.is_zero());
    let by = OriginRule { sie: Some(Ttl::from_seconds(60)), ..OriginRule::default() };
    let only_validator = read(LifetimeRule::Origin(by), 503, &[("etag", "\"a\"")]);
    assert_eq!(only_validator, Err(NotStored::NoFreshness));
}

#[test]
fn a_configured_lifetime_counts_from_now_on() {
    let configured =
        LifetimeRule::Configured(FreshnessWindows { ttl: Ttl::from_seconds(60), ..WINDOWS });
    assert_eq!(lives(configured, &[("cache-control", "max-age=0")]), Ok((60, 0)));
    assert_eq!(lives(configured, &[("age", "100")]), Ok((160, 100)));
    let most = LifetimeRule::Origin(OriginRule {
        most: Some(Ttl::from_seconds(60)),
        ..OriginRule::default()
    });
    assert_eq!(lives(most, &[("cache-control", "max-age=900"), ("age", "9")]), Ok((69, 9)));
    assert_eq!(lives(most, &[("cache-control", "max-age=30")]), Ok((30, 0)));
}

#[test]
fn the_origin_can_only_shorten_that_of_graphql() {
    let configured =
        LifetimeRule::AtMost(FreshnessWindows { ttl: Ttl::from_seconds(300), ..WINDOWS });
    let lives = |fields: &[(&str, &str)]| lives(configured, fields);
    assert_eq!(lives(&[("cache-control", "max-age=60")]), Ok((60, 0)));
    assert_eq!(lives(&[("cache-control", "max-age=600")]), Ok((300, 0)));
    assert_eq!(lives(&[("cache-control", "max-age=600"), ("age", "598")]), Ok((600, 598)));
    assert_eq!(lives(&[("cache-control", "max-age=0")]), Err(NotStored::NoFreshness));
    assert_eq!(lives(&[("cache-control", "no-cache")]), Err(NotStored::NoFreshness));
}
