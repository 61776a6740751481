from cvbench_tui.results.stats.derived_metrics import precisions
from tests.every import every

CONV, LINEAR = "layer:Conv3x3/1|torch|cuda:0|b8", "layer:Linear up|torch|cuda:0|b8"
MODEL, TRANSFORMER = "model:Resnet50|torch|cuda:0|b8", "model:vit_b_16|torch|cuda:0|b8"
BOTH = ("float32", "tf32")


@every(
    ("case_id", "facts", "names"),
    [
        (CONV, None, BOTH),
        (MODEL, {}, BOTH),
        ("model:of the user|torch", {}, BOTH),
        (CONV, {"tf32_conv": False}, ("float32",)),
        (LINEAR, None, ("float32",)),
        (TRANSFORMER, {"tf32_conv": True, "tf32_matmul": False}, ("float32",)),
        (TRANSFORMER, {"tf32_matmul": True}, BOTH),
    ],
)
def test_work_is_held_against_tf32_only_where_it_may_use_it(case_id, facts, names):
    assert precisions("cuda:0", case_id, facts) == names
    assert precisions("cpu", case_id, facts) == ("float32",)
