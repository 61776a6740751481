#!/usr/bin/env bash
# One session on a card, in less than ten minutes, from a bare checkout: gpu_session.sh [OUT [DEVICE [first|second [MODEL:BATCH ...]]]]
#
# What it needs: PyTorch, torchvision, pytest, hypothesis; the rest from .wheels (gpu_wheels.sh) where it is missing. Everything
# is written to gpu-session/; session.tgz (all of it) and summary.txt go to OUT (default: $OUT, else gpu-session/ itself).
# DEVICE is cuda:0, or cpu for a dry run with small rows. `second` measures the rows again that failed the comparison of the
# first, or those named, by the default protocol, with all that is known of them. The clocks and modes of the card stay as
# they are.
#
# The most valuable steps come first. A step may take its own limit and what those before it left over, so none takes time from
# a later one. CVBENCH_SESSION_S (default 560) bounds the whole; a step with less than half of its limit left is skipped.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
python=${PYTHON:-python3}
work=$PWD/gpu-session
out=$(realpath -m "${1:-${OUT:-$work}}")
device=${2:-cuda:0}
mode=${3:-first}
[[ $mode =~ ^(first|second)$ ]] || { echo "usage: $0 [OUT [DEVICE [first|second [MODEL:BATCH ...]]]]" >&2; exit 2; }
total=${CVBENCH_SESSION_S:-560}
planned=15 # seconds for what is no step: the wheels, the card's UUID, the archive
child='' keep='' uuid=''

cleanup() {
    trap - EXIT INT TERM
    local process
    for process in $child $keep; do # timeout passes it on to all that the step started
        kill -TERM "$process" 2> /dev/null
    done
    wait
}
trap cleanup EXIT
trap 'exit 130' INT TERM

say() { echo "$*" | tee -a "$out/summary.txt"; }

on_card() { [ "${device%%:*}" = cuda ]; }

# What is taken on the card, by anybody. By UUID: PyTorch and the driver count in different orders.
used() {
    on_card || return
    local mib=''
    [ -n "$uuid" ] && mib=$(nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits --id="$uuid" 2> /dev/null)
    echo ", card ${mib:-unknown} MiB"
}

# $1 name, $2 limit in seconds, the rest a command: its output into files, its exit code and seconds into the summary.
step() {
    local name=$1 limit=$2 begun=$SECONDS left code how=''
    shift 2
    planned=$((planned + limit))
    left=$(((planned < total ? planned : total) - SECONDS))
    if [ $((2 * left)) -lt "$limit" ]; then
        say "$name: skipped, $left s are left of $limit s"
        return
    fi
    timeout -k 3 "$left" "$@" > "$work/$name.txt" 2> "$work/$name.log" &
    child=$!
    wait "$child"
    code=$?
    child=''
    { [ "$code" = 124 ] || [ "$code" = 137 ]; } && how=", ended by its limit of $left s"
    say "$name: exit code $code, $((SECONDS - begun)) s of $limit s$how$(used)"
}

skip() { say "$1: skipped, $2"; }

[ "$mode" = first ] && rm -rf "$work"
mkdir -p "$work" "$out"
: > "$out/summary.txt"
export PYTHONUNBUFFERED=1 PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" CVBENCH_RUNS_DIR="$work/runs"
export XDG_CONFIG_HOME="$work/config" XDG_CACHE_HOME="$work/cache" XDG_DATA_HOME="$work/data"
# No wheel is needed where all can be imported. A wheel is a zip file, and these need no more than to be unpacked.
if ! "$python" -c 'import click, platformdirs, psutil, pydantic, pynvml, rich' 2> /dev/null; then
    for wheel in .wheels/*.whl; do
        "$python" -m zipfile -e "$wheel" "$work/site" || say "no wheels: run benchmarks/gpu_wheels.sh where there is a network"
    done
    export PYTHONPATH="$PYTHONPATH:$work/site"
fi
cvbench=("$python" -m cvbench_tui)
if on_card; then
    uuid=$(timeout 60 "$python" -c "import torch; print('GPU-%s' % torch.cuda.get_device_properties('$device').uuid)" \
        2> "$work/uuid.log")
    # An open handle keeps the driver loaded between the processes, as a persistence daemon would; no setting is touched.
    "$python" -c '
import time, pynvml
pynvml.nvmlInit()
cards = [pynvml.nvmlDeviceGetHandleByIndex(card) for card in range(pynvml.nvmlDeviceGetCount())]
time.sleep(600)' 2> "$work/keep.log" &
    keep=$!
    nvidia-smi -q > "$work/nvidia-smi-before.txt" 2>&1
fi
say "$device${uuid:+ $uuid}$(used), load $(cut -d ' ' -f 1 /proc/loadavg 2> /dev/null)"

first() {
    # On the CPU small rows: everything but the card is as it will be there.
    local models=(-m resnet18 -b 1) large=(-m resnet18 -b 2) layers=(-l 'Conv3x3/1,Dense' -b 1)
    local truth=(--models resnet18:1 resnet18:2) extras=(-m resnet18 -l Dense -b 1 --protocol quick) kill=resnet18
    if on_card; then
        models=(original-models) large=(-m resnet50 -b 128) layers=(original-layers) truth=()
        extras=(-m resnet50 -l Dense) kill=resnet152
    fi
    step truth 75 "$python" benchmarks/gpu_truth.py "$device" "${truth[@]}" -o "$work/truth.json"
    # Not every plugin of ours is there, and a warning of one that is must not end the session: -W
    step gpu-tests 85 "$python" -m pytest tests/worker/test_cuda.py -q -rA -p no:cacheprovider \
        -W default -W ignore::pytest.PytestConfigWarning
    step doctor 15 "${cvbench[@]}" doctor
    step models 80 "${cvbench[@]}" run "${models[@]}" -d "$device" --protocol quick -o "$work/models.md" -o "$work/models.json"
    step large 20 "${cvbench[@]}" run "${large[@]}" -d "$device" --protocol quick -o "$work/large.json"
    step compare 5 "$python" benchmarks/gpu_compare.py "$work/truth.json" "$work/models.json" "$work/large.json" \
        --failed "$work/failed.txt"
    step published 40 "${cvbench[@]}" run "${models[@]}" -d "$device" --protocol original --layout original \
        -o "$work/published.md" -o "$work/published.json"
    step layers 40 "${cvbench[@]}" run "${layers[@]}" -d "$device" --protocol quick -o "$work/layers.md" -o "$work/layers.json"
    step selftest 100 "${cvbench[@]}" selftest --quick -d "$device"
    step extras 40 "${cvbench[@]}" run "${extras[@]}" -d "$device" --extra energy --extra flushed --extra device_only \
        --extra alone -o "$work/extras.md" -o "$work/extras.json"
    if on_card; then # 39 GB of images at once; the row says so, and the next one is measured: exit code 1
        step out-of-memory 20 "${cvbench[@]}" run -m resnet152 -l Dense -d "$device" -b 65536 --protocol quick \
            -o "$work/out-of-memory.json"
    else
        skip out-of-memory "it would take the whole machine's"
    fi
    step kill 25 "$python" benchmarks/kill_case.py --device "$device" --model "$kill"
}

# Two minutes for some rows: what the truth says of them, our default protocol, and every figure of both.
second() {
    local row rows=("$@")
    [ $# -gt 0 ] || mapfile -t rows < "$work/failed.txt"
    if [ "${#rows[@]}" = 0 ]; then
        say 'no row failed the comparison: name some, e.g. resnet18:8'
        return
    fi
    step second-truth $((15 + 10 * ${#rows[@]})) "$python" benchmarks/gpu_truth.py "$device" --only-models \
        --models "${rows[@]}" -o "$work/second-truth.json"
    for row in "${rows[@]}"; do
        step "second-${row/:/-}" 40 "${cvbench[@]}" run -m "${row%:*}" -b "${row#*:}" -d "$device" --protocol default \
            -o "$work/second-${row/:/-}.json"
    done
    step compare 5 "$python" benchmarks/gpu_compare.py "$work/second-truth.json" "$work"/second-*-*.json --detail
}

if [ "$mode" = second ]; then second "${@:4}"; else first; fi

[ -n "$keep" ] && kill "$keep" 2> /dev/null
wait
on_card && sleep 1 && nvidia-smi -q > "$work/nvidia-smi-after.txt" 2>&1
say "$SECONDS s in all, the sum of the limits is $planned s$(used)"
for text in truth gpu-tests selftest; do
    [ "$mode" = first ] && [ -f "$work/$text.txt" ] && tail -n 40 "$work/$text.txt"
done
cat "$out/summary.txt"
# The lines that matter: each row of the truth against ours.
[ -f "$work/compare.txt" ] && tee -a "$out/summary.txt" < "$work/compare.txt"
[ "$out" = "$work" ] || cp "$out/summary.txt" "$work/summary.txt"
tar czf "$out/session.tgz.part" --exclude 'session.tgz*' --exclude ./site -C "$work" . && mv "$out/session.tgz.part" "$out/session.tgz"
