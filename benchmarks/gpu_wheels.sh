#!/usr/bin/env bash
# Wheels for a machine with a card and without a network, into .wheels (or the folder named): what pyproject.toml asks for, at
# the versions of constraints.txt, for CPython 3.12 on x86-64 Linux. About 5 MB. PyTorch and torchvision must be there; Textual
# and tomlkit are the app's, which the session does not open. gpu_session.sh unpacks them where a package is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-.wheels}
rm -rf "$folder"
# pip compares tags of platforms literally: 2014 and 2_17 are one and the same, and some have one name only.
"${PYTHON:-python3}" -m pip download --quiet --only-binary=:all: --python-version 3.12 --implementation cp \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
    --constraint constraints.txt --dest "$folder" \
    click nvidia-ml-py platformdirs psutil pydantic rich
ls -l "$folder"
