"""Scripted SMTP receivers: honest, but for the faults that a case names.

A fault is Fault(state, act, times): at CONNECT (before the banner), BANNER (after it), EHLO, STARTTLS, MAIL, RCPT, DATA, BODY (after the
first line of the mail) or DOT (after all of it), `act` is a reply to be given ('421 4.3.2 going down'), CLOSE, or a number of seconds to be
silent before the honest reply. It strikes so many times, or until the case calls mend(). STARTTLS is offered only where a fault is about it.
"""
import dataclasses
import socket
import socketserver
import threading
import time

CLOSE = 'close'
EXTENSIONS = ('PIPELINING', 'SIZE 52428800', '8BITMIME', 'ENHANCEDSTATUSCODES')


@dataclasses.dataclass
class Fault:
    state: str
    act: object
    times: int = 1_000_000


def domain_at(address):
    """The domain whose MX is there."""
    return f'r{address.rpartition(".")[2]}.test'


class Closed(Exception):
    pass


class Receiver(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address, faults):
        self.address, self.domain = address, domain_at(address)
        self.extensions = [*EXTENSIONS, *(fault.state for fault in faults if fault.state == 'STARTTLS')]
        self.faults, self.lock = list(faults), threading.Lock()
        self.mails = []  # (reverse path, recipients, bytes)
        self.connections = []  # when each began
        self.transactions = []  # the same of each MAIL
        self.dropped = []  # bodies that were taken whole and never answered for
        super().__init__((self.address, 25), Dialogue)
        threading.Thread(target=self.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()

    def fault(self, state):
        with self.lock:
            for fault in self.faults:
                if fault.state == state and fault.times > 0:
                    fault.times -= 1
                    return fault.act
        return None

    def mend(self):
        with self.lock:
            self.faults = []

    def handle_error(self, request, client_address):
        pass  # a client that vanished

    def close(self):
        self.shutdown()
        self.server_close()


def ehlo(extensions):
    return '\r\n'.join([*(f'250-{text}' for text in ('receiver.test', *extensions[:-1])), f'250 {extensions[-1]}'])


class Dialogue(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b'\r\n')

    def meet(self, state, honest):
        """Says the honest reply, unless there is a fault. True if it was the honest one."""
        act = self.server.fault(state)
        if act == CLOSE:
            raise Closed
        if isinstance(act, str):
            self.say(act)
            if act.startswith('421'):
                raise Closed
            return False
        if act:
            time.sleep(act)
        if honest:
            self.say(honest)
        return True

    def handle(self):
        self.server.connections.append(time.monotonic())
        try:
            if self.meet('CONNECT', '220 receiver.test ESMTP'):
                self.meet('BANNER', None)
            self.commands()
        except Closed:
            self.request.shutdown(socket.SHUT_WR)  # what the client has sent is read: no reset that swallows our last words
            self.request.settimeout(1)
            try:
                while self.request.recv(65536):
                    pass
            except OSError:
                pass

    def commands(self):
        sender, rcpts = None, []
        while line := self.rfile.readline():
            verb, _, argument = line.decode('utf-8', 'replace').rstrip('\r\n').partition(' ')
            match verb.upper():
                case 'EHLO':
                    self.meet('EHLO', ehlo(self.server.extensions))
                case 'STARTTLS':
                    self.starttls()
                case 'MAIL':
                    self.server.transactions.append(time.monotonic())
                    sender, rcpts = (argument, []) if self.meet('MAIL', '250 2.1.0 Ok') else (None, [])
                case 'RCPT' if sender is not None:
                    if self.meet('RCPT', '250 2.1.5 Ok'):
                        rcpts.append(argument)
                case 'DATA' if rcpts:
                    if self.meet('DATA', '354 go on'):
                        body = self.body()
                        self.final(sender, rcpts, body)
                    sender, rcpts = None, []
                case 'DATA' | 'RCPT':
                    self.say('503 5.5.1 what for?')
                case 'QUIT':
                    self.say('221 2.0.0 bye')
                    return
                case _:
                    sender, rcpts = None, []
                    self.say('250 2.0.0 Ok')

    def starttls(self):
        act = self.server.fault('STARTTLS') or '502 5.5.1 no'
        if act != CLOSE:
            self.say(act)
        if act.startswith('220'):
            self.rfile.read1()
            self.say('this is no TLS')
        if act == CLOSE or act.startswith('220'):
            raise Closed

    def body(self):
        """Up to the dot; the fault BODY strikes after the first line."""
        lines = [self.rfile.readline()]
        self.meet('BODY', None)
        while (line := self.rfile.readline()) != b'.\r\n':
            if not line:
                raise Closed
            lines.append(line)
        return b''.join(line[1:] if line.startswith(b'.') else line for line in lines)

    def final(self, sender, rcpts, body):
        try:
            taken = self.meet('DOT', '250 2.0.0 kept')
        except Closed:
            self.server.dropped.append(body)
            raise
        if taken:
            self.server.mails.append((sender, rcpts, body))
