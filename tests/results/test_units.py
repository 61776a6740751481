from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cvbench_tui.results.text import units
from tests.every import every


@every(
    ("seconds", "text"),
    [
        (None, "-"),
        (0.0, "0 ms"),
        (6.6024, "6.602 s"),
        (0.0245, "24.50 ms"),
        (0.9999999, "1000 ms"),
        (62e-6, "62.00 \u00b5s"),
        (3.2e-8, "32.00 ns"),
        (75.25, "75.25 s"),
    ],
)
def test_a_time_on_its_own(seconds: float | None, text: str) -> None:
    assert units.seconds_text(seconds) == text


def test_one_scale_serves_a_column() -> None:
    scale = units.scale_for([0.0001, None, 6.0])
    assert scale.unit == "ms"
    assert [scale.text(value) for value in (0.0001, None, 6.6024)] == ["0.100 ms", "-", "6600 ms"]
    assert scale.both(0.0245, 0.0312) == "24.5/31.2 ms"


@every(
    ("share", "text"),
    [
        (None, "-"),
        (0.0, "\u00b1<0.1%"),
        (0.00049, "\u00b1<0.1%"),
        (0.0005, "\u00b10.1%"),
        (0.012, "\u00b11.2%"),
        (0.0994, "\u00b19.9%"),
        (0.0996, "\u00b110%"),
        (1.5, "\u00b1150%"),
        (9.99, "\u00b1999%"),
        (253.86, "\u00b1>999%"),
    ],
)
def test_a_relative_width_never_says_zero(share: float | None, text: str) -> None:
    assert units.relative_text(share) == text


def test_a_time_with_its_interval() -> None:
    assert units.seconds_text(0.0245, 0.000245) == "24.5 ms \u00b11.0%"
    assert units.seconds_text(0.0245, None) == "24.50 ms"
    assert units.seconds_text(None, None) == "-"


@every(
    ("size", "text"),
    [
        (None, "-"),
        (0, "0 KiB"),
        (64 * 2**10, "64 KiB"),
        (int(12.3 * 2**20), "12.3 MiB"),
        (456 * 2**20, "456 MiB"),
        (int(1.23 * 2**30), "1.23 GiB"),
    ],
)
def test_memory(size: int | None, text: str) -> None:
    assert units.bytes_text(size) == text


@every(
    ("count", "text"),
    [(None, "-"), (0, "0"), (999, "999"), (525_000, "525 k"), (11_689_512, "11.7 M"), (1_843_000_000, "1.84 G")],
)
def test_parameters(count: int | None, text: str) -> None:
    assert units.parameters_text(count) == text


@every(
    ("value", "relative", "text"),
    [
        (24.51, 0.05, "24.5"), (245.0, 0.043, "245"), (50.4, 0.022, "50.4"), (24.51, 0.01, "24.5"),
        (57.425, 0.077, "57"), (2.25, 0.003, "2.250"), (51.6, 0.2, "52"),
        (17783.0, 0.002, "17,780"), (16916.0, 0.05, "16,900"), (9999.6, 0.0001, "10,000"), (3.0, 0.0, "3.000"),
        (1.5, 1e-9, "1.500"), (123.4, 2.0, "120"), (9.996, 0.01, "10.0"), (0.0, 0.1, "0"),
        (4.0591, None, "4.06"), (99.96, None, "100"), (16916.0, None, "16,900"), (0.00012345, None, "0.000123"),
    ],
)  # fmt: skip
def test_no_digit_is_written_that_the_interval_does_not_support(
    value: float, relative: float | None, text: str
) -> None:
    assert units.rounded(value, relative) == text


@given(value=st.floats(1e-9, 1e12), relative=st.floats(1e-4, 0.5))
def test_what_is_written_lies_well_inside_the_interval(value: float, relative: float) -> None:
    """Off by half of the half width at most, or by half of the fourth digit."""
    written = float(units.rounded(value, relative).replace(",", ""))
    assert abs(written / value - 1) <= max(relative / 2, 5e-4) * (1 + 1e-9)


@every(
    ("seconds", "text"),
    [(None, "-"), (0.4, "0:00"), (48.0, "0:48"), (59.6, "1:00"), (3723.0, "1:02:03"), (-3.0, "0:00")],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert units.duration_text(seconds) == text


@every(("share", "text"), [(None, "-"), (0.0, "0%"), (0.378, "37%"), (0.999, "99%"), (1.2, "100%")])
def test_a_share_is_only_whole_at_the_end(share: float | None, text: str) -> None:
    assert units.share_text(share) == text


def test_guesses_moments_and_limits() -> None:
    assert units.rough_duration_text(38.0) == "40 s"
    assert units.rough_duration_text(119.0) == "2 min"
    assert units.rough_duration_text(5400.0) == "1.5 h"
    assert units.utc_text(0.0) == "1970-01-01 00:00:00 UTC"
    assert units.utc_text(None) == "-"
    assert [units.percent_text(share) for share in (0.01, 0.005, 0.03)] == ["1%", "0.5%", "3%"]


def test_rates_and_amounts_have_decimal_prefixes() -> None:
    assert units.count_text(1.234e12, "FLOP/s") == "1.234 TFLOP/s"
    assert units.count_text(2.5e11, "B/s") == "250.0 GB/s"
    assert units.prefixed(5.64e9, "FLOP/s", 0.02) == ("5.64", "GFLOP/s")
    assert units.count_text(512, "B") == "512.0 B"
    assert units.count_text(3_648_000_000, "FLOP") == "3.648 GFLOP"
    assert (units.watts_text(71.234), units.hertz_text(1.98e9), units.celsius_text(61.4)) == (
        "71.23 W",
        "1980 MHz",
        "61 \u00b0C",
    )
    assert {units.count_text(None, "FLOP/s"), units.hertz_text(None)} == {"-"}


@every(("share", "text"), [(None, "-"), (0.0, "0%"), (0.0004, "<0.1%"), (0.004, "0.4%"), (0.37, "37%"), (1.5, "150%")])
def test_a_share_that_was_measured_is_never_nothing_unless_it_is(share: float | None, text: str) -> None:
    assert units.part_text(share) == text


def test_memory_changes_its_unit_before_it_would_be_rounded_to_1024() -> None:
    assert units.bytes_text(int(1023.6 * 2**20)) == "1.00 GiB"
    assert units.bytes_text(int(1023.6 * 2**10)) == "1.0 MiB"
    assert units.bytes_text(100 * 2**20) == "100 MiB"
    assert units.prefixed(1e9, "B/s", 0.001) == ("1.000", "GB/s")
    assert units.scale_for([1e-3]).unit == "ms"
