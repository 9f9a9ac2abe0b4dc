"""The shapes of the other untagged responses, of response codes and of status responses."""
import re

from grammar import MAX32, MAX64, UID_SET, astring, fetch, flags, need, object_id, plain_list
from tokens import Node

STATUS_ITEMS = {'MESSAGES': MAX32, 'RECENT': MAX32, 'UIDNEXT': MAX32, 'UIDVALIDITY': MAX32, 'UNSEEN': MAX32, 'DELETED': MAX32, 'SIZE': MAX64,
                'HIGHESTMODSEQ': MAX64, 'APPENDLIMIT': MAX64, 'DELETED-STORAGE': MAX64}
ESEARCH_ITEMS = ('MIN', 'MAX', 'COUNT', 'ALL', 'MODSEQ', 'PARTIAL', 'ADDTO', 'REMOVEFROM', 'RELEVANCY')


def list_response(items):
    need(len(items) in (4, 5), 'LIST has attributes, a separator and a name')
    plain_list(items[1], 'the attributes of LIST')
    need(all(a.kind == 'atom' and a.text.startswith('\\') for a in items[1].items), 'an attribute begins with a backslash', items[1])
    need(items[2].is_nil() or items[2].kind == 'string' and len(items[2].text) == 1, 'the separator is a character in quotes or NIL', items[2])
    astring(items[3])
    if len(items) == 5:
        need(items[4].kind == 'list' and len(items[4].items) % 2 == 0, 'the extended data of LIST are pairs', items[4])


def status_response(items):
    need(len(items) == 3, 'STATUS has a name and a list')
    astring(items[1])
    plain_list(items[2], 'the list of STATUS')
    pairs = items[2].items
    need(len(pairs) % 2 == 0, 'STATUS has pairs', items[2])
    for name, value in zip(pairs[::2], pairs[1::2]):
        key = name.text.upper()
        if key == 'MAILBOXID':
            need(value.kind == 'list' and len(value.items) == 1 and object_id(value.items[0]), 'MAILBOXID has an id', value)
            continue
        need(key in STATUS_ITEMS, 'an unknown STATUS item', name)
        need(value.number(0, STATUS_ITEMS[key]) or key == 'APPENDLIMIT' and value.is_nil(), 'a number expected', value)


def numbers(items, modseq=False):
    rest = items[1:]
    if modseq and rest and rest[-1].kind == 'list':
        last = rest.pop().items
        need(len(last) == 2 and last[0].is_atom('MODSEQ') and last[1].number(1), 'SEARCH ends in (MODSEQ n)')
    need(all(item.number(1, MAX32) for item in rest), 'numbers expected')


def esearch(items):
    rest = items[1:]
    if rest and rest[0].kind == 'list':
        tag = rest.pop(0).items
        need(len(tag) == 2 and tag[0].is_atom('TAG') and tag[1].is_string(), 'ESEARCH has (TAG "tag")')  # RFC 4466 2.6.2: a string
    if rest and rest[0].is_atom('UID'):
        rest.pop(0)
    need(len(rest) % 2 == 0, 'ESEARCH has pairs')
    for name, value in zip(rest[::2], rest[1::2]):
        key = name.text.upper()
        need(key in ESEARCH_ITEMS, 'an unknown item of ESEARCH', name)
        if key in ('MIN', 'MAX'):
            need(value.number(1, MAX32), 'a number expected', value)
        elif key in ('COUNT', 'MODSEQ'):
            need(value.number(), 'a number expected', value)
        elif key == 'ALL':
            need(value.kind == 'atom' and UID_SET.fullmatch(value.text), 'a set expected', value)  # never empty: RFC 4731 3.1


def thread(items):
    def one(node, top):
        need(node.kind == 'list' and node.items, 'a thread expected', node)
        for i, item in enumerate(node.items):
            need(item.kind == 'list' or item.number(1, MAX32), 'a number or a thread expected', item)
            need(not (item.kind == 'list' and i and node.items[i - 1].kind == 'list' and item.spaced), 'a space between threads', node)
            if item.kind == 'list':
                one(item, False)
    for i, node in enumerate(items[1:]):
        need(i == 0 or not node.spaced, 'a space between threads', node)
        one(node, True)


def capability(items):
    need(all(i.kind == 'atom' for i in items[1:]), 'capabilities are atoms')
    names = [i.text.upper() for i in items[1:]]
    need('IMAP4REV1' in names or 'IMAP4REV2' in names, 'CAPABILITY without IMAP4rev1 or IMAP4rev2')
    need(len(names) == len(set(names)), 'a capability twice')


def namespace(items):
    need(len(items) == 4, 'NAMESPACE has three parts')
    for part in items[1:]:
        if part.is_nil():
            continue
        need(part.kind == 'list' and part.items, 'a namespace or NIL expected', part)
        for i, entry in enumerate(part.items):
            need(entry.kind == 'list' and len(entry.items) >= 2 and entry.items[0].is_string(), 'a namespace has a prefix and a separator', entry)
            need(i == 0 or not entry.spaced, 'a space between namespaces', part)


def identity(items):
    need(len(items) == 2, 'ID has a list or NIL')
    if items[1].is_nil():
        return
    need(items[1].kind == 'list' and len(items[1].items) % 2 == 0, 'ID has pairs', items[1])
    for i, item in enumerate(items[1].items):
        need(item.is_string() or i % 2 and item.is_nil(), 'ID has strings', item)


def vanished(items):
    rest = items[1:]
    if rest and rest[0].kind == 'list':
        need(len(rest[0].items) == 1 and rest[0].items[0].is_atom('EARLIER'), 'VANISHED (EARLIER) expected')
        rest.pop(0)
    need(len(rest) == 1 and rest[0].kind == 'atom' and UID_SET.fullmatch(rest[0].text), 'VANISHED has a set of UIDs')


def quota(items):
    need(len(items) == 3, 'QUOTA has a root and a list')
    astring(items[1])
    triples = items[2].items
    need(items[2].kind == 'list' and len(triples) % 3 == 0, 'QUOTA has name, usage and limit', items[2])
    need(all(t.kind == 'atom' and (i % 3 == 0 or t.number()) for i, t in enumerate(triples)), 'QUOTA has name, usage and limit', items[2])


def quotaroot(items):
    need(len(items) >= 2, 'QUOTAROOT has a name')
    for item in items[1:]:
        astring(item)


def words(items):
    need(all(i.kind == 'atom' for i in items[1:]), 'words expected')


def anything(items):
    pass


NAMED = {'LIST': list_response, 'LSUB': list_response, 'XLIST': list_response, 'STATUS': status_response, 'SEARCH': lambda i: numbers(i, True),
         'SORT': lambda i: numbers(i, True), 'ESEARCH': esearch, 'THREAD': thread, 'CAPABILITY': capability, 'NAMESPACE': namespace,
         'ID': identity, 'ENABLED': words, 'VANISHED': vanished, 'QUOTA': quota, 'QUOTAROOT': quotaroot, 'FLAGS': lambda i: flags(i[1]),
         'GENURLAUTH': anything, 'URLFETCH': anything, 'LANGUAGE': anything, 'COMPARATOR': anything, 'METADATA': anything, 'ACL': anything,
         'LISTRIGHTS': anything, 'MYRIGHTS': anything}
NUMBERED = {'EXISTS': (0, 2), 'RECENT': (0, 2), 'EXPUNGE': (1, 2), 'FETCH': (1, 3)}

CODE_NUMBERS = {'UIDNEXT': 1, 'UIDVALIDITY': 1, 'UNSEEN': 1, 'HIGHESTMODSEQ': 1, 'APPENDUID': 2, 'COPYUID': 3}


def check_code(code):
    name, rest = code.items[0].text.upper(), code.items[1:]
    if name in CODE_NUMBERS:
        need(len(rest) == CODE_NUMBERS[name], f'[{name}] has {CODE_NUMBERS[name]} values', code)
        for item in rest:
            need(re.fullmatch(UID_SET.pattern, item.text) is not None, f'[{name}] has numbers', code)
        need(name == 'COPYUID' or name == 'APPENDUID' or rest[0].number(1), f'[{name}] has a number', code)
    elif name == 'PERMANENTFLAGS':
        need(len(rest) == 1, '[PERMANENTFLAGS] has a list', code)
        flags(rest[0], permanent=True)
    elif name == 'CAPABILITY':
        capability([Node('atom', name), *rest])
    elif name in ('READ-ONLY', 'READ-WRITE', 'TRYCREATE', 'ALERT', 'PARSE', 'CLOSED', 'NOMODSEQ', 'UIDNOTSTICKY', 'OVERQUOTA', 'NONEXISTENT',
                  'ALREADYEXISTS', 'TOOBIG', 'UNKNOWN-CTE', 'NOTSAVED', 'HASCHILDREN', 'EXPUNGEISSUED', 'AUTHENTICATIONFAILED'):
        need(not rest, f'[{name}] has no values', code)
    elif name == 'MAILBOXID':
        need(len(rest) == 1 and rest[0].kind == 'list' and len(rest[0].items) == 1 and object_id(rest[0].items[0]), '[MAILBOXID] has an id', code)
    elif name == 'MODIFIED':
        need(len(rest) == 1 and UID_SET.fullmatch(rest[0].text), '[MODIFIED] has a set', code)


def check(response):
    """Raises ProtocolError if the response is none that a server may send."""
    if response.kind == 'continue':
        return
    if response.status:
        if response.code:
            check_code(response.code)
        return
    items = response.items
    if items[0].number():
        name = response.name()
        need(len(items) > 1 and name in NUMBERED, 'an unknown numbered response')
        low, length = NUMBERED[name]
        need(len(items) == length and items[0].number(low, MAX32), f'{name}: wrong number or too many words')
        if name == 'FETCH':
            fetch(items)
        return
    name = response.name()
    need(name in NAMED, f'an unknown response {name}')
    need(name != 'FLAGS' or len(items) == 2, 'FLAGS has one list')
    NAMED[name](items)
