"""The reader of scripts and the matcher."""
import os
import tempfile
import unittest

from mailbox import Mbox, View
from matcher import Match, Variables
from script import Parser
from template import ScriptError, parse_reply, split_command
from tokens import ProtocolError, parse_response


def script(text, environment=()):
    return Parser('x', 'x', environment).parse(text)


class Matching(unittest.TestCase):
    def match(self, expected, received, values=None, sequence=()):
        self.variables = Variables(values or {})
        raw = (received if isinstance(received, bytes) else received.encode('latin-1')) + b'\r\n'
        match = Match(self.variables, sequence)
        found = match.reply(parse_reply(expected, 'test'), parse_response(b'* ' + raw).items)
        if found:
            match.commit()
        return found

    def yes(self, *arguments, **more):
        self.assertTrue(self.match(*arguments, **more), arguments)

    def no(self, *arguments, **more):
        self.assertFalse(self.match(*arguments, **more), arguments)

    def test_words(self):
        self.yes('search 1 2', 'SEARCH 1 2')
        self.no('search 1', 'SEARCH 1 2')
        self.no('search 1 2', 'SEARCH 1')
        self.yes('search', 'SEARCH')
        self.no('search', 'SEARCH 1')
        self.yes('list () "/" inbox', 'LIST () "/" "INBOX"')

    def test_status_is_a_prefix(self):
        self.yes('ok [unseen 1]', 'OK [UNSEEN 1] first')
        self.no('ok [unseen 1]', 'OK [UNSEEN 2] first')
        self.no('ok [unseen 1]', 'NO [UNSEEN 1] first')
        self.no('ok [unseen 1]', 'OK unseen')
        self.yes('ok [copyuid $a $b 5] all', 'OK [COPYUID 1 2:3 5] all done')
        self.assertEqual(self.variables.values, {'a': '1', 'b': '2:3'})

    def test_nil_is_not_a_string(self):
        self.yes('1 fetch (body[] nil)', '1 FETCH (BODY[] NIL)')
        self.no('1 fetch (body[] nil)', '1 FETCH (BODY[] "NIL")')
        self.no('1 fetch (body[] "nil")', '1 FETCH (BODY[] NIL)')

    def test_variables(self):
        self.yes('1 fetch (uid $uid)', '1 FETCH (UID 17)')
        self.assertEqual(self.variables.values['uid'], '17')
        self.no('1 fetch (uid $uid)', '1 FETCH (UID 17)', {'uid': '18'})
        self.yes('search $a $b', 'SEARCH 4 5', {'a': '4'})
        self.yes('esearch all $a:$b,${c}', 'ESEARCH ALL 4:5,9', {'a': '4'})
        self.assertEqual(self.variables.values['c'], '9')
        self.yes('search $a $a', 'SEARCH 4 4')
        self.no('search $a $a', 'SEARCH 4 5')
        self.yes('list () $sep $root', 'LIST () "/" ""')
        self.yes('list () $sep box${sep}x', 'LIST () "/" "box/x"', {'sep': '/'})
        self.no('1 fetch (body[] $x)', '1 FETCH (BODY[] (1))')
        self.yes('1 fetch (flags $ uid 1)', '1 FETCH (FLAGS (\\Seen x) UID 1)')

    def test_nothing_is_bound_by_half_a_match(self):
        self.no('search $a 9', 'SEARCH 4 5')
        self.assertEqual(self.variables.values, {})

    def test_dollar_and_case(self):
        self.yes('1 fetch (flags ($$hello))', '1 FETCH (FLAGS ($Hello))')
        self.yes('list () "/" ${case:INBOX/Inbox}', 'LIST () "/" INBOX/Inbox')
        self.no('list () "/" ${case:INBOX/Inbox}', 'LIST () "/" INBOX/inbox')
        self.no('list () "/" %{case:a b}', 'LIST () "/" "A b"')

    def test_sequence_numbers(self):
        self.yes('$3 expunge', '2 EXPUNGE', sequence=[2, 3, 4])
        self.no('$3 expunge', '3 EXPUNGE', sequence=[2, 3, 4])
        self.no('$1 expunge', '1 EXPUNGE', sequence=[2, 3, 4])

    def test_esearch_in_any_order(self):
        self.yes('esearch (tag $t) uid min 1 count 2', 'ESEARCH (TAG "a") UID COUNT 2 MIN 1')
        self.no('esearch (tag $t) uid min 1 count 2', 'ESEARCH (TAG "a") COUNT 2 MIN 1')
        self.no('esearch (tag $t) min 1', 'ESEARCH (TAG "a") UID MIN 1')
        self.no('esearch (tag $t) min 1', 'ESEARCH (TAG "a") MIN 1 COUNT 2')
        self.no('esearch (tag $t)', 'ESEARCH (TAG "a") UID')
        self.yes('esearch (tag $t) uid', 'ESEARCH (TAG "a") UID')

    def test_default_directives(self):
        self.yes('1 fetch (uid 5)', '1 FETCH (FLAGS () UID 5)')
        self.no('1 fetch (uid 5 flags ())', '1 FETCH (UID 5)')
        self.yes('1 fetch (flags (\\seen a))', '1 FETCH (FLAGS (a \\Recent \\Seen))')
        self.no('1 fetch (flags ())', '1 FETCH (FLAGS (\\Seen))')
        self.yes('1 fetch (flags ())', '1 FETCH (FLAGS (\\Recent))')
        self.no('1 fetch (flags (a b))', '1 FETCH (FLAGS (a))')
        self.yes('list (\\a) "/" x', 'LIST (\\b \\A) "/" x')
        self.no('list (\\c) "/" x', 'LIST (\\b \\A) "/" x')
        self.yes('status x (messages 1)', 'STATUS x (RECENT 0 MESSAGES 1)')
        self.no('flags (a)', 'FLAGS (a b)')

    def test_directives(self):
        self.yes('1 fetch (flags ($!extra a))', '1 FETCH (FLAGS (b a))')
        self.no('1 fetch (flags ($!ordered a b))', '1 FETCH (FLAGS (b a))')
        self.no('1 fetch (flags ($!unordered $!noextra a))', '1 FETCH (FLAGS (\\Recent a))')
        self.yes('1 fetch (flags ($!unordered $!noextra $!ignore=c a))', '1 FETCH (FLAGS (c a))')
        self.no('1 fetch (flags ($!unordered $!noextra $!ignore=c a))', '1 FETCH (FLAGS (d a))')
        self.yes('list ($!unordered $!ban=\\b \\a) "/" x', 'LIST (\\c \\a) "/" x')
        self.no('list ($!unordered $!ban=\\b \\a) "/" x', 'LIST (\\B \\a) "/" x')
        self.no('1 fetch ($!unordered=2 $!noextra uid 1)', '1 FETCH (UID 1 FLAGS ())')
        self.no('1 fetch ($!unordered=2 $!ban=flags uid 1)', '1 FETCH (UID 1 FLAGS ())')
        self.no('1 fetch ($!ordered uid 1 flags ())', '1 FETCH (FLAGS () UID 1)')
        with self.assertRaises(ScriptError):
            self.match('flags ($!what a)', 'FLAGS (a)')

    def test_modseq(self):
        for pairs, fits in ((((2, 2), (5, 5)), True), (((2, 10), (5, 13)), True), (((2, 10), (5, 100)), True), (((2, 1),), False),
                            (((2, 2), (5, 4)), False), (((2, 10), (5, 12)), False), (((5, 20), (2, 18)), False), (((5, 20), (2, 17)), True)):
            variables = Variables({})
            got = True
            for index, value in pairs:
                match = Match(variables)
                got = got and match.text(f'$modseq{index}', str(value))
                match.commit()
            self.assertEqual(got, fits, pairs)

    def test_literals(self):
        self.yes('1 fetch (body[] {{{\na\nb\n\n}}})', b'1 FETCH (BODY[] {6}\r\na\r\nb\r\n)')
        self.no('1 fetch (body[] {{{\na\nb\n}}})', b'1 FETCH (BODY[] {6}\r\na\r\nb\r\n)')
        self.no('1 fetch (body[] ~{{{\na\nb\n\n}}})', b'1 FETCH (BODY[] {6}\r\na\r\nb\r\n)')
        self.yes('1 fetch (body[] ~{{{\na\r\n}}})', b'1 FETCH (BODY[] {2}\r\na\r)')
        self.yes('1 fetch (body[header.fields ("from")]<3> {{{\n}}})', '1 FETCH (BODY[HEADER.FIELDS (From)]<3> "")')


class Reading(unittest.TestCase):
    def test_the_three_methods(self):
        got = script('connections: 2\n\n1 ok noop\n* 1 exists\n2 noop\n2 no [trycreate] go\n1 t1 noop\n1 t2 check\n* 2 exists\n1 t2 ok\n1 t1 ""\n')
        self.assertEqual([(g.connection, [(c.label, c.text, c.result) for c in g.commands], len(g.replies)) for g in got.groups],
                         [(1, [('', 'noop', 'ok')], 1), (2, [('', 'noop', 'no')], 0), (1, [('t1', 'noop', '""'), ('t2', 'check', 'ok')], 1)])
        self.assertEqual(len(got.groups[1].commands[0].prefix), 2)

    def test_signs_comments_and_preprocessing(self):
        text = 'state: auth\n\n# no\n!ifenv A\nok a\n!else\nok b\n!endif\n!ifnenv A\nok c\n!endif\n! list () x y\n? 1 exists\n'
        self.assertEqual([g.commands[0].text for g in script(text).groups], ['b', 'c'])
        self.assertEqual([r.sign for r in script(text).groups[1].replies], ['!', '?'])
        self.assertEqual([g.commands[0].text for g in script(text, ('A',)).groups], ['a'])

    def test_errors_of_a_script(self):
        for text in ('what: x\n\nok a\n', 'state: x\n\nok a\n', 'state: auth\n\n* 1 exists\n', 'state: auth\n\nselect x\nok noop\nnoop\n',
                     'connections: 2\n\n3 ok noop\n', 'connections: 2\n\nok noop\n', 'state: auth\n\nok noop\n* 1 fetch (uid\n',
                     'state: auth\n\nok append x {{{\na\n'):
            with self.subTest(text), self.assertRaises(ScriptError):
                script(text)

    def test_literals_span_lines_and_hide_comments(self):
        got = script('state: auth\n\nok append x {{{\n# not a comment\nok neither\n}}} ~{{{\nb\r\n\n}}}\nok noop\n* 1 exists\n')
        self.assertEqual(got.groups[0].commands[0].parts, ['append x ', ('# not a comment\r\nok neither', False), ' ', ('b\r\n', True), ''])
        self.assertEqual([r.line for r in got.groups[1].replies], [11])

    def test_an_unset_variable_in_a_command(self):
        with self.assertRaises(ScriptError):
            Variables({}).expand('fetch $uid x')
        self.assertEqual(Variables({'a': '1'}).expand('x ${a}b $$c ${case:Q} $2', [2, 3]), 'x 1b $c Q 1')
        self.assertEqual(split_command('a b', 'x'), ['a b'])


class Mailboxes(unittest.TestCase):
    def test_mbox_wraps_around(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'm')
            with open(path, 'w') as file:
                file.write('From a@b  Fri Feb  2 17:06:23 2008\nS: 1\n\nx\n\nFrom a@b  Sat Mar 24 23:00:00 2007 +0200\nS: 2\n\nFrom here\n')
            mbox = Mbox(path)
            self.assertEqual(mbox.take(), (' 2-Feb-2008 17:06:23 +0000', 'S: 1\r\n\r\nx\r\n\r\n'))
            self.assertEqual(mbox.take(), ('24-Mar-2007 23:00:00 +0200', 'S: 2\r\n\r\nFrom here\r\n'))
            self.assertEqual(mbox.take()[1][:4], 'S: 1')

    def view(self, *lines, quiet=False):
        view = View()
        view.select()
        for line in lines:
            view.apply(parse_response(f'* {line}\r\n'.encode()), quiet)
        return view

    def test_numbers_follow_expunges(self):
        view = self.view('5 EXISTS')
        view.begin()
        for line in ('1 EXPUNGE', '2 EXPUNGE', '4 EXISTS'):
            view.apply(parse_response(f'* {line}\r\n'.encode()), False)
        self.assertEqual(view.sequence(), [2, 4, 5, 6])

    def test_contradictions(self):
        for lines in (('5 EXISTS', '4 EXISTS'), ('1 EXISTS', '2 EXPUNGE'), ('1 EXISTS', '2 FETCH (UID 1)'),
                     ('1 EXISTS', '1 FETCH (UID 1)', '1 FETCH (UID 2)'),
                      ('2 EXISTS', '1 FETCH (UID 5)', '2 FETCH (UID 4)'), ('2 EXISTS', '2 FETCH (UID 5)', '1 FETCH (UID 5)')):
            with self.subTest(lines), self.assertRaises(ProtocolError):
                self.view(*lines)
        with self.assertRaises(ProtocolError):
            self.view('1 EXISTS', '1 EXPUNGE', quiet=True)
        with self.assertRaises(ProtocolError):
            View().apply(parse_response(b'* 1 EXISTS\r\n'), False)

    def test_vanished(self):
        view = self.view('3 EXISTS', '1 FETCH (UID 5)', '2 FETCH (UID 7)', '3 FETCH (UID 9)', 'VANISHED (EARLIER) 1:4', 'VANISHED 5,9:20')
        self.assertEqual(list(view.uids.values()), [7])


if __name__ == '__main__':
    unittest.main()
