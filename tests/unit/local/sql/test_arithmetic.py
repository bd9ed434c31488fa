"""Arithmetic of random values against Python's decimal and datetime under Trino's published rules."""

from __future__ import annotations

import calendar
import math
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

from hypothesis import given
from hypothesis import strategies as st

EXACT = Context(prec=200)
WIDTHS = {"tinyint": 7, "smallint": 15, "integer": 31, "bigint": 63}


@st.composite
def decimals(draw):
    """A decimal's digits, precision and scale."""
    precision = draw(st.integers(1, 38))
    scale = draw(st.integers(0, precision))
    digits = draw(st.integers(-(10**precision) + 1, 10**precision - 1))
    return Decimal(digits).scaleb(-scale, EXACT), precision, scale


def spelled(value):
    number, precision, scale = value
    return f"cast('{number:f}' as decimal({precision},{scale}))"


def fitting(value, precision, scale):
    """The text of an exact result, or the code of its overflow."""
    with localcontext(EXACT):
        rounded = value.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
        return "!NUMERIC_VALUE_OUT_OF_RANGE" if abs(rounded) >= Decimal(10) ** (precision - scale) else f"{rounded:f}"


def unsigned(text):
    return text.lstrip("-") if not text.strip("-0.") else text


def same(told, expected):
    return unsigned(told) == unsigned(expected)


@given(decimals(), decimals(), st.sampled_from("+-"))
def test_sums_of_decimals(athena, left, right, sign):
    (a, p, s), (b, q, t) = left, right
    scale = max(s, t)
    precision = min(38, max(p - s, q - t) + scale + 1)
    told = athena.told(f"select {spelled(left)} {sign} {spelled(right)}")
    with localcontext(EXACT):
        expected = fitting(a + b if sign == "+" else a - b, precision, scale)
        operands_fit = all(abs(x) < Decimal(10) ** (precision - scale) for x in (a, b))
    assert same(told, expected) or (not operands_fit and told == "!NUMERIC_VALUE_OUT_OF_RANGE")


@given(decimals(), decimals())
def test_products_of_decimals(athena, left, right):
    (a, p, s), (b, q, t) = left, right
    told = athena.told(f"select {spelled(left)} * {spelled(right)}")
    if s + t > 38:
        assert told == "!INVALID_FUNCTION_ARGUMENT"
    else:
        with localcontext(EXACT):
            assert same(told, fitting(a * b, min(38, p + q), s + t))


@given(decimals(), decimals())
def test_quotients_of_decimals(athena, left, right):
    (a, p, s), (b, _, t) = left, right
    told = athena.told(f"select {spelled(left)} / {spelled(right)}")
    if not b:
        assert told == "!DIVISION_BY_ZERO"
        return
    scale = max(s, t)
    with localcontext(EXACT):
        assert same(told, fitting(a / b, min(38, p + t + max(0, t - s)), scale))


@given(decimals(), decimals())
def test_remainders_of_decimals(athena, left, right):
    (a, p, s), (b, q, t) = left, right
    told = athena.told(f"select {spelled(left)} % {spelled(right)}")
    if not b:
        assert told == "!DIVISION_BY_ZERO"
        return
    with localcontext(EXACT):
        assert same(told, fitting(a % b, min(p - s, q - t) + max(s, t), max(s, t)))


@given(decimals(), st.integers(0, 20))
def test_casts_of_decimals_round_half_up(athena, value, scale):
    told = athena.told(f"select cast({spelled(value)} as decimal(38,{scale}))")
    expected = fitting(value[0], 38, scale)
    assert same(told, expected.replace("NUMERIC_VALUE_OUT_OF_RANGE", "INVALID_CAST_ARGUMENT"))


@given(st.floats(-1e15, 1e15), st.integers(0, 15))
def test_doubles_become_decimals_by_their_shortest_text(athena, value, scale):
    told = athena.told(
        f"select cast({value!r}e0 as decimal(38,{scale}))"
        if "e" not in repr(value)
        else f"select cast({value!r} as decimal(38,{scale}))"
    )
    assert same(told, fitting(Decimal(repr(value)), 38, scale))


@given(st.floats(-1e15, 1e15))
def test_doubles_round_half_away_from_zero_to_bigint(athena, value):
    literal = repr(value) if "e" in repr(value) else f"{value!r}e0"
    whole = math.floor(abs(value)) + (abs(value) - math.floor(abs(value)) >= 0.5)
    assert athena.told(f"select cast({literal} as bigint)") == str(int(math.copysign(whole, value)))


@st.composite
def integers(draw):
    kind = draw(st.sampled_from(list(WIDTHS)))
    bits = WIDTHS[kind]
    return kind, draw(st.integers(-(2**bits), 2**bits - 1))


@given(integers(), integers(), st.sampled_from("+-*/%"))
def test_integers_keep_the_wider_type_and_overflow(athena, left, right, operator):
    kind = max(left[0], right[0], key=list(WIDTHS).index)
    told = athena.told(f"select {left[0]} '{left[1]}' {operator} {right[0]} '{right[1]}'")
    a, b = left[1], right[1]
    if operator in "/%" and b == 0:
        assert told == "!DIVISION_BY_ZERO"
        return
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1) if b else 0
    result = {"+": a + b, "-": a - b, "*": a * b, "/": quotient, "%": a - b * quotient}[operator]
    fits = -(2 ** WIDTHS[kind]) <= result < 2 ** WIDTHS[kind]
    assert told == (str(result) if fits else "!NUMERIC_VALUE_OUT_OF_RANGE")


DATES = st.dates(date(1900, 1, 1), date(2200, 12, 31))


def plus_months(day, months):
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return day.replace(year=year, month=month + 1, day=min(day.day, calendar.monthrange(year, month + 1)[1]))


@given(DATES, st.integers(-1000, 1000))
def test_months_clip_to_the_last_day(athena, day, months):
    told = athena.told(f"select date_add('month', {months}, date '{day}')")
    assert told == str(plus_months(day, months))


@given(DATES, st.integers(-100_000, 100_000))
def test_days_are_days(athena, day, count):
    moved = f"date '{day}' + interval '1' day * ({count})"
    told = athena.told(f"select {moved}, date_diff('day', date '{day}', {moved})")
    assert told == f"{day + timedelta(days=count)} | {count}"


def whole_months(start, stop):
    """Joda's months between: a last day of the month counts as any later day."""
    if start > stop:
        return -whole_months(stop, start)
    months = (stop.year - start.year) * 12 + stop.month - start.month
    clipped = start.day
    last = calendar.monthrange(stop.year, stop.month)[1]
    if stop.day == last and start.day > stop.day:
        clipped = stop.day
    rest = (stop.day, stop.time()) if isinstance(stop, datetime) else (stop.day,)
    begun = (clipped, start.time()) if isinstance(start, datetime) else (clipped,)
    return months - (rest < begun)


@given(DATES, DATES)
def test_differences_in_months_are_complete(athena, start, stop):
    told = athena.told(f"select date_diff('month', date '{start}', date '{stop}')")
    assert told == str(whole_months(start, stop))


MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)).map(
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
)


@given(MOMENTS, MOMENTS, st.sampled_from(["second", "minute", "hour", "day", "week"]))
def test_differences_are_complete_units(athena, start, stop, unit):
    size = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}[unit] * 1_000_000
    micros = (stop - start) // timedelta(microseconds=1)
    expected = abs(micros) // size * (1 if micros >= 0 else -1)
    assert athena.told(f"select date_diff('{unit}', timestamp '{start}', timestamp '{stop}')") == str(expected)


@given(MOMENTS)
def test_weeks_and_days_are_those_of_iso(athena, at):
    year, week, weekday = at.isocalendar()
    told = athena.told(
        f"select year_of_week(t), week(t), day_of_week(t), day_of_year(t) from (values timestamp '{at}') v(t)"
    )
    assert told == f"{year} | {week} | {weekday} | {at.timetuple().tm_yday}"
