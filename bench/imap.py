#!/usr/bin/env python3
"""IMAP side by side with Debian's Dovecot (sdbox, its own sync settings and password scheme) on loopback.

  imap.py --godwit build/release/godwit [--rounds N] [--messages N] [--only WORD ...]

Both servers are up; each figure is taken from one and then from the other, in each round anew, so that drift of the machine hits both.
Rates: four clients at once (imap_load.cc, which costs little itself), a second or more each. Times: one client, one command over the whole mailbox, from its last byte sent to its
last byte read. CPU is that of the server's processes, a command. The last column is what we ask of ourselves. Nothing here is a test.
"""
import argparse
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from run import cpu_seconds, free_port, resident  # noqa: E402

PASSWORD = 'correct-horse-7'
ANY_CERTIFICATE = ssl.create_default_context()
ANY_CERTIFICATE.check_hostname, ANY_CERTIFICATE.verify_mode = False, ssl.CERT_NONE
CLIENTS = 4
DOVECOT = '''base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{dir}/cert.pem
ssl_key = <{dir}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = sdbox:~/mail
first_valid_uid = 1
first_valid_gid = 1
namespace inbox {{
  inbox = yes
  separator = /
}}
passdb {{
  driver = passwd-file
  args = {dir}/users
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={dir}/home/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
  client_limit = 12000
  process_limit = 1
  service_count = 0
}}
service imap {{
  client_limit = 12000
  process_limit = 12000
}}
protocol imap {{
  mail_max_userip_connections = 20000
}}
default_client_limit = 20000
default_process_limit = 12000
'''


def make_certificate(folder):
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=bench.test',
                    '-keyout', folder / 'key.pem', '-out', folder / 'cert.pem'], check=True, capture_output=True)


def wait_greeting(port, process, log=None):
    for _ in range(400):
        if process.poll() is not None:
            raise SystemExit(f'the server on port {port} ended with {process.returncode}: {log.read_text()[-500:] if log else ""}')
        try:
            with socket.create_connection(('127.0.0.1', port), 2) as s:
                if s.recv(100).startswith(b'* OK'):
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise SystemExit(f'nothing answers on port {port}')


class Dovecot:
    name = 'dovecot'

    def __init__(self, base):
        self.dir = base / 'dovecot'
        (self.dir / 'home').mkdir(parents=True)
        os.chmod(self.dir, 0o755)
        shutil.chown(self.dir / 'home', 'mail', 'mail')
        make_certificate(self.dir)
        self.port, self.tls_port = free_port(), free_port()
        hashed = subprocess.run(['doveadm', 'pw', '-p', PASSWORD], check=True, capture_output=True, text=True).stdout.strip()
        (self.dir / 'users').write_text(''.join(f'{user(i)}:{hashed}\n' for i in range(CLIENTS + 1)))
        (self.dir / 'dovecot.conf').write_text(DOVECOT.format(dir=self.dir, port=self.port, tls_port=self.tls_port))
        program = shutil.which('dovecot') or '/usr/sbin/dovecot'
        self.process = subprocess.Popen([program, '-F', '-c', str(self.dir / 'dovecot.conf')], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self.root = self.process.pid
        wait_greeting(self.port, self.process)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


class Godwit:
    name = 'godwit'

    def __init__(self, binary, base):
        self.dir, binary = base / 'godwit', os.path.abspath(binary)
        self.dir.mkdir()
        make_certificate(self.dir)
        self.port, self.tls_port = free_port(), free_port()
        config = self.dir / 'godwit.toml'
        config.write_text(
            f'hostname = "bench.test"\ndata_dir = "{self.dir}/data"\nrun_dir = "{self.dir}/run"\n'
            f'[tls]\ncertificate = "{self.dir}/cert.pem"\nkey = "{self.dir}/key.pem"\n[auth]\nplaintext_from = ["127.0.0.0/8"]\n'
            f'[[listener]]\nprotocol = "imap"\naddress = "127.0.0.1:{self.port}"\n[[listener]]\nprotocol = "imaps"\naddress = "127.0.0.1:{self.tls_port}"\n'
            f'[limits]\nconnections = 20000\n[log]\nlevel = "warning"\n')
        with open(self.dir / 'log', 'wb') as log:
            self.process = subprocess.Popen([binary, 'serve', '-c', str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.root = self.process.pid
        wait_greeting(self.port, self.process, self.dir / 'log')
        subprocess.run([binary, 'domain', 'add', 'bench.test', '-c', str(config)], check=True, capture_output=True)
        for i in range(CLIENTS + 1):
            subprocess.run([binary, 'account', 'add', user(i), '--password-stdin', '-c', str(config)], check=True, capture_output=True, input=PASSWORD.encode())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def user(number):
    return f'user{number}@bench.test'


WORDS = [''.join(random.Random(n).choice('etaoinshrdlucmfwyp') for _ in range(3 + n % 7)) for n in range(5000)]


def message(number):
    """A text of some hundred to four thousand words' bytes; one in ten answers an earlier one."""
    r = random.Random(number)
    text = ' '.join(r.choice(WORDS) for _ in range(max(5, min(700, int(r.lognormvariate(4.2, 0.9))))))
    body = '\r\n'.join(text[k:k + 76] for k in range(0, len(text), 76))
    answers = f'In-Reply-To: <{number - 7}@bench.test>\r\nReferences: <{number - 7}@bench.test>\r\n' if number > 7 and number % 10 == 0 else ''
    return (f'Date: Tue, {1 + number % 28:02} Nov 2023 {number // 60 % 24:02}:{number % 60:02}:00 +0000\r\nFrom: "U {number % 97}" <u{number % 97}@example.com>\r\n'
            f'To: me@bench.test\r\nSubject: {" ".join(r.choice(WORDS) for _ in range(5))}\r\nMessage-ID: <{number}@bench.test>\r\n{answers}'
            f'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n').encode()


class Client:
    def __init__(self, port, number, tls=False):
        self.socket = socket.create_connection(('127.0.0.1', port), 120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = ANY_CERTIFICATE.wrap_socket(self.socket)
        self.socket.recv(4096)
        self.run(b'LOGIN %s %s' % (user(number).encode(), PASSWORD.encode()))

    def run(self, command):
        """Sends it whole and reads to its end; no line of the mail begins with this tag."""
        self.socket.sendall(b'zq9 ' + command + b'\r\n')
        size, tail = 0, b'\r\n'
        while True:
            data = self.socket.recv(1 << 20)
            if not data:
                raise SystemExit(f'connection lost in {command[:40]!r}')
            size += len(data)
            tail = (tail + data)[-600:]
            if tail.endswith(b'\r\n') and (at := tail.rfind(b'\r\nzq9 ')) >= 0 and tail.index(b'\r\n', at + 2) == len(tail) - 2:
                if not tail[at + 6:].startswith(b'OK'):
                    raise SystemExit(f'{command[:60]!r}: {tail[at + 2:].decode()}')
                return size

    def close(self):
        try:
            self.run(b'LOGOUT')
        except OSError:
            pass
        self.socket.close()


def messages_file(folder):
    """The messages that imap_load appends."""
    path = folder / 'messages'
    texts = [message(i) for i in range(1000, 1200)]
    path.write_bytes(b''.join(b'%d\n' % len(text) + text for text in texts))
    return path


def rate(server, load, work, seconds):
    """Commands a second of all clients, and the server's CPU seconds for a thousand of them."""
    before = cpu_seconds(server.root)
    out = subprocess.run([*load, str(server.port), user('%d'), PASSWORD, str(CLIENTS), str(seconds), *work], check=True, capture_output=True, text=True).stdout
    done, elapsed = out.split()
    return int(done) / float(elapsed), (cpu_seconds(server.root) - before) * 1000 / int(done)


def fill(client, name, count):
    client.run(b'CREATE ' + name)
    for begin in range(0, count, 500):
        parts = []
        for i in range(begin, min(begin + 500, count)):
            text = message(i)
            parts.append(b' {%d+}\r\n' % len(text) + text)
        client.run(b'APPEND ' + name + b''.join(parts))


def timed(server, client, command):
    before, begin = cpu_seconds(server.root), time.monotonic()
    client.run(command)
    return time.monotonic() - begin, cpu_seconds(server.root) - before


# name, work of imap_load, what is asked
RATES = (('login + select + logout', 'login', 2), ('APPEND', 'append', 3), ('STORE one flag', 'store', 1.5), ('FETCH one whole message', 'fetch', None))
# name, command, how often in a row (the best counts), what is asked
COMMANDS = (
    ('FETCH 1:* ENVELOPE, first time', b'FETCH 1:* (ENVELOPE)', 1, 3), ('FETCH 1:* ENVELOPE, again', b'FETCH 1:* (ENVELOPE)', 3, 1.5),
    ('FETCH 1:* BODYSTRUCTURE, first time', b'FETCH 1:* (BODYSTRUCTURE)', 1, 3), ('FETCH 1:* BODYSTRUCTURE, again', b'FETCH 1:* (BODYSTRUCTURE)', 3, 1.5),
    ('FETCH 1:* FLAGS', b'FETCH 1:* (FLAGS)', 3, 2), ('FETCH 1:* UID SIZE DATE', b'FETCH 1:* (UID RFC822.SIZE INTERNALDATE)', 3, None),
    ('FETCH 1:1000 BODY[]', b'FETCH 1:1000 (BODY.PEEK[])', 3, 1.5), ('SEARCH SUBJECT', b'SEARCH SUBJECT "%s"' % WORDS[17].encode(), 3, 2),
    ('SEARCH BODY', b'SEARCH BODY "%s"' % WORDS[18].encode(), 2, 1), ('SEARCH TEXT, no such word', b'SEARCH TEXT "qqxxzzyy"', 2, None),
    ('SORT (REVERSE DATE)', b'SORT (REVERSE DATE) UTF-8 ALL', 3, 2), ('SORT (SUBJECT)', b'SORT (SUBJECT) UTF-8 ALL', 3, 2),
    ('THREAD REFERENCES', b'THREAD REFERENCES UTF-8 ALL', 3, 2), ('STORE 1:* \\Seen', b'STORE 1:* +FLAGS.SILENT (\\Seen)', 1, 1.5),
    ('COPY 1:*', b'COPY 1:* Copy', 1, None), ('STORE 1:* \\Deleted', b'STORE 1:* +FLAGS.SILENT (\\Deleted)', 1, 1.5), ('EXPUNGE', b'EXPUNGE', 1, 2))


def one_mailbox(server, count, results, only):
    server.messages = count
    client = Client(server.port, 0)
    fill(client, b'Big', count)
    client.run(b'CREATE Copy')
    client.close()  # what is learnt with APPEND may be kept for its session alone
    client = Client(server.port, 0)
    client.run(b'SELECT Big')
    for name, command, often, _ in COMMANDS:
        if wanted(name, only):
            results.setdefault(name, {}).setdefault(server.name, []).append(min(timed(server, client, command) for _ in range(often)))
    client.run(b'CLOSE')
    for name in (b'Copy', b'Big'):
        client.run(b'DELETE ' + name)
    client.close()


def wanted(name, only):
    return not only or any(word.lower() in name.lower() for word in only)


def show(name, results, higher_is_better, asked):
    (d, dc), (g, gc) = ([statistics.median(x[i] for x in results[n]) for i in (0, 1)] for n in ('dovecot', 'godwit'))
    ratio = g / d if higher_is_better else d / g
    unit = '/s' if higher_is_better else 'ms'
    scale = 1 if higher_is_better else 1000
    cpu = '%9.3f %9.3f' % (dc, gc) if higher_is_better else '%7.0fms %7.0fms' % (dc * 1000, gc * 1000)
    print(f'{name:36} {d * scale:9.1f}{unit} {g * scale:9.1f}{unit} {cpu} {ratio:7.1f}x {"" if asked is None else asked}', flush=True)


def idle(server, count):
    time.sleep(1)
    before, clients = resident(server.root), []
    try:
        for i in range(count):
            clients.append(Client(server.tls_port, i % CLIENTS, tls=True))
            clients[-1].run(b'SELECT INBOX')
            clients[-1].socket.sendall(b'i IDLE\r\n')
        time.sleep(2)
        return (resident(server.root) - before) / count / 1024
    finally:
        for client in clients:
            client.socket.close()


def huge(server, count):
    client = Client(server.port, CLIENTS)
    small = b'Subject: one of many\r\n\r\nx\r\n'
    many = b''.join(b' {%d+}\r\n' % len(small) + small for _ in range(500))
    client.run(b'CREATE Huge')
    for _ in range(count // 500):
        client.run(b'APPEND Huge' + many)
    opening, _ = min(timed(server, client, b'SELECT Huge') for _ in range(3))
    client.close()
    client = Client(server.port, CLIENTS)
    fresh, _ = timed(server, client, b'SELECT Huge')
    last, _ = min(timed(server, client, b'FETCH %d:* (FLAGS)' % (count - 999)) for _ in range(3))
    print(f'{server.name}: {count} messages: SELECT {fresh * 1000:.1f} ms in a new session, {opening * 1000:.1f} ms again; flags of the last 1,000 {last * 1000:.1f} ms', flush=True)


def main():
    parser = argparse.ArgumentParser(description='IMAP side by side with Dovecot')
    parser.add_argument('--godwit', default='build/release/godwit')
    parser.add_argument('--load', default='build/release/bench/imap_load')
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--messages', type=int, default=10_000)
    parser.add_argument('--seconds', type=float, default=2)
    parser.add_argument('--idle', type=int, default=0, help='only: memory of so many idle TLS sessions')
    parser.add_argument('--huge', type=int, default=0, help='only: a mailbox of so many messages')
    parser.add_argument('--only', nargs='*', default=[], help='figures whose names hold one of these words')
    arguments = parser.parse_args()
    if os.getuid() != 0 or not shutil.which('doveadm'):
        sys.exit("the bench needs root and Debian's dovecot-imapd: ./dev bench imap installs it")
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    base = pathlib.Path(tempfile.mkdtemp(prefix='godwit-bench-', dir='/tmp'))
    os.chmod(base, 0o755)
    servers = []
    try:
        for make in (lambda: Dovecot(base), lambda: Godwit(arguments.godwit, base)):
            servers.append(make())
        if arguments.idle or arguments.huge:
            for server in servers:
                if arguments.idle:  # a process each costs Dovecot more than this machine has
                    count = min(arguments.idle, 1000 if server.name == 'dovecot' else arguments.idle)
                    print(f'{server.name}: {count} idle TLS sessions: {idle(server, count):.1f} KiB each', flush=True)
                if arguments.huge and server.name == 'godwit':  # a million files take Dovecot too long
                    huge(server, arguments.huge)
            return
        print(f'{"":36} {"dovecot":>11} {"godwit":>11} {"CPU of each":>19} {"ratio":>8} asked', flush=True)
        results = {}
        for _ in range(arguments.rounds):
            for server in servers:
                one_mailbox(server, arguments.messages, results, arguments.only)
        for name, _, _, asked in COMMANDS:
            if name in results:
                show(name, results[name], False, asked)
        for server in servers:
            client = Client(server.port, 0)
            fill(client, b'Big', 1000)
            client.close()
            server.messages = 1000
            for i in range(CLIENTS):
                client = Client(server.port, i)
                fill(client, b'Warm', 1)
                for _ in range(50):
                    client.run(b'APPEND INBOX {%d+}\r\n' % len(message(1)) + message(1))
                client.close()
        details = {'append': [str(messages_file(base))], 'fetch': [str(servers[0].messages)]}
        for name, work, asked in RATES:
            if wanted(name, arguments.only):
                runs = {server.name: [] for server in servers}
                for _ in range(arguments.rounds):
                    for server in servers:
                        runs[server.name].append(rate(server, [arguments.load], [work, *details.get(work, [])], arguments.seconds))
                show(name, runs, True, asked)
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(base, ignore_errors=True)


if __name__ == '__main__':
    main()
