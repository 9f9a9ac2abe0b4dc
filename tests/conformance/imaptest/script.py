"""Reads a script: its header, then groups of commands with the replies they expect (FORMAT.md tells of the three ways to write them)."""
import dataclasses
import os
import re

from template import ScriptError, parse_reply, split_command

RESULTS = ('ok', 'no', 'bad', '""')
STATES = ('nonauth', 'auth', 'created', 'appended', 'selected')
LINE = re.compile(r'(\d+)[ \t]+(.*)', re.S)


@dataclasses.dataclass
class Reply:
    sign: str  # "*" must come, "!" must not come, "?" may come
    items: list
    text: str
    line: int


@dataclasses.dataclass
class Command:
    line: int
    text: str
    parts: list  # of split_command
    label: str = ''  # the script's own tag when commands are pipelined
    result: str = ''  # ok, no, bad, or "" for any
    prefix: list = dataclasses.field(default_factory=list)  # of the tagged reply's text
    done: bool = False


@dataclasses.dataclass
class Group:
    """Commands sent in one go on one connection; usually a single one."""
    connection: int
    commands: list
    replies: list = dataclasses.field(default_factory=list)

    def open(self):
        return [c for c in self.commands if not c.done]


@dataclasses.dataclass
class Script:
    name: str
    path: str
    header: dict
    groups: list

    @property
    def capabilities(self):
        return self.header.get('capabilities', '').upper().split()

    @property
    def connections(self):
        return int(self.header.get('connections', '1'))

    @property
    def state(self):
        return self.header.get('state', 'selected').lower()

    @property
    def messages(self):
        value = self.header.get('messages', 'all').lower()
        return None if value == 'all' else int(value)

    @property
    def ignore_extra(self):
        return self.header.get('ignore_extra_untagged', 'yes').lower() != 'no'

    @property
    def nonsync(self):
        return self.header.get('literals', '').lower() == 'nonsync'  # ours, not of FORMAT.md


def read_script(path, environment=None):
    with open(path, encoding='latin-1', newline='') as file:
        text = file.read()
    name = os.path.basename(path)
    return Parser(name.removesuffix('.txt'), path, os.environ if environment is None else environment).parse(text)


def logical_lines(text):
    """(number, line) where a `{{{` block belongs to the line it began on."""
    at, number = 0, 1
    while at < len(text):
        end = text.find('\n', at)
        end = len(text) if end < 0 else end
        if not text[at:end].lstrip().startswith('#'):
            while re.search(r'\{\{\{\r?$', text[at:end]):
                closing = text.find('}}}', end)
                if closing < 0:
                    break
                end = text.find('\n', closing)
                end = len(text) if end < 0 else end
        line = text[at:end]
        yield number, line
        number += line.count('\n') + 1
        at = end + 1


class Parser:
    def __init__(self, name, path, environment):
        self.name, self.path, self.environment = name, path, environment
        self.header, self.groups, self.skipping = {}, [], []
        self.lines = []

    def fail(self, number, why):
        raise ScriptError(f'{self.path}:{number}: {why}')

    def parse(self, text):
        in_header = True
        for number, line in logical_lines(text):
            stripped = line.strip()
            if self.preprocess(number, stripped) or stripped.startswith('#'):
                continue
            if in_header and stripped:
                key, colon, value = stripped.partition(':')
                if not colon or ' ' in key:
                    self.fail(number, f'{stripped!r} is no header line; an empty line ends the header')
                self.header[key.strip().lower()] = value.strip()
            elif in_header:
                in_header = not self.header
            elif stripped:
                self.lines.append((number, line.lstrip()))
        self.check_header()
        for index in range(len(self.lines)):
            self.line(index)
        for group in self.groups:
            if group.open():
                self.fail(group.open()[0].line, 'the command has no expected result')
        return Script(self.name, self.path, self.header, self.groups)

    def check_header(self):
        known = ('capabilities', 'connections', 'messages', 'state', 'ignore_extra_untagged', 'literals')
        for key in self.header:
            if key not in known:
                self.fail(1, f'{key} is no key of a header')
        if self.header.get('state', 'selected').lower() not in STATES:
            self.fail(1, f'{self.header["state"]} is no state')
        self.connections = int(self.header.get('connections', '1'))

    def preprocess(self, number, line):
        word, _, name = line.partition(' ')
        if word in ('!ifenv', '!ifnenv'):
            self.skipping.append((name.strip() in self.environment) == (word == '!ifnenv'))
        elif word == '!else' and self.skipping:
            self.skipping[-1] = not self.skipping[-1]
        elif word == '!endif' and self.skipping:
            self.skipping.pop()
        else:
            return any(self.skipping)
        return True

    def split(self, line):
        """(connection, rest of the line); a number in front is a connection if there are several."""
        found = LINE.match(line)
        if found and (self.connections > 1 or found.group(1) == '1'):
            return int(found.group(1)), found.group(2)
        return (1, line) if self.connections == 1 else (None, line)

    def line(self, index):
        number, line = self.lines[index]
        if line[:2] in ('* ', '! ', '? '):
            if not self.groups:
                self.fail(number, 'a reply before the first command')
            self.groups[-1].replies.append(Reply(line[0], parse_reply(line[2:], f'{self.path}:{number}'), line.strip(), number))
            return
        connection, rest = self.split(line)
        if connection is None or not 1 <= connection <= self.connections:
            self.fail(number, f'a connection 1 to {self.connections} expected')
        first, _, behind = rest.strip(' \t\r').partition(' ')
        second = behind.split(' ', 1)[0].lower()
        group = self.groups[-1] if self.groups and self.groups[-1].open() else None
        if first.lower() in RESULTS:
            self.result(number, connection, group, first.lower(), behind)
        elif second in RESULTS and group and group.connection == connection and any(c.label == first for c in group.open()):
            self.tagged_result(group, first, second, behind.partition(' ')[2], number)
        else:
            self.command(index, connection, group, first, behind, rest)

    def result(self, number, connection, group, result, behind):
        """Method 2's result if a command waits for one, else a whole command of method 1."""
        if group and not group.open()[0].label and group.connection == connection:
            self.finish(group.open()[0], result, behind, number)
            return
        if group:
            self.fail(group.open()[0].line, 'the command has no expected result')
        self.groups.append(Group(connection, [self.make(number, behind, result=result, done=True)]))

    def tagged_result(self, group, label, result, prefix, number):
        self.finish(next(c for c in group.open() if c.label == label), result, prefix, number)

    def finish(self, command, result, prefix, number):
        command.result, command.done = result, True
        command.prefix = parse_reply(f'ok {prefix}', f'{self.path}:{number}')[1:]

    def make(self, number, text, **more):
        return Command(number, text, split_command(text, f'{self.path}:{number}'), **more)

    def command(self, index, connection, group, first, behind, rest):
        """The first word is a tag if a result for it follows."""
        number = self.lines[index][0]
        labelled = any(re.match(rf'(\d+[ \t]+)?{re.escape(first)}[ \t]+(ok|no|bad|"")(\s|$)', line, re.I) for _, line in self.lines[index + 1:])
        if not labelled:
            if group:
                self.fail(group.open()[0].line, 'the command has no expected result')
            self.groups.append(Group(connection, [self.make(number, rest)]))
            return
        if not group or not group.open()[0].label:
            group = Group(connection, [])
            self.groups.append(group)
        if group.connection != connection:
            self.fail(number, 'the commands of a pipelined group use one connection')
        group.commands.append(self.make(number, behind, label=first))
