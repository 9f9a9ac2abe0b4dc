"""DNS of every bad kind: what becomes of a mail for such a domain, and that nobody else's mail waits for it."""
import os
import signal
import smtplib
import time

from dns_zones import GODWIT, LIAR, POSTFIX, RESOLVER
from house import ANN, BOB, HERE, wait_one
from test_trouble import last, wait_until_tried
from world import PASSWORD, no_verify, wait_for

# Domain, status of the bounce, words that it has. Nothing that waiting could mend.
NEVER = (
    ('absent.test', '5.1.2', 'does not exist'),
    ('nothing.test', '5.1.2', 'neither an MX nor an address'),
    ('null.test', '5.1.10', 'takes no mail'),
    ('to-nothing.test', '5.4.4', 'does not exist'),
    ('to-no-address.test', '5.4.4', 'has no address'),
    ('to-address.test', '5.4.4', ''),
    ('ourselves.test', '5.4.6', 'circle'),
    ('ourselves-by-address.test', '5.4.6', 'circle'),
)
# Domain, status while it waits, words of the reason.
LATER = (
    ('servfail.liar.test', '4.4.3', 'SERVFAIL'),
    ('refused.liar.test', '4.4.3', ''),
    ('silent.liar.test', '4.4.3', ''),
    ('garbage.liar.test', '4.4.3', ''),
    ('no-tcp.liar.test', '4.4.3', ''),
    ('circle.test', '4.4.3', ''),  # a CNAME that leads back to itself
    ('to-circle.test', '4.4.3', ''),
    ('backup.test', '4.4.1', 'refused'),  # we are its second MX: the first is down, the third is not for us
    ('down.test', '4.4.1', 'refused'),
)
# Domains that look odd, and whose mail arrives.
ARRIVES = ('to-cname.test', 'cname-domain.test', 'many.test', 'huge.test', 'address-only.test', 'both.test', 'slow-aaaa.test')


def local_mail_flows(server, within=3):
    begin = time.monotonic()
    before = len(server.mails(BOB))
    server.submit(BOB)
    wait_for('local mail', lambda: len(server.mails(BOB)) == before + 1, 10, 0.05)
    assert time.monotonic() - begin < within, f'local mail took {time.monotonic() - begin:.1f} s'


def case_never(world):
    server = world.godwit()
    for domain, _, _ in NEVER:
        server.submit(f'm1@{domain}')
    try:
        wait_for('a bounce for each', lambda: len(server.mails(ANN)) == len(NEVER), 20, 0.2)
    except AssertionError:
        raise AssertionError(f'no bounce yet: {[(rcpt, last(row)) for rcpt, row in server.waiting().items()]}') from None
    bounces = server.mails(ANN)
    wrong = []
    for domain, status, words in NEVER:
        about, = [bounce for bounce in bounces if f'\r\nFinal-Recipient: rfc822; m1@{domain}\r\n'.encode() in bounce]
        if f'\r\nStatus: {status}\r\n'.encode() not in about or words.encode() not in b' '.join(about.split()):
            wrong.append((domain, status, words, about.decode()))
    assert not wrong, '\n\n'.join(map(str, wrong))


def case_later(world):
    server = world.godwit()
    ids = {domain: server.submit(f'm1@{domain}') for domain, _, _ in LATER}
    local_mail_flows(server)
    found = wait_until_tried(server, [f'm1@{domain}' for domain in ids], 40)
    wrong = []
    for domain, status, words in LATER:
        was, said = last(found[f'm1@{domain}'])
        if was != status or words not in said or (status == '4.4.3' and 'liar' in domain and domain not in said):
            wrong.append(f'{domain}: {was} {said}')
        table = server.cli('queue', 'list', '--id', ids[domain]).stdout
        if words not in table or domain not in table or 'NEXT TRY' not in table:
            wrong.append(f'{domain}: {table}')
    assert not wrong, '\n'.join(wrong)
    assert server.mails(ANN) == [], 'a bounce for what may work later'


def case_arrives(world):
    server = world.godwit()
    for domain in ARRIVES:
        server.submit(f'm950@{domain}')
    for domain in ARRIVES:
        wait_one(domain, lambda domain=domain: world.postfix.box.mails(f'm950@{domain}'), 20)
    server.wait_queue_empty(10)


def case_huge_answers_came_by_tcp(world):
    """The control: 200 and 750 MX records do not fit into a datagram, and unbound hands all of them out."""
    assert len(world.dns.ask('many.test', 'MX').splitlines()) == 200 and len(world.dns.ask('huge.test', 'MX').splitlines()) == 750
    assert world.dns.truncates('many.test', 'MX') and world.dns.truncates('huge.test', 'MX')


def case_dnssec(world):
    """With a trust anchor: what is signed rightly arrives; what was changed on the way is not believed, and waits."""
    server = world.godwit(dns=f'servers = ["{RESOLVER}:53"]\ntrust_anchor = "{world.dns.anchors}"')
    server.submit('m960@signed.test')
    server.submit('m960@bogus.test')
    server.submit('m960@postfix.test')  # nobody signed it, and no anchor is above it
    for domain in ('signed.test', 'postfix.test'):
        wait_one(domain, lambda domain=domain: world.postfix.box.mails(f'm960@{domain}'), 15)
    status, words = last(wait_until_tried(server, ['m960@bogus.test'])['m960@bogus.test'])
    assert status == '4.4.3' and 'DNSSEC' in words and 'bogus.test' in words, (status, words)
    assert world.postfix.box.mails('m960@bogus.test') == [] and server.mails(ANN) == []


def case_a_resolver_that_is_down(world):
    """The forwarder refuses (nobody listens there): mail waits for it, and goes when it is back; our own does not wait."""
    server = world.godwit(dns='servers = ["127.0.0.55:53"]\ntrust_anchor = ""')
    server.submit('m1@postfix.test')
    local_mail_flows(server)
    status, _ = last(wait_until_tried(server, ['m1@postfix.test'], 30)['m1@postfix.test'])
    assert status == '4.4.3'


def case_a_resolver_that_is_dead(world):
    """Stopped in the middle of it: it takes questions and answers none. Local mail flows at once, in and out; the rest when it wakes up."""
    server = world.godwit()
    os.kill(world.dns.resolver.pid, signal.SIGSTOP)
    try:
        server.submit('m970@postfix.test')
        for _ in range(3):
            local_mail_flows(server, within=2)
        begin = time.monotonic()
        with smtplib.SMTP(GODWIT, 25, HERE, timeout=10) as client:  # a stranger's, at port 25
            client.sendmail('stranger@postfix.test', BOB, 'Subject: from outside\r\n\r\nx\r\n')
        assert time.monotonic() - begin < 2
        waiting = wait_until_tried(server, ['m970@postfix.test'], 30)['m970@postfix.test']
        assert last(waiting)[0] == '4.4.3', waiting
    finally:
        os.kill(world.dns.resolver.pid, signal.SIGCONT)
    wait_one('it goes by itself', lambda: world.postfix.box.mails('m970@postfix.test'), 30)


def case_a_liar_alone(world):
    """Asked without unbound between: each of its ways is a reason to wait, never to bounce, and never to hang."""
    server = world.godwit(dns=f'servers = ["{LIAR}:53"]\ntrust_anchor = ""')
    rcpts = [f'm1@{manner}.liar.test' for manner in ('servfail', 'refused', 'silent', 'garbage', 'no-tcp')]
    for rcpt in rcpts:
        server.submit(rcpt)
    local_mail_flows(server)
    found = wait_until_tried(server, rcpts, 40)
    assert {rcpt: last(found[rcpt])[0] for rcpt in rcpts} == dict.fromkeys(rcpts, '4.4.3'), {rcpt: last(found[rcpt]) for rcpt in rcpts}
    assert server.mails(ANN) == []


def case_an_address_in_brackets(world):
    """By policy mail goes to domains: refused at the door."""
    server = world.godwit()
    with smtplib.SMTP_SSL('127.0.0.1', server.submissions, HERE, context=no_verify(), timeout=30) as client:
        client.login(ANN, PASSWORD)
        client.mail(ANN)
        code, text = client.rcpt(f'm1@[{POSTFIX}]')
    assert code == 550 and text.startswith(b'5.1.2 '), (code, text)
