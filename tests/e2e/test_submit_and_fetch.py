"""swaks, curl, smtplib and msmtp submit over 587 and 465; mpop, fetchmail and curl fetch over POP3 and POP3S: the bytes are the same."""
import email.message
import os
import smtplib
import subprocess

from world import PASSWORD, Pop, fetch_all, need, no_verify, wait_mails, without_trace

ANN, BOB = 'ann@example.org', 'bob@example.org'


def plain(subject, body='hello\r\n'):
    return (f'Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nFrom: {ANN}\r\nTo: {BOB}\r\nSubject: {subject}\r\n'
            f'Message-ID: <{subject.replace(" ", ".")}@client.example>\r\n\r\n{body}').encode()


def with_attachment():
    message = email.message.EmailMessage()
    message['From'], message['To'], message['Subject'] = ANN, BOB, 'attachment'
    message['Date'], message['Message-ID'] = 'Sun, 22 Nov 2026 12:00:00 +0000', '<attachment@client.example>'
    message.set_content('see the attachment\n')
    message.add_attachment(bytes(range(256)) * 400, maintype='application', subtype='octet-stream', filename='all bytes.bin')
    return message.as_bytes(policy=message.policy.clone(linesep='\r\n'))


CORPUS = {
    'plain': plain('plain'),
    'dots': plain('dots', '.\r\n..\r\n...\r\n.a\r\n\r\n.\r\n'),
    'long lines': plain('long lines', 'x' * 5000 + '\r\n' + 'y' * 998 + '\r\n'),
    '8-bit': plain('8-bit').replace(b'hello', bytes(range(128, 256))),
    'utf-8': plain('utf-8 grüße', 'größe äöü €\r\n'),
    'attachment': with_attachment(),
    'empty body': plain('empty body', ''),
    'trailing blank lines': plain('trailing blank lines', 'a\r\n\r\n\r\n'),
}


def submit(server, message, tls, sender=ANN, rcpt=BOB, options=()):
    if tls:
        client = smtplib.SMTP_SSL('127.0.0.1', server.submissions, context=no_verify(), timeout=30)
    else:
        client = smtplib.SMTP('127.0.0.1', server.submission, timeout=30)
        client.starttls(context=no_verify())
    client.login(ANN, PASSWORD)
    client.ehlo()
    # sendmail() of smtplib would mend line ends; the bytes are to go as they are
    code, text = client.mail(sender, list(options))
    assert code == 250, text
    code, text = client.rcpt(rcpt)
    assert code == 250, text
    code, text = client.data(message)
    assert code == 250, text
    client.quit()


def case_smtplib_bytes_come_back_unchanged(world):
    server = world.server().setup().start()
    for i, (name, message) in enumerate(CORPUS.items()):
        submit(server, message, tls=bool(i % 2), options=('BODY=8BITMIME',))
    mails = wait_mails(server, BOB, len(CORPUS))
    for name, message in CORPUS.items():
        matching = [m for m in mails if m.endswith(message)]
        assert len(matching) == 1, f'{name}: {len(matching)} copies, fetched {len(mails)}'
        front = without_trace(matching[0], message).decode()
        assert front.startswith('Return-Path: <ann@example.org>\r\nDelivered-To: bob@example.org\r\nReceived: '), front
    for message in fetch_all(server, BOB, tls=True):
        assert any(message.endswith(sent) for sent in CORPUS.values())


def case_missing_date_and_message_id_are_added(world):
    server = world.server().setup().start()
    submit(server, f'From: {ANN}\r\nSubject: bare\r\n\r\nx\r\n'.encode(), tls=True)
    mail = wait_mails(server, BOB, 1)[0]
    assert b'\r\nDate: ' in mail and b'\r\nMessage-ID: <' in mail, mail


def case_utf8_addresses(world):
    server = world.server().setup(('ann', 'bob', 'jürgen')).start()
    message = plain('utf-8 address')
    client = smtplib.SMTP_SSL('127.0.0.1', server.submissions, context=no_verify(), timeout=30)
    client.command_encoding = 'utf-8'
    client.login(ANN, PASSWORD)
    client.ehlo()
    assert client.mail(ANN, ['SMTPUTF8', 'BODY=8BITMIME'])[0] == 250
    assert client.rcpt('jürgen@example.org')[0] == 250
    assert client.data(message)[0] == 250
    client.quit()
    assert wait_mails(server, 'jürgen@example.org', 1)[0].endswith(message)


# What clients that read a file or their input can send as it is: they want LF, or CRLF, and a line end at the end.
SENT_BY_CLIENTS = ('plain', 'dots', 'long lines', '8-bit', 'attachment', 'trailing blank lines')


def numbered(name, i):
    """A message of the corpus that no other one ends in: the client's number is in its Message-ID."""
    return CORPUS[name].replace(b'Message-ID: <', f'X-Sent: {i}\r\nMessage-ID: <'.encode())


def check_bytes(server, sent, tls=True):
    """Each came once, and with nothing changed but header fields in front."""
    mails = wait_mails(server, BOB, len(sent))
    assert len(mails) == len(sent), f'{len(mails)} mails, {len(sent)} were sent'
    for label, message in sent.items():
        matching = [m for m in mails if m.endswith(message)]
        assert len(matching) == 1, f'{label}: {len(matching)} copies; X-Sent of those there: {[m.split(b"X-Sent: ")[1][:4] for m in mails]}'
        front = without_trace(matching[0], message).decode()
        assert front.startswith('Return-Path: <ann@example.org>\r\nDelivered-To: bob@example.org\r\nReceived: '), front


def case_swaks(world):
    need('swaks')
    server = world.server().setup().start()
    sent = {}
    doors = (['--server', f'127.0.0.1:{server.submission}', '--tls'], ['--server', f'127.0.0.1:{server.submissions}', '--tls-on-connect'])
    for i, name in enumerate(SENT_BY_CLIENTS):
        for door, auth in ((doors[i % 2], 'PLAIN'), (doors[(i + 1) % 2], 'LOGIN')):
            label = f'swaks {name} {auth}'
            sent[label] = numbered(name, len(sent))
            file = world.dir / 'swaks.eml'
            # swaks would mend line ends (--no-data-fixup keeps it from that); so the dots and the end are for us to write
            file.write_bytes(b''.join(b'.' + line if line.startswith(b'.') else line for line in sent[label].splitlines(keepends=True)) + b'.\r\n')
            done = subprocess.run(['swaks', *door, '--auth', auth, '--auth-user', ANN, '--auth-password', PASSWORD, '--from', ANN, '--to', BOB,
                                   '--data', f'@{file}', '--no-data-fixup'], capture_output=True, timeout=60)
            assert done.returncode == 0, (label, done.stdout[-2000:], done.stderr)
    check_bytes(server, sent)


def case_curl_sends_and_reads(world):
    need('curl')
    server = world.server().setup().start()
    sent = {}
    for i, name in enumerate(SENT_BY_CLIENTS):
        url = (f'smtp://127.0.0.1:{server.submission}', f'smtps://127.0.0.1:{server.submissions}')[i % 2]
        sent[f'curl {name}'] = numbered(name, i)
        done = subprocess.run(['curl', '-sS', '-k', '--ssl-reqd', url, '--user', f'{ANN}:{PASSWORD}', '--mail-from', ANN, '--mail-rcpt', BOB,
                               '--upload-file', '-'], input=sent[f'curl {name}'], capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        wait_mails(server, BOB, i + 1)
    check_bytes(server, sent)
    for i, message in enumerate(sent.values(), 1):
        for url in (f'pop3://127.0.0.1:{server.pop3}/{i}', f'pop3s://127.0.0.1:{server.pop3s}/{i}'):
            done = subprocess.run(['curl', '-sS', '-k', '--ssl-reqd', url, '--user', f'{BOB}:{PASSWORD}'], capture_output=True, timeout=60)
            assert done.returncode == 0, (url, done.stderr)
            without_trace(done.stdout, message)


def case_msmtp(world):
    need('msmtp')
    server = world.server().setup().start()
    sent = {}
    for port, starttls in ((server.submission, 'on'), (server.submissions, 'off')):
        for name in SENT_BY_CLIENTS:
            label = f'msmtp {name} {starttls}'
            sent[label] = numbered(name, len(sent))
            done = subprocess.run(['msmtp', '--host=127.0.0.1', f'--port={port}', '--tls=on', f'--tls-starttls={starttls}', '--tls-certcheck=off',
                                   '--auth=plain', f'--user={ANN}', f'--passwordeval=echo {PASSWORD}', f'--from={ANN}', BOB],
                                  input=sent[label].replace(b'\r\n', b'\n'), capture_output=True, timeout=60, env=dict(os.environ, HOME=str(world.dir)))
            assert done.returncode == 0, (label, done.stderr)
    check_bytes(server, sent)


def case_mpop(world):
    need('mpop')
    server = world.server().setup().start()
    sent = plain('mpop', '.dots\r\n' + 'z' * 5000 + '\r\n')
    submit(server, sent, tls=True)
    wait_mails(server, BOB, 1)
    for port, starttls in ((server.pop3, 'on'), (server.pop3s, 'off')):
        box = world.dir / f'mpop-{port}'
        for folder in ('cur', 'new', 'tmp'):
            (box / folder).mkdir(parents=True)
        config = world.dir / 'mpoprc'
        config.write_text(f'account default\nhost 127.0.0.1\nport {port}\nuser {BOB}\npassword {PASSWORD}\ntls on\ntls_starttls {starttls}\ntls_certcheck off\n'
                          f'auth plain\nkeep on\nreceived_header off\ndelivery maildir {box}\nuidls_file {world.dir}/uidls-{port}\n')
        os.chmod(config, 0o600)
        done = subprocess.run(['mpop', '-C', str(config), '-Q'], capture_output=True, text=True, timeout=60, env=dict(os.environ, HOME=str(world.dir)))
        assert done.returncode == 0, done.stdout + done.stderr
        files = list((box / 'new').iterdir())
        assert len(files) == 1, files
        assert files[0].read_bytes().replace(b'\r\n', b'\n').endswith(sent.replace(b'\r\n', b'\n'))


def case_fetchmail(world):
    need('fetchmail')
    server = world.server().setup().start()
    sent = plain('fetchmail', '.dots\r\n' + 'z' * 5000 + '\r\n')
    submit(server, sent, tls=True)
    wait_mails(server, BOB, 1)
    # over POP3 a password travels inside STLS alone; over POP3S inside TLS from the first byte
    for name, port, tls in (('pop3', server.pop3, 'sslproto "auto"'), ('pop3s', server.pop3s, 'ssl')):
        out = world.dir / f'fetched-{name}'
        deliver = world.dir / 'deliver.sh'
        deliver.write_text(f'#!/bin/sh\ncat >> {out}\n')
        os.chmod(deliver, 0o755)
        rc = world.dir / 'fetchmailrc'
        rc.write_text(f'poll 127.0.0.1 protocol POP3 port {port} user "{BOB}" password "{PASSWORD}" {tls} no sslcertck keep mda "{deliver}"\n')
        os.chmod(rc, 0o600)
        done = subprocess.run(['fetchmail', '-f', str(rc), '--nosyslog', '--pidfile', str(world.dir / 'fm.pid'), '-i', str(world.dir / f'fm.ids-{name}')],
                              capture_output=True, text=True, timeout=60, env=dict(os.environ, HOME=str(world.dir), FETCHMAILHOME=str(world.dir)))
        assert done.returncode == 0, (name, done.stdout + done.stderr)
        fetched = out.read_bytes().replace(b'\r\n', b'\n').rstrip()
        assert fetched.endswith(sent.replace(b'\r\n', b'\n').rstrip()), (name, fetched[:2000])


def case_two_pop3_sessions_hurt_nobody(world):
    server = world.server().setup().start()
    for i in range(3):
        submit(server, plain(f'two {i}'), tls=True)
    wait_mails(server, BOB, 3)
    one, two = Pop(server, BOB), Pop(server, BOB)
    uidls = one.multi('UIDL')
    one.command('DELE 1')
    one.quit()
    assert two.multi('UIDL') == uidls
    assert two.multi('RETR 2').endswith(plain('two 1'))
    two.command('DELE 1')
    two.quit()
    assert [m for m in fetch_all(server, BOB) if m.endswith(plain('two 0'))] == []
    assert len(fetch_all(server, BOB)) == 2
