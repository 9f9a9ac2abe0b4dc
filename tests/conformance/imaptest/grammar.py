"""Checks that a response of a known name has the shape its RFC gives it. A name that is not known here is an error as well."""
import re

from tokens import ProtocolError

MONTHS = 'Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec'
DATE_TIME = re.compile(rf'([ 0][1-9]|[12][0-9]|3[01])-({MONTHS})-[0-9]{{4}} [0-2][0-9]:[0-5][0-9]:[0-6][0-9] [+-][0-9]{{4}}')
OBJECT_ID = re.compile(r'[A-Za-z0-9_-]{1,255}')
UID_SET = re.compile(r'[1-9][0-9]*(:[1-9][0-9]*)?(,[1-9][0-9]*(:[1-9][0-9]*)?)*')
MAX32, MAX64 = 2 ** 32 - 1, 2 ** 63 - 1
SYSTEM_FLAGS = ('\\ANSWERED', '\\FLAGGED', '\\DELETED', '\\SEEN', '\\DRAFT', '\\RECENT', '\\*')


def need(condition, why, node=None):
    if not condition:
        raise ProtocolError(why if node is None else f'{why}: {node}')


def nstring(node):
    need(node.is_nil() or node.is_string(), 'a string or NIL expected', node)


def astring(node):
    need(node.kind in ('atom', 'string', 'literal') and not node.text.startswith('\\'), 'a mailbox name expected', node)


def plain_list(node, what='a list'):
    need(node.kind == 'list', f'{what} expected', node)
    need(all(item.spaced for item in node.items), f'spaces between the items of {what} expected', node)


def flags(node, permanent=False):
    plain_list(node, 'a list of flags')
    for flag in node.items:
        need(flag.kind == 'atom', 'a flag expected', flag)
        need(permanent or flag.text != '\\*', '\\* outside of PERMANENTFLAGS', flag)
        need(']' not in flag.text, 'a flag with "]"', flag)
    names = [flag.text.upper() for flag in node.items]
    need(len(names) == len(set(names)), 'a flag twice', node)


def address_list(node):
    if node.is_nil():
        return
    need(node.kind == 'list' and node.items, 'addresses or NIL expected', node)
    for i, address in enumerate(node.items):
        need(i == 0 or not address.spaced, 'a space between addresses', node)  # RFC 3501 9: env-from = "(" 1*address ")"
        need(address.kind == 'list' and len(address.items) == 4, 'an address has four strings', address)
        for part in address.items:
            nstring(part)


def envelope(node):
    need(node.kind == 'list' and len(node.items) == 10, 'an envelope has ten fields', node)
    for i in (0, 1, 8, 9):
        nstring(node.items[i])
    for i in range(2, 8):
        address_list(node.items[i])


def body_params(node):
    if node.is_nil():
        return
    need(node.kind == 'list' and node.items and len(node.items) % 2 == 0, 'body parameters: pairs of strings or NIL', node)
    need(all(item.is_string() for item in node.items), 'body parameters are strings', node)


def extension(node):
    if node.kind == 'list':
        need(node.items, 'an empty list in a body extension', node)
        for item in node.items:
            extension(item)
    else:
        need(node.is_nil() or node.is_string() or node.number(), 'a body extension is a string, NIL or a number', node)


def extension_fields(items, node):
    """disposition, language, location, then what may come (behind parameters or MD5)."""
    if items:
        disposition = items[0]
        if not disposition.is_nil():
            need(disposition.kind == 'list' and len(disposition.items) == 2 and disposition.items[0].is_string(), 'a disposition expected', node)
            body_params(disposition.items[1])
    if len(items) > 1 and items[1].kind == 'list':
        need(items[1].items and all(i.is_string() for i in items[1].items), 'languages are strings', node)
    elif len(items) > 1:
        nstring(items[1])
    if len(items) > 2:
        nstring(items[2])
    for item in items[3:]:
        extension(item)


def body(node, extended):
    need(node.kind == 'list' and node.items, 'a body structure expected', node)
    parts = [item for i, item in enumerate(node.items) if item.kind == 'list' and all(x.kind == 'list' for x in node.items[:i])]
    if parts:
        need(all(not part.spaced for part in parts[1:]), 'a space between body parts', node)
        for part in parts:
            body(part, extended)
        rest = node.items[len(parts):]
        need(rest and rest[0].is_string() and rest[0].spaced, 'a multipart ends in its subtype', node)
        need(extended or len(rest) == 1, 'extension data in BODY', node)  # RFC 3501 7.4.2
        if len(rest) > 1:
            body_params(rest[1])
        extension_fields(rest[2:], node)
        return
    need(len(node.items) >= 7, 'a body part has seven fields', node)
    media, subtype, params, ident, description, encoding, size = node.items[:7]
    need(media.is_string() and subtype.is_string() and encoding.is_string(), 'type, subtype and encoding are strings', node)
    body_params(params)
    nstring(ident)
    nstring(description)
    need(size.number(), 'the size of a body part is a number', node)
    rest = node.items[7:]
    kind = media.text.upper()
    if kind == 'MESSAGE' and subtype.text.upper() in ('RFC822', 'GLOBAL') and rest and rest[0].kind == 'list':
        need(len(rest) >= 3 and rest[2].number(), 'a message has an envelope, a body and its lines', node)
        envelope(rest[0])
        body(rest[1], extended)
        rest = rest[3:]
    elif kind == 'TEXT':
        need(rest and rest[0].number(), 'a text has its lines', node)
        rest = rest[1:]
    need(extended or not rest, 'extension data in BODY', node)
    if rest:
        nstring(rest[0])
    extension_fields(rest[1:], node)


def date_time(node):
    need(node.kind == 'string' and DATE_TIME.fullmatch(node.text), 'a date-time expected', node)


def single(check):
    def inner(node):
        need(node.kind == 'list' and len(node.items) == 1 and check(node.items[0]), 'one value in parentheses expected', node)
    return inner


def number_of(low, high):
    return lambda node: need(node.number(low, high), f'a number of {low} to {high} expected', node)


def nil_or(check):
    return lambda node: None if node.is_nil() else check(node)


def object_id(node):
    return node.kind == 'atom' and OBJECT_ID.fullmatch(node.text) is not None


FETCH_ITEMS = {
    'FLAGS': flags, 'UID': number_of(1, MAX32), 'INTERNALDATE': date_time, 'RFC822.SIZE': number_of(0, MAX64), 'ENVELOPE': envelope,
    'BODY': lambda node: body(node, False), 'BODYSTRUCTURE': lambda node: body(node, True), 'RFC822': nstring, 'RFC822.HEADER': nstring,
    'RFC822.TEXT': nstring, 'MODSEQ': single(lambda n: n.number(1)), 'EMAILID': single(object_id),
    'THREADID': nil_or(single(object_id)), 'SAVEDATE': nil_or(date_time), 'PREVIEW': nstring,
}


def fetch(items):
    need(len(items) == 3, 'FETCH has one list')
    plain_list(items[2], 'the list of FETCH')
    pairs = items[2].items
    need(pairs and len(pairs) % 2 == 0, 'FETCH has pairs of names and values', items[2])
    seen = set()
    for name, value in zip(pairs[::2], pairs[1::2]):
        need(name.kind == 'atom', 'the name of a FETCH item expected', name)
        key = name.text.upper()
        need(key not in seen, 'a FETCH item twice', name)
        seen.add(key)
        if key.startswith('BODY['):
            nstring(value)
        elif key.startswith('BINARY['):
            need(value.is_nil() or value.is_string() or value.kind == 'literal8', 'a string, a literal8 or NIL expected', value)
        elif key.startswith('BINARY.SIZE['):
            need(value.number(), 'a number expected', value)
        else:
            need(key in FETCH_ITEMS, 'an unknown FETCH item', name)
            FETCH_ITEMS[key](value)
