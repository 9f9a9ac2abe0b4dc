#!/usr/bin/env python3
"""Makes the golden data directory of a release: make_golden.py BINARY VERSION -> ../data/golden-VERSION.tar.gz

Once a release, never again: later versions must open what this one wrote (test_golden.py)."""
import pathlib
import sys
import tarfile

from test_golden import MAILS
from world import World, wait_mails

world = World(sys.argv[1])
try:
    server = world.server('golden', extra='[smtp]\nrelay_from = ["127.0.0.0/8"]\n[queue]\nretry = ["4h"]\n[[route]]\ndomain = "held.test"\nto = "hold"\n'
                          '[[route]]\ndomain = "far.test"\nto = "smtp://127.0.0.1:9"\n').setup()
    server.cli('alias', 'add', 'team@example.org', 'ann@example.org', 'bob@example.org')
    server.start()
    import smtplib
    client = smtplib.SMTP('127.0.0.1', server.smtp)
    client.ehlo()
    for rcpt, mail in MAILS:
        client.mail('ann@example.org')
        client.rcpt(rcpt)
        assert client.data(mail)[0] == 250
    client.quit()
    wait_mails(server, 'bob@example.org', 3)
    assert server.stop() == 0
    out = pathlib.Path(__file__).resolve().parent.parent / 'data' / f'golden-{sys.argv[2]}.tar.gz'
    out.parent.mkdir(exist_ok=True)
    with tarfile.open(out, 'w:gz', compresslevel=9) as tar:
        for path in sorted(server.data_dir.rglob('*')):
            if not path.is_socket() and path.name not in ('lock', 'reserve'):
                tar.add(path, path.relative_to(server.data_dir), recursive=False)
    print(out, out.stat().st_size)
finally:
    world.close()
