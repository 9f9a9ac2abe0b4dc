"""All servers of a run, started once; and Godwit among them, started anew for each case."""
import contextlib
import pathlib
import shutil
import smtplib
import socket
import tempfile

import dns_server
import world as e2e
from dns_zones import GODWIT, LIAR, RECEIVERS, RESOLVER, Dns
from exim import Exim
from namespace import in_memory
from postfix import Postfix
from receivers import Receiver
from world import PASSWORD, Pop, no_verify, wait_for

ANN, BOB = 'ann@godwit.test', 'bob@godwit.test'
HERE = '[127.0.0.1]'  # how our clients greet; without it smtplib would ask the DNS
DOMAINS = ('godwit.test', 'plain.godwit.test')
DNS = f'servers = ["{RESOLVER}:53"]\ntrust_anchor = ""'
RETRY = '[queue]\nretry = ["3s"]\n'


def beside(case):
    """Marks a case that mostly waits: it runs while the others do, with a Godwit at GODWIT_BESIDE."""
    case.beside = True
    return case


class House:
    def __init__(self, binary, root, directory):
        self.binary, self.root = binary, pathlib.Path(root)
        tempfile.tempdir = str(directory)
        memory = in_memory(directory / 'memory')
        world = e2e.World(binary)
        self.certificate = world.certificate()
        (memory / 'dns').mkdir()
        dns_server.serve(LIAR)
        self.dns = Dns(memory / 'dns', self.root)
        self.postfix = Postfix(memory / 'postfix', self.root, self.certificate)
        self.exim = Exim(memory / 'exim', self.root, self.certificate)
        for peer in self.peers():
            for address in (peer.address, peer.plain_address):
                wait_for(f'{peer.name} answers at {address}', lambda address=address: greets(address), 20)

    def peers(self):
        return self.postfix, self.exim


class PeerWorld(e2e.World):
    """What one case has: the house's peers, a Godwit and scripted receivers of its own."""

    def __init__(self, house):
        super().__init__(house.binary)
        self.house, self.dns, self.postfix, self.exim = house, house.dns, house.postfix, house.exim
        self.free = 0
        self.read = {log: log.stat().st_size if log.exists() else 0 for log in self.peer_logs()}
        for file in house.certificate:
            shutil.copy(file, self.dir)

    def godwit(self, **settings):
        server = Godwit(self, **settings)
        self.servers.append(server)
        return server.setup().start()

    def receiver(self, *faults, address=None):
        """A scripted server (receivers.py), at an address that nobody has had."""
        receiver = Receiver(address or self.address(), faults)
        self.closers.append(receiver.close)
        return receiver

    def address(self):
        self.free += 1
        return RECEIVERS[self.free - 1]

    def peer_logs(self):
        return [log for part in (self.postfix, self.exim, self.dns) for log in part.logs()]

    def show_logs(self):
        super().show_logs()
        for log, begin in self.read.items():
            with contextlib.suppress(OSError):
                if lines := log.read_bytes()[begin:].decode(errors='replace').splitlines():
                    print(f'--- {log}')
                    print('\n'.join(lines[-30:]))


class Godwit(e2e.Server):
    """`godwit serve` at mx.godwit.test, port 25, that finds others by MX."""

    def __init__(self, world, extra='', dns=DNS, queue=RETRY, address=GODWIT):
        self.dns, self.queue, self.address = dns, queue, address
        super().__init__(world, 'godwit', extra=extra, hostname='mx.godwit.test')

    def write_config(self, extra=None):
        self.smtp = 25
        cert, key = self.world.certificate()
        listeners = ''.join(f'[[listener]]\nprotocol = "{protocol}"\naddress = "{address}:{port}"\n' for protocol, address, port in (
            ('smtp', self.address, 25), ('submissions', '127.0.0.1', self.submissions), ('pop3s', '127.0.0.1', self.pop3s)))
        self.config.write_text(f'hostname = "{self.hostname}"\ndata_dir = "{self.data_dir}"\nthreads = 2\n{listeners}'
                               f'[tls]\ncertificate = "{cert}"\nkey = "{key}"\n'
                               f'[dns]\n{self.dns}\n[outbound]\nforbidden_networks = []\n{self.queue}{self.extra}\n')

    def setup(self, accounts=('ann', 'bob')):
        for domain in DOMAINS:
            self.cli('domain', 'add', domain)
            for account in accounts:
                self.cli('account', 'add', f'{account}@{domain}', '--password-stdin', input=PASSWORD + '\n')
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f'godwit ended with {self.process.returncode}: {self.log.read_text(errors="replace")[-2000:]}')
        return greets(self.address)

    def submit(self, rcpts, mail=None, sender=ANN, mail_options=(), rcpt_options=()):
        """Ann's program hands in a mail; its id in the queue."""
        rcpts = [rcpts] if isinstance(rcpts, str) else rcpts
        with smtplib.SMTP_SSL('127.0.0.1', self.submissions, HERE, context=no_verify(), timeout=30) as client:
            client.login(sender, PASSWORD)
            answers = [client.mail(sender, ['BODY=8BITMIME', *mail_options]), *(client.rcpt(rcpt, rcpt_options) for rcpt in rcpts)]
            if all(code == 250 for code, _ in answers):
                answers.append(client.data(mail or letter(sender, rcpts[0])))
        for code, text in answers:
            assert code == 250, (rcpts, code, text)
        return answers[-1][1].decode().split()[1]  # '2.0.0 1jms1479g0801 kept'

    def mails(self, user):
        """The fetched mails of an account, by POP3."""
        pop = Pop(self, user)
        found = [pop.multi(f'RETR {i + 1}') for i in range(pop.count())]
        pop.quit()
        return found

    def waiting(self):
        """What `queue list` says, by the recipient: a dictionary a recipient."""
        messages = self.cli('queue', 'list', json_out=True)['messages']
        return {rcpt['to']: rcpt for message in messages for rcpt in message['recipients']}

    def trace(self, what):
        return self.cli('trace', what).stdout


def greets(address):
    try:
        with socket.create_connection((address, 25), 1) as s:
            s.settimeout(5)
            if s.recv(512)[:3] != b'220':
                return False
            s.sendall(b'QUIT\r\n')
        return True
    except OSError:
        return False


def letter(sender, rcpt, subject='a letter', body='hello\r\n.\r\n..dots\r\n'):
    return (f'Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nFrom: {sender}\r\nTo: {rcpt}\r\nSubject: {subject}\r\n'
            f'Message-ID: <{rcpt.replace("@", ".at.")}.{subject.replace(" ", ".")}@client.test>\r\n\r\n{body}').encode()


def hand_to(peer, sender, rcpt, mail, mail_options=(), rcpt_options=()):
    """To Postfix or Exim, as a program on their machine would: from 127.0.0.1, for whom they relay."""
    with smtplib.SMTP(peer.address, 25, HERE, timeout=30) as client:
        client.ehlo()
        for code, text in (client.mail(sender, ['BODY=8BITMIME', *mail_options]), client.rcpt(rcpt, rcpt_options), client.data(mail)):
            assert code in (250, 251), (rcpt, code, text)


def wait_one(what, mails, seconds=30):
    """The one mail that `mails()` comes to; not two."""
    wait_for(what, lambda: len(mails()) >= 1, seconds, 0.1)
    found = mails()
    assert len(found) == 1, f'{what}: {len(found)} copies'
    return found[0]
