"""What a script writes: the text of a command with its literals, and the replies it expects, as lists of Nodes with `$variables` in them."""
import re

from tokens import Node

VARIABLE = re.compile(r'\$\$|[$%]\{case:([^}]*)\}|\$\{(\w+)\}|\$(\w+)')


class ScriptError(Exception):
    """The script itself is wrong."""


def to_crlf(text):
    return re.sub(r'(?<!\r)\n', '\r\n', text)


class Lexer:
    """Reads the tokens of an expected reply. Spaces are free, `{{{` and `~{{{` begin literals that end at `}}}`."""

    def __init__(self, text, where):
        self.text, self.where, self.at = text, where, 0

    def fail(self, why):
        raise ScriptError(f'{self.where}: {why} near {self.text[self.at:self.at + 40]!r}')

    def skip(self):
        while self.at < len(self.text) and self.text[self.at] in ' \t\r\n':
            self.at += 1

    def items(self, closing=''):
        out = []
        while True:
            self.skip()
            if self.at >= len(self.text):
                if closing:
                    self.fail(f'{closing!r} is missing')
                return out
            if closing and self.text[self.at] == closing:
                self.at += 1
                return out
            out.append(self.item(closing))

    def item(self, closing):
        rest = self.text[self.at:]
        if rest[0] == '(':
            self.at += 1
            return Node('list', items=self.items(')'))
        if rest[0] == '"':
            found = re.match(r'"((?:[^"\\]|\\.)*)"', rest, re.S) or self.fail('a quote is not closed')
            self.at += found.end()
            return Node('string', re.sub(r'\\(.)', r'\1', found.group(1)))
        if rest.startswith(('{{{', '~{{{')):
            text, eight, length = literal_at(rest) or self.fail('}}} is missing')
            self.at += length
            return Node('literal8' if eight else 'literal', text)
        if rest[0] == '[' and not closing:
            self.at += 1
            return Node('code', items=self.items(']'))
        return self.bare(rest, closing)

    def bare(self, rest, closing):
        section = re.match(r'(body|binary|binary\.size)\[([^\]]*)\](<[0-9]+>)?', rest, re.I)
        if section:
            self.at += section.end()
            return Node('atom', re.sub(r'\s+', ' ', section.group().replace('"', '')))
        found = re.match(r'(?:\$\{[^}]*\}|%\{[^}]*\}|[^\s()"\]])+' if closing == ']' else r'(?:\$\{[^}]*\}|%\{[^}]*\}|[^\s()"])+', rest)
        if not found:
            self.fail('a word expected')
        self.at += found.end()
        return Node('atom', found.group())


def literal_at(text):
    """(content, is a literal8, length of the whole) of a `{{{` block at the beginning of text; None if it never ends."""
    found = re.match(r'(~?)\{\{\{\r?\n', text)
    end = text.find('}}}', found.end()) if found else -1
    if end < 0:
        return None
    eight, content = bool(found.group(1)), text[found.end():end]
    content = content[:-1] if content.endswith('\n') else content  # the line end before }}} is the script's
    if eight:
        return content, True, end + 3
    return to_crlf(content[:-1] if content.endswith('\r') else content), False, end + 3


def parse_reply(text, where):
    items = Lexer(text, where).items()
    if items and items[0].kind == 'atom' and items[0].text.lower() in ('ok', 'no', 'bad', 'bye', 'preauth'):
        items[1:] = [Node('text', i.text) if i.kind != 'code' else i for i in items[1:]]
    elif items:
        items = [Node('list', items=[code_as_atom(n) for n in i.items]) if i.kind == 'list' else code_as_atom(i) for i in items]
    return items


def code_as_atom(node):
    return Node('atom', '[' + ' '.join(str(i) for i in node.items) + ']') if node.kind == 'code' else node


def split_command(text, where):
    """The command as parts: str (to be expanded), or (content, is a literal8)."""
    parts, at = [], 0
    while (found := re.search(r'~?\{\{\{(?=\r?\n)', text[at:])):
        literal = literal_at(text[at + found.start():])
        if not literal:
            raise ScriptError(f'{where}: }}}}}} is missing')
        parts += [text[at:at + found.start()], literal[:2]]
        at += found.start() + literal[2]
    return parts + [text[at:]]
