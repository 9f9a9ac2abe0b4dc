"""Receivers in trouble, each for real: what becomes of the mail, what `queue list` says, when it is tried again, who gets a bounce."""
import datetime
import email
import time

from dns_zones import GODWIT_BESIDE
from house import ANN, beside, letter, wait_one
from receivers import CLOSE, Fault, domain_at
from world import wait_for

STATES = ('CONNECT', 'BANNER', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'BODY', 'DOT')


def last(rcpt):
    """Status and words of the last attempt, as `queue list` has them."""
    found = rcpt.get('last') or {'status': '', 'text': 'not tried', 'remote_reply': ''}
    return found['status'], f'{found["text"]} {found["remote_reply"]}'


def wait_until_tried(server, rcpts, seconds=20):
    """Each has been tried, has not gone, and is to be tried again."""
    found = {}

    def tried():
        found.update(server.waiting())
        return all(rcpt in found and found[rcpt].get('last') for rcpt in rcpts)
    try:
        wait_for('each mail was tried', tried, seconds, 0.2)
    except AssertionError:
        raise AssertionError(f'not there or not tried: {[rcpt for rcpt in rcpts if not found.get(rcpt, {}).get("last")]}') from None
    for rcpt in rcpts:
        assert found[rcpt]['state'] == 'pending' and found[rcpt]['next_attempt'], found[rcpt]
    return found


def case_down_then_up(world):
    """Nobody listens; nothing is lost, the retry finds the server when it is back."""
    server = world.godwit()
    address = world.address()
    rcpt = f'm1@{domain_at(address)}'
    identifier = server.submit(rcpt)
    status, words = last(wait_until_tried(server, [rcpt])[rcpt])
    assert status == '4.4.1' and 'refused' in words.lower() and address in words, (status, words)
    receiver = world.receiver(address=address)
    wait_for('the mail goes by itself', lambda: len(receiver.mails) == 1, 20)
    assert receiver.mails[0][2].endswith(letter(ANN, rcpt)), receiver.mails
    server.wait_queue_empty(10)
    story = server.trace(identifier)
    assert 'deferred' in story and 'delivered' in story and address in story, story


def case_first_mx_down_second_takes_it(world):
    server = world.godwit()
    server.submit('m940@fallback.test')
    wait_one('the second MX has it', lambda: world.postfix.box.mails('m940@fallback.test'), 10)


def case_greylisting(world):
    """451, then 250 at the next attempt, which comes at the first step of the schedule: 3 s and a tenth more or less."""
    server = world.godwit()
    receiver = world.receiver(Fault('RCPT', '451 4.7.1 greylisted, come back', times=1))
    rcpt = f'm1@{receiver.domain}'
    identifier = server.submit(rcpt)
    waiting = wait_until_tried(server, [rcpt])[rcpt]
    assert last(waiting)[0] == '4.7.1' and '451 4.7.1 greylisted, come back' in last(waiting)[1] and waiting['attempts'] == 1, waiting
    due = datetime.datetime.fromisoformat(waiting['next_attempt']).timestamp() - time.time()
    assert due < 3.5, waiting
    assert 'greylisted' in server.cli('queue', 'show', identifier).stdout
    wait_for('the second attempt', lambda: len(receiver.mails) == 1, 20)
    assert 2.6 < receiver.transactions[1] - receiver.transactions[0] < 5, receiver.transactions
    server.wait_queue_empty(10)
    assert server.mails(ANN) == [], 'a bounce for a mail that arrived'


def trouble(world, server, faults):
    """One mail to each; none of it lost or bounced while they are broken, all of it there once after they are mended."""
    receivers = {name: world.receiver(*fault) for name, fault in faults.items()}
    identifiers = {name: server.submit(f'm1@{receiver.domain}') for name, receiver in receivers.items()}
    found = wait_until_tried(server, [f'm1@{receiver.domain}' for receiver in receivers.values()])
    answers = {name: last(found[f'm1@{receiver.domain}']) for name, receiver in receivers.items()}
    assert server.mails(ANN) == [], 'bounced while it could still go'
    for receiver in receivers.values():
        receiver.mend()
    missing = lambda: [name for name, receiver in receivers.items() if not receiver.mails]  # noqa: E731
    try:
        wait_for('all of it arrives', lambda: not missing(), 30, 0.2)
    except AssertionError:
        raise AssertionError(f'mended, but nothing came: {missing()}') from None
    server.wait_queue_empty(20)
    for name, receiver in receivers.items():
        assert len(receiver.mails) == 1, f'{name}: {len(receiver.mails)} copies'
        assert receiver.mails[0][2].endswith(letter(ANN, f'm1@{receiver.domain}')), (name, receiver.mails)
        story = server.trace(identifiers[name])
        assert 'deferred' in story and 'delivered' in story, (name, story)
    assert server.mails(ANN) == []
    return receivers, answers


def case_closes_at_each_state(world):
    """Also after the dot: what was taken without an answer is sent again, RFC 5321 4.5.4.1."""
    server = world.godwit()
    receivers, answers = trouble(world, server, {state: [Fault(state, CLOSE)] for state in STATES})
    for state, (status, words) in answers.items():
        assert status == '4.4.2', (state, status, words)
    assert receivers['DOT'].dropped, 'the fault at the dot never struck'
    for state, receiver in receivers.items():
        assert len(receiver.connections) >= 2, state


def case_421_at_each_state(world):
    server = world.godwit()
    faults = {state: [Fault(state, f'421 4.3.2 going down at {state}')] for state in STATES if state not in ('BANNER', 'BODY')}
    _, answers = trouble(world, server, faults)
    for state, (status, words) in answers.items():
        assert status == '4.3.2' and f'421 4.3.2 going down at {state}' in words, (state, status, words)


def case_451_at_each_state(world):
    server = world.godwit()
    faults = {state: [Fault(state, f'451 4.3.0 not now, {state}')] for state in ('MAIL', 'RCPT', 'DATA', 'DOT')}
    _, answers = trouble(world, server, faults)
    for state, (status, words) in answers.items():
        assert status == '4.3.0' and f'451 4.3.0 not now, {state}' in words, (state, status, words)


def case_stalls_at_each_state(world):
    """Slow is not dead: RFC 5321 4.5.3.2 has minutes; two seconds at every state cost no attempt."""
    server = world.godwit()
    receivers = {state: world.receiver(Fault(state, 2, times=1)) for state in STATES}
    begin = time.monotonic()
    for receiver in receivers.values():
        server.submit(f'm1@{receiver.domain}')
    wait_for('all of it arrives', lambda: all(receiver.mails for receiver in receivers.values()), 20)
    assert time.monotonic() - begin > 2
    server.wait_queue_empty(10)
    assert {state: len(receiver.connections) for state, receiver in receivers.items()} == {state: 1 for state in STATES}


def case_starttls_that_fails(world):
    """Opportunistic: a server whose STARTTLS is broken gets its mail in clear, soon."""
    server = world.godwit()
    faults = {'454': '454 4.7.0 no TLS now', 'closes': CLOSE, 'no TLS behind': '220 2.0.0 go ahead'}
    receivers = {name: world.receiver(Fault('STARTTLS', act)) for name, act in faults.items()}
    for receiver in receivers.values():
        server.submit(f'm1@{receiver.domain}')
    missing = lambda: [name for name, receiver in receivers.items() if not receiver.mails]  # noqa: E731
    try:
        wait_for('all of it arrives', lambda: not missing(), 30)
    except AssertionError:
        raise AssertionError(f'never in clear: {missing()}; {server.waiting()}') from None
    server.wait_queue_empty(10)


def case_refused_for_good(world):
    """5xx at each state where a mail can be refused: a bounce at once, no second attempt."""
    server = world.godwit()
    receivers = {state: world.receiver(Fault(state, f'554 5.7.1 not from you, {state}')) for state in ('MAIL', 'RCPT', 'DATA', 'DOT')}
    for receiver in receivers.values():
        server.submit(f'm1@{receiver.domain}')
    wait_for('four bounces', lambda: len(server.mails(ANN)) == 4, 20, 0.2)
    bounces = server.mails(ANN)
    for state, receiver in receivers.items():
        about = [bounce for bounce in bounces if f'm1@{receiver.domain}'.encode() in bounce]
        assert len(about) == 1 and f'554 5.7.1 not from you, {state}'.encode() in about[0] and b'\r\nStatus: 5.7.1' in about[0], (state, about)
        assert len(receiver.connections) == 1, state
    server.wait_queue_empty(5)


def case_part_of_the_recipients(world):
    """One transaction, three fates: taken, refused for good, refused for now."""
    server = world.godwit()
    receiver = world.receiver(Fault('RCPT', '550 5.1.1 nobody here', times=1), Fault('RCPT', '450 4.2.1 mailbox busy', times=1))
    rcpts = [f'{name}@{receiver.domain}' for name in ('m1', 'm2', 'm3')]
    server.submit(rcpts)
    wait_for('two arrive in the end', lambda: sum(len(mail[1]) for mail in receiver.mails) == 2, 20)
    bounce = wait_one('one bounce', lambda: server.mails(ANN))
    server.wait_queue_empty(10)
    taken = sorted(rcpt.partition('>')[0].lstrip('TO:<').lstrip('to:<') for mail in receiver.mails for rcpt in mail[1])
    refused = [rcpt for rcpt in rcpts if rcpt not in taken]
    assert len(receiver.mails) == 2 and len(refused) == 1, receiver.mails
    report = email.message_from_bytes(bounce).get_payload()[1].get_payload()
    assert [part['Final-Recipient'] for part in report[1:]] == [f'rfc822; {refused[0]}'] or refused[0] in str(report[1]['Final-Recipient']), bounce


@beside
def case_given_up(world):
    """A server that stays away: the sender is told that it is late, and after [queue] expire that it failed (4.4.7)."""
    server = world.godwit(address=GODWIT_BESIDE, queue='[queue]\nretry = ["20s"]\nexpire = "1m"\ndelay_notice = "2s"\n')
    rcpt = 'm1@down.test'
    server.submit(rcpt)
    notice = wait_one('the delay notice', lambda: server.mails(ANN), 15)
    assert b'\r\nAction: delayed' in notice and b'\r\nWill-Retry-Until: ' in notice, notice
    wait_for('the bounce', lambda: len(server.mails(ANN)) == 2, 90, 1)
    bounce = next(mail for mail in server.mails(ANN) if mail != notice)
    assert b'\r\nAction: failed' in bounce and b'\r\nStatus: 4.4.7' in bounce and rcpt.encode() in bounce, bounce
    server.wait_queue_empty(5)
