#!/usr/bin/env python3
"""Checks that dependencies only go down: every #include "..." of src/ against the floors below.

A file may include its own module, lower floors, and on its own floor only what stands behind the colon
(docs/architecture.md draws the same list). src/testing is for tests alone. Also: only edge may name
sockets, only edge/dns libunbound, only edge/tls OpenSSL's SSL, only edge/store RocksDB.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent / 'src'

FLOORS = [  # top to bottom; modules on one floor see each other only as `siblings` says
    ['app'],
    ['frontend/smtpd', 'frontend/imapd', 'frontend/pop3d', 'frontend/httpd', 'frontend/adminapi', 'frontend/submitd'],
    ['service/intake', 'service/submission', 'service/routing', 'service/outbound', 'service/delivery', 'service/scheduler', 'service/events'],
    ['state/directory', 'state/queue', 'state/mailbox', 'state/trace', 'state/events', 'check/spf', 'check/dkim', 'check/dmarc', 'check/arc', 'check/iprev'],
    ['edge/net', 'edge/dns', 'edge/tls', 'edge/http', 'edge/store', 'grammar/message', 'grammar/smtp', 'grammar/pop3', 'grammar/imap', 'grammar/sasl', 'grammar/dsn', 'grammar/submit', 'grammar/authres'],
    ['base'],
]
SIBLINGS = {
    'frontend/adminapi': {'frontend/httpd'},
    'service/intake': {'service/events', 'service/submission', 'service/routing'},
    'service/outbound': {'service/routing'},
    'service/delivery': {'service/intake', 'service/routing'},
    'service/scheduler': {'service/events', 'service/intake', 'service/routing', 'service/outbound', 'service/delivery'},
    'state/mailbox': {'state/directory'},
    'edge/dns': {'edge/net'},
    'edge/tls': {'edge/net'},
    'edge/http': {'edge/net', 'edge/tls'},
    'check/arc': {'check/dkim'},
    'check/dmarc': {'check/spf', 'check/dkim'},
    'grammar/dsn': {'grammar/message'},
}
SYSTEM = [  # header pattern, where it may be included
    (r'boost/asio/(ip|local|ssl|posix|io_context|executor_work_guard|co_spawn|detached)', ('edge/net', 'edge/dns', 'edge/tls', 'edge/http', 'testing')),
    (r'unbound', ('edge/dns',)),
    (r'openssl/ssl\.h', ('edge/tls',)),
    (r'rocksdb/', ('edge/store', 'testing')),
    (r'boost/beast', ('edge/http',)),
    (r'gtest/|gmock/', ()),
]
FLOOR_OF = {module: i for i, floor in enumerate(FLOORS) for module in floor}


def module_of(path):
    parts = path.split('/')
    for take in (2, 1):
        name = '/'.join(parts[:take])
        if name in FLOOR_OF or name == 'testing':
            return name
    return None


def allowed(source, target):
    if source == target or source == 'testing':
        return True
    if target == 'testing':
        return False
    if FLOOR_OF[target] > FLOOR_OF[source]:
        return True
    return target in SIBLINGS.get(source, ())


def main():
    errors, files = [], 0
    for path in sorted(ROOT.rglob('*')):
        if path.suffix not in ('.h', '.cc'):
            continue
        files += 1
        name = str(path.relative_to(ROOT))
        test = name.endswith(('_test.cc', '_fuzz.cc', '_conformance.h', '_fixture.h'))
        source = module_of(name)
        if source is None:
            errors.append(f'{name}: its folder is on no floor; add it to tools/check_layers.py')
            continue
        for number, line in enumerate(path.read_text(errors='replace').splitlines(), 1):
            own = re.match(r'\s*#include "([^"]+)"', line)
            if own and not test and not own[1].endswith('.pb.h'):
                target = module_of(own[1])
                if target is None:
                    errors.append(f'{name}:{number}: "{own[1]}" is not a path from src/')
                elif not allowed(source, target):
                    errors.append(f'{name}:{number}: {source} may not include {target}')
            system = re.match(r'\s*#include <([^>]+)>', line)
            if system and not test:
                for pattern, places in SYSTEM:
                    if re.match(pattern, system[1]) and source not in places and source != 'base':
                        errors.append(f'{name}:{number}: <{system[1]}> belongs to {" and ".join(places) or "tests"} alone')
    for error in errors:
        print(error)
    print(f'layers: {files} files, {len(errors)} errors')
    return 1 if errors else 0


if __name__ == '__main__':
    sys.exit(main())
