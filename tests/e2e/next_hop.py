"""The peers of routes: a smarthost with TLS and logins, and an LMTP server, both written here so that they run anywhere."""
import base64
import hashlib
import hmac
import os
import socketserver
import ssl
import threading

SALT, ITERATIONS = b'e2e-salt', 4096


def b64(data):
    return base64.b64encode(data).decode()


class Scram:
    """The server's side of RFC 5802, for one account."""

    def __init__(self, digest, password):
        self.digest = digest
        salted = hashlib.pbkdf2_hmac(digest, password.encode(), SALT, ITERATIONS)
        client_key = hmac.digest(salted, b'Client Key', digest)
        self.stored_key = hashlib.new(digest, client_key).digest()
        self.server_key = hmac.digest(salted, b'Server Key', digest)

    def first(self, message):
        assert message.startswith('n,,n='), message
        self.bare = message[3:]
        self.nonce = self.bare.split(',r=')[1] + 'fromtheserver'
        self.first_message = f'r={self.nonce},s={b64(SALT)},i={ITERATIONS}'
        return self.first_message

    def final(self, message):
        without, proof = message.rsplit(',p=', 1)
        assert without == f'c=biws,r={self.nonce}', message
        auth = f'{self.bare},{self.first_message},{without}'.encode()
        signature = hmac.digest(self.stored_key, auth, self.digest)
        key = bytes(a ^ b for a, b in zip(base64.b64decode(proof), signature))
        if hashlib.new(self.digest, key).digest() != self.stored_key:
            return None
        return 'v=' + b64(hmac.digest(self.server_key, auth, self.digest))


class NextHop:
    """What the handlers share. `certificate`: (cert, key), for STARTTLS or, with `implicit`, from the first byte. `mechanisms` are
    offered; `account`: (user, password), and who has not logged in may not send. `final(rcpt)`: the reply of LMTP for one recipient."""

    def __init__(self, certificate=None, implicit=False, mechanisms=(), account=None, lmtp=False, final=None, path=None):
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        self.implicit, self.mechanisms, self.account, self.lmtp, self.final = implicit, mechanisms, account, lmtp, final
        self.mails, self.commands, self.logins, self.lock = [], [], [], threading.Lock()
        kind = ThreadedUnix if path else ThreadedTcp
        self.listener = kind(path or ('127.0.0.1', 0), Dialogue)
        self.listener.hop = self
        self.port = None if path else self.listener.server_address[1]
        threading.Thread(target=self.listener.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()

    def close(self):
        self.listener.shutdown()
        self.listener.server_close()


class ThreadedTcp(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that went


class ThreadedUnix(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


class Dialogue(socketserver.BaseRequestHandler):
    def handle(self):
        self.hop, self.encrypted, self.user = self.server.hop, False, None
        self.stream = self.request
        if self.hop.implicit:
            self.encrypt()
        else:
            self.file = self.stream.makefile('rb')
        self.say('220 next-hop.example ready')
        sender, rcpts = None, []
        while line := self.file.readline():
            text = line.decode().rstrip('\r\n')
            self.hop.commands.append(text)
            verb = text.split(' ')[0].upper()
            if verb in ('EHLO', 'LHLO'):
                self.hello(verb)
            elif verb == 'STARTTLS' and self.hop.context and not self.encrypted:
                self.say('220 go ahead')
                self.encrypt()
            elif verb == 'AUTH':
                self.log_in(text)
            elif verb == 'MAIL' and self.hop.account and not self.user:
                self.say('530 5.7.0 Authentication required')
            elif verb == 'MAIL':
                sender, rcpts = text[10:], []
                self.say('250 2.1.0 Ok')
            elif verb == 'RCPT':
                rcpts.append(text[8:])
                self.say('250 2.1.5 Ok')
            elif verb == 'DATA':
                self.take(sender, rcpts)
            elif verb == 'QUIT':
                self.say('221 2.0.0 bye')
                return
            else:
                self.say('250 2.0.0 Ok')

    def say(self, text):
        self.stream.sendall(text.encode() + b'\r\n')

    def encrypt(self):
        self.stream = self.hop.context.wrap_socket(self.stream, server_side=True)
        self.file = self.stream.makefile('rb')
        self.encrypted = True

    def hello(self, verb):
        if (verb == 'LHLO') != self.hop.lmtp:
            return self.say('500 5.5.1 another protocol is spoken here')
        lines = ['next-hop.example', 'PIPELINING', '8BITMIME', 'ENHANCEDSTATUSCODES']
        if self.hop.context and not self.encrypted:
            lines.append('STARTTLS')
        if self.hop.mechanisms:
            lines.append('AUTH ' + ' '.join(self.hop.mechanisms))
        for i, text in enumerate(lines):
            self.say(f'250{"-" if i + 1 < len(lines) else " "}{text}')

    def ask(self, challenge):
        self.say('334 ' + b64(challenge.encode()))
        return base64.b64decode(self.file.readline()).decode()

    def log_in(self, text):
        _, mechanism, *initial = text.split(' ')
        given = base64.b64decode(initial[0]).decode() if initial else None
        user, password = self.hop.account
        good = False
        if mechanism not in self.hop.mechanisms:
            return self.say('504 5.5.4 no such mechanism')
        if mechanism == 'PLAIN':
            good = (given if given is not None else self.ask('')) == f'\0{user}\0{password}'
        elif mechanism == 'LOGIN':
            good = (given or self.ask('Username:')) == user and self.ask('Password:') == password
        else:
            scram = Scram('sha256' if mechanism.endswith('256') else 'sha1', password)
            last = scram.final(self.ask(scram.first(given)))
            good = last is not None and self.ask(last) == ''
        self.user = user if good else None
        self.hop.logins.append((mechanism, good, self.encrypted))
        self.say('235 2.7.0 welcome' if good else '535 5.7.8 Authentication credentials invalid')

    def take(self, sender, rcpts):
        if not rcpts:
            return self.say('503 5.5.1 no recipients')
        self.say('354 go on')
        body = []
        while (line := self.file.readline()) != b'.\r\n':
            if not line:
                return
            body.append(line[1:] if line.startswith(b'.') else line)
        with self.hop.lock:
            self.hop.mails.append((sender, list(rcpts), b''.join(body), self.encrypted))
        for rcpt in rcpts if self.hop.lmtp else rcpts[:1]:
            self.say((self.hop.final and self.hop.final(rcpt)) or '250 2.0.0 kept')


def password_file(world, password, mode=0o600):
    path = world.dir / 'relay.password'
    path.write_text(password + '\n')
    os.chmod(path, mode)
    return path
