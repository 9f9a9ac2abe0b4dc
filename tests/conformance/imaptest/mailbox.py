"""The messages that scripts append, out of an mbox file, and what a connection knows of the mailbox it has open."""
import itertools
import re

from template import to_crlf
from tokens import ProtocolError

FROM = re.compile(r'^From \S+ +[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d+) (\d\d:\d\d:\d\d) (\d{4})(?: ([+-]\d{4}))?\r?\n', re.M)


class Mbox:
    """Messages in turn, from the beginning again behind the last; the blank line before the next "From " belongs to the message."""

    def __init__(self, path):
        with open(path, encoding='latin-1', newline='') as file:
            text = file.read()
        found = list(FROM.finditer(text))
        if not found or found[0].start():
            raise ValueError(f'{path}: a "From " line expected')
        self.messages = []
        for head, end in zip(found, [f.start() for f in found[1:]] + [len(text)]):
            month, day, time, year, zone = head.groups()
            self.messages.append((f'{int(day):2}-{month}-{year} {time} {zone or "+0000"}', to_crlf(text[head.end():end])))
        self.next = 0

    def take(self):
        """(internal date, text) of the next message."""
        self.next += 1
        return self.messages[(self.next - 1) % len(self.messages)]


class View:
    """A selected mailbox as one connection was told of it. Each message has an identity, so that `$n` can follow it over expunges."""

    def __init__(self):
        self.selected = False
        self.ids, self.uids, self.fresh, self.base = [], {}, itertools.count(1), 0
        self.start, self.new_names = {}, None

    def select(self):
        self.selected, self.ids, self.uids, self.fresh = True, [], {}, itertools.count(1)
        self.begin()

    def unselect(self):
        self.selected, self.ids, self.uids = False, [], {}

    def begin(self):
        """A command begins: `$n` counts from here."""
        self.start = {ident: i + 1 for i, ident in enumerate(self.ids)}
        self.new_names = itertools.count(len(self.ids) + 1)

    def sequence(self):
        """The numbers that the present messages had when the command began."""
        return [self.start[ident] for ident in self.ids]

    def known(self, response):
        if not self.selected:
            raise ProtocolError(f'{response.name()} and no mailbox is selected')

    def apply(self, response, no_expunge):
        """Follows EXISTS, EXPUNGE, VANISHED and FETCH; raises if the server contradicts itself."""
        name = response.name()
        if name not in ('EXISTS', 'EXPUNGE', 'VANISHED', 'FETCH', 'RECENT'):
            return
        self.known(response)
        number = int(response.items[0].text) if response.items[0].number() else 0
        if name == 'EXISTS':
            self.exists(number)
        elif name == 'EXPUNGE':
            if no_expunge:  # RFC 3501 7.4.1
                raise ProtocolError('EXPUNGE while a FETCH, STORE or SEARCH was in progress')
            self.expunge(number)
        elif name == 'VANISHED':
            self.vanished(response, no_expunge)
        elif name == 'FETCH':
            self.fetch(number, response.items[2].items)

    def exists(self, number):
        if number < len(self.ids):  # RFC 3501 7.3.1: only EXPUNGE makes it smaller
            raise ProtocolError(f'EXISTS went from {len(self.ids)} to {number}')
        while len(self.ids) < number:
            ident = next(self.fresh)
            self.start[ident] = next(self.new_names)
            self.ids.append(ident)

    def expunge(self, number):
        if number > len(self.ids):
            raise ProtocolError(f'EXPUNGE of {number}, and there are {len(self.ids)} messages')
        self.uids.pop(self.ids.pop(number - 1), None)

    def vanished(self, response, no_expunge):
        items = response.items[1:]
        if items[0].kind == 'list':
            return  # (EARLIER): those were never counted here
        if no_expunge:  # RFC 7162 3.2.10.2
            raise ProtocolError('VANISHED while a FETCH, STORE or SEARCH was in progress')
        gone = set()
        for part in items[0].text.split(','):
            low, _, high = part.partition(':')
            low, high = sorted((int(low), int(high or low)))
            gone.update(range(low, min(high, low + 100000) + 1))
        unknown = [ident for ident in self.ids if ident not in self.uids]
        for ident in [i for i in self.ids if self.uids.get(i) in gone] or unknown[:1]:
            self.ids.remove(ident)
            self.uids.pop(ident, None)

    def fetch(self, number, pairs):
        if number > len(self.ids):
            raise ProtocolError(f'FETCH of {number}, and there are {len(self.ids)} messages')
        ident = self.ids[number - 1]
        for name, value in zip(pairs[::2], pairs[1::2]):
            if name.is_atom('UID'):
                if self.uids.setdefault(ident, int(value.text)) != int(value.text):
                    raise ProtocolError(f'message {number} had UID {self.uids[ident]}, now {value.text}')
                self.ascending(number)

    def ascending(self, number):
        """RFC 3501 2.3.1.1: UIDs grow with the message numbers."""
        uid = self.uids[self.ids[number - 1]]
        before = [self.uids[i] for i in self.ids[:number - 1] if i in self.uids]
        after = [self.uids[i] for i in self.ids[number:] if i in self.uids]
        if before and before[-1] >= uid or after and after[0] <= uid:
            raise ProtocolError(f'UID {uid} of message {number} is not between those of its neighbours')
