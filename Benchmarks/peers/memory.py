"""What Linux counts for a process."""

from pathlib import Path


def status(process="self"):
    """Bytes of VmHWM (peak resident), VmRSS and RssAnon; empty when the process is gone."""
    try:
        text = Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {name: int(fields[name].split()[0]) * 1024 for name in ("VmHWM", "VmRSS", "RssAnon") if name in fields}
