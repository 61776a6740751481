"""A worker without torch on a device whose memory is full at a batch: ``batches.py MODE LARGEST MARK``.

Each request is answered in a child with a process group of its own. An iteration takes 10 MB and 1 MB for each input.

good       says of each try whether it fits
killed     the kernel kills the process of a try that does not fit
crashing   the process of a try that does not fit crashes
waiting    the second try computes without an end, its pid is in the mark file
ending     the worker ends in the second try, the first time
slow       an iteration takes a second for each input
unable     does not answer tries
"""

import json
import os
import sys
import time

MODE, LARGEST, MARK = sys.argv[1], int(sys.argv[2]), sys.argv[3]
MB = 1_000_000
tries = 0


def send(**event):
    os.write(1, json.dumps(event).encode() + b"\n")


def try_batch(request):
    case_id, batch = request["case_id"], request["case"]["batch"]
    send(kind="case_started", case_id=case_id, pid=os.getpid())
    if MODE == "waiting" and tries == 2:
        with open(MARK, "w") as file:
            file.write(str(os.getpid()))
        time.sleep(600)
    fits = batch <= LARGEST
    if not fits and MODE in ("killed", "crashing"):
        kind = "out_of_memory" if MODE == "killed" else "crashed"
        sentence = "The system ran out of memory and killed it." if MODE == "killed" else "Ended by signal 11."
        send(kind="case_failed", failure={"case_id": case_id, "kind": kind, "sentence": sentence}, at_s=time.time())
        return
    tried = {"batch": batch, "fits": fits, "iteration_s": batch if MODE == "slow" else 0.001}
    if fits:
        tried |= {"peak_bytes": (10 + batch) * MB, "room_bytes": (10 + LARGEST) * MB}
    else:
        tried["sentence"] = f"Out of memory on cpu at batch {batch}; try another device."
    send(kind="batch_tried", case_id=case_id, tried=tried, at_s=time.time())


def measure(request):
    case_id = request["case_id"]
    send(kind="case_started", case_id=case_id, pid=os.getpid(), visit=request["visit"])
    total = {"phase": "total", "rounds": [[0.03, 0.03]], "iterations_per_sample": 1}
    measurement = {
        "case_id": case_id,
        "phases": [{**total, "clock": "perf_counter", "stop": "visit"}],
        **dict.fromkeys(("memory_peak_bytes", "parameters", "first_call_s", "threads")),
        "warmup_s": 0.1,
        "wall_s": 0.5,
        "batch": request["case"]["batch"],
        "visit_records": [{"begun_at_s": time.time() - 600, "wall_s": 600, "process": os.getpid()}],
    }
    send(kind="case_finished", measurement=measurement, visit=request["visit"], at_s=time.time())


can = [] if MODE == "unable" else ["try_batch"]
send(kind="worker_ready", pid=os.getpid(), python="3.11.0", torch="2.0.0", import_s=0.0, can=can)
for line in sys.stdin:
    request = json.loads(line)
    if request["kind"] == "probe":
        devices = [{"id": "cpu", "name": "a CPU", "memory_bytes": 1 << 30}]
        environment = {"versions": [["torch", "2.0.0"]], "devices": devices, "facts": [], "identity_hash": "0" * 16}
        send(kind="environment_probed", environment=environment)
        continue
    tries += request["kind"] == "try_batch"
    if MODE == "ending" and tries == 2 and not os.path.exists(MARK):
        open(MARK, "w").close()
        os._exit(7)
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        try_batch(request) if request["kind"] == "try_batch" else measure(request)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        failure = {"case_id": request["case_id"], "kind": "crashed", "sentence": "Ended by signal 9."}
        send(kind="case_failed", failure=failure, at_s=time.time())
