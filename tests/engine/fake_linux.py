"""A file system as Linux shows it, with every file that ``engine.host.linux`` and ``engine.host.system`` read."""

from __future__ import annotations

from pathlib import Path

CPU = "sys/devices/system/cpu"
FILES = {
    "etc/os-release": 'NAME="X"\nPRETTY_NAME="Linux of a test 1"\n',
    "proc/cpuinfo": (
        "processor\t: 0\ncpu family\t: 6\nmodel\t\t: 143\nmodel name\t: A CPU\nstepping\t: 8\nmicrocode\t: 0x2b\n"
        "cpu MHz\t\t: 2000.5\nflags\t\t: sse2 fpu avx2\n\nprocessor\t: 1\nmodel\t\t: 9\n"
    ),
    "proc/loadavg": "1.50 0.75 0.25 3/400 1234\n",
    "proc/pressure/cpu": "some avg10=12.50 avg60=1.00 avg300=0.10 total=1\nfull avg10=0.00 avg60=0.00 total=0\n",
    "proc/pressure/io": "some avg10=0.00 avg60=1.00 avg300=0.10 total=1\n",
    "proc/pressure/memory": "some avg10=0.10 avg60=1.00 avg300=0.10 total=1\n",
    "proc/self/cgroup": "0::/group/inner\n",
    "proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
    "proc/stat": "cpu  600 100 200 99999 50 0 50 50 7 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n",
    "proc/sys/kernel/numa_balancing": "0\n",
    "proc/sys/kernel/osrelease": "6.1.0\n",
    "proc/sys/kernel/random/boot_id": "0-1-2\n",
    "proc/sys/kernel/randomize_va_space": "2\n",
    "proc/sys/vm/nr_hugepages": "0\n",
    "proc/uptime": "1234.56 100.0\n",
    "sys/class/dmi/id/bios_version": "1.2\n",
    "sys/class/dmi/id/product_name": "Box 9\n",
    "sys/class/dmi/id/sys_vendor": "Maker\n",
    "sys/class/hwmon/hwmon0/name": "nvme\n",
    "sys/class/hwmon/hwmon0/temp1_input": "99000\n",
    "sys/class/hwmon/hwmon1/name": "coretemp\n",
    "sys/class/hwmon/hwmon1/temp1_input": "41000\n",
    "sys/class/hwmon/hwmon1/temp2_input": "45500\n",
    f"{CPU}/cpu0/cache/index0/level": "1\n",
    f"{CPU}/cpu0/cache/index0/size": "32K\n",
    f"{CPU}/cpu0/cache/index0/type": "Instruction\n",
    f"{CPU}/cpu0/cache/index1/level": "1\n",
    f"{CPU}/cpu0/cache/index1/size": "48K\n",
    f"{CPU}/cpu0/cache/index1/type": "Data\n",
    f"{CPU}/cpu0/cache/index2/level": "2\n",
    f"{CPU}/cpu0/cache/index2/size": "2048K\n",
    f"{CPU}/cpu0/cache/index2/type": "Unified\n",
    f"{CPU}/cpu0/cache/index3/level": "3\n",
    f"{CPU}/cpu0/cache/index3/shared_cpu_list": "0-3,8-11\n",
    f"{CPU}/cpu0/cache/index3/size": "36M\n",
    f"{CPU}/cpu0/cache/index3/type": "Unified\n",
    f"{CPU}/cpu0/cpufreq/base_frequency": "2000000\n",
    f"{CPU}/cpu0/cpufreq/cpuinfo_max_freq": "4800000\n",
    f"{CPU}/cpu0/cpufreq/energy_performance_preference": "balance_performance\n",
    f"{CPU}/cpu0/cpufreq/scaling_cur_freq": "3100000\n",
    f"{CPU}/cpu0/cpufreq/scaling_driver": "intel_pstate\n",
    f"{CPU}/cpu0/cpufreq/scaling_max_freq": "4800000\n",
    f"{CPU}/cpu0/cpufreq/scaling_min_freq": "800000\n",
    f"{CPU}/cpu0/topology/physical_package_id": "0\n",
    f"{CPU}/cpu1/topology/physical_package_id": "1\n",
    f"{CPU}/cpufreq/policy0/scaling_governor": "powersave\n",
    f"{CPU}/cpufreq/policy1/scaling_governor": "performance\n",
    f"{CPU}/cpuidle/current_driver": "intel_idle\n",
    f"{CPU}/cpuidle/current_governor_ro": "menu\n",
    f"{CPU}/intel_pstate/no_turbo": "0\n",
    f"{CPU}/intel_pstate/status": "active\n",
    f"{CPU}/isolated": "2-3\n",
    f"{CPU}/nohz_full": "2-3\n",
    f"{CPU}/smt/active": "1\n",
    f"{CPU}/vulnerabilities/l1tf": "Not affected\n",
    f"{CPU}/vulnerabilities/mds": "Vulnerable: no microcode\n",
    f"{CPU}/vulnerabilities/spectre_v1": "Mitigation: barriers\n",
    f"{CPU}/vulnerabilities/spectre_v2": "Mitigation: Retpolines\n",
    "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
    "sys/devices/system/node/node0/cpulist": "0\n",
    "sys/devices/system/node/node1/cpulist": "1\n",
    "sys/firmware/acpi/platform_profile": "balanced\n",
    "sys/fs/cgroup/group/inner/memory.max": "max\n",
    "sys/fs/cgroup/group/memory.max": "4294967296\n",
    "sys/kernel/mm/transparent_hugepage/defrag": "always defer [madvise] never\n",
    "sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never\n",
}


def make(root: Path, **changed: str | None) -> Path:
    """Write the files below ``root``. ``changed`` replaces some of them, by path; None leaves one out."""
    for path, text in {**FILES, **changed}.items():
        if text is not None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
    return root
