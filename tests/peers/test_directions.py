"""Postfix, Exim and Godwit find each other by MX, in every direction, with STARTTLS and without."""
import re
import signal

from house import ANN, hand_to, letter, wait_one
from world import wait_for

BODY = b'\r\n\r\nhello\r\n.\r\n..dots\r\n'


def received(mail, by):
    """The Received field that `by` wrote."""
    head = re.sub(rb'\r\n[ \t]+', b' ', mail.split(b'\r\n\r\n')[0]).decode()
    found = [line for line in head.split('\r\n') if line.startswith('Received:') and f'by {by} ' in line]
    assert len(found) == 1, (by, head)
    return found[0]


def check(mail, by, tls):
    assert mail.endswith(BODY), mail
    protocol = re.search(r'with (E?SMTPS?)\b', received(mail, by), re.I).group(1).upper()
    assert protocol == ('ESMTPS' if tls else 'ESMTP'), received(mail, by)


def case_control_postfix_and_exim(world):
    """Without Godwit: that the house itself works."""
    for source, target in ((world.postfix, world.exim), (world.exim, world.postfix)):
        for tls in (True, False):
            rcpt = f'm{900 + tls}@{"" if tls else "plain."}{target.domain}'
            hand_to(source, 'ann@' + source.domain, rcpt, letter('ann@' + source.domain, rcpt))
            check(wait_one(f'{source.name} to {rcpt}', lambda: target.box.mails(rcpt)), f'mx.{target.domain}', tls)


def case_to_godwit(world):
    server = world.godwit()
    for source in (world.postfix, world.exim):
        for tls in (True, False):
            rcpt = f'{"ann" if source is world.postfix else "bob"}@{"" if tls else "plain."}godwit.test'
            hand_to(source, 'ann@' + source.domain, rcpt, letter('ann@' + source.domain, rcpt))
            mail = wait_one(f'{source.name} to {rcpt}', lambda: server.mails(rcpt))
            check(mail, 'mx.godwit.test', tls)
            assert mail.startswith(f'Return-Path: <ann@{source.domain}>\r\n'.encode()), mail


def case_from_godwit(world):
    server = world.godwit()
    for target in (world.postfix, world.exim):
        for tls in (True, False):
            rcpt = f'm{910 + tls}@{"" if tls else "plain."}{target.domain}'
            identifier = server.submit(rcpt)
            mail = wait_one(f'godwit to {rcpt}', lambda: target.box.mails(rcpt))
            check(mail, f'mx.{target.domain}', tls)
            assert mail.lower().startswith(b'return-path: <ann@godwit.test>\r\n'), mail
            server.wait_queue_empty(10)
            story = server.trace(identifier)
            assert 'delivered' in story and f'mx.{target.domain}' in story and ('taken it over TLS' in story) == tls, story


def case_several_recipients_in_one_transaction(world):
    server = world.godwit()
    rcpts = [f'm{n}@exim.test' for n in range(920, 930)]
    server.submit(rcpts)
    copies = [wait_one(rcpt, lambda rcpt=rcpt: world.exim.box.mails(rcpt)) for rcpt in rcpts]
    assert len({re.search(r'id (\S+)', received(copy, 'mx.exim.test')).group(1) for copy in copies}) == 1, 'not one transaction'


def case_tls_sessions_are_resumed(world):
    """What waited leaves by several connections at once; those after the first shake hands the short way. (Exim gives out no tickets.)"""
    server = world.godwit(extra='[[route]]\ndomain = "postfix.test"\nto = "hold"\n')
    for n in range(300, 330):
        server.submit(f'm{n}@postfix.test')
    server.extra = ''
    server.write_config()
    server.process.send_signal(signal.SIGHUP)
    wait_for('the reload', lambda: 'event=reloaded' in server.log.read_text())
    server.cli('queue', 'release', '--to', '*')
    server.wait_queue_empty(20)
    opened = [line for line in server.log.read_text().splitlines() if 'event=connected' in line]
    assert len(opened) > 1 and all('tls=TLSv1.3' in line for line in opened), opened
    assert 'resumed=false' in opened[0] and any('resumed=true' in line for line in opened), opened


def case_a_refused_stranger(world):
    """Nobody relays through Godwit: not Postfix either, unless relay_from says so."""
    server = world.godwit()
    hand_to(world.postfix, 'm930@postfix.test', 'm1@corpus.exim.test', letter('m930@postfix.test', 'm1@corpus.exim.test'))
    bounce = wait_one('the bounce of Postfix', lambda: world.postfix.box.mails('m930@postfix.test'))
    assert b'said: 5' in bounce and b'Action: failed' in bounce, bounce
    assert server.queue_size() == 0 and ANN.encode() not in bounce
