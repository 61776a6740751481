"""The batch that ``-b max`` finds, against the true largest one by a hand-written program that halves.

``python benchmarks/largest_batch.py [--limit-mb 4000] [--image 224] [NAMES...]``. Linux, without a card. Both run under
the same limit on private memory (``ulimit -d``), each batch in a process of its own: the program has the module by
torchvision's constructor, random inputs, a forward and a backward. Printed: tries, seconds of the search, and how many
iterations at the largest batch it took, since the seconds are those of a machine that may be busy.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable

from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.event import BatchFound, CaseFailed
from cvbench_tui.core.plan import Plan, expand
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.workload import Workload
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.workers.worker_process import child_environment
from cvbench_tui.errors import SelectionError

TRUTH = """
import os, sys, time
import torch
from torchvision import models
name, sizes = sys.argv[1], tuple(map(int, sys.argv[2].split("x")))
torch.set_num_threads(int(sys.argv[3]))
layers = {"ReLU": torch.nn.ReLU}
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            module = layers[name]() if name in layers else models.get_model(name, weights=None)
            inputs = torch.randn((int(line), *sizes), requires_grad=name in layers)
            begun_s = time.perf_counter()
            output = module(inputs)
            output.backward(torch.randn_like(output))
            print(time.perf_counter() - begun_s, flush=True)
        except RuntimeError as error:
            print("no" if "memory" in str(error) else error, flush=True)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        print("no", flush=True)
"""


def limited(command: list[str], limit_mb: int) -> list[str]:
    """The command under a limit on private memory."""
    return ["bash", "-c", f'ulimit -d {limit_mb * 1000}; exec "$@"', "bash", *command]


def found(workload: Workload, limit_mb: int) -> tuple[BatchFound | CaseFailed, float]:
    """What the search found, and its seconds."""
    source = LiveSource(limited([sys.executable, "-m", "cvbench_tui.worker"], limit_mb), cpu_only=True)
    plan = Plan("largest", expand([(workload, 1)], ["cpu"], batches=["max"]), PROTOCOLS["quick"])
    try:
        source.probe()
        begun_s = time.perf_counter()
        for event in source.events(plan):
            if isinstance(event, (BatchFound, CaseFailed)):
                return event, time.perf_counter() - begun_s
    finally:
        source.close()
    raise AssertionError("the search has an outcome")


def true_largest(workload: Workload, limit_mb: int, near: int, threads: int) -> tuple[int, float]:
    """The largest batch that trains, looked for around ``near``, and seconds of an iteration at it."""
    sizes = "x".join(map(str, workload.input_shape))
    name = workload.op if workload.kind == "model" else workload.name
    command = limited([sys.executable, "-c", TRUTH, name, sizes, str(threads)], limit_mb)
    environment = child_environment(no_driver=True)
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        seconds: dict[int, float] = {}
        ask, answers = program.stdin, program.stdout

        def fits(batch: int) -> bool:
            ask.write(f"{batch}\n")
            ask.flush()
            answer = answers.readline().strip()
            if answer == "no":
                return False
            seconds[batch] = float(answer)
            return True

        largest = halved(fits, near)
        program.stdin.close()
    return largest, seconds[largest]


def halved(fits: Callable[[int], bool], near: int) -> int:
    """The largest that fits: the bounds are widened from 5% on either side of ``near``, then halved to 1%."""
    low, high = round(near * 0.95), round(near * 1.05) + 1
    while not fits(low):
        low, high = round(low * 0.9), low
    while fits(high):
        low, high = high, round(high * 1.05) + 1
    while high - low > max(1, round(0.01 * low)):
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def workload_of(name: str, image: int) -> Workload:
    """A model at that image size, or a layer."""
    try:
        return find_model(name).workload.with_image(image)
    except SelectionError:
        return find_layer(name).workload


def main() -> None:
    """Print a line for each workload."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["resnet18"])
    parser.add_argument("--limit-mb", type=int, default=4000)
    parser.add_argument("--image", type=int, default=224)
    parser.add_argument("--threads", type=int, default=2, help="of the hand-written program")
    arguments = parser.parse_args()
    print("workload      found  true   share  tries  seconds  iterations  fit / do not")
    for name in arguments.names:
        workload = workload_of(name, arguments.image)
        event, search_s = found(workload, arguments.limit_mb)
        if isinstance(event, CaseFailed):
            print(f"{name:12}  {event.failure.sentence}")
            continue
        true, iteration_s = true_largest(workload, arguments.limit_mb, event.batch, arguments.threads)
        fit = " ".join(str(each.batch) for each in event.tries if each.fits)
        others = " ".join(str(each.batch) for each in event.tries if not each.fits) or "-"
        share = f"{event.batch / true:.3f}"
        numbers = f"{event.batch:<5}  {true:<5}  {share:5}  {len(event.tries):<5}  {search_s:7.1f}"
        print(f"{name:12}  {numbers}  {search_s / iteration_s:10.1f}  {fit} / {others}", flush=True)


if __name__ == "__main__":
    main()
