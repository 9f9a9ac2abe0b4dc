"""A directory, ports, servers and clients of one end-to-end case. Everything is ended by its pid and removed at the end."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import socketserver
import ssl
import subprocess
import tempfile
import threading
import time

PASSWORD = 'correct-horse-7'


class Skip(Exception):
    pass


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(('127.0.0.1', 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def wait_for(what, condition, seconds=20, pause=0.05):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(pause)
    raise AssertionError(f'{what}: not within {seconds} s')


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f'{program} is not installed')


class World:
    def __init__(self, binary, long_run=False):
        self.binary, self.long, self.keep = binary, long_run, False
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix='godwit-e2e-'))
        os.chmod(self.dir, 0o755)
        self.servers, self.closers = [], []

    def certificate(self):
        cert, key = self.dir / 'cert.pem', self.dir / 'key.pem'
        if not cert.exists():
            subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                            '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1',
                            '-keyout', key, '-out', cert], check=True, capture_output=True)
        return cert, key

    def server(self, name='godwit', **settings):
        server = Server(self, name, **settings)
        self.servers.append(server)
        return server

    def sink(self, **settings):
        sink = Sink(**settings)
        self.closers.append(sink.close)
        return sink

    def finish(self):
        for server in self.servers:
            server.check_log()

    def show_logs(self):
        for server in self.servers:
            with contextlib.suppress(OSError):
                lines = server.log.read_text(errors='replace').splitlines()
                print(f'--- last lines of {server.log}')
                print('\n'.join(lines[-40:]))

    def close(self):
        for server in self.servers:
            server.kill()
        for closer in self.closers:
            with contextlib.suppress(Exception):
                closer()
        if not self.keep:
            shutil.rmtree(self.dir, ignore_errors=True)


NO_DNS = '[dns]\nservers = ["127.0.0.1:9"]\n'  # nothing here asks the world; nobody answers on this port


class Server:
    """One `godwit serve` with a configuration of its own, accounts ann@ and bob@example.org."""

    def __init__(self, world, name, extra='', data_dir=None, hostname='mx.example.org', wrapper=()):
        self.world, self.name, self.extra, self.wrapper = world, name, extra, list(wrapper)
        self.data_dir = pathlib.Path(data_dir or world.dir / name)
        self.config = world.dir / f'{name}.toml'
        self.log = world.dir / f'{name}.log'
        self.process = None
        (self.smtp, self.submission, self.submissions, self.pop3, self.pop3s, self.http) = free_ports(6)
        self.hostname = hostname
        self.expect_errors = False
        self.write_config()

    def write_config(self, extra=None):
        if extra is not None:
            self.extra = extra
        cert, key = self.world.certificate()
        listeners = ''.join(f'[[listener]]\nprotocol = "{protocol}"\naddress = "127.0.0.1:{port}"\n' for protocol, port in (
            ('smtp', self.smtp), ('submission', self.submission), ('submissions', self.submissions),
            ('pop3', self.pop3), ('pop3s', self.pop3s), ('http', self.http)))
        self.config.write_text(f'hostname = "{self.hostname}"\ndata_dir = "{self.data_dir}"\n{listeners}'
                               f'[tls]\ncertificate = "{cert}"\nkey = "{key}"\n{NO_DNS if "[dns]" not in self.extra else ""}{self.extra}\n')

    def setup(self, accounts=('ann', 'bob')):
        self.cli('domain', 'add', 'example.org')
        for account in accounts:
            self.cli('account', 'add', f'{account}@example.org', '--password-stdin', input=PASSWORD + '\n')
        return self

    def start(self, wait=True, seconds=30):
        log = open(self.log, 'ab')
        self.process = subprocess.Popen(self.wrapper + [self.world.binary, 'serve', '-c', str(self.config)], stdin=subprocess.DEVNULL,
                                        stdout=log, stderr=log, close_fds=True)
        log.close()
        if wait:
            wait_for(f'{self.name} answers on port {self.smtp}', self.answers, seconds)
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f'{self.name} ended with {self.process.returncode}: {self.log.read_text(errors="replace")[-2000:]}')
        try:
            with socket.create_connection(('127.0.0.1', self.smtp), 1) as s:
                s.settimeout(5)
                if s.recv(512)[:3] != b'220':
                    return False
                s.sendall(b'QUIT\r\n')
            return True
        except OSError:
            return False

    def stop(self, seconds=20):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(seconds)
        return self.process.returncode if self.process else None

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(20)

    def check_log(self):
        text = self.log.read_text(errors='replace') if self.log.exists() else ''
        for bad in ('AddressSanitizer', 'runtime error:', 'internal error', 'terminate called', 'task_failed'):
            assert bad not in text, f'{bad} in {self.log}: {text[max(0, text.find(bad) - 500):text.find(bad) + 1500]}'

    def cli(self, *words, input=None, check=True, json_out=False):
        command = [self.world.binary, *words, '-c', str(self.config)] + (['--json'] if json_out else [])
        done = subprocess.run(command, input=input or '', capture_output=True, text=True, timeout=60)
        if check and done.returncode != 0:
            raise AssertionError(f'{" ".join(words)}: exit {done.returncode}: {done.stdout}{done.stderr}')
        return json.loads(done.stdout) if json_out and done.returncode == 0 else done

    def queue_size(self):
        return self.cli('queue', 'summary', json_out=True)['messages']

    def wait_queue_empty(self, seconds=60):
        wait_for(f'the queue of {self.name} is empty', lambda: self.queue_size() == 0, seconds, 0.2)

    def rss(self):
        with open(f'/proc/{self.process.pid}/status') as status:
            for line in status:
                if line.startswith('VmRSS'):
                    return int(line.split()[1]) * 1024
        return 0


def no_verify():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Pop:
    """A small POP3 client that hands out the exact bytes (poplib splits lines)."""

    def __init__(self, server, user, password=PASSWORD, tls=True):
        raw = socket.create_connection(('127.0.0.1', server.pop3s if tls else server.pop3), 20)
        self.sock = no_verify().wrap_socket(raw) if tls else raw
        self.file = self.sock.makefile('rb')
        self.line()
        self.command(f'USER {user}')
        self.command(f'PASS {password}')

    def line(self):
        line = self.file.readline()
        if not line.startswith(b'+OK'):
            raise AssertionError(f'POP3 said {line!r}')
        return line

    def command(self, text):
        self.sock.sendall(text.encode() + b'\r\n')
        return self.line()

    def multi(self, text):
        self.command(text)
        out = []
        while (line := self.file.readline()) != b'.\r\n':
            assert line, 'the connection ended inside an answer'
            out.append(line[1:] if line.startswith(b'.') else line)
        return b''.join(out)

    def count(self):
        return int(self.command('STAT').split()[1])

    def quit(self):
        self.command('QUIT')
        self.close()

    def close(self):
        self.file.close()
        self.sock.close()


def fetch_all(server, user, tls=True, delete=False):
    pop = Pop(server, user, tls=tls)
    mails = [pop.multi(f'RETR {i + 1}') for i in range(pop.count())]
    if delete:
        for i in range(len(mails)):
            pop.command(f'DELE {i + 1}')
    pop.quit()
    return mails


def wait_mails(server, user, count, seconds=20):
    found = []

    def enough():
        found[:] = fetch_all(server, user)
        return len(found) >= count
    wait_for(f'{count} mails for {user}', enough, seconds, 0.2)
    return found


def without_trace(mail, sent):
    """The fetched bytes from where the sent ones begin: the server adds header fields in front and changes nothing behind."""
    assert mail.endswith(sent), f'the mail does not end in what was sent:\n{mail[:3000]!r}\n--- sent\n{sent[:1000]!r}'
    return mail[:len(mail) - len(sent)]


class Sink(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """An SMTP server that keeps what it gets; `reply(verb, argument)` may return another reply than 250."""
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port=0, reply=None, extensions=('PIPELINING', 'SIZE 52428800', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES')):
        self.mails, self.lock, self.reply, self.extensions = [], threading.Lock(), reply or (lambda verb, argument: None), extensions
        super().__init__(('127.0.0.1', port), Handler)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # a client that vanished

    def close(self):
        self.shutdown()
        self.server_close()


class Handler(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b'\r\n')

    def handle(self):
        sink, sender, rcpts = self.server, None, []
        self.say(sink.reply('CONNECT', '') or '220 sink.example ESMTP')
        while line := self.rfile.readline():
            verb, _, argument = line.decode('utf-8', 'replace').rstrip('\r\n').partition(' ')
            verb = verb.upper()
            answer = sink.reply(verb, argument)
            if answer == 'CLOSE':
                return
            if answer:
                self.say(answer)
                if verb == 'DATA' and not answer.startswith('3'):
                    sender, rcpts = None, []
            elif verb == 'EHLO':
                lines = ['sink.example', *sink.extensions]
                for i, text in enumerate(lines):
                    self.say(f'250{"-" if i + 1 < len(lines) else " "}{text}')
            elif verb == 'MAIL':
                sender, rcpts = argument, []
                self.say('250 2.1.0 Ok')
            elif verb == 'RCPT':
                rcpts.append(argument)
                self.say('250 2.1.5 Ok')
            elif verb == 'DATA':
                if not rcpts:
                    self.say('503 5.5.1 no recipients')
                    continue
                self.say('354 go on')
                body = []
                while (text := self.rfile.readline()) != b'.\r\n':
                    if not text:
                        return
                    body.append(text[1:] if text.startswith(b'.') else text)
                final = sink.reply('DOT', '')
                if final == 'CLOSE':
                    return
                if not final or final.startswith('2'):
                    with sink.lock:
                        sink.mails.append((sender, rcpts, b''.join(body)))
                self.say(final or '250 2.0.0 kept')
                sender, rcpts = None, []
            elif verb == 'QUIT':
                self.say('221 2.0.0 bye')
                return
            else:
                self.say('250 2.0.0 Ok')
