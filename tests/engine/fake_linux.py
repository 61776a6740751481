"""A file system as Linux shows it, with every file that ``engine.host.linux`` reads."""

from __future__ import annotations

from pathlib import Path

CPU = "sys/devices/system/cpu"
FILES = {
    "etc/os-release": 'NAME="X"\nPRETTY_NAME="Linux of a test 1"\n',
    "proc/cpuinfo": (
        "processor\t: 0\nmodel name\t: A CPU\nmicrocode\t: 0x2b\n"
        "cpu MHz\t\t: 2000.5\nflags\t\t: sse2 fpu avx2\n\nprocessor\t: 1\n"
    ),
    "proc/loadavg": "1.50 0.75 0.25 3/400 1234\n",
    "proc/pressure/cpu": "some avg10=12.50 avg60=1.00 avg300=0.10 total=1\nfull avg10=0.00 avg60=0.00 total=0\n",
    "proc/pressure/memory": "some avg10=0.10 avg60=1.00 avg300=0.10 total=1\n",
    "proc/self/cgroup": "0::/group/inner\n",
    "proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
    "proc/stat": "cpu  600 100 200 99999 50 0 50 50 7 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n",
    "run/systemd/container": "lxc\n",
    "sys/class/dmi/id/product_name": "Box 9\n",
    "sys/class/dmi/id/sys_vendor": "Maker\n",
    "sys/class/hwmon/hwmon0/name": "nvme\n",
    "sys/class/hwmon/hwmon0/temp1_input": "99000\n",
    "sys/class/hwmon/hwmon1/name": "coretemp\n",
    "sys/class/hwmon/hwmon1/temp1_input": "41000\n",
    "sys/class/hwmon/hwmon1/temp2_input": "45500\n",
    f"{CPU}/cpu0/cpufreq/energy_performance_preference": "balance_performance\n",
    f"{CPU}/cpu0/cpufreq/scaling_cur_freq": "3100000\n",
    f"{CPU}/cpu0/cpufreq/scaling_max_freq": "4800000\n",
    f"{CPU}/cpufreq/policy0/scaling_governor": "powersave\n",
    f"{CPU}/cpufreq/policy1/scaling_governor": "performance\n",
    f"{CPU}/intel_pstate/no_turbo": "0\n",
    "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
    "sys/devices/system/node/node0/cpulist": "0\n",
    "sys/devices/system/node/node1/cpulist": "1\n",
    "sys/firmware/acpi/platform_profile": "balanced\n",
    "sys/fs/cgroup/group/inner/memory.max": "max\n",
    "sys/fs/cgroup/group/memory.max": "4294967296\n",
    "sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never\n",
}


def make(root: Path, **changed: str | None) -> Path:
    """Write the files below ``root``. ``changed`` replaces some of them, by path; None leaves one out."""
    for path, text in {**FILES, **changed}.items():
        if text is not None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
    return root
