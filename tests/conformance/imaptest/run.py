#!/usr/bin/env python3
"""Plays ImapTest's scripts against an IMAP server.

  run.py                                    starts build/release/godwit in a scratch directory, a fresh account for each script
  run.py --host H --port P --user U --password W [--tls]   another server; %d in the user becomes a number for each script
  run.py --dovecot                          a private Dovecot of Debian, to check the player
  run.py --self-test                        the unit tests of the player

Scripts: --data DIR, else $GODWIT_CONFORMANCE_DIR/imap-imaptest, else ../shared/conformance/imap-imaptest beside the source tree.
Ends with 'N passed, N failed, N skipped'; exit 1 if one failed.
"""
import argparse
import os
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE))
from dovecot import Dovecot  # noqa: E402
from player import Player, Target, Unable  # noqa: E402
from script import read_script  # noqa: E402
from server import Godwit  # noqa: E402
from template import ScriptError  # noqa: E402

NO_SCRIPTS = ('LICENSE', 'README', 'COPYING', 'SOURCE', 'FORMAT', 'Makefile', 'exceptions')


class Fixed:
    """A server that is there already."""

    def __init__(self, arguments):
        self.host, self.port, self.password, self.tls = arguments.host, arguments.port, arguments.password, arguments.tls
        self.user, self.users = arguments.user, 0

    def fresh_account(self):
        self.users += 1
        return self.user.replace('%d', str(self.users))

    def close(self):
        pass


def find_scripts(folder, only):
    """NAME.txt or NAME without a suffix."""
    found = sorted(p for p in folder.iterdir() if p.is_file() and p.suffix in ('', '.txt') and p.stem not in NO_SCRIPTS and p.name[0] != '.')
    return [p for p in found if not only or p.stem in only]


def mbox_of(path):
    for candidate in (path.with_suffix('.mbox'), path.parent / 'default.mbox'):
        if candidate.exists():
            return candidate
    raise ScriptError(f'{path}: neither {path.stem}.mbox nor default.mbox is there')


def read_exceptions(folder):
    """script[:line] -> the RFC clause that excuses it."""
    found = {}
    for path in (folder / 'exceptions.txt', HERE / 'exceptions.txt'):
        if path.exists():
            for line in path.read_text().splitlines():
                if line.strip() and not line.startswith('#'):
                    name, _, reason = line.strip().partition(' ')
                    found[name] = reason.strip()
    return found


def choose_server(arguments):
    if arguments.host:
        return Fixed(arguments)
    return Dovecot() if arguments.dovecot else Godwit(os.path.abspath(arguments.godwit))


def play(path, server, exceptions, verbose):
    """(result, lines to print)."""
    if path.stem in exceptions:
        return 'skipped', [f'SKIP  {path.stem}: {exceptions[path.stem]}']
    script = read_script(path)
    log = (lambda text: print(f'        {text}', flush=True)) if verbose else None
    target = Target(server.host, server.port, server.fresh_account(), server.password, server.tls)
    player = Player(script, mbox_of(path), target, lambda line: exceptions.get(f'{path.stem}:{line}'), log)
    try:
        player.play()
    except Unable as why:
        return 'skipped', [f'SKIP  {path.stem}: {why}']
    told = [f'SKIP  {path.stem}:{line}: {text}' for line, text in player.excuses]
    if player.failures:
        return 'failed', told + [f'FAIL  {path.stem}:{line}: {text}' for line, text in player.failures]
    return 'passed', told + ([f'ok    {path.stem}'] if verbose else [])


def run(arguments):
    default = pathlib.Path(os.environ.get('GODWIT_CONFORMANCE_DIR', ROOT.parent / 'shared' / 'conformance')) / 'imap-imaptest'
    folder = pathlib.Path(arguments.data) if arguments.data else default
    if not folder.is_dir():
        print(f'imap-imaptest: there is no {folder}; nothing was run')
        return 0
    scripts = find_scripts(folder, arguments.only)
    if not scripts:
        print(f'imap-imaptest: no script of that name in {folder}')
        return 2
    counts = {'passed': 0, 'failed': 0, 'skipped': 0}
    exceptions = read_exceptions(folder)
    server = choose_server(arguments)
    try:
        for path in scripts:
            try:
                result, told = play(path, server, exceptions, arguments.verbose)
            except (ScriptError, ValueError) as error:
                result, told = 'failed', [f'FAIL  {path.stem}: the script: {error}']
            counts[result] += 1
            counts['skipped'] += sum(line.startswith('SKIP') for line in told) if result != 'skipped' else 0
            for line in told:
                print(line, flush=True)
    finally:
        if arguments.keep_log and hasattr(server, 'log'):
            pathlib.Path(arguments.keep_log).write_text(server.log())
        server.close()
    print(f'{counts["passed"]} passed, {counts["failed"]} failed, {counts["skipped"]} skipped')
    return 1 if counts['failed'] else 0


def self_test():
    suite = unittest.defaultTestLoader.discover(str(HERE), pattern='test_*.py', top_level_dir=str(HERE))
    return 0 if unittest.TextTestRunner().run(suite).wasSuccessful() else 1


def main():
    parser = argparse.ArgumentParser(description='ImapTest scripts', formatter_class=argparse.RawDescriptionHelpFormatter, epilog=__doc__)
    parser.add_argument('--host')
    parser.add_argument('--port', type=int, default=143)
    parser.add_argument('--user', default='user%d@example.org')
    parser.add_argument('--password', default='correct-horse-7')
    parser.add_argument('--tls', action='store_true', help='TLS from the first byte; any certificate will do')
    parser.add_argument('--dovecot', action='store_true', help='play against a private Dovecot')
    parser.add_argument('--godwit', default=str(ROOT / 'build/release/godwit'))
    parser.add_argument('--data', help='the folder of the scripts')
    parser.add_argument('--only', action='append', default=[], metavar='NAME')
    parser.add_argument('--keep-log', metavar='FILE', help="the server's log, for a failure")
    parser.add_argument('--self-test', action='store_true')
    parser.add_argument('-v', '--verbose', action='store_true', help='print every line of the dialogue')
    arguments = parser.parse_args()
    return self_test() if arguments.self_test else run(arguments)


if __name__ == '__main__':
    sys.exit(main())
