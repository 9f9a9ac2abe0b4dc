"""IMAP responses as trees, read strictly: whatever the grammar of RFC 3501 9 and RFC 9051 9 does not allow raises ProtocolError.

Bytes are held as text of the same code points (latin-1), so nothing is lost and scripts compare with them directly.
"""
import dataclasses
import re

STATUS_WORDS = ('OK', 'NO', 'BAD', 'BYE', 'PREAUTH')
ATOM = re.compile(r'[^\x00-\x20\x7f-\xff(){%*"\\\]]+')  # ATOM-CHAR
ASTRING = re.compile(r'[^\x00-\x20\x7f-\xff(){%*"\\]+')  # ASTRING-CHAR: also "]"
LITERAL = re.compile(r'(~?)\{(0|[1-9][0-9]*)\}\r\n')
SECTION = re.compile(r'(BODY|BINARY|BINARY\.SIZE)\[', re.I)
ENDS_IN_LITERAL = re.compile(rb'\{([0-9]+)\}\r\n\Z')


class ProtocolError(Exception):
    """The server sent something that is not IMAP."""


@dataclasses.dataclass
class Node:
    """One token or list. kind: atom, string, literal, literal8, list, code (the brackets of a response code), text (of a status line)."""
    kind: str
    text: str = ''
    items: list = dataclasses.field(default_factory=list)
    spaced: bool = True  # a space stood before it (the first of a list: True)

    def is_atom(self, *words):
        return self.kind == 'atom' and (not words or self.text.upper() in words)

    def is_nil(self):
        return self.is_atom('NIL')

    def is_string(self):
        return self.kind in ('string', 'literal')

    def number(self, low=0, high=2 ** 63 - 1):
        return self.kind == 'atom' and re.fullmatch('0|[1-9][0-9]*', self.text) is not None and low <= int(self.text) <= high

    def __str__(self):
        if self.kind == 'list':
            return '(' + ' '.join(map(str, self.items)) + ')'
        if self.kind == 'code':
            return '[' + ' '.join(map(str, self.items)) + ']'
        return self.text if self.kind in ('atom', 'text') else repr(self.text)


@dataclasses.dataclass
class Response:
    kind: str  # untagged, tagged, continue
    tag: str
    items: list  # of an untagged or tagged response, all behind "*" or the tag
    raw: str
    sequence: list = dataclasses.field(default_factory=list)  # View.sequence() just before it

    @property
    def status(self):
        first = self.items[0] if self.items else None
        return first.text.upper() if first and first.is_atom(*STATUS_WORDS) else ''

    @property
    def code(self):
        return self.items[1] if self.status and len(self.items) > 1 and self.items[1].kind == 'code' else None

    def name(self):
        """The word that says what an untagged response is: FETCH, EXISTS, LIST, OK ..."""
        index = 1 if self.items[0].number() and len(self.items) > 1 else 0
        return self.items[index].text.upper()

    def __str__(self):
        return self.raw if len(self.raw) < 600 else self.raw[:600] + ' ...'


class Reader:
    """Reads one response; `utf8` says whether strings may hold UTF-8 (after ENABLE UTF8=ACCEPT or IMAP4rev2)."""

    def __init__(self, raw, utf8=False):
        self.raw, self.at, self.utf8 = raw, 0, utf8

    def fail(self, why):
        around = self.raw[max(0, self.at - 40):self.at + 40]
        raise ProtocolError(f'{why} at byte {self.at}: ...{around!r}...')

    def peek(self):
        return self.raw[self.at:self.at + 1]

    def expect(self, text):
        if not self.raw.startswith(text, self.at):
            self.fail(f'{text!r} expected')
        self.at += len(text)

    def atom(self, pattern=ATOM):
        found = pattern.match(self.raw, self.at)
        if not found:
            self.fail('an atom expected')
        self.at = found.end()
        return found.group()

    def quoted(self):
        self.expect('"')
        out = []
        while (c := self.peek()) != '"':
            if c == '\\':
                self.at += 1
                c = self.peek()
                if c not in ('"', '\\') or not c:
                    self.fail('only a quote or a backslash is escaped in a quoted string')
            if c in ('', '\r', '\n', '\0'):
                self.fail('a quoted string holds CR, LF or NUL')
            out.append(c)
            self.at += 1
        self.at += 1
        text = ''.join(out)
        if not text.isascii():
            self.check_utf8(text)
        return Node('string', text)

    def check_utf8(self, text):
        if not self.utf8:
            self.fail('8-bit in a quoted string, and UTF-8 was not enabled')  # RFC 3501 9: QUOTED-CHAR is a CHAR
        try:
            text.encode('latin-1').decode('utf-8')
        except UnicodeDecodeError:
            self.fail('a quoted string is not UTF-8')

    def literal(self):
        found = LITERAL.match(self.raw, self.at)
        if not found:
            self.fail('a literal expected')
        self.at = found.end() + int(found.group(2))
        if self.at > len(self.raw):
            self.fail('a literal is longer than what came')
        text = self.raw[found.end():self.at]
        if '\0' in text and not found.group(1):
            self.fail('NUL in a literal that is not a literal8')  # RFC 3501 9: CHAR8
        return Node('literal8' if found.group(1) else 'literal', text)

    def flag(self):
        self.expect('\\')
        if self.peek() == '*':
            self.at += 1
            return Node('atom', '\\*')
        return Node('atom', '\\' + self.atom())

    def section(self):
        """BODY[HEADER.FIELDS (From "To")]<0>: one atom, the field names without quotes, so that it compares with a script's."""
        name = self.raw[self.at:self.raw.index('[', self.at) + 1]
        self.at += len(name)
        spec = '' if self.peek() == ']' else self.atom(re.compile(r'[A-Za-z0-9.]+'))
        if self.peek() == ' ':
            self.at += 1
            fields = self.value(ASTRING)
            if fields.kind != 'list' or not all(f.kind in ('atom', 'string') for f in fields.items):
                self.fail('a list of header fields expected')
            spec += ' ' + '(' + ' '.join(f.text for f in fields.items) + ')'
        self.expect(']')
        origin = re.compile(r'<[0-9]+>').match(self.raw, self.at)
        if origin:
            self.at = origin.end()
        return Node('atom', name + spec + ']' + (origin.group() if origin else ''))

    def value(self, pattern=ASTRING):
        c = self.peek()
        if c == '(':
            self.at += 1
            return self.list(pattern)
        if c == '"':
            return self.quoted()
        if c == '{' or self.raw.startswith('~{', self.at):
            return self.literal()
        if c == '\\':
            return self.flag()
        if SECTION.match(self.raw, self.at):
            return self.section()
        return Node('atom', self.atom(pattern))

    def list(self, pattern):
        """Single spaces between items; two lists may stand side by side, as in addresses, body parts and threads."""
        items, spaced = [], True
        while self.peek() != ')':
            if items:
                spaced = self.peek() == ' '
                if spaced:
                    self.at += 1
                elif not (self.peek() == '(' and items[-1].kind == 'list'):
                    self.fail('a space expected')
            item = self.value(pattern)
            item.spaced = spaced
            items.append(item)
        self.at += 1
        return Node('list', items=items)

    def values(self):
        items = []
        while self.peek() != '\r':
            spaced = True
            if items:
                spaced = self.peek() == ' '
                if spaced:
                    self.at += 1
                elif not (self.peek() == '(' and items[-1].kind == 'list'):
                    self.fail('a space expected')
            item = self.value()
            item.spaced = spaced
            items.append(item)
        return items

    def end(self):
        self.expect('\r\n')
        if self.at != len(self.raw):
            self.fail('bytes behind the end of the response')

    def status_line(self, word):
        """resp-text: an optional code in brackets, then text (RFC 9051 9: the text may be empty, RFC 3501 wants one)."""
        items = [Node('atom', word)]
        self.expect(' ')
        if self.peek() == '[':
            self.at += 1
            items.append(self.code())
            if self.peek() == ' ':
                self.at += 1
        text = self.raw[self.at:-2]
        if re.search('[\0\r\n]', text):
            self.fail('CR, LF or NUL in the text of a status response')
        if not text.isascii():
            try:
                text.encode('latin-1').decode('utf-8')
            except UnicodeDecodeError:
                self.fail('the text of a status response is not UTF-8')
        items += [Node('text', w) for w in text.split(' ')] if text else []
        self.at = len(self.raw) - 2
        return items

    def code(self):
        items = [Node('atom', self.atom())]
        while self.peek() == ' ':
            self.at += 1
            plain = self.peek() not in ('(', '"', '\\', '{')
            items.append(Node('atom', self.atom(re.compile(r'[^\x00-\x20\x7f-\xff\]()]+'))) if plain else self.value(ATOM))
        self.expect(']')
        return Node('code', items=items)


def parse_response(raw, utf8=False):
    """One whole response (bytes, with its literals and its CRLF)."""
    reader = Reader(raw.decode('latin-1'), utf8)
    if raw.startswith(b'+'):
        reader.expect('+')
        if reader.peek() != '\r':  # some servers send a bare "+"; RFC 3501 9 has "+" SP
            reader.expect(' ')
        return Response('continue', '+', [Node('text', reader.raw[reader.at:-2])], reader.raw)
    tag = '*' if raw.startswith(b'* ') else reader.atom(re.compile(r'[^\x00-\x20\x7f-\xff(){%*"\\+]+'))
    reader.at = len(tag)
    reader.expect(' ')
    word = re.compile(r'[A-Za-z]+(?=[ \r])').match(reader.raw, reader.at)
    if word and word.group().upper() in STATUS_WORDS:
        reader.at = word.end()
        items = reader.status_line(word.group())
    elif tag != '*':
        reader.fail('a tagged response is OK, NO or BAD')
    else:
        items = reader.values()
        if not items or items[0].kind != 'atom':
            reader.fail('an untagged response begins with a word or a number')
    reader.end()
    if tag != '*' and items[0].text.upper() not in ('OK', 'NO', 'BAD'):
        reader.fail('a tagged response is OK, NO or BAD')
    return Response('untagged' if tag == '*' else 'tagged', tag, items, reader.raw)
