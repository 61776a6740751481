"""A worker without torch for the engine's tests: answers as the first argument says. Speaks docs/worker-protocol.md.

good       measures every case at once, with fixed samples
newer      as good, with another version of PyTorch, on a machine whose identity is known
brisk      as good, and each case takes half a second
chatty     as good, with a megabyte on stderr and prints on stdout's old descriptor
crashing   ends in mid-case the first time, with words on stderr; the mark file says that it did
exits      as crashing, with exit code 7 instead of a signal
fading     measures the first visit to each case, and ends in every later one
late       before each later visit's own events, tells of a crash that came before it was asked for
second     measures the first case, says nothing in the second and leaves the mark
stale      before the second case's own events, answers the first once more
silent     says nothing after case_started, the first time
slow       goes on sending progress and never finishes, the first time
giant      sends a line without an end
shut       closes stdout at the first request of the first worker and goes on running
garbage    sends a line that is no event, the first time
notorch    ends before it is ready, as where torch cannot be imported
card       as good, and offers cuda:0
linked     as good, but ends before it is ready where no driver can be loaded
hung       as good, and tells of a driver that did not answer
refused    as good, and tells of a driver that answered and cannot be used
mismatch   ends before it is ready, as where torchvision does not belong to torch
ceiling    as good, and tells a ceiling
deaf       says that it can tell a ceiling and ends when it is asked
forking    measures each case in a child with a process group of its own; the first one computes without an end and
           hears no polite signal, its pid is in the mark file
onecase    says that it measures by itself; the first one sleeps, its pid is in the mark file
stopped    stops itself in mid-case, the first time, with its pid in the mark file
hangs      measures the first case, then goes on at its pace in the second and falls silent, the first time
greeted    says what is no event before it is ready, also on the line of its first event
chattering says nothing but greetings, and ends
foreign    gives the number in the mark file for its process, and is silent
unstarted  finishes its first case without a start
nested     sends a line of brackets, the first time
failing    tells of each case that it failed just now
untold     sends events of no case and of unknown ones, without an end, in each worker's first case
flooding   as good, with 300 MB without a line end on stderr
turns      measures each case in a child with a process group of its own, six rounds by turns, without an end where
           there is a file MARK.endless; the mark file has a line for each round
laggard    as good, and any but the first of them is not ready for ten minutes
orphan     starts a child of its own that outlives it, writes its pid to the mark file, then is silent
"""

import json
import os
import signal
import subprocess
import sys
import time

mode, mark = sys.argv[1], sys.argv[2]
measured = 0
previous = []


def send(**event):
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def first_time():
    if os.path.exists(mark):
        return False
    open(mark, "w").close()
    return True


def sentinel():
    return {"product_s": 0.001 if measured > 1 else 0.003}


def measurement(case_id):
    phases = [
        {
            "phase": phase,
            "rounds": [[value, value, value * 1.0001]] * 5,
            "iterations_per_sample": 1,
            "clock": "perf_counter",
            "stop": "precision",
        }
        for phase, value in (("forward", 0.01), ("backward", 0.02), ("total", 0.03), ("inference", 0.008))
    ]
    return {
        "case_id": case_id,
        "phases": phases,
        "memory_peak_bytes": 1 << 20,
        "parameters": 1792,
        "first_call_s": 0.1,
        "warmup_s": 0.2,
        "wall_s": 0.5,
        "threads": 2,
        "notices": [],
        "visit_rounds": [],
        # ten minutes long, so that no protocol waits for its shortest span
        "visit_records": [{"begun_at_s": time.time() - 600, "wall_s": 600, "process": os.getpid(), **sentinel()}],
    }


def measure(request):
    if mode not in ("forking", "turns"):
        answer(request)
        return
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        if mode == "forking":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        answer(request)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        send(kind="case_failed", failure={"case_id": request["case_id"], "kind": "crashed", "sentence": "Signal 9."})


def answer(request):
    case_id = request["case_id"]
    if mode == "late" and request["visit"]:
        failure = {"case_id": case_id, "kind": "crashed", "sentence": "Signal 9."}
        send(kind="case_failed", failure=failure, at_s=time.time() - 1)
    if mode == "shut" and first_time():
        os.close(1)
        time.sleep(600)
    pid = os.getpid()
    if mode == "foreign":
        with open(mark) as file:
            pid = int(file.read())
    if not (mode == "unstarted" and first_time()):
        send(kind="case_started", case_id=case_id, pid=pid, visit=request["visit"], at_s=1.0)
    if mode == "foreign":
        time.sleep(600)
    if mode == "stale" and previous:
        send(kind="case_failed", failure={"case_id": previous[-1], "kind": "crashed", "sentence": "Late."})
    previous.append(case_id)
    if mode == "fading" and request["visit"]:
        os._exit(7)
    if request.get("turns"):
        take_turns(request)
    misbehave(case_id)
    send(kind="progress", case_id=case_id, stage="measuring", phase="total", round=1, max_rounds=12, fraction=0.3)
    send(kind="case_finished", measurement=measurement(case_id), visit=request["visit"], at_s=2.0)


def take_turns(request):
    number = 0
    with open(request["turns"], "rb", buffering=0) as pipe:
        while number < 6 or os.path.exists(mark + ".endless"):
            told = {"kind": "progress", "case_id": request["case_id"]}
            send(**told, stage="waiting for its turn", round=number)
            if not pipe.read(1):
                os._exit(1)
            number += 1
            with open(mark, "a") as file:
                file.write(f"{request['case_id']} {request['visit']}\n")
            send(**told, stage="measuring", round=number)


def misbehave(case_id):
    global measured
    measured += 1
    if mode in ("crashing", "exits") and first_time():
        crash()
    if mode == "brisk":
        time.sleep(0.5)
    if mode == "chatty":
        sys.stderr.write("noise " * 200_000 + "\n")
        sys.stderr.flush()
    if mode == "orphan":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        with open(mark, "w") as file:
            file.write(str(child.pid))
    if mode == "orphan" or ((mode == "silent" or (mode == "second" and measured == 2)) and first_time()):
        time.sleep(600)
    if mode in ("forking", "onecase") and first_time():
        with open(mark, "w") as file:
            file.write(str(os.getpid()))
        sum(range(10**15)) if mode == "forking" else time.sleep(600)
    fall_silent(case_id)
    say_nonsense(case_id)


def fall_silent(case_id):
    if mode == "failing":
        send(kind="case_failed", failure={"case_id": case_id, "kind": "error", "sentence": "No."}, at_s=time.time())
    if mode == "flooding":
        sys.stderr.buffer.write(b"\xff\x1b[31m")
        for _ in range(300):
            sys.stderr.buffer.write(b"x" * (1 << 20))
        sys.stderr.buffer.flush()
    if mode == "stopped" and first_time():
        with open(mark, "w") as file:
            file.write(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGSTOP)
    if mode == "hangs" and measured == 2 and first_time():
        for _ in range(3):
            send(kind="progress", case_id=case_id, stage="warming up")
            time.sleep(0.05)
        time.sleep(600)


def say_nonsense(case_id):
    while mode == "giant":
        sys.stdout.write("x" * (1 << 20))
    if mode == "garbage" and first_time():
        sys.stdout.write("this is not an event\n")
        sys.stdout.flush()
    if mode == "nested" and first_time():
        sys.stdout.write("[" * 200_000 + "\n")
        sys.stdout.flush()
    while mode == "untold" and measured == 1:
        send(kind="progress", case_id="nobody's", stage="measuring")
        send(kind="run_finished", reason="finished", at_s=1.0)
    if mode == "slow" and first_time():
        while True:
            send(kind="progress", case_id=case_id, stage="measuring", fraction=0.5)
            time.sleep(0.05)


def crash():
    sys.stderr.write("last words\n")
    sys.stderr.flush()
    if mode == "exits":
        os._exit(7)
    os.kill(os.getpid(), signal.SIGKILL)


if mode == "notorch":
    sys.stderr.write("ModuleNotFoundError: No module named 'torch'\n")
    sys.exit(3)
if mode == "linked" and "no_driver" in os.environ.get("LD_LIBRARY_PATH", ""):
    sys.stderr.write("ImportError: libcuda.so.1: invalid ELF header\n")
    sys.exit(3)
if mode == "mismatch":
    sys.stderr.write("torchvision 0.1 and torch 2.0 do not belong together.\n")
    sys.exit(4)
if mode in ("greeted", "chattering"):
    sys.stdout.write("Welcome to \x1b[31mthe cluster\n\n" + "#" * (1 << 20) + "\n[1, 2]\nquota: 3% {used} ")
    sys.stdout.flush()
if mode == "chattering":
    sys.stdout.write("\nlast greeting\n")
    sys.stdout.flush()
    sys.exit(5)
if mode == "laggard" and not first_time():
    time.sleep(600)
can, once = ["ceiling"] if mode in ("ceiling", "deaf") else ["turns"] if mode == "turns" else [], mode == "onecase"
send(kind="worker_ready", pid=os.getpid(), python="3.11.0", torch="2.0.0", import_s=0.0, can=can, one_case=once)
for line in sys.stdin:
    request = json.loads(line)
    if request["kind"] == "probe":
        devices = [{"id": "cpu", "name": "a CPU", "memory_bytes": 1 << 30}]
        if mode == "card":
            devices.append({"id": "cuda:0", "name": "a card", "uuid": "GPU-aa"})
        if mode in ("hung", "refused"):
            reason = "The driver did not answer within 30 s." if mode == "hung" else "The driver is there, but is old."
            devices.append({"id": "cuda", "name": "a card", "available": False, "reason": reason, "expected": True})
        torch = "2.1.0" if mode == "newer" else "2.0.0"
        environment = {"versions": [["torch", torch]], "devices": devices, "facts": [], "identity_hash": "0" * 16}
        send(kind="environment_probed", environment=environment)
    elif request["kind"] == "ceiling":
        if mode == "deaf":
            crash()
        rates = [["float32", 1e11]]
        ceiling = {"device": request["device"], "key": request["key"], "flops_per_s": rates, "bytes_per_s": 1e10}
        send(kind="ceiling_measured", ceiling=ceiling)
    else:
        measure(request)
