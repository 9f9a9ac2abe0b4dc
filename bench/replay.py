#!/usr/bin/env python3
"""What trace and events cost: instructions (callgrind, all threads) of bench/replay.cc, 1,000 messages less 20, for each variant.

  bench/replay.py [--replay build/release/bench/replay] [--messages 1000]      needs valgrind
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

WARM = 20


def instructions(program, messages, variant):
    done = subprocess.run(['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null', program, str(messages), *variant], capture_output=True, text=True)
    found = re.search(r'Collected : (\d+)', done.stderr)
    if done.returncode != 0 or not found:
        sys.exit(done.stderr[-2000:])
    return int(found[1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--replay', default='build/release/bench/replay')
    parser.add_argument('--messages', type=int, default=1000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:  # valgrind of Debian 12 cannot read clang 19's debug information
        program = pathlib.Path(folder) / 'replay'
        subprocess.run(['objcopy', '--strip-debug', arguments.replay, program], check=True)
        measure(str(program), arguments.messages)


def measure(program, messages):
    bare = None
    for variant in ([], ['trace'], ['events'], ['trace', 'events']):
        cost = (instructions(program, messages, variant) - instructions(program, WARM, variant)) / (messages - WARM)
        bare = bare or cost
        print(f'{" + ".join(variant) or "neither":16} {cost:10,.0f} instructions a message   {100 * (cost / bare - 1):+5.2f} %')


if __name__ == '__main__':
    main()
