//! When a desk is open: pure questions about times, by the clocks of a place. The desk is open while those clocks show a
//! time that its hours name. An hour that they skip is no opening time, and one that they show twice is one both times.

use std::collections::HashSet;

use deskbell_protocol::http::{Holiday, OpeningHours, OpeningTime, Weekday};
use deskbell_protocol::{Refusal, Timestamp};
use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// Entries of a week, and holidays.
const WEEK_MAX: usize = 70;
const HOLIDAYS_MAX: usize = 400;
/// Largest body that tells of hours, in bytes: their entries, however they are spaced.
pub(crate) const BODY_BYTES_MAX: usize = 128 * (WEEK_MAX + HOLIDAYS_MAX);
/// Longest name of a time zone, in bytes.
const ZONE_MAX: usize = 64;
/// What changes later than this many days from now is not looked for.
const HORIZON_DAYS: i64 = 800;
const DAY_MINUTES: i16 = 24 * 60;

/// Opening hours that can be asked.
#[derive(Debug)]
pub(crate) struct Schedule {
    zone: TimeZone,
    /// By days from Monday on: from which minute of the day to before which one.
    week: [Vec<(i16, i16)>; 7],
    days: HashSet<Date>,
    /// Months and their days.
    yearly: HashSet<(i8, i8)>,
}

fn place(day: Weekday) -> usize {
    match day {
        Weekday::Monday => 0,
        Weekday::Tuesday => 1,
        Weekday::Wednesday => 2,
        Weekday::Thursday => 3,
        Weekday::Friday => 4,
        Weekday::Saturday => 5,
        Weekday::Sunday => 6,
    }
}

/// The minute of the day that `HH:MM` names. `24:00` is the day's end.
fn minute(time: &str) -> Option<i16> {
    let (hours, minutes) = time.split_once(':')?;
    let number = |digits: &str| {
        (digits.len() == 2 && digits.bytes().all(|it| it.is_ascii_digit())).then(|| digits.parse::<i16>().ok())?
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let at = hours * 60 + minutes;
    (minutes < 60 && at <= DAY_MINUTES).then_some(at)
}

/// The day that `YYYY-MM-DD` names.
fn date(text: &str) -> Option<Date> {
    let read: Date = text.parse().ok()?;
    // The library reads more spellings than this one.
    (read.to_string() == text).then_some(read)
}

fn zone(name: &str) -> Option<TimeZone> {
    if name.len() > ZONE_MAX {
        return None;
    }
    TimeZone::get(name).ok().filter(|zone| zone.iana_name().is_some_and(|name| name != "Etc/Unknown"))
}

impl Schedule {
    /// # Errors
    /// `invalid`, with the entry and its rule.
    pub(crate) fn read(hours: &OpeningHours) -> Result<Self, Refusal> {
        let OpeningHours { time_zone, week, holidays } = hours;
        let rule = "is a time zone of the IANA such as Europe/Madrid";
        let zone = zone(time_zone).ok_or_else(|| Refusal::invalid("hours.time_zone", rule))?;
        if week.len() > WEEK_MAX {
            return Err(Refusal::invalid("hours.week", &format!("has {WEEK_MAX} entries at the most")));
        }
        if holidays.len() > HOLIDAYS_MAX {
            return Err(Refusal::invalid("hours.holidays", &format!("has {HOLIDAYS_MAX} entries at the most")));
        }
        let mut schedule = Self { zone, week: Default::default(), days: HashSet::new(), yearly: HashSet::new() };
        for (entry, OpeningTime { day, from, to }) in week.iter().enumerate() {
            let from = minute(from).filter(|from| *from < DAY_MINUTES).ok_or_else(|| {
                Refusal::invalid(&format!("hours.week[{entry}].from"), "is a time from 00:00 to 23:59")
            })?;
            let to = minute(to).filter(|to| *to > from).ok_or_else(|| {
                let rule = "is a time later than from and at most 24:00";
                Refusal::invalid(&format!("hours.week[{entry}].to"), rule)
            })?;
            if let Some(stretches) = schedule.week.get_mut(place(*day)) {
                stretches.push((from, to));
            }
        }
        for (entry, Holiday { date: text, every_year }) in holidays.iter().enumerate() {
            let day = date(text).ok_or_else(|| {
                Refusal::invalid(&format!("hours.holidays[{entry}].date"), "is a day such as 2026-12-25")
            })?;
            if *every_year {
                schedule.yearly.insert((day.month(), day.day()));
            } else {
                schedule.days.insert(day);
            }
        }
        Ok(schedule)
    }

    fn stretches(&self, day: Date) -> &[(i16, i16)] {
        let place = usize::try_from(day.weekday().to_monday_zero_offset()).ok();
        place.and_then(|place| self.week.get(place)).map_or(&[], Vec::as_slice)
    }

    fn is_holiday(&self, day: Date) -> bool {
        self.days.contains(&day) || self.yearly.contains(&(day.month(), day.day()))
    }

    fn is_open_at(&self, now: jiff::Timestamp) -> bool {
        let shown: DateTime = self.zone.to_datetime(now);
        let minute = i16::from(shown.hour()) * 60 + i16::from(shown.minute());
        !self.is_holiday(shown.date())
            && self.stretches(shown.date()).iter().any(|(from, to)| (*from..*to).contains(&minute))
    }

    /// Whether the desk is open. A time that no calendar has is none.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        jiff::Timestamp::from_millisecond(now).is_ok_and(|now| self.is_open_at(now))
    }

    /// When the clocks show the ends of a day's stretches: each once, twice, or not at all.
    fn ends(&self, day: Date) -> Vec<jiff::Timestamp> {
        let minutes = self.stretches(day).iter().flat_map(|(from, to)| [*from, *to]);
        let shown = minutes.filter_map(|minute| day.at(0, 0, 0, 0).checked_add(i64::from(minute).minutes()).ok());
        shown
            .map(|shown| self.zone.to_ambiguous_timestamp(shown))
            .flat_map(|found| [found.earlier().ok(), found.later().ok()])
            .flatten()
            .collect()
    }

    /// When it is next open if it is closed now, and the other way round. `None`: not within two years.
    ///
    /// It changes only where a stretch ends or begins, or where the clocks are moved.
    pub(crate) fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        let now = jiff::Timestamp::from_millisecond(now).ok()?;
        let open = self.is_open_at(now);
        let last = now.checked_add((HORIZON_DAYS * 24).hours()).ok()?;
        let moved: Vec<jiff::Timestamp> =
            self.zone.following(now).map(|it| it.timestamp()).take_while(|at| *at <= last).collect();
        let mut day = self.zone.to_datetime(now).date();
        for _ in 0..HORIZON_DAYS {
            // Where the clocks go back at midnight, what a day ends with may come after what the next one begins with.
            let next = day.tomorrow().ok()?;
            let both_over = self.zone.to_ambiguous_timestamp(next.tomorrow().ok()?.at(0, 0, 0, 0)).later().ok()?;
            let moved = moved.iter().copied().filter(|at| *at <= both_over);
            let found = self.ends(day).into_iter().chain(self.ends(next)).chain(moved);
            let changes = found.filter(|at| *at > now && self.is_open_at(*at) != open);
            if let Some(first) = changes.min() {
                return Some(first.as_millisecond());
            }
            day = next;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const ALL: [Weekday; 7] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];

    fn hours(zone: &str, week: &[(Weekday, &str, &str)], holidays: &[(&str, bool)]) -> OpeningHours {
        let time = |(day, from, to): &(Weekday, &str, &str)| OpeningTime {
            day: *day,
            from: (*from).to_owned(),
            to: (*to).to_owned(),
        };
        let holiday = |(date, every_year): &(&str, bool)| Holiday { date: (*date).to_owned(), every_year: *every_year };
        OpeningHours {
            time_zone: zone.to_owned(),
            week: week.iter().map(time).collect(),
            holidays: holidays.iter().map(holiday).collect(),
        }
    }

    fn daily(zone: &str, times: &[(&str, &str)]) -> Schedule {
        let week: Vec<_> = ALL.iter().flat_map(|day| times.iter().map(|(from, to)| (*day, *from, *to))).collect();
        Schedule::read(&hours(zone, &week, &[])).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
    }

    fn told(schedule: &Schedule, now: &str) -> (bool, Option<String>) {
        let next = schedule.next_change(at(now));
        let next = next.map(|at| jiff::Timestamp::from_millisecond(at).unwrap().to_string());
        (schedule.is_open(at(now)), next)
    }

    fn next(at: &str) -> Option<String> {
        Some(at.to_owned())
    }

    #[test]
    fn od_38_the_desk_is_open_in_its_hours_by_the_clocks_of_its_place_and_not_on_holidays() {
        use Weekday::{Friday, Monday};
        let week = [(Monday, "09:00", "12:30"), (Monday, "14:00", "18:00"), (Friday, "20:00", "24:00")];
        let schedule = Schedule::read(&hours("Europe/Madrid", &week, &[("2026-11-30", false), ("2020-12-25", true)]));
        let schedule = schedule.unwrap();
        // Monday the 23rd, in winter an hour before the world's clock.
        assert_eq!(told(&schedule, "2026-11-23T07:59:59.999Z"), (false, next("2026-11-23T08:00:00Z")));
        assert_eq!(told(&schedule, "2026-11-23T08:00:00Z"), (true, next("2026-11-23T11:30:00Z")));
        assert_eq!(told(&schedule, "2026-11-23T11:30:00Z"), (false, next("2026-11-23T13:00:00Z")));
        // In summer it is two hours.
        assert_eq!(told(&schedule, "2026-07-06T06:59:00Z"), (false, next("2026-07-06T07:00:00Z")));
        // The next Monday is a holiday, once, and Christmas is a Friday.
        assert_eq!(told(&schedule, "2026-11-28T12:00:00Z"), (false, next("2026-12-04T19:00:00Z")));
        assert_eq!(told(&schedule, "2026-12-21T18:00:00Z"), (false, next("2026-12-28T08:00:00Z")));
    }

    #[test]
    fn od_38_an_hour_that_clocks_skip_is_none_and_one_that_they_show_twice_is_one_both_times() {
        // Madrid's clocks go from 2 to 3 on 29 March 2026, and from 3 to 2 on 25 October.
        let night = daily("Europe/Madrid", &[("02:30", "04:00")]);
        assert_eq!(
            told(&night, "2026-03-29T00:59:59Z"),
            (false, next("2026-03-29T01:00:00Z")),
            "from half past two on"
        );
        assert_eq!(told(&night, "2026-03-29T01:00:00Z"), (true, next("2026-03-29T02:00:00Z")));
        let skipped = daily("Europe/Madrid", &[("02:10", "02:50")]);
        assert_eq!(told(&skipped, "2026-03-28T12:00:00Z"), (false, next("2026-03-30T00:10:00Z")), "not that day");
        let twice = daily("Europe/Madrid", &[("02:10", "02:50")]);
        assert_eq!(told(&twice, "2026-10-25T00:20:00Z"), (true, next("2026-10-25T00:50:00Z")));
        assert_eq!(told(&twice, "2026-10-25T00:50:00Z"), (false, next("2026-10-25T01:10:00Z")), "and again");
        assert_eq!(told(&twice, "2026-10-25T01:10:00Z"), (true, next("2026-10-25T01:50:00Z")));
        let late = daily("Europe/Madrid", &[("00:00", "02:30")]);
        assert_eq!(told(&late, "2026-10-25T00:29:00Z"), (true, next("2026-10-25T00:30:00Z")));
        assert_eq!(told(&late, "2026-10-25T00:30:00Z"), (false, next("2026-10-25T01:00:00Z")), "the clocks go back");
    }

    #[test]
    fn od_38_the_next_change_is_the_minute_in_which_it_is_different() {
        // Half an hour's change; a change at midnight; a day that never was.
        for (zone, from) in [
            ("Australia/Lord_Howe", "2026-04-03T00:00:00Z"),
            ("America/Havana", "2026-10-30T00:00:00Z"),
            ("Africa/Cairo", "2026-10-28T00:00:00Z"),
            ("Pacific/Apia", "2011-12-28T00:00:00Z"),
            ("America/New_York", "2026-03-07T00:00:00Z"),
        ] {
            for times in [
                &[("00:00", "00:15"), ("01:45", "02:20"), ("23:40", "24:00")][..],
                &[("00:00", "24:00")],
                &[("23:15", "23:45"), ("23:30", "24:00")],
            ] {
                let schedule = daily(zone, times);
                let mut expected = None;
                // From the end, every minute of five days.
                for minute in (0..5 * i64::from(DAY_MINUTES)).rev() {
                    let now = at(from) + minute * 60_000;
                    if schedule.is_open(now) != schedule.is_open(now + 60_000) {
                        expected = Some(now + 60_000);
                    }
                    if expected.is_some() {
                        assert_eq!(schedule.next_change(now), expected, "{zone} {times:?} at minute {minute}");
                    }
                }
            }
        }
    }

    #[test]
    fn od_38_a_desk_that_never_opens_or_never_closes_has_no_next_change() {
        assert_eq!(told(&daily("UTC", &[]), "2026-11-23T07:00:00Z"), (false, None));
        assert_eq!(
            told(&daily("UTC", &[("00:00", "12:00"), ("12:00", "24:00")]), "2026-11-23T07:00:00Z"),
            (true, None)
        );
        let once = [(Weekday::Monday, "09:00", "12:00")];
        let all: Vec<String> = (0..HOLIDAYS_MAX)
            .map(|week| {
                "2026-11-23".parse::<Date>().unwrap().checked_add((7 * week as i64).days()).unwrap().to_string()
            })
            .collect();
        let holidays: Vec<(&str, bool)> = all.iter().map(|day| (day.as_str(), false)).collect();
        assert_eq!(
            told(&Schedule::read(&hours("UTC", &once, &holidays)).unwrap(), "2026-11-21T07:00:00Z"),
            (false, None)
        );
        assert!(!daily("UTC", &[("00:00", "24:00")]).is_open(i64::MAX));
    }

    #[test]
    fn od_38_what_is_no_time_zone_no_time_and_no_day_is_refused_by_its_place_and_its_rule() {
        let monday = |from, to| [(Weekday::Monday, from, to)];
        let refused = |hours: &OpeningHours| Schedule::read(hours).unwrap_err().field.unwrap();
        let long = format!("Europe/{}", "x".repeat(100));
        for zone in ["", "Madrid", "Etc/Unknown", "../../etc/passwd", &long] {
            assert_eq!(refused(&hours(zone, &[], &[])), "hours.time_zone", "{zone}");
        }
        for from in ["", "9:00", "24:00", "12:60", "-1:00", "+1:00", "０９:00", "09:00:00"] {
            assert_eq!(refused(&hours("UTC", &monday(from, "24:00"), &[])), "hours.week[0].from", "{from}");
        }
        for to in ["09:00", "08:59", "24:01", "99:99"] {
            assert_eq!(refused(&hours("UTC", &monday("09:00", to), &[])), "hours.week[0].to", "{to}");
        }
        for day in ["", "2026-02-29", "26-01-01", "20260101", "2026-1-1", "2026-01-01T00:00"] {
            assert_eq!(refused(&hours("UTC", &[], &[("2026-01-01", true), (day, true)])), "hours.holidays[1].date");
        }
        let many = vec![(Weekday::Monday, "09:00", "12:00"); WEEK_MAX + 1];
        assert_eq!(refused(&hours("UTC", &many, &[])), "hours.week");
        let many = vec![("2026-01-01", false); HOLIDAYS_MAX + 1];
        assert_eq!(refused(&hours("UTC", &[], &many)), "hours.holidays");
    }
}
