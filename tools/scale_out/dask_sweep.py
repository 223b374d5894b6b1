"""Runs the shards of a `dera sweep` under Dask and merges them.

Usage: python dask_sweep.py --shards N --output DIRECTORY [--dera PATH] [--scheduler ADDRESS | --workers N] -- SWEEP-OPTIONS...

What follows -- are the arguments of `dera sweep` without --shard and --output.  Without --scheduler a cluster of --workers
processes is started on this machine; with one, its workers must see the same files (a shared directory).  A shard that
fails is tried again and goes on where it stopped.  Needs dask and distributed.
"""

import argparse
import subprocess
from pathlib import Path

from dask.distributed import Client, as_completed


def run_shard(command):
    """One shard, in a worker's process; its last lines tell what went wrong."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stderr[-2000:]}")
    return command


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--dera", default="dera")
    parser.add_argument("--scheduler", help="address of a running Dask scheduler")
    parser.add_argument("--workers", type=int, default=2, help="processes to start here when there is no scheduler")
    parser.add_argument("--retries", type=int, default=2, help="how often a shard that failed is tried again")
    parser.add_argument("options", nargs="+", help="arguments of dera sweep, after --")
    arguments = parser.parse_args()
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    parts = [f"{arguments.output}.part-{index}-of-{arguments.shards}" for index in range(1, arguments.shards + 1)]
    commands = [
        [arguments.dera, "sweep", *arguments.options, "--shard", f"{index}/{arguments.shards}", "--output", part]
        for index, part in enumerate(parts, start=1)]
    local = dict(n_workers=arguments.workers, threads_per_worker=1, dashboard_address=None)
    with Client(arguments.scheduler) if arguments.scheduler else Client(**local) as client:
        futures = client.map(run_shard, commands, retries=arguments.retries, pure=False)
        for count, future in enumerate(as_completed(futures), start=1):
            print(f"{count} of {arguments.shards} shards: {' '.join(future.result()[-4:])}")
    subprocess.run([arguments.dera, "merge", *parts, "--output", str(arguments.output)], check=True)


if __name__ == "__main__":
    main()
