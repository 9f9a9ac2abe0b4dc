"""The data directories of earlier releases are opened for ever: what they kept is there."""
import pathlib
import tarfile

from world import Skip, fetch_all

DATA = pathlib.Path(__file__).resolve().parent.parent / 'data'
MAILS = [
    ('bob@example.org', b'Subject: golden one\r\n\r\nshort\r\n'),
    ('team@example.org', b'Subject: golden two\r\n\r\n' + b'.dots\r\n' * 100),
    ('bob+tag@example.org', b'Subject: golden three\r\n\r\n' + (b'x' * 76 + b'\r\n') * 8000),
    ('someone@held.test', b'Subject: golden held\r\n\r\nheld\r\n'),
    ('someone@far.test', b'Subject: golden waiting\r\n\r\nwaiting\r\n'),
]


def case_directories_of_earlier_releases_open(world):
    archives = sorted(DATA.glob('golden-*.tar.gz'))
    if not archives:
        raise Skip('there is no golden directory')
    for archive in archives:
        server = world.server(archive.name.split('.tar')[0], extra='[[route]]\ndomain = "held.test"\nto = "hold"\n[[route]]\ndomain = "far.test"\nto = "hold"\n')
        server.data_dir.mkdir(mode=0o711)
        with tarfile.open(archive) as tar:
            tar.extractall(server.data_dir)
        server.start(seconds=60)
        bob = fetch_all(server, 'bob@example.org')
        assert len(bob) == 3 and all(any(m.endswith(sent) for m in bob) for _, sent in MAILS[:3]), f'{archive.name}: {len(bob)} mails'
        assert len([m for m in fetch_all(server, 'ann@example.org') if m.endswith(MAILS[1][1])]) == 1
        waiting = server.cli('queue', 'list', json_out=True)['messages']
        assert sorted(r['to'] for m in waiting for r in m['recipients']) == ['someone@far.test', 'someone@held.test'], waiting
        assert server.cli('alias', 'list', json_out=True)['aliases'][0]['address'] == 'team@example.org'
        server.cli('store', 'verify')
        server.kill()
