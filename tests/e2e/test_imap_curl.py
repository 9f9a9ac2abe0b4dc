"""curl's imap:// and imaps://: LIST, FETCH, SEARCH, APPEND, custom commands."""
from imap_side import ANN, PASSWORD, ImapSide, mail, ok, run
from world import need


def curl(side, path, *options, tls=True, good=(0,)):
    address = f'imaps://{side.host}:{side.tls}/{path}' if tls else f'imap://{side.host}:{side.plain}/{path}'
    return run(['curl', '-sS', '--cacert', side.certificate, *([] if tls else ['--ssl-reqd']), '--user', f'{ANN}:{PASSWORD}', address, *options],
               good=good).stdout


def case_list_fetch_and_search(world):
    need('curl')
    side = ImapSide(world)
    side.create('Work')
    messages = [mail('one'), mail('two', 'x' * 100_000 + '\r\n'), mail('three', 'grüße\r\n')]
    for message in messages:
        side.put(message, 'Work')
    for tls in (True, False):
        listed = curl(side, '', tls=tls)
        assert b'* LIST' in listed and b'Work' in listed, listed
        assert curl(side, 'Work;UID=2', tls=tls) == messages[1]
    assert curl(side, 'Work;MAILINDEX=3') == messages[2]
    assert curl(side, 'Work;UID=1;SECTION=TEXT') == b'hello\r\n'
    assert curl(side, 'Work?SUBJECT%20two').split() == [b'*', b'SEARCH', b'2']
    assert b'MESSAGES 3' in curl(side, '', '-X', 'STATUS Work (MESSAGES UNSEEN)')
    assert curl(side, 'Work;UID=9', good=(78,)) == b''  # curl: remote file not found


def case_append_and_store(world):
    need('curl')
    side = ImapSide(world)
    path = world.dir / 'mail.eml'
    path.write_bytes(mail('sent up', 'line\r\n' * 20_000))
    curl(side, 'INBOX', '-T', path)
    curl(side, 'INBOX', '-T', path, tls=False)
    assert [m for m, _ in side.mails()] == [path.read_bytes()] * 2
    curl(side, 'INBOX', '-X', 'STORE 2 +FLAGS.SILENT (\\Deleted)')
    curl(side, 'INBOX', '-X', 'EXPUNGE')
    assert len(side.mails()) == 1


def case_capabilities_and_sasl(world):
    need('curl')
    side = ImapSide(world)
    client = side.connect()
    ok(client.create('Mechanisms'))
    client.logout()
    for mechanism in ('PLAIN', 'LOGIN'):
        assert b'Mechanisms' in curl(side, '', '--login-options', f'AUTH={mechanism}'), mechanism
