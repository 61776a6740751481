#!/usr/bin/env bash
# One session on a machine with a card: GPU tests, both original presets on cuda and cpu, fidelity.
# Changes nothing on the card. Results go to the folder named as first argument (default: gpu-session).
set -uo pipefail
cd "$(dirname "$0")/.."
out=$(realpath -m "${1:-gpu-session}")
mkdir -p "$out"
python=${PYTHON:-python3}
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" CVBENCH_RUNS_DIR="$out/runs"

nvidia-smi > "$out/nvidia-smi.txt" 2>&1 || true
$python -m cvbench_tui doctor > "$out/doctor.txt" 2>&1
$python -m pytest tests/worker/test_cuda.py -q -rs -p no:cacheprovider > "$out/gpu-tests.txt" 2>&1
for preset in original-models original-layers; do
    $python -m cvbench_tui run "$preset" -d cuda:0 -o "$out/$preset-cuda.md" -o "$out/$preset-cuda.json" > /dev/null 2> "$out/$preset-cuda.log"
    $python -m cvbench_tui run "$preset" -d cuda:0 --protocol original --layout original -o "$out/$preset-published.md" > /dev/null 2> "$out/$preset-published.log"
done
$python -m cvbench_tui run original-layers -d cpu --protocol quick -o "$out/original-layers-cpu.md" > /dev/null 2> "$out/original-layers-cpu.log"
$python -m cvbench_tui run original-cpu -b 1 --protocol quick -o "$out/original-cpu.md" > /dev/null 2> "$out/original-cpu.log"
$python benchmarks/fidelity.py --device cuda:0 > "$out/fidelity.txt" 2>&1
tail -n 3 "$out"/*.txt "$out"/*.log
