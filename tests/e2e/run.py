#!/usr/bin/env python3
"""End-to-end tests: real processes and real clients on loopback.

  run.py --godwit build/release/godwit [--long] [NAME...]     NAME: a file test_NAME.py, or NAME.case

Each test_*.py has functions case_*(world). A case that cannot run here raises Skip, and it is said aloud.
Ends with 'N passed, N failed, N skipped'; exit 1 if one failed.
"""
import argparse
import importlib
import os
import pathlib
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from world import Skip, World  # noqa: E402


GRAPHICAL = ('roundcube', 'thunderbird')


def main():
    parser = argparse.ArgumentParser(description='end-to-end tests')
    parser.add_argument('--godwit', default='build/release/godwit')
    parser.add_argument('--long', action='store_true', help='the long forms of the durability runs')
    parser.add_argument('--keep', action='store_true', help='keep the directories of failed cases')
    parser.add_argument('names', nargs='*')
    arguments = parser.parse_args()
    binary = os.path.abspath(arguments.godwit)
    passed = failed = skipped = 0
    for path in sorted(HERE.glob('test_*.py')):
        stem = path.stem.removeprefix('test_')
        wanted = [n for n in arguments.names if n == stem or n.startswith(stem + '.')]
        if arguments.names and not wanted:
            continue
        if not wanted and stem in GRAPHICAL:
            skipped += 1
            print(f'SKIP  {stem}: a graphical program; runs when named: ./dev e2e {stem}', flush=True)
            continue
        module = importlib.import_module(path.stem)
        for name in [n for n in vars(module) if n.startswith('case_')]:
            label = f'{stem}.{name.removeprefix("case_")}'
            if wanted and stem not in wanted and label not in wanted:
                continue
            begin = time.monotonic()
            world = World(binary, arguments.long)
            try:
                getattr(module, name)(world)
                world.finish()
                passed += 1
                print(f'ok    {label} ({time.monotonic() - begin:.1f} s)', flush=True)
            except Skip as skip:
                skipped += 1
                print(f'SKIP  {label}: {skip}', flush=True)
            except Exception:  # noqa: BLE001 - a failing case is reported, the others go on
                failed += 1
                print(f'FAIL  {label} ({time.monotonic() - begin:.1f} s)', flush=True)
                traceback.print_exc(file=sys.stdout)
                world.show_logs()
                world.keep = arguments.keep
            finally:
                world.close()
    if arguments.names and passed + failed + skipped == 0:
        print(f'no case is named {" ".join(arguments.names)}')
        return 1
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
