"""Python's imaplib: login, append, search, store, copy, move, idle; the bytes come back as they went in."""
import imaplib
import smtplib
import threading

from imap_side import ANN, BOB, PASSWORD, ImapSide, mail, ok
from test_submit_and_fetch import CORPUS
from world import Skip, no_verify, wait_for


def case_bytes_come_back_unchanged(world):
    side = ImapSide(world)
    for name, message in CORPUS.items():
        side.put(message, flags='\\Flagged' if name == 'plain' else '')
    found = side.mails()
    assert [m for m, _ in found] == list(CORPUS.values()), [m[:200] for m, _ in found]
    assert found[0][1] == {'\\Flagged'} and found[1][1] == set(), found[0][1]


def case_starttls_and_no_password_in_the_clear(world):
    side = ImapSide(world)
    client = imaplib.IMAP4(side.host, side.plain, timeout=30)
    if side.is_godwit:
        assert 'LOGINDISABLED' in client.capabilities and 'AUTH=PLAIN' not in client.capabilities, client.capabilities
        try:
            client.login(ANN, PASSWORD)
            raise AssertionError('LOGIN went through without TLS')
        except imaplib.IMAP4.error:
            pass
    ok(client.starttls(no_verify()))
    assert 'LOGINDISABLED' not in client.capabilities, client.capabilities
    ok(client.login(ANN, PASSWORD))
    assert ok(client.select())[0] == b'0'
    client.logout()


def case_wrong_password_and_authenticate_plain(world):
    side = ImapSide(world)
    client = side.connect(login=False)
    try:
        client.login(ANN, 'wrong')
        raise AssertionError('a wrong password went through')
    except imaplib.IMAP4.error as error:
        assert 'AUTHENTICATIONFAILED' in str(error), error
    ok(client.authenticate('PLAIN', lambda challenge: f'\0{ANN}\0{PASSWORD}'.encode()))
    assert ok(client.select())[0] == b'0'
    client.logout()


def case_store_copy_move_expunge(world):
    side = ImapSide(world)
    side.create('Work', 'Done')
    for i in range(5):
        side.put(mail(f'number {i}'))
    client = side.connect()
    ok(client.select())
    ok(client.store('1:3', '+FLAGS', '(\\Seen $label1)'))
    ok(client.store('2', '-FLAGS', '\\Seen'))
    assert ok(client.search(None, 'SEEN'))[0] == b'1 3'
    assert ok(client.search(None, 'KEYWORD', '$label1', 'UNSEEN'))[0] == b'2'
    assert ok(client.search(None, 'SUBJECT', '"number 4"'))[0] == b'5'
    ok(client.copy('1:2', 'Work'))
    ok(client.uid('MOVE', '5', 'Done'))
    ok(client.store('1', '+FLAGS.SILENT', '\\Deleted'))
    assert ok(client.expunge())[-1] == b'1'
    ok(client.close())
    client.logout()
    assert [m for m, _ in side.mails()] == [mail(f'number {i}') for i in (1, 2, 3)]
    assert [(m, f) for m, f in side.mails('Work')] == [(mail('number 0'), {'\\Seen', '$label1'}), (mail('number 1'), {'$label1'})]
    assert [m for m, _ in side.mails('Done')] == [mail('number 4')]


def case_folders(world):
    side = ImapSide(world)
    client = side.connect()
    for name in ('Projects/a', '"with space"', '&ZeVnLIqe-'):
        ok(client.create(name))
    ok(client.rename('Projects', 'Old'))
    ok(client.delete('"with space"'))
    client.logout()
    names = side.folders()
    assert 'Old/a' in names and 'Projects/a' not in names and 'with space' not in names and '&ZeVnLIqe-' in names, names
    for special in ('Drafts', 'Sent', 'Junk', 'Trash', 'Archive'):
        assert special in names, names


class Idler:
    """imaplib of Python 3.11 has no IDLE: its connection with the three lines of RFC 2177."""

    def __init__(self, side):
        self.client, self.lines = side.connect(), []
        ok(self.client.select())
        self.client.send(b'I1 IDLE\r\n')
        line = self.client.readline()
        assert line.startswith(b'+'), line
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while line := self.client.readline():
            self.lines.append(line)
            if line.startswith(b'I1 '):
                return

    def wait(self, text):
        wait_for(f'{text} while idle', lambda: any(line.startswith(text) for line in self.lines), 20)

    def done(self, more=b''):
        self.client.send(b'DONE\r\n' + more)
        self.thread.join(20)
        assert self.lines[-1].startswith(b'I1 OK'), self.lines


def case_idle_tells_new_mail_flags_and_expunges(world):
    side = ImapSide(world)
    idler = Idler(side)
    side.put(mail('while idle'))
    idler.wait(b'* 1 EXISTS')
    other = side.connect()
    ok(other.select())
    ok(other.store('1', '+FLAGS', '\\Flagged'))
    idler.wait(b'* 1 FETCH')
    ok(other.store('1', '+FLAGS', '\\Deleted'))
    ok(other.expunge())
    idler.wait(b'* 1 EXPUNGE')
    other.logout()
    idler.done()
    idler.client.logout()


def case_done_and_the_next_commands_in_one_packet(world):
    side = ImapSide(world)
    side.put(mail('there'))
    idler = Idler(side)
    blank = b'\r\n' if side.is_godwit else b''  # blank lines before a tag, as some clients send them; Dovecot takes none
    idler.done(blank + b'I2 NOOP\r\n' + blank + b'I3 FETCH 1:* FLAGS\r\n')
    tagged = {}
    while len(tagged) < 2:  # in any order: RFC 3501 5.5
        line = idler.client.readline()
        if line.startswith(b'I'):
            tagged[line[:2]] = line[3:5]
    assert tagged == {b'I2': b'OK', b'I3': b'OK'}, tagged
    idler.client.logout()


def case_mail_by_smtp_wakes_idle(world):
    side = ImapSide(world)
    if not side.is_godwit:
        raise Skip('the Dovecot here has no SMTP')
    idler = Idler(side)
    with smtplib.SMTP_SSL('127.0.0.1', side.server.submissions, context=no_verify(), timeout=30) as smtp:
        smtp.login(BOB, PASSWORD)
        smtp.sendmail(BOB, [ANN], mail('by smtp'))
    idler.wait(b'* 1 EXISTS')
    idler.done()
    idler.client.logout()
    assert side.mails()[0][0].endswith(mail('by smtp'))


def case_fifty_connections_of_one_user(world):
    side = ImapSide(world)
    clients = [side.connect() for _ in range(50)]
    for client in clients:
        ok(client.select())
    ok(clients[0].append('INBOX', '', None, mail('to all')))
    for client in clients:
        client.noop()
        assert ok(client.search(None, 'ALL'))[0] == b'1'
        client.logout()
