"""Compares expected replies with received ones, and keeps the variables of a script."""
import re

from template import VARIABLE, ScriptError
from tokens import Node


class Variables:
    """Values by name. `$modseqN` grow with N; `$n` (digits) is the present number of what was message n when the command began."""

    def __init__(self, values):
        self.values = dict(values)

    def expand(self, text, sequence=()):
        """The text of a command, or of what is known of a template; an unset variable is a mistake of the script."""
        def value(found):
            if found.group() == '$$':
                return '$'
            if found.group(1) is not None:
                return found.group(1)
            name = found.group(2) or found.group(3)
            known = self.lookup(name, sequence)
            if known is None:
                raise ScriptError(f'${name} has no value yet')
            return known
        return VARIABLE.sub(value, text)

    def lookup(self, name, sequence):
        if name.isdigit():
            number = int(name)
            return str(sequence.index(number) + 1) if number in sequence else None
        return self.values.get(name)


class Match:
    """One attempt to match a reply: variables bound on the way count only if the whole matches."""

    def __init__(self, variables, sequence=()):
        self.variables, self.sequence, self.bound = variables, sequence, {}

    def commit(self):
        self.variables.values.update(self.bound)

    def value(self, name):
        return self.bound.get(name) if name in self.bound else self.variables.lookup(name, self.sequence)

    def reply(self, expected, received):
        """Status responses may go on behind what is expected; everything else must be equal to its end."""
        if not expected:
            return not received
        status = received[0].is_atom('OK', 'NO', 'BAD', 'BYE', 'PREAUTH')
        if len(received) < len(expected) or not status and len(received) != len(expected):
            return False
        expected = with_defaults(expected)
        if expected[0].is_atom('ESEARCH'):
            return self.esearch(expected, received)
        return all(self.item(e, r) for e, r in zip(expected, received))

    def esearch(self, expected, received):
        """RFC 4466 2.6.2: the results behind (TAG "t") and UID come in any order."""
        head = 1
        while head < len(expected) and (expected[head].kind == 'list' and head == 1 or expected[head].is_atom('UID')):
            head += 1
        tail = directive('unordered=2', 'noextra') + expected[head:]
        return all(self.item(e, r) for e, r in zip(expected[:head], received)) and self.list(tail, received[head:])

    def item(self, expected, received):
        if expected.kind == 'atom' and expected.text == '$':
            return True
        if expected.kind in ('list', 'code') or received.kind in ('list', 'code'):
            return expected.kind == received.kind and self.list(expected.items, received.items)
        if expected.kind == 'atom' and expected.text.upper() == 'NIL':
            return received.kind == 'atom' and received.is_nil()
        if expected.kind == 'string' and received.is_nil():
            return False
        if expected.kind in ('literal', 'literal8'):
            return self.literal(expected, received)
        return self.text(expected.text, received.text)

    @staticmethod
    def literal(expected, received):
        got, want = received.text.lower(), expected.text.lower()
        # ImapTest compares up to a NUL, and append-binary relies on it: its reply lacks the last LF of what it appended
        return got == want or '\0' in want and got == want + '\n'

    def text(self, template, received):
        """Case does not count, except in ${case:...}; unset variables take what stands in their place."""
        pattern, names, at = '', [], 0
        for found in VARIABLE.finditer(template):
            pattern += re.escape(template[at:found.start()])
            at = found.end()
            name = found.group(2) or found.group(3)
            if found.group() == '$$':
                pattern += r'\$'
            elif found.group(1) is not None:
                pattern += f'(?-i:{re.escape(found.group(1))})'
            elif (known := self.value(name)) is not None:
                pattern += re.escape(known)
            elif name.isdigit():
                return False  # that message is gone, or never was
            elif name in names:
                pattern += f'(?P=v_{name})'
            else:
                names.append(name)
                pattern += f'(?P<v_{name}>{".*" if found.group() == template else ".+?"})'
        matched = re.fullmatch(pattern + re.escape(template[at:]), received, re.I | re.S)
        if not matched:
            return False
        new = {name: matched.group(f'v_{name}') for name in names}
        if not all(self.modseq_fits(name, value) for name, value in new.items()):
            return False
        self.bound.update(new)
        return True

    def modseq_fits(self, name, value):
        found = re.fullmatch(r'modseq(\d+)', name)
        if not found:
            return True
        if not value.isdigit():
            return False
        index, number = int(found.group(1)), int(value)
        known = {int(k[6:]): int(v) for k, v in {**self.variables.values, **self.bound}.items() if re.fullmatch(r'modseq\d+', k)}
        below = max((k for k in known if k < index), default=None)
        above = min((k for k in known if k > index), default=None)
        least = index if below is None else known[below] + index - below
        return number >= least and (above is None or number <= known[above] - (above - index))

    def list(self, expected, received):
        rules, wanted = Rules.of(expected)
        if not rules.unordered:
            return len(wanted) == len(received) and all(self.item(e, r) for e, r in zip(wanted, received))
        size = rules.unordered
        if len(wanted) % size or len(received) % size:
            return False
        left = [received[i:i + size] for i in range(0, len(received), size)]
        for chain in (wanted[i:i + size] for i in range(0, len(wanted), size)):
            for candidate in left:
                before = dict(self.bound)
                if all(self.item(e, r) for e, r in zip(chain, candidate)):
                    left.remove(candidate)
                    break
                self.bound = before
            else:
                return False
        return all(rules.allows(self, chain[0]) for chain in left)


class Rules:
    """The `$!` directives of one list."""

    def __init__(self):
        self.unordered, self.extra, self.ignored, self.banned = 0, True, [], []

    @classmethod
    def of(cls, items):
        rules, rest = cls(), 0
        for node in items:
            if node.kind != 'atom' or not node.text.startswith('$!'):
                break
            rules.add(*node.text[2:].partition('=')[::2])
            rest += 1
        return rules, items[rest:]

    def add(self, name, value):
        if name == 'ordered':
            self.unordered = 0
        elif name == 'unordered':
            self.unordered = int(value or 1)
        elif name == 'noextra':
            self.extra = False
        elif name == 'extra':
            self.extra = True
            self.unordered = self.unordered or 1
        elif name == 'ignore':
            self.ignored.append(value)
        elif name == 'ban':
            self.banned.append(value)
            self.unordered = self.unordered or 1
        else:
            raise ScriptError(f'$!{name} is no directive')

    def allows(self, match, extra):
        if any(match.text(word, extra.text) for word in (self.ignored if not self.extra else self.banned)):
            return not self.extra
        return self.extra


def directive(*names):
    return [Node('atom', '$!' + name) for name in names]


def has_directives(node):
    return bool(node.items) and node.items[0].kind == 'atom' and node.items[0].text.startswith('$!')


def defaulted(node, *names):
    return node if node.kind != 'list' or has_directives(node) else Node('list', items=directive(*names) + node.items)


def with_defaults(expected):
    """FORMAT.md: the directives of FETCH, its FLAGS, LIST, LSUB and STATUS where the script gives none."""
    words = [node.text.upper() if node.kind == 'atom' else '' for node in expected]
    out = list(expected)
    if len(out) == 3 and words[1] == 'FETCH' and out[2].kind == 'list':
        inner = list(out[2].items)
        for i, node in enumerate(inner[:-1]):
            if node.is_atom('FLAGS'):
                inner[i + 1] = defaulted(inner[i + 1], 'unordered', 'noextra', 'ignore=\\recent')
        out[2] = defaulted(Node('list', items=inner), 'unordered=2')
    elif len(out) >= 3 and words[0] == 'STATUS':
        out[2] = defaulted(out[2], 'unordered=2')
    elif len(out) >= 2 and words[0] in ('LIST', 'LSUB'):
        out[1] = defaulted(out[1], 'unordered')
    return out
