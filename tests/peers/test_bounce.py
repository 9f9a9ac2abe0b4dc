"""What Postfix and Exim refuse for good comes back as a bounce that mutt and Python's email package understand; and theirs reach us."""
import email
import email.policy
import fcntl
import os
import pty
import re
import select
import struct
import termios
import time

from house import ANN, hand_to, letter, wait_one
from world import wait_for


def bounce_of(server, rcpts):
    server.submit(rcpts, letter(ANN, rcpts[0], 'whom nobody knows', 'größe\r\n'))
    bounce = wait_one('the bounce', lambda: server.mails(ANN))
    server.wait_queue_empty(5)
    return bounce


def check_report(bounce, rcpts, remote):
    """RFC 3462 and 3464, as Python's parser sees them; the per-recipient fields."""
    mail = email.message_from_bytes(bounce, policy=email.policy.default)
    assert not any(part.defects for part in mail.walk()), [(part.get_content_type(), part.defects) for part in mail.walk()]
    assert mail.get_content_type() == 'multipart/report' and mail.get_param('report-type') == 'delivery-status', mail['Content-Type']
    assert mail['Return-Path'] == '<>' and mail['Auto-Submitted'].startswith('auto-'), mail.items()
    assert mail['To'] == ANN and mail['From'] and mail['Date'].datetime and mail['Message-ID'], mail.items()
    text, status, original = mail.iter_parts()
    assert text.get_content_type() == 'text/plain' and all(rcpt in text.get_content() for rcpt in rcpts), text.get_content()
    assert status.get_content_type() == 'message/delivery-status'
    whole, *each = status.get_payload()
    assert whole['Reporting-MTA'] == 'dns; mx.godwit.test' and whole['Arrival-Date'], whole.items()
    assert sorted(fields['Final-Recipient'] for fields in each) == sorted(f'rfc822; {rcpt}' for rcpt in rcpts), status
    for fields in each:
        assert fields['Action'] == 'failed' and fields['Status'] == '5.1.1', fields.items()
        assert fields['Remote-MTA'] == f'dns; {remote}' and re.match(r'smtp; *550.5\.1\.1', fields['Diagnostic-Code']), fields.items()
        assert fields['Diagnostic-Code'].removeprefix('smtp;').strip()[:20] in text.get_content(), 'the words of the other server'
    assert original.get_content_type() in ('message/rfc822', 'text/rfc822-headers'), original.get_content_type()
    assert 'whom nobody knows' in original.as_string() and '<' + rcpts[0].replace('@', '.at.') in original.as_string()


def case_from_exim_read_by_python(world):
    server = world.godwit()
    rcpts = ['absent@exim.test', 'missing@exim.test']
    check_report(bounce_of(server, rcpts), rcpts, 'mx.exim.test')


def case_from_postfix_read_by_python_and_mutt(world):
    server = world.godwit()
    rcpts = ['absent@postfix.test']
    bounce = bounce_of(server, rcpts)
    check_report(bounce, rcpts, 'mx.postfix.test')
    screen = mutt(world, bounce, '<view-attachments>')
    for words in ('text/plain', 'message/delivery-s', 'message/rfc822', 'whom nobody knows'):
        assert words in screen, (words, screen)
    screen = mutt(world, bounce, '<display-message>')
    for words in ('absent@postfix.test', '550', '5.1.1', 'whom nobody knows'):
        assert words in screen, (words, screen)


def mutt(world, mail, keys):
    """What mutt shows after these keys, on a screen of 120 lines."""
    box, home = world.dir / 'mbox', world.dir / 'home'
    (home / 'Mail').mkdir(parents=True, exist_ok=True)
    box.write_bytes(b'From MAILER-DAEMON Sun Nov 22 12:00:00 2026\n' + re.sub(rb'(?m)^(>*From )', rb'>\1', mail.replace(b'\r\n', b'\n')) + b'\n')
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('4H', 120, 160, 0, 0))
        os.environ.update(TERM='vt100', HOME=str(home), LC_ALL='C.UTF-8')
        program = str(world.house.root / 'usr/bin/mutt')
        os.execv(program, [program, '-n', '-F', '/dev/null', '-R', '-e', 'set wait_key=no pager_stop=yes', '-e', f'push "<first-entry>{keys}"', '-f', str(box)])
    shown, end = b'', time.monotonic() + 4
    try:
        while time.monotonic() < end and select.select([terminal], [], [], 1)[0]:
            shown += os.read(terminal, 65536)
    except OSError:
        pass
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    os.close(terminal)
    return re.sub(r'\x1b[\[(][0-9;?]*[A-Za-z0-9]|\x1b[=>]', ' ', shown.decode(errors='replace'))


def case_not_delivered_twice_nor_to_nobody(world):
    """A bounce of Postfix, about a mail that Godwit refused, comes through Godwit to Ann; one about a bounce goes to nobody."""
    server = world.godwit()
    hand_to(world.postfix, ANN, 'absent@godwit.test', letter(ANN, 'absent@godwit.test'))
    bounce = wait_one('the bounce of Postfix', lambda: server.mails(ANN))
    parts = email.message_from_bytes(bounce, policy=email.policy.default)
    assert parts.get_content_type() == 'multipart/report' and parts['Return-Path'] == '<>', parts.items()
    fields = list(parts.iter_parts())[1].get_payload()[1]
    assert fields['Final-Recipient'] == 'rfc822; absent@godwit.test' and fields['Status'] == '5.1.1', fields.items()
    assert fields['Diagnostic-Code'].startswith('smtp; 550 5.1.1'), fields.items()
    log = world.postfix.log
    hand_to(world.postfix, '<>', 'nobody@godwit.test', letter('MAILER-DAEMON@postfix.test', 'nobody@godwit.test'))
    wait_for('Postfix drops it', lambda: 'to=<nobody@godwit.test>' in log.read_text() and 'status=bounced' in log.read_text(), 20)
    assert len(server.mails(ANN)) == 1


def case_success_reports_both_ways(world):
    """RFC 3461: Postfix offers DSN, so it reports what Godwit has passed on; and Godwit reports to who asked for it by Postfix."""
    server = world.godwit()
    server.submit('ann@postfix.test', letter(ANN, 'ann@postfix.test', 'to Postfix'), mail_options=['RET=HDRS', 'ENVID=QQ1'],
                  rcpt_options=['NOTIFY=SUCCESS', 'ORCPT=rfc822;ann@postfix.test'])
    one = email.message_from_bytes(wait_one('the report of Postfix', lambda: server.mails(ANN)), policy=email.policy.default)
    whole, each = list(one.iter_parts())[1].get_payload()
    assert whole['Reporting-MTA'] == 'dns; mx.postfix.test' and whole['Original-Envelope-Id'] == 'QQ1', whole.items()
    assert each['Action'] == 'delivered' and each['Original-Recipient'] == 'rfc822;ann@postfix.test', each.items()
    server.wait_queue_empty(5)
    hand_to(world.postfix, 'ann@postfix.test', ANN, letter('ann@postfix.test', ANN, 'to Godwit'), ['RET=HDRS', 'ENVID=QQ2'],
            ['NOTIFY=SUCCESS,FAILURE', f'ORCPT=rfc822;{ANN}'])

    def reported():
        return [mail for mail in world.postfix.box.mails("ann@postfix.test") if b'Action: delivered' in mail and b'QQ2' in mail]
    wait_for('the report of Godwit', reported, 30, 0.2)
    two = email.message_from_bytes(reported()[0], policy=email.policy.default)
    whole, each = list(two.iter_parts())[1].get_payload()
    assert whole['Reporting-MTA'] == 'dns; mx.godwit.test' and whole['Received-From-MTA'].startswith('dns; mx.postfix.test'), whole.items()
    assert each['Action'] == 'delivered' and each['Original-Recipient'] == f'rfc822; {ANN}' and each['Final-Recipient'] == f'rfc822; {ANN}', each.items()
    assert len(server.mails(ANN)) == 2
