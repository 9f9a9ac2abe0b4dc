"""One IMAP connection of a script: sends commands with literals, reads responses strictly."""
import re
import socket
import ssl

import responses
from deflate import Deflated
from mailbox import View
from tokens import ENDS_IN_LITERAL, ProtocolError, parse_response

QUIET = ('FETCH', 'STORE', 'SEARCH', 'SORT', 'THREAD')  # no EXPUNGE while one of these is in progress
WAIT_SECONDS = 20
MOST_BYTES = 200 * 1024 * 1024


def no_verify():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Connection:
    def __init__(self, host, port, tls=False, log=None, number=1):
        self.sock = socket.create_connection((host, port), WAIT_SECONDS)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.sock = no_verify().wrap_socket(self.sock)
        self.sock.settimeout(WAIT_SECONDS)
        self.file = self.sock.makefile('rb')
        self.log, self.number, self.count = log or (lambda text: None), number, 0
        self.view, self.utf8, self.open, self.ended = View(), False, {}, False
        self.greeting = self.read()
        if self.greeting.status not in ('OK', 'PREAUTH') or self.greeting.kind != 'untagged':
            raise ProtocolError(f'a greeting expected: {self.greeting}')

    def close(self):
        self.file.close()
        self.sock.close()

    def log_bytes(self, sign, data):
        for line in data.decode('latin-1').split('\r\n')[:-1]:
            self.log(f'{self.number}{sign} {line!a}'.replace("'", '', 1)[:-1])

    def read(self):
        """The next response; follows the mailbox and what was enabled."""
        raw = self.line()
        while not re.match(rb'\S+ (OK|NO|BAD|BYE|PREAUTH) ', raw, re.I) and not raw.startswith(b'+') and (found := ENDS_IN_LITERAL.search(raw)):
            size = int(found.group(1))
            if size > MOST_BYTES:
                raise ProtocolError(f'a literal of {size} bytes')
            literal = self.file.read(size)
            if len(literal) < size:
                raise ProtocolError('the connection ended inside a literal')
            raw += literal + self.line()
        self.log_bytes(' S:', raw)
        try:
            response = parse_response(raw, self.utf8)
            responses.check(response)
            response.sequence = self.view.sequence()
            self.follow(response)
        except ProtocolError as error:
            raise ProtocolError(f'{error}\n    in: {raw[:500]!r}') from None
        return response

    def line(self):
        try:
            line = self.file.readline(MOST_BYTES)
        except TimeoutError:
            raise ProtocolError(f'nothing came within {WAIT_SECONDS} s; open: {", ".join(self.open) or "no command"}') from None
        except OSError as error:
            raise ProtocolError(f'the connection broke: {error}') from None
        if not line:
            raise ProtocolError('the server closed the connection')
        if not line.endswith(b'\r\n'):
            raise ProtocolError(f'a line does not end in CRLF: {line[-80:]!r}')
        return line

    def follow(self, response):
        if response.kind == 'untagged':
            if response.status:
                self.ended = self.ended or response.status == 'BYE'
                return
            no_expunge = bool(self.open) and all(words[0] in QUIET for words in self.open.values())
            self.view.apply(response, no_expunge or not self.open)
            if response.name() == 'ENABLED':
                named = [item.text.upper() for item in response.items[1:]]
                self.utf8 = self.utf8 or 'UTF8=ACCEPT' in named or 'IMAP4REV2' in named
        elif response.kind == 'tagged':
            if response.tag not in self.open:
                raise ProtocolError(f'the tag {response.tag} is of no open command')
            words = self.open.pop(response.tag)
            if words[0] in ('CLOSE', 'UNSELECT') and response.status == 'OK' or words[0] in ('SELECT', 'EXAMINE') and response.status != 'OK':
                self.view.unselect()
            if words[0] == 'COMPRESS' and response.status == 'OK':  # RFC 4978 3: from the CRLF of this response on
                self.sock = self.file = Deflated(self.sock, self.file)

    def send(self, tag, parts, nonsync=False, on_response=lambda response: None):
        """Sends one command: parts are text, or (literal, is a literal8). Returns early if the server answers instead of a continuation."""
        if not tag:
            self.count += 1
            tag = f'c{self.number}t{self.count}'
        words = parts[0].upper().split() or ['']
        self.open[tag] = words
        if words[0] in ('SELECT', 'EXAMINE'):
            self.view.select()
        buffer = f'{tag} '
        for part in parts:
            if isinstance(part, str):
                buffer += part
                continue
            text, eight = part
            buffer += f'{"~" if eight else ""}{{{len(text)}{"+" if nonsync else ""}}}\r\n'
            if not nonsync:
                self.write(buffer)
                buffer = ''
                while (response := self.read()).kind != 'continue':
                    on_response(response)
                    if tag not in self.open:
                        return tag
            buffer += text
        self.write(buffer + '\r\n')
        return tag

    def write(self, text):
        data = text.encode('latin-1')
        self.log_bytes(' C:', data if data.endswith(b'\r\n') else data + b'\r\n')
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise ProtocolError(f'the connection broke: {error}') from None

    def finish(self, on_response=lambda response: None):
        """Reads until no command is open."""
        while self.open:
            response = self.read()
            if response.kind == 'continue':
                raise ProtocolError('a continuation that nobody waits for')
            on_response(response)

    def command(self, *parts):
        """For the work around a script: (tagged response, untagged responses)."""
        self.view.begin()
        seen = []
        self.send('', list(parts), on_response=seen.append)
        self.finish(seen.append)
        return seen[-1], seen[:-1]

    def must(self, *parts):
        tagged, untagged = self.command(*parts)
        if tagged.status != 'OK':
            raise ProtocolError(f'{parts[0].split()[0]} around the script: {tagged}')
        return untagged

    def capabilities(self):
        found = [r for r in self.must('CAPABILITY') if r.kind == 'untagged' and r.name() == 'CAPABILITY']
        if not found:
            raise ProtocolError('CAPABILITY was not answered')
        return {item.text.upper() for item in found[-1].items[1:]}

    def logout(self):
        """RFC 3501 6.1.3: BYE, then the tagged OK."""
        untagged = self.must('LOGOUT')
        if not any(r.status == 'BYE' for r in untagged):
            raise ProtocolError('LOGOUT without BYE')
        self.close()
