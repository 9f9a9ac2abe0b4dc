"""Capabilities that are switched off, in the configuration and for one account: announced no more, and not there."""
import signal

from imap_side import ANN, BOB, ImapSide, ok
from world import Skip, wait_for


def godwit_side(world):
    side = ImapSide(world)
    if not side.is_godwit:
        raise Skip('these are commands of godwit')
    return side


def announced(side, user):
    client = side.connect(user)
    words = ok(client.capability())[0].decode().split()
    client.logout()
    return words


def idles(side, user):
    client = side.connect(user)
    client.send(b'x IDLE\r\n')
    line = client.readline().decode()
    client.shutdown()
    assert line.startswith('+ ') or line == 'x BAD This server does not have that command\r\n', line
    return line.startswith('+ ')


def case_off_for_one_account(world):
    side = godwit_side(world)
    server = side.server
    assert {'IDLE', 'QRESYNC', 'LITERAL+'} <= set(announced(side, ANN)) and idles(side, ANN)
    before = side.connect(ANN)
    assert server.cli('account', 'set', ANN, '--imap-without', 'idle,QResync, LITERAL+').stdout.splitlines()[-1] \
        == 'imap-without  IDLE, LITERAL+, QRESYNC'
    assert b'IDLE' in ok(before.capability())[0].split(), 'a session keeps what it began with'
    before.logout()
    words = announced(side, ANN)
    assert not {'IDLE', 'QRESYNC', 'LITERAL+'} & set(words) and {'LITERAL-', 'CONDSTORE', 'MOVE'} <= set(words), words
    assert not idles(side, ANN)
    assert 'IDLE' in announced(side, BOB) and idles(side, BOB), 'it is for one account'
    side.put(b'Subject: still\r\n\r\nmail\r\n')
    assert len(side.mails()) == 1

    server.stop()  # the command works on the store, and what is set outlives the server
    lines = server.cli('account', 'show', ANN).stdout.splitlines()
    assert lines[0].split() == ['address', ANN] and lines[2] == 'imap-without  IDLE, LITERAL+, QRESYNC', lines
    rows = {each['address']: each['imap_without'] for each in server.cli('account', 'list', json_out=True)['accounts']}
    assert rows == {ANN: ['IDLE', 'LITERAL+', 'QRESYNC'], BOB: []}, rows
    server.start()
    assert not idles(side, ANN)
    assert server.cli('account', 'set', ANN, '--imap-without', 'none', json_out=True)['imap_without'] == []
    assert 'IDLE' in announced(side, ANN) and idles(side, ANN)
    assert server.cli('account', 'show', ANN).stdout.splitlines()[2] == 'imap-without  none'


def case_off_for_all(world):
    side = godwit_side(world)
    server = side.server
    server.cli('account', 'set', BOB, '--imap-without', 'MOVE')
    listeners = server.extra
    server.write_config(extra=listeners + '[imap]\nwithout = ["idle", "COMPRESS=DEFLATE"]\n')
    server.process.send_signal(signal.SIGHUP)
    wait_for('the reload', lambda: 'IDLE' not in announced(side, ANN))
    words = announced(side, ANN)
    assert 'COMPRESS=DEFLATE' not in words and 'MOVE' in words and not idles(side, ANN), words
    words = announced(side, BOB)
    assert not {'IDLE', 'COMPRESS=DEFLATE', 'MOVE'} & set(words), words
    server.write_config(extra=listeners + '[imap]\nwithout = ["IDEL"]\n')
    check = server.cli('config', 'check', check=False)
    assert check.returncode == 1, check
    assert 'imap.without: "IDEL" is not a capability of this server; there are IMAP4rev2, ' in check.stdout + check.stderr, check


def case_mistakes(world):
    side = godwit_side(world)
    server = side.server

    def refused(*words):
        done = server.cli('account', *words, check=False)
        assert done.returncode == 1 and done.stdout == '' and done.stderr.startswith('godwit: ') and done.stderr.count('\n') == 1, done
        return done.stderr
    sentence = refused('set', ANN, '--imap-without', 'IDLE,IDEL')
    assert '"IDEL" is not a capability of this server; there are IMAP4rev2, SASL-IR, ' in sentence and ' QRESYNC, ' in sentence, sentence
    assert 'IMAP4rev1 is the language itself; it cannot be switched off' in refused('set', ANN, '--imap-without', 'imap4rev1')
    assert '"" is not a capability' in refused('set', ANN, '--imap-without', 'IDLE,')
    assert '"none" is not a capability' in refused('set', ANN, '--imap-without', 'IDLE,none')
    for words in (('set', 'nobody@example.org', '--imap-without', 'IDLE'), ('show', 'nobody@example.org')):
        assert 'there is no account nobody@example.org' in refused(*words)
    assert server.cli('account', 'show', ANN, json_out=True)['imap_without'] == []
    for words in (('set',), ('set', ANN), ('set', '--imap-without', 'IDLE'), ('set', ANN, '--imap-without'), ('show',)):
        assert server.cli('account', *words, check=False).returncode not in (0, 1), words
