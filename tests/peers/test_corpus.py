"""A thousand mails of two published corpora, Postfix -> Godwit -> Exim -> Godwit -> Postfix: nothing changes but trace fields.

What Postfix and Exim themselves alter (a leading mbox line, say) is established by a control run of each file, Postfix -> Exim -> Postfix.
"""
import os
import pathlib
import re
import smtplib

from house import HERE
from world import Skip, wait_for

MAILS = 1000
CORPORA = ('ruby-mail', 'python-email')
# What servers may put in front on the way.
TRACE = ('received', 'return-path', 'delivered-to', 'x-original-to')
RELAY = '''
[smtp]
relay_from = ["127.0.0.20", "127.0.0.30"]
'''


def corpus():
    """Name and bytes of each file, as they may go over SMTP: lines end with CRLF and are 998 bytes at most, and there is no NUL."""
    parent = pathlib.Path(os.environ.get('GODWIT_CONFORMANCE_DIR') or pathlib.Path(__file__).resolve().parents[3] / 'shared/conformance')
    found = {}
    for name in CORPORA:
        if not (parent / name).is_dir():
            raise Skip(f'{parent / name} is not there (GODWIT_CONFORMANCE_DIR names its parent)')
        for file in sorted([*(parent / name).rglob('*.eml'), *(parent / name).rglob('msg_*.txt')]):
            text = re.sub(rb'\r\n|\r|\n', b'\r\n', file.read_bytes())
            if b'\0' in text or max(map(len, text.split(b'\r\n'))) > 998:
                print(f'      left out, not fit for SMTP: {file.relative_to(parent)}')
                continue
            found[str(file.relative_to(parent))] = text if text.endswith(b'\r\n') else text + b'\r\n'
    assert len(found) > 100, f'{len(found)} files in {parent}'
    return found


def send_all(peer, jobs):
    """(recipient, bytes) each, over one connection after another."""
    refused = {}
    for begin in range(0, len(jobs), 100):
        with smtplib.SMTP(peer.address, 25, HERE, timeout=60) as client:
            client.ehlo()
            for rcpt, mail in jobs[begin:begin + 100]:
                assert client.mail('sender@postfix.test', ['BODY=8BITMIME'])[0] == 250
                assert client.rcpt(rcpt)[0] == 250
                client.putcmd('data')
                assert client.getreply()[0] == 354
                client.send(re.sub(rb'(?m)^\.', b'..', mail) + b'.\r\n')
                code, text = client.getreply()
                if code != 250:
                    refused[rcpt] = text
    return refused


def split(mail):
    """What the servers put in front, and what was handed in: all that follows the Received field about us, by the bytes."""
    first = re.search(rb'^Received: from \[127\.0\.0\.1\] \(localhost \[127\.0\.0\.1\]\)(?:.*\r\n[ \t])*.*\r\n', mail, re.M)
    assert first, mail[:3000]
    fields = re.split(r'\r\n(?![ \t])', mail[:first.end()].decode().removesuffix('\r\n'))
    assert all(field.split(':')[0].lower() in TRACE for field in fields), fields
    return fields, mail[first.end():]


def hops(fields):
    """Who wrote the Received fields, the last one first."""
    return [re.search(r' by (\S+) ', re.sub(r'\s+', ' ', field)).group(1) for field in fields if field.startswith('Received:')]


def case_a_thousand_mails_there_and_back(world):
    files = corpus()
    server = world.godwit(extra=RELAY)
    box = world.postfix.box
    control = {f'm{i}@control': name for i, name in enumerate(files)}
    refused = send_all(world.postfix, [(f'{rcpt}.exim.test', files[name]) for rcpt, name in control.items()])
    assert not refused, refused
    wait_for('the control mails', lambda: all(box.mails(f'{rcpt}.postfix.test') for rcpt in control), 60, 0.5)
    expected = {name: split(box.mails(f'{rcpt}.postfix.test')[0])[1] for rcpt, name in control.items()}

    names = list(files)
    sent = {f'm{i}@corpus': names[i % len(names)] for i in range(MAILS)}
    refused = send_all(world.postfix, [(f'{rcpt}.exim.test', files[name]) for rcpt, name in sent.items()])
    assert not refused, refused
    arrived = {}

    def all_arrived():
        arrived.update({rcpt: found for rcpt in sent if rcpt not in arrived and (found := box.mails(f'{rcpt}.postfix.test'))})
        return len(arrived) == len(sent)
    try:
        wait_for(f'{MAILS} mails', all_arrived, 150, 0.5)
    except AssertionError:
        missing = sorted({name for rcpt, name in sent.items() if rcpt not in arrived})
        raise AssertionError(f'{len(arrived)} of {MAILS} came back; those files never: {missing}') from None
    changed = {}
    for rcpt, name in sent.items():
        assert len(box.mails(f'{rcpt}.postfix.test')) == 1, f'{rcpt} came more than once'
        trace, rest = split(arrived[rcpt][0])
        assert hops(trace) == ['mx.postfix.test', 'mx.godwit.test', 'mx.exim.test', 'mx.godwit.test', 'mx.postfix.test'], (name, trace)
        if rest != expected[name]:
            changed[name] = difference(expected[name], rest)
    assert not changed, f'{len(changed)} files were changed: ' + '\n'.join(f'{name}: {what}' for name, what in changed.items())
    server.wait_queue_empty(10)
    print(f'      {MAILS} mails out of {len(files)} files, twice through Godwit')


def difference(expected, found):
    at = next((i for i, (a, b) in enumerate(zip(expected, found)) if a != b), min(len(expected), len(found)))
    return f'at byte {at} of {len(expected)}: {expected[max(0, at - 60):at + 60]!r} became {found[max(0, at - 60):at + 60]!r}'
