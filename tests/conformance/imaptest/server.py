"""A Godwit of one's own in a scratch directory on loopback, with a fresh account for each script. Ended by its pid."""
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

CONFIG = '''hostname = "mx.example.org"
data_dir = "{dir}/data"
[mailbox]
quota = "100MiB"
quota_messages = 200
[[listener]]
protocol = "imap"
address = "127.0.0.1:{imap}"
[[listener]]
protocol = "imaps"
address = "127.0.0.1:{imaps}"
[tls]
certificate = "{dir}/cert.pem"
key = "{dir}/key.pem"
[dns]
servers = ["127.0.0.1:9"]
'''


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(('127.0.0.1', 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Godwit:
    """Passwords travel inside TLS: scripts talk to the imaps listener, whose certificate is its own."""

    def __init__(self, binary, password='correct-horse-7'):
        self.binary, self.password, self.host, self.tls, self.users = binary, password, '127.0.0.1', True, 0
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix='imaptest-godwit-'))
        self.process = None
        self.plain_port, self.port = free_ports(2)
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj',
                        '/CN=localhost', '-keyout', self.dir / 'key.pem', '-out', self.dir / 'cert.pem'], check=True, capture_output=True)
        self.config = self.dir / 'godwit.toml'
        self.config.write_text(CONFIG.format(dir=self.dir, imap=self.plain_port, imaps=self.port))
        try:
            self.cli('domain', 'add', 'example.org')
            self.start()
        except Exception:
            self.close()
            raise

    def cli(self, *words, text=''):
        done = subprocess.run([self.binary, *words, '-c', self.config], input=text, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f'godwit {" ".join(words)}: {done.stdout}{done.stderr}')

    def start(self):
        with open(self.dir / 'log', 'ab') as log:
            self.process = subprocess.Popen([self.binary, 'serve', '-c', self.config], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for _ in range(600):
            if self.process.poll() is not None:
                raise RuntimeError(f'godwit ended with {self.process.returncode}: {self.log()[-2000:]}')
            try:
                with socket.create_connection((self.host, self.plain_port), 5) as s:
                    if s.recv(200).startswith(b'* OK'):
                        return
            except OSError:
                pass
            time.sleep(0.05)
        raise RuntimeError('godwit does not answer')

    def fresh_account(self):
        self.users += 1
        self.cli('account', 'add', f'user{self.users}@example.org', '--password-stdin', text=self.password + '\n')
        return f'user{self.users}@example.org'

    def log(self):
        path = self.dir / 'log'
        return path.read_text(errors='replace') if path.exists() else ''

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)
