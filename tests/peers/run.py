#!/usr/bin/env python3
"""Godwit among servers that others wrote: Debian's Postfix, Exim, nsd and unbound, on port 25 and 53 of a network of its own.

  run.py --godwit build/release/godwit [--peers build/peers] [NAME...]     NAME: a file test_NAME.py, or NAME.case

setup.sh unpacks the servers before. Needs root and namespaces, else it says SKIP aloud. Each test_*.py has functions case_*(world).
Ends with 'N passed, N failed, N skipped'; exit 1 if one failed.
"""
import argparse
import importlib
import pathlib
import shutil
import sys
import tempfile
import threading
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / 'e2e')]
import namespace  # noqa: E402
from world import Skip  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description='Godwit among real servers')
    parser.add_argument('--godwit', default='build/release/godwit', type=pathlib.Path)
    parser.add_argument('--peers', default='build/peers', type=pathlib.Path)
    parser.add_argument('--keep', action='store_true', help="keep the directories of failed cases (Godwit's; the peers live in memory)")
    parser.add_argument('--inside', type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument('names', nargs='*')
    arguments = parser.parse_args()
    if arguments.inside:
        return inside(arguments)
    directory = pathlib.Path(tempfile.mkdtemp(prefix='godwit-peers-'))
    directory.chmod(0o755)
    try:
        namespace.check()
        if not (arguments.peers / 'unpacked').exists():
            raise Skip('tests/peers/setup.sh has not been run')
        godwit = shutil.copy2(arguments.godwit, directory / 'godwit')  # a build beside us does not change what is tested
        return namespace.run_inside(HERE / 'run.py', '--godwit', godwit, '--peers', arguments.peers.resolve(), '--inside', directory,
                                    *(['--keep'] if arguments.keep else []), *arguments.names)
    except Skip as skip:
        print(f'SKIP  peers, all of it: {skip}', flush=True)
        return 0
    finally:
        if not arguments.keep:
            shutil.rmtree(directory, ignore_errors=True)


def inside(arguments):
    from house import House
    begin = time.monotonic()
    root = arguments.peers / 'root'
    namespace.furnish(arguments.inside, root, '127.0.0.53')
    try:
        house = House(str(arguments.godwit), root, arguments.inside)
    except Exception:
        for log in [log for pattern in ('*log', 'out') for log in sorted(arguments.inside.glob(f'memory/*/{pattern}'))]:
            print(f'--- {log}\n{log.read_text(errors="replace")[-3000:]}')
        raise
    print(f'ok    nsd, unbound, Postfix and Exim answer ({time.monotonic() - begin:.1f} s)', flush=True)
    counts = {'passed': 0, 'failed': 0, 'skipped': 0}
    chosen = list(cases(arguments.names))
    waiting = [threading.Thread(target=run_case, args=(house, *one, arguments.keep, counts)) for one in chosen if hasattr(one[1], 'beside')]
    for thread in waiting:
        thread.start()
    for label, case in chosen:
        if not hasattr(case, 'beside'):
            run_case(house, label, case, arguments.keep, counts)
    for thread in waiting:
        thread.join()
    if not chosen:
        print(f'no case is named {" ".join(arguments.names)}')
        return 1
    print(', '.join(f'{count} {what}' for what, count in counts.items()), flush=True)
    return 1 if counts['failed'] else 0


def run_case(house, label, case, keep, counts):
    from house import PeerWorld
    begin = time.monotonic()
    world = PeerWorld(house)
    try:
        case(world)
        world.finish()
        result, what = 'ok   ', 'passed'
    except Skip as skip:
        result, what = 'SKIP ', 'skipped'
        label += f': {skip}'
    except Exception:  # noqa: BLE001 - a failing case is reported, the others go on
        result, what, world.keep = 'FAIL ', 'failed', keep
        trouble = traceback.format_exc()
    counts[what] += 1
    print(f'{result} {label} ({time.monotonic() - begin:.1f} s)', flush=True)
    if what == 'failed':
        print(trouble)
        world.show_logs()
    world.close()


def cases(names):
    for path in sorted(HERE.glob('test_*.py')):
        stem = path.stem.removeprefix('test_')
        if names and not any(name == stem or name.startswith(stem + '.') for name in names):
            continue
        module = importlib.import_module(path.stem)
        for name in [n for n in vars(module) if n.startswith('case_')]:
            label = f'{stem}.{name.removeprefix("case_")}'
            if not names or stem in names or label in names:
                yield label, getattr(module, name)


if __name__ == '__main__':
    sys.exit(main())
