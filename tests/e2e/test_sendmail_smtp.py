"""sendmail -bs: SMTP on standard input and output, with the server up, down, and refusing."""
import os
import signal
import smtplib
import socket
import subprocess

from test_sendmail import ANN, BOB, NOBODY, binary, drops, reachable, ready
from world import fetch_all, wait_for, wait_mails


class PipeSmtp(smtplib.SMTP):
    """Python's SMTP client, talking to a `sendmail -bs` that has a socket pair for standard input and output."""

    def __init__(self, command, **settings):
        ours, theirs = socket.socketpair()
        ours.settimeout(60)
        self.child = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, **settings)
        theirs.close()
        self.pair = ours
        super().__init__('pipe')

    def _get_socket(self, host, port, timeout):
        return self.pair

    def end(self):
        self.quit()
        code = self.child.wait(20)
        words = self.child.stderr.read()
        self.child.stderr.close()
        return code, words


def dialogue(world, server, program=None, **settings):
    return PipeSmtp([program or binary(world), '-C', str(server.config), '-bs'], **settings)


def talk(world, server, text, **settings):
    """All at once, as printf would."""
    command = [binary(world), '-C', str(server.config), '-bs']
    return subprocess.run(command, input=text if isinstance(text, bytes) else text.encode(), capture_output=True, timeout=60, **settings)


def codes(done):
    return [line[:3] for line in done.stdout.decode().splitlines() if line[3:4] == ' ']


def case_a_client_library_sends_and_is_refused(world):
    server = ready(world)
    smtp = dialogue(world, server)
    smtp.ehlo('client')
    assert smtp.has_extn('size') and smtp.has_extn('8bitmime') and smtp.has_extn('smtputf8') and not smtp.has_extn('starttls')
    text = 'Subject: first\r\nMIME-Version: 1.0\r\n\r\nh\xe9llo\r\n..two\r\n.\r\nafter\r\n'.encode()
    assert smtp.sendmail(ANN, [BOB, ANN], text, mail_options=['BODY=8BITMIME']) == {}
    for user in (BOB, ANN):
        got = wait_mails(server, user, 1)[0]
        assert got.endswith(b'\r\n\r\n' + text.partition(b'\r\n\r\n')[2]), got
        assert b'(from uid %d)' % os.getuid() in got and f'Return-Path: <{ANN}>'.encode() in got, got
        assert got.count(b'\r\nDate: ') == got.count(b'\r\nMessage-ID: <') == got.count(b'\r\nFrom: ') == 1, got
    try:
        smtp.sendmail(ANN, [BOB, 'nosuch@example.org'], b'Subject: no\r\n\r\nx\r\n')
        raise AssertionError('an unknown recipient was taken')
    except smtplib.SMTPDataError as refusal:
        assert refusal.smtp_code == 550 and b'nosuch@example.org: No such user here' in refusal.smtp_error, refusal
    assert smtp.sendmail('', ['root'], b'Subject: third\r\nFrom: Ann <ann@example.org>\r\n\r\nx\r\n') == {}  # the session goes on
    third = [m for m in wait_mails(server, ANN, 2) if b'Subject: third' in m]
    assert third and b'Return-Path: <>' in third[0], third
    assert smtp.end() == (0, b'')
    assert len(fetch_all(server, BOB)) == 1, 'a refused message was sent to the others'


def case_an_ordinary_user_on_a_pipe_with_lf(world):
    server = ready(world)
    program = reachable(world)
    text = f'HELO c\nMAIL FROM:<nobody>\nRCPT TO:<{BOB}>\nDATA\nSubject: lf\n\none\n..\n.\nVRFY x\nQUIT\n'
    done = subprocess.run([program, '-C', str(server.config), '-bs'], input=text.encode(), capture_output=True, timeout=60, user=NOBODY,
                          group=NOBODY, extra_groups=[])
    assert done.returncode == 0 and codes(done) == ['220', '250', '250', '250', '354', '250', '252', '221'], done
    got = wait_mails(server, BOB, 1)[0]
    assert got.endswith(b'\r\n\r\none\r\n.\r\n') and b'(from uid 65534)' in got and b'Return-Path: <nobody@example.org>' in got, got
    assert b'\nFrom: nobody <nobody@example.org>\r\n' in got, got


def case_nothing_smuggles_a_second_message(world):
    server = ready(world)
    inner = f'MAIL FROM:<evil@example.org>\r\nRCPT TO:<{BOB}>\r\nDATA\r\nSubject: evil\r\n\r\nx\r\n'
    for end in ('\n.\n', '\n.\r\n', '\r.\r\n', '\r\n.\n'):
        done = talk(world, server, f'MAIL FROM:<{ANN}>\r\nRCPT TO:<{ANN}>\r\nDATA\r\nSubject: good\r\n\r\nx{end}{inner}.\r\nQUIT\r\n')
        assert done.returncode == 0 and codes(done) == ['220', '250', '250', '354', '250', '221'], (end, done)
    assert all(b'MAIL FROM:<evil' in m for m in wait_mails(server, ANN, 4))
    assert fetch_all(server, BOB) == []


def case_server_down_and_half_a_message(world):
    server = ready(world)
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    mail = f'EHLO c\r\nMAIL FROM:<{ANN}>\r\nRCPT TO:<{BOB}>\r\nDATA\r\nSubject: later\r\n\r\n%s\r\n.\r\n'
    done = talk(world, server, mail % 'one' + mail % 'two' + 'QUIT\r\n')
    assert done.returncode == 0 and done.stdout.count(b'maildrop') == 2, done
    assert len(drops(server)) == 2
    half = talk(world, server, (mail % 'half').removesuffix('.\r\n'))
    assert half.returncode == 76 and b'nothing is sent' in half.stderr and len(drops(server)) == 2, half
    cut = talk(world, server, f'EHLO c\r\nMAIL FROM:<{ANN}>\r\n')
    assert cut.returncode == 0, cut
    server.start()
    bodies = {m.partition(b'\r\n\r\n')[2] for m in wait_mails(server, BOB, 2)}
    assert bodies == {b'one\r\n', b'two\r\n'}, bodies
    wait_for('the maildrop is empty', lambda: not drops(server))


def case_big_and_too_big(world):
    server = ready(world, extra='[smtp]\nmax_message_size = "3MiB"\nmax_recipients = 100\n')
    smtp = dialogue(world, server)
    body = b'0123456789abcd\r\n' * (2 * 1024 * 1024 // 16)
    assert smtp.sendmail(ANN, [BOB], b'Subject: big\r\n\r\n' + body) == {}
    assert wait_mails(server, BOB, 1)[0].endswith(b'\r\n\r\n' + body)
    try:
        smtp.sendmail(ANN, [BOB], b'Subject: big\r\n\r\n' + body * 2)
        raise AssertionError('too much was taken')
    except smtplib.SMTPSenderRefused as refusal:  # by its SIZE
        assert refusal.smtp_code == 552, refusal
    smtp.docmd('RSET')
    refused = smtp.sendmail(ANN, [f'bob+{i}@example.org' for i in range(105)], b'Subject: many\r\n\r\nx\r\n')
    assert len(refused) == 5 and all(code == 452 for code, _ in refused.values()), refused
    wait_mails(server, BOB, 101)
    assert smtp.end()[0] == 0
    lie = talk(world, server, b'MAIL FROM:<a>\r\nRCPT TO:<' + BOB.encode() + b'>\r\nDATA\r\n' + body * 2 + b'.\r\nQUIT\r\n')
    assert codes(lie) == ['220', '250', '250', '354', '552', '221'], lie.stdout[-500:]
