"""Plays one script on its connections."""
import dataclasses
import re

from connection import Connection
from mailbox import Mbox
from matcher import Match, Variables
from template import ScriptError
from tokens import ProtocolError

MAILBOX = 'imaptest'


class Unable(Exception):
    """The server lacks what the script needs."""


@dataclasses.dataclass
class Target:
    host: str
    port: int
    user: str
    password: str
    tls: bool = False


def quote(text):
    if re.search(r'[\0\r\n\x80-\xff]', text):
        raise ScriptError(f'{text!r} needs a literal')
    return '"' + re.sub(r'(["\\])', r'\\\1', text) + '"'


class Player:
    def __init__(self, script, mbox_path, target, excused=lambda line: None, log=None):
        self.script, self.target, self.excused, self.log = script, target, excused, log
        self.mbox = Mbox(mbox_path)
        user, _, domain = target.user.partition('@')
        values = {'user': target.user, 'username': user, 'domain': domain, 'password': target.password, 'mailbox': MAILBOX, 'mailbox_url': MAILBOX}
        for i in range(2, script.connections + 1):
            values |= {f'user{i}': target.user, f'username{i}': user, f'domain{i}': domain}
        self.variables = Variables(values)
        self.connections, self.failures, self.excuses, self.recent, self.line = [], [], [], {}, 0

    def play(self):
        """Leaves failures as (line, text); raises Unable if a capability is missing."""
        try:
            self.prepare()
            for group in self.script.groups:
                self.group(group)
            for connection in self.connections:
                if not connection.ended:
                    connection.logout()
        except (ProtocolError, ScriptError, OSError) as error:
            self.fail(self.line, str(error))
        finally:
            for connection in self.connections:
                connection.close()

    def fail(self, line, text):
        reason = self.excused(line)
        (self.excuses if reason else self.failures).append((line, f'{text} [excused: {reason}]' if reason else text))

    def connect(self):
        connection = Connection(self.target.host, self.target.port, self.target.tls, self.log, len(self.connections) + 1)
        self.connections.append(connection)
        return connection

    def prepare(self):
        state = self.script.state
        for _ in range(self.script.connections):
            connection = self.connect()
            if state != 'nonauth':
                connection.must(f'LOGIN {quote(self.target.user)} {quote(self.target.password)}')
        first = self.connections[0]
        have = first.capabilities()
        missing = [word for word in self.script.capabilities if word not in have]
        if missing:
            raise Unable(f'the server has no {" ".join(missing)}')
        if state == 'nonauth':
            return
        self.clear(first)
        if state == 'auth':
            return
        first.must(f'CREATE {MAILBOX}')
        if state in ('appended', 'selected'):
            for _ in range(len(self.mbox.messages) if self.script.messages is None else self.script.messages):
                date, text = self.mbox.take()
                first.must(f'APPEND {MAILBOX} "{date}" ', (text, False))
        if state == 'selected':
            for connection in self.connections:
                connection.must(f'SELECT {MAILBOX}')

    def clear(self, connection):
        """Deletes the test mailboxes, children first."""
        for verb, gone in (('LSUB', 'UNSUBSCRIBE'), ('LIST', 'DELETE')):
            found = [r for r in connection.must(f'{verb} "" {MAILBOX}*') if r.kind == 'untagged' and r.name() == verb]
            for response in sorted(found, key=lambda r: -len(r.items[3].text)):
                connection.command(f'{gone} {quote(response.items[3].text)}')

    def group(self, group):
        connection = self.connections[group.connection - 1]
        connection.view.begin()
        self.line = group.commands[0].line
        seen, tags = [], {}
        for command in group.commands:
            self.line = command.line
            tags[connection.send(command.label, self.parts(command, connection), self.script.nonsync, seen.append)] = command
        self.variables.values['tag'] = next(iter(tags))
        connection.finish(seen.append)
        self.judge(group, connection, tags, seen)

    def parts(self, command, connection):
        sequence = connection.view.sequence()
        parts = [self.variables.expand(p, sequence).rstrip('\r') if isinstance(p, str) else p for p in command.parts]
        words = parts[0].split(None, 2)
        if words and words[0].lower() == 'append' and len(parts) == 1 and 'catenate' not in parts[0].lower():
            date, text = self.mbox.take()
            mailbox = words[1] if len(words) > 1 else MAILBOX
            more = words[2] + ' ' if len(words) > 2 else ''
            return [f'{words[0]} {mailbox} {more}' + ('' if '"' in more else f'"{date}" '), (text, False)]
        return parts

    def judge(self, group, connection, tags, seen):
        replies = [response for response in seen if response.kind == 'untagged']
        for response in seen:
            if response.kind == 'tagged':
                self.tagged(tags[response.tag], response)
        used = self.find(group, replies)
        for expected in group.replies:
            if expected.sign == '*' and id(expected) not in used:
                got = '\n    '.join(str(r).rstrip() for r in replies[:12]) or 'no untagged response'
                self.fail(expected.line, f'{expected.text} did not come; there came:\n    {got}')
            elif expected.sign == '!':
                for response in replies:
                    if Match(self.variables, response.sequence).reply(expected.items, response.items):
                        self.fail(expected.line, f'{expected.text} came: {str(response).rstrip()}')
        if not self.script.ignore_extra:
            matched = {i for indexes in used.values() for i in indexes}
            for i, response in enumerate(replies):
                if i not in matched:
                    self.fail(group.commands[0].line, f'not listed in the script: {str(response).rstrip()}')
        for response in replies:
            self.watch_recent(response, connection)

    def tagged(self, command, response):
        if command.result != '""' and response.status.lower() != command.result:
            self.fail(command.line, f'{command.result.upper()} expected to {command.text.strip()[:200]!r}: {str(response).rstrip()}')
        elif command.prefix:
            match = Match(self.variables)
            if match.reply([response.items[0], *command.prefix], response.items):
                match.commit()
            else:
                self.fail(command.line, f'another text or code expected: {str(response).rstrip()}')

    def find(self, group, replies):
        """Which replies each expectation found. Again until nothing changes, as a variable may be bound by a later one.
        Equal expectations need a reply each; different ones may share one."""
        used, taken = {}, {}
        progress = True
        while progress:
            progress = False
            for expected in group.replies:
                if expected.sign == '!' or id(expected) in used:
                    continue
                for i, response in enumerate(replies):
                    if i in taken.get(expected.text, ()):
                        continue
                    match = Match(self.variables, response.sequence)
                    if match.reply(expected.items, response.items):
                        match.commit()
                        used[id(expected)] = [i]
                        taken.setdefault(expected.text, set()).add(i)
                        progress = True
                        break
        for expected in group.replies:  # what fits, once the variables are known, is listed as well
            if expected.sign != '!' and id(expected) in used:
                for i, response in enumerate(replies):
                    if Match(self.variables, response.sequence).reply(expected.items, response.items):
                        used[id(expected)].append(i)
        return used

    def watch_recent(self, response, connection):
        """RFC 3501 2.3.2: \\Recent is given to one session only."""
        if response.status or response.name() != 'FETCH':
            return
        pairs = response.items[2].items
        found = {n.text.upper(): v for n, v in zip(pairs[::2], pairs[1::2])}
        if 'UID' in found and 'FLAGS' in found and any(f.is_atom('\\RECENT') for f in found['FLAGS'].items):
            owner = self.recent.setdefault(found['UID'].text, connection.number)
            if owner != connection.number and self.script.state in ('created', 'selected'):
                raise ProtocolError(f'\\Recent of UID {found["UID"].text} was given to connection {owner} before')
