"""The player against a server of canned answers: it passes what is right and finds what is wrong."""
import os
import pathlib
import socket
import tempfile
import threading
import unittest

from player import Player, Target, Unable
from script import Parser

MBOX = 'From a@b  Fri Feb  2 17:06:23 2008\nSubject: 1\n\nbody\n'


class Canned:
    """Answers each command by its first words; what is not listed gets OK. `{tag}` in an answer is the tag."""

    def __init__(self, answers):
        self.answers, self.seen = answers, []
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, client.makefile('rb') as file:
            client.sendall(b'* OK hello\r\n')
            while line := file.readline():
                tag, _, rest = line.decode('latin-1').strip().partition(' ')
                if rest.endswith('}'):
                    client.sendall(b'+ go\r\n')
                    file.read(int(rest[rest.index('{') + 1:-1]))
                    file.readline()
                self.seen.append(rest)
                answer = next((a for key, a in self.answers.items() if rest.upper().startswith(key)), '{tag} OK done\r\n')
                if rest.upper() == 'CAPABILITY':
                    answer = '* CAPABILITY IMAP4rev1 IDLE\r\n{tag} OK x\r\n'
                elif rest.upper() == 'LOGOUT':
                    answer = '* BYE x\r\n{tag} OK x\r\n'
                client.sendall(answer.replace('{tag}', tag).encode('latin-1'))

    def close(self):
        self.listener.close()


class Playing(unittest.TestCase):
    def play(self, text, answers=None):
        canned = Canned(answers or {})
        with tempfile.TemporaryDirectory() as folder:
            mbox = pathlib.Path(folder, 'mbox')
            mbox.write_text(MBOX)
            player = Player(Parser('x', 'x', os.environ).parse(text), mbox, Target('127.0.0.1', canned.port, 'a@b', 'p'))
            try:
                player.play()
            finally:
                canned.close()
        self.seen = canned.seen
        return player.failures

    def test_passes(self):
        self.assertEqual(self.play('state: auth\n\nok noop\n'), [])
        self.assertEqual(self.play('state: auth\n\nno x\n', {'X': '{tag} NO no\r\n'}), [])
        self.assertEqual(self.play('state: auth\n\nok status x (messages)\n* status x (messages $n)\n! status x (messages 2)\nok copy $n y\n',
                                   {'STATUS': '* STATUS x (MESSAGES 1)\r\n{tag} OK x\r\n'}), [])
        self.assertIn('copy 1 y', self.seen)

    def test_append_takes_from_the_mbox(self):
        self.assertEqual(self.play('state: auth\n\nok append\nok append x (\\seen)\nok append x " 1-Jan-2020 00:00:00 +0000"\n'), [])
        self.assertEqual(self.seen[-4:-1], ['append imaptest " 2-Feb-2008 17:06:23 +0000" {20}',
        'append x (\\seen) " 2-Feb-2008 17:06:23 +0000" {20}',
                                            'append x " 1-Jan-2020 00:00:00 +0000" {20}'])

    def test_missing_capability(self):
        with self.assertRaises(Unable):
            self.play('state: auth\ncapabilities: QRESYNC\n\nok noop\n')

    def test_finds_what_is_wrong(self):
        right = '* STATUS x (MESSAGES 1)\r\n{tag} OK x\r\n'
        for text, answer in (('ok status\n', '{tag} NO x\r\n'), ('no status\n', '{tag} OK x\r\n'), ('ok status\n* status x (messages 2)\n', right),
                             ('ok status\n! status x (messages 1)\n', right), ('status\nok [trycreate]\n', '{tag} OK x\r\n'),
                             ('ok status\n', '* STATUS x (MESSAGES 1) \r\n{tag} OK x\r\n'), ('ok status\n', 'zz OK x\r\n{tag} OK x\r\n'),
                             ('ok status\n', '* 3 EXISTS\r\n{tag} OK x\r\n'), ('ok status\n', '* BYE x\r\nbroken\r\n'), ('ok status $unset\n', right),
                             ('ok status\n* status x (messages 1)\n* status x (messages 1)\n', right)):
            with self.subTest(text + answer):
                self.assertTrue(self.play('state: auth\n\n' + text, {'STATUS': answer}))

    def test_unlisted_replies(self):
        text = 'state: auth\nignore_extra_untagged: {}\n\nok status\n* status x (messages 1)\n'
        answers = {'STATUS': '* STATUS x (MESSAGES 1)\r\n* STATUS y (MESSAGES 1)\r\n{tag} OK x\r\n'}
        self.assertEqual(self.play(text.format('yes'), answers), [])
        self.assertTrue(self.play(text.format('no'), answers))

    def test_expunge_during_fetch(self):
        script = 'messages: 2\n\nok {}\n'
        answers = {'SELECT': '* 2 EXISTS\r\n{tag} OK x\r\n', 'FETCH': '* 1 EXPUNGE\r\n{tag} OK x\r\n', 'UID FETCH': '* 1 EXPUNGE\r\n{tag} OK x\r\n'}
        self.assertTrue(self.play(script.format('fetch 2 uid'), answers))
        self.assertEqual(self.play(script.format('uid fetch 2 uid'), answers), [])


if __name__ == '__main__':
    unittest.main()
