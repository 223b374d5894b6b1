"""The machine and the versions that a result belongs to."""

import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path


def machine():
    info = Path("/proc/cpuinfo").read_text()
    cpu = re.search(r"model name\s*:\s*(.*)", info)
    flags = set((re.search(r"(?:flags|Features)\s*:\s*(.*)", info) or ["", ""])[1].split())
    wanted = ["avx2", "avx_vnni", "avx512_vnni", "asimd", "asimddp", "i8mm"]
    total = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())[1])
    return dict(
        cpu=cpu[1] if cpu else platform.machine(), cores=os.cpu_count(),
        features=[flag for flag in wanted if flag in flags], memory_gb=round(total / 1e6, 1),
        kernel=platform.release().split("-")[0], huge_pages=selected("/sys/kernel/mm/transparent_hugepage/enabled"))


def busy_seconds():
    """Processor time that the machine has spent since it started, waiting not counted."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _, _, irq, soft, *_ = map(int, fields)
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


def children_seconds():
    """Processor time of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def selected(path):
    """The choice in brackets of a kernel setting."""
    try:
        return re.search(r"\[(\w+)\]", Path(path).read_text())[1]
    except FileNotFoundError:
        return "unknown"


def versions(root):
    names = ["llama-cpp-python", "numpy", "torch", "transformers"]
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    found["llama.cpp"] = llama_build()
    found["dera"] = sources(root)
    return found


def sources(root):
    """The last commit of what `dera` is built from; a change to anything else leaves it as it is."""
    def git(*arguments):
        command = ["git", "-C", root, *arguments, "--", "Sources", "Package.swift"]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    return (git("log", "-1", "--format=%h") or "unknown") + ("-dirty" if git("status", "--porcelain") else "")


def llama_build():
    """The compiler and the instruction sets that llama.cpp was built with."""
    import llama_cpp

    library = Path(llama_cpp.__file__).parent / "lib" / "libggml-cpu.so"
    compiler = re.search(rb"(GCC|clang)[: ][^\0]*", library.read_bytes()) if library.exists() else None
    features = re.findall(r"(\w+) = 1", llama_cpp.llama_print_system_info().decode())
    return f"{compiler[0].decode() if compiler else 'unknown compiler'}; {' '.join(features)}"
