"""The tokenizer and the grammar: what is IMAP is read, what is not is refused."""
import unittest

import responses
from tokens import ProtocolError, parse_response


def read(line, utf8=False):
    raw = line if isinstance(line, bytes) else line.encode() + b'\r\n'
    response = parse_response(raw, utf8)
    responses.check(response)
    return response


GOOD = (
    '* OK [UIDVALIDITY 12] fine', '* OK [PERMANENTFLAGS (\\Seen $label1 \\*)] x', '* OK hello', '* BYE gone', 'a1 OK [READ-ONLY] done',
    '* OK [CLOSED]',
    'a1 OK [COPYUID 1 1:2,4 7:9] x', 'a1 NO [BADCHARSET (UTF-8 US-ASCII)] x', '* CAPABILITY IMAP4rev1 LITERAL+ AUTH=PLAIN', '* 0 EXISTS',
    '* LIST (\\HasNoChildren) "/" INBOX', '* LIST () NIL ""', '* LIST () "/" "a b" ("CHILDINFO" ("SUBSCRIBED"))', '* LIST (\\Noselect) "\\\\" x',
    '* STATUS "x y" (MESSAGES 3 UIDNEXT 4)', '* STATUS x (MAILBOXID (F2212ea8))', '* STATUS x ()', '* STATUS x (APPENDLIMIT NIL)',
    '* SEARCH', '* SEARCH 2 3 6', '* SEARCH 2 5 (MODSEQ 917)', '* ESEARCH (TAG "a1") UID COUNT 5 ALL 4:19,21', '* ESEARCH',
    '* THREAD (2)(3 6 (4 23)(44 7 96))', '* THREAD', '* THREAD ((3)(5))', '* SORT 2 1', '* FLAGS (\\Seen a)',
    '* 1 FETCH (FLAGS () UID 5)', '* 1 FETCH (MODSEQ (65402))', '* 1 FETCH (EMAILID (M6d99) THREADID NIL)', '* 1 FETCH (THREADID (T64))',
    '* 1 FETCH (INTERNALDATE " 7-Jul-1996 02:44:25 -0700" RFC822.SIZE 44)', '* 1 FETCH (SAVEDATE NIL PREVIEW "x")',
    '* 1 FETCH (BODY[HEADER.FIELDS (From "To")]<0> NIL)', '* 1 FETCH (BODY[] "")', '* 1 FETCH (BINARY[1.2] NIL BINARY.SIZE[3] 0)',
    '* 1 FETCH (ENVELOPE ("d" NIL ((NIL NIL "a" "b")(NIL NIL "c" "d")) NIL NIL NIL NIL NIL NIL "<i>"))',
    '* 1 FETCH (BODY (("TEXT" "PLAIN" NIL NIL NIL "7BIT" 5 1)("A" "B" ("N" "v") NIL NIL "BASE64" 5) "MIXED"))',
    '* 1 FETCH (BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 5 1 NIL ("inline" ("a" "b")) ("en" "de") NIL))',
    '* 1 FETCH (BODYSTRUCTURE ("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 9 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ("A" "B" NIL NIL NIL "7BIT" 0) 2))',
    '* VANISHED (EARLIER) 41,43:116', '* VANISHED 5', '* QUOTA "" (STORAGE 10 512 MESSAGE 1 5)', '* QUOTAROOT INBOX ""', '* ENABLED CONDSTORE',
    '* NAMESPACE (("" "/")) NIL NIL', '* NAMESPACE (("" "/")("#a" NIL)) NIL NIL', '* ID ("name" "x" "v" NIL)', '* ID NIL', '+ go on', '+ ',
)

BAD = (
    ('*  OK x', 'two spaces'), ('* SEARCH ', 'a space at the end'), ('* SEARCH  2', 'two spaces'),
    ('* 1 FETCH (FLAGS ( \\Seen))', 'a space in a list'),
    ('* 1 FETCH (FLAGS (\\Seen ))', 'a space in a list'), ('* 1 FETCH (FLAGS (\\Seen \\Seen))', 'a flag twice'), ('* 1 FETCH ()', 'nothing fetched'),
    ('* 1 FETCH (FLAGS (\\*))', 'a flag of PERMANENTFLAGS'), ('* 0 FETCH (UID 1)', 'message 0'), ('* 1 FETCH (UID 0)', 'UID 0'),
    ('* 1 FETCH (UID 1 UID 1)', 'an item twice'), ('* 1 FETCH (X 1)', 'an unknown item'), ('* 1 FETCH (UID 1', 'a list without its end'),
    ('* 1 FETCH (UID 1))', 'one parenthesis more'), ('* LIST (x) "/" a', 'an attribute that is none'),
    ('* LIST () / a', 'a separator without quotes'),
    ('* LIST () "/" a b', 'a word too many'), ('* LIST () "/" a{', 'a brace in an atom'), ('* STATUS x (MESSAGES)', 'half a pair'),
    ('* STATUS x (MESSAGES -1)', 'a negative number'), ('* STATUS x (WHAT 1)', 'an unknown item'),
    ('* ESEARCH (TAG a1) COUNT 1', 'a tag without quotes'),
    ('* ESEARCH (TAG "a") ALL ""', 'an empty set'), ('* ESEARCH (TAG "a") MIN 0', 'message 0'), ('* THREAD (1) (2)', 'a space between threads'),
    ('* 1 FETCH (INTERNALDATE "7-Jul-1996 02:44:25 -0700")', 'a day without its space'), ('* 1 FETCH (MODSEQ 5)', 'no parentheses'),
    ('* 1 FETCH (ENVELOPE (NIL NIL NIL))', 'an envelope of three'), ('* 1 FETCH (BODY[] atom)', 'a string without quotes'),
    ('* 1 FETCH (ENVELOPE ("d" NIL ((NIL NIL "a" "b") (NIL NIL "c" "d")) NIL NIL NIL NIL NIL NIL NIL))', 'a space between addresses'),
    ('* 1 FETCH (BODY ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 5))', 'a text without lines'),
    ('* 1 FETCH (BODY ("A" "B" () NIL NIL "7BIT" 5))', 'empty parameters'),
    ('* 1 FETCH (BODY ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 5 1 NIL))', 'extension data in BODY'), ('* 1 FETCH (BODY "MIXED")', 'not a list'),
    ('* VANISHED 5:*', 'a star in a set'), ('* WHAT 1', 'an unknown response'), ('* 5 WHAT', 'an unknown numbered response'),
    ('* 01 EXISTS', 'a leading zero'),
    ('a1 FINE x', 'no status'), ('a1 PREAUTH x', 'tagged PREAUTH'), ('* OK', 'a status without its space'),
    ('* OK [UIDVALIDITY x] t', 'not a number'),
    ('* OK [UIDVALIDITY 12 t', 'a code without its end'), ('* CAPABILITY IDLE', 'no IMAP4rev1'),
    ('* CAPABILITY IMAP4rev1 IDLE IDLE', 'a capability twice'),
    ('* 1 FETCH (BODY[] "a\\n")', 'a wrong escape'), ('+go', 'no space behind +'), ('* QUOTA "" (STORAGE 10)', 'no limit'),
    ('* ID (a "b")', 'a name without quotes'),
)


class Tokens(unittest.TestCase):
    def test_good(self):
        for line in GOOD:
            with self.subTest(line):
                read(line)

    def test_bad(self):
        for line, why in BAD:
            with self.subTest(line + ': ' + why), self.assertRaises(ProtocolError):
                read(line)

    def test_literals(self):
        response = read(b'* 1 FETCH (BODY[] {4}\r\n)(\r\n UID 7)\r\n')
        self.assertEqual(response.items[2].items[1].text, ')(\r\n')
        self.assertEqual(response.items[2].items[3].text, '7')
        self.assertEqual(read(b'* 1 FETCH (BINARY[1] ~{2}\r\n\0\0)\r\n').items[2].items[1].text, '\0\0')
        for raw in (b'* 1 FETCH (BODY[] {2}\r\na\0)\r\n', b'* 1 FETCH (BODY[] {9}\r\nabc)\r\n', b'* 1 FETCH (BODY[] {02}\r\nab)\r\n'):
            with self.subTest(raw), self.assertRaises(ProtocolError):
                read(raw)

    def test_utf8(self):
        raw = '* LIST () "/" "größe"\r\n'.encode()
        with self.assertRaises(ProtocolError):
            read(raw)
        self.assertEqual(read(raw, utf8=True).items[3].text.encode('latin-1').decode(), 'größe')
        with self.assertRaises(ProtocolError):
            read('* LIST () "/" "größe"\r\n'.encode('latin-1'), utf8=True)
        read('* OK größe\r\n'.encode())

    def test_line_ends(self):
        for raw in (b'* SEARCH 1\n', b'* SEARCH 1\r\nmore', b'* LIST () "/" "a\nb"\r\n', b'* OK a\rb\r\n'):
            with self.subTest(raw), self.assertRaises(ProtocolError):
                read(raw)

    def test_sections_have_no_quotes(self):
        response = read('* 1 FETCH (BODY[HEADER.FIELDS ("From" To)]<5> "x")')
        self.assertEqual(response.items[2].items[0].text, 'BODY[HEADER.FIELDS (From To)]<5>')

    def test_codes(self):
        code = read('* OK [PERMANENTFLAGS (\\Seen \\*)] x').code
        self.assertEqual([n.text for n in code.items[1].items], ['\\Seen', '\\*'])
        self.assertEqual(read('a OK [APPENDUID 3 4] x').code.items[2].text, '4')


if __name__ == '__main__':
    unittest.main()
