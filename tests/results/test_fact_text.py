from cvbench_tui.results.text.fact_text import fact_text, label
from tests.every import every


@every(
    ("name", "value", "text"),
    [
        ("memory_total_bytes", 2**34, "16.00 GiB"),
        ("cuda:0.power_limit_w", 350.0, "350.0 W"),
        ("frequency_max_hz", 4_800_000_000, "4800 MHz"),
        ("cpu_temperature_c", 45.5, "46 °C"),
        ("uptime_s", 3661.2, "1:01:01"),
        ("stolen_share", 0.004, "0.4%"),
        ("smt", True, "yes"),
        ("governor", None, "-"),
        ("env.LC_ALL", "", "-"),
        ("cpu_cores", 16, "16"),
        ("env.THINGS_s", "text", "text"),
    ],
)
def test_a_fact_is_written_in_its_unit(name, value, text):
    assert fact_text(name, value) == text


@every(
    ("name", "text"),
    [
        ("memory_total_bytes", "memory total"),
        ("cuda:0.power_limit_w", "cuda:0 power limit"),
        ("env.OMP_NUM_THREADS", "env.OMP_NUM_THREADS"),
        ("smt", "smt"),
    ],
)
def test_a_label_has_no_unit(name, text):
    assert label(name) == text
