"""A hand-written timing loop, as anybody would write it: no line of cvbench-tui. Prints medians as JSON.

Times forward, backward, total and inference of one workload for a given number of seconds each, after one
second of warm-up. Work shorter than a millisecond is averaged over a millisecond.
"""

import json
import statistics
import sys
import time

import torch
import torchvision

WORKLOADS = {
    "Conv3x3/1": (lambda: torch.nn.Conv2d(3, 64, 3, padding=1), (3, 224, 224), True),
    "BatchNorm": (lambda: torch.nn.BatchNorm2d(3), (3, 224, 224), True),
    "Dense": (lambda: torch.nn.Linear(1024, 512), (1024,), True),
    "resnet18": (lambda: torchvision.models.resnet18(weights=None), (3, 224, 224), False),
}


def main(name, device, batch, threads, seconds):
    """Time one workload and print its medians in seconds."""
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    build, shape, wants_gradient = WORKLOADS[name]
    module = build().to(device)
    inputs = torch.randn(batch, *shape, device=device, requires_grad=wants_gradient)
    gradient = torch.randn_like(module(inputs))
    wait = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    clock = time.perf_counter

    def train():
        for parameter in module.parameters():
            parameter.grad = None
        inputs.grad = None
        wait()
        start = clock()
        output = module(inputs)
        wait()
        between = clock()
        output.backward(gradient)
        wait()
        end = clock()
        return between - start, end - between, end - start

    def infer():
        wait()
        start = clock()
        output = module(inputs)
        wait()
        seconds = clock() - start
        del output  # giving back 100 MB takes 4 ms here: outside the clock, as in train()
        return (seconds,)

    def medians(once, total):
        end = clock() + 1.0
        while clock() < end:
            last = once()
        group = max(1, round(1e-3 / last[-1]))
        samples = []
        end = clock() + total
        while clock() < end or len(samples) < 5:
            samples.append([statistics.fmean(column) for column in zip(*(once() for _ in range(group)), strict=True)])
        return [statistics.median(column) for column in zip(*samples, strict=True)]

    module.train()
    forward, backward, whole = medians(train, seconds)
    module.eval()
    with torch.inference_mode():
        (inference,) = medians(infer, seconds)
    print(json.dumps({"forward": forward, "backward": backward, "total": whole, "inference": inference}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
