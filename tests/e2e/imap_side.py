"""The IMAP side of an end-to-end case: a Godwit with imap and imaps listeners, and what the cases of test_imap_*.py share.

GODWIT_E2E_IMAP=dovecot plays the same cases against a private Dovecot of Debian: so one knows whether the case or the server is wrong.
"""
import imaplib
import os
import pathlib
import subprocess
import sys

from world import PASSWORD, free_ports, no_verify, wait_for

ANN, BOB = 'ann@example.org', 'bob@example.org'
imaplib._MAXLINE = 10_000_000


class ImapSide:
    """host is a name that the certificate has; `plain` is the port for STARTTLS, `tls` that of TLS from the first byte."""
    host = 'localhost'

    def __init__(self, world):
        self.world = world
        self.certificate, key = world.certificate()
        self.is_godwit = os.environ.get('GODWIT_E2E_IMAP') != 'dovecot'
        if self.is_godwit:
            self.plain, self.tls = free_ports(2)
            self.server = world.server(extra=f'[[listener]]\nprotocol = "imap"\naddress = "127.0.0.1:{self.plain}"\n'
                                             f'[[listener]]\nprotocol = "imaps"\naddress = "127.0.0.1:{self.tls}"\n').setup().start()
        else:
            sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'conformance' / 'imaptest'))
            from dovecot import Dovecot
            self.server = Dovecot(PASSWORD, self.certificate, key)
            world.closers.append(self.server.close)
            self.plain, self.tls = self.server.port, self.server.tls_port

    def connect(self, user=ANN, login=True):
        client = imaplib.IMAP4_SSL(self.host, self.tls, ssl_context=no_verify(), timeout=30)
        if login:
            ok(client.login(user, PASSWORD))
        return client

    def put(self, message, folder='INBOX', flags='', user=ANN, date=None):
        client = self.connect(user)
        ok(client.append(folder, flags, date, message))
        client.logout()

    def create(self, *folders, user=ANN):
        client = self.connect(user)
        for folder in folders:
            ok(client.create(folder))
            ok(client.subscribe(folder))
        client.logout()

    def mails(self, folder='INBOX', user=ANN):
        """The bytes of each message with its flags, oldest first."""
        client = self.connect(user)
        count = int(ok(client.select(folder, readonly=True))[0])
        found = []
        for i in range(1, count + 1):
            data = ok(client.fetch(str(i), '(FLAGS BODY.PEEK[])'))
            flags = b' '.join(d[0] if isinstance(d, tuple) else d for d in data)
            found.append((data[0][1], {f.decode() for f in imaplib.ParseFlags(flags) if f != b'\\Recent'}))
        client.logout()
        return found

    def wait_mails(self, count, folder='INBOX', user=ANN, seconds=20):
        found = []

        def there():
            found[:] = self.mails(folder, user)
            return len(found) == count
        wait_for(f'{count} mails in {folder}', there, seconds, 0.2)
        return found

    def folders(self, user=ANN):
        client = self.connect(user)
        names = [line.decode().rsplit('"/" ', 1)[1].strip('"') for line in ok(client.list()) if line]
        client.logout()
        return names


def ok(answer):
    status, data = answer
    assert status == 'OK', answer
    return data


def mail(subject, body='hello\r\n', sender=BOB):
    return (f'Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nFrom: {sender}\r\nTo: {ANN}\r\nSubject: {subject}\r\n'
            f'Message-ID: <{subject.replace(" ", ".")}@client.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}').encode()


def run(command, timeout=60, good=(0,), **settings):
    done = subprocess.run([str(word) for word in command], capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL, **settings)
    assert done.returncode in good, (command, done.returncode, done.stdout[-3000:], done.stderr[-3000:])
    return done


def home(world, **more):
    path = world.dir / 'home'
    path.mkdir(exist_ok=True)
    return dict(os.environ, HOME=str(path), LANG='C.UTF-8', TERM='xterm', **more)


def lf(data):
    return data.replace(b'\r\n', b'\n')
