#!/usr/bin/env bash
# One session on a machine with a card: GPU tests, selftest, fidelity, other harnesses, efficiency, both original presets on cuda
# and cpu, out of memory, a kill in mid-case, and whether the card's memory is given back.
# Changes nothing on the card. Results and run files go to the folder named as first argument (default: gpu-session).
# CVBENCH_SESSION_SHORT=1 leaves out what takes longer than some minutes.
set -uo pipefail
cd "$(dirname "$0")/.."
out=$(realpath -m "${1:-gpu-session}")
device=${2:-cuda:0}
mkdir -p "$out"
python=${PYTHON:-python3}
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" CVBENCH_RUNS_DIR="$out/runs"
cvbench="$python -m cvbench_tui"

used() { nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits --id="${device#cuda:}"; }

# $1 name, the rest a command: its output into a file, its exit code and seconds into summary.txt.
step() {
    local name=$1 begun=$SECONDS
    shift
    "$@" > "$out/$name.txt" 2> "$out/$name.log"
    echo "$name: exit code $?, $((SECONDS - begun)) s, card's memory $(used) MiB" | tee -a "$out/summary.txt"
}

nvidia-smi -q > "$out/nvidia-smi-before.txt" 2>&1 || true
before=$(used)
echo "card's memory before: $before MiB" | tee "$out/summary.txt"
step doctor $cvbench doctor
step gpu-tests $python -m pytest tests/worker/test_cuda.py -q -rs -p no:cacheprovider
step selftest $cvbench selftest --device "$device"
step selftest-json $cvbench selftest --device "$device" --json
for preset in original-models original-layers; do
    step "$preset" $cvbench run "$preset" -d "$device" -o "$out/$preset-cuda.md" -o "$out/$preset-cuda.json"
    step "$preset-published" $cvbench run "$preset" -d "$device" --protocol original --layout original \
        -o "$out/$preset-published.md"
done
step fidelity $python benchmarks/fidelity.py --device "$device" --quick
step efficiency $python benchmarks/efficiency.py --device "$device"

# Out of memory: the row says so, the next one is measured, and the card has its memory back.
step out-of-memory $cvbench run -m resnet152 -l Dense -d "$device" -b 65536 --protocol quick -o "$out/out-of-memory.json"

# A kill in mid-case: the row is lost, the run goes on, no memory stays taken.
$cvbench run -m resnet152 -l Dense -d "$device" --protocol default --json-lines > "$out/kill.jsonl" 2> "$out/kill.log" &
run=$!
for _ in $(seq 600); do
    child=$(sed -n 's/.*"case_id":"model:.*"pid":\([0-9]*\).*"kind":"case_started".*/\1/p' "$out/kill.jsonl" | head -n 1)
    [ -n "$child" ] && break
    sleep 0.1
done
sleep 3
[ -n "${child:-}" ] && kill -9 "$child"
wait "$run"
echo "kill in mid-case: exit code $? (1 is right), $(grep -c '"kind":"case_finished"' "$out/kill.jsonl") row measured," \
    "card's memory $(used) MiB" | tee -a "$out/summary.txt"

if [ -z "${CVBENCH_SESSION_SHORT:-}" ]; then
    step other_harnesses $python benchmarks/other_harnesses.py --device "$device" --minutes 10
    step selftest-thorough $cvbench selftest --device "$device" --thorough
    step original-layers-cpu $cvbench run original-layers -d cpu --protocol quick -o "$out/original-layers-cpu.md"
    step original-cpu $cvbench run original-cpu -b 1 --protocol quick -o "$out/original-cpu.md"
fi
sleep 2
after=$(used)
echo "card's memory after: $after MiB, before: $before MiB" | tee -a "$out/summary.txt"
nvidia-smi -q > "$out/nvidia-smi-after.txt" 2>&1 || true
tail -n 3 "$out"/*.txt
