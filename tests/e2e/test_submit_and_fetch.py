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


def case_swaks(world):
    need('swaks')
    server = world.server().setup().start()
    for how in (['--server', f'127.0.0.1:{server.submission}', '--tls'], ['--server', f'127.0.0.1:{server.submissions}', '--tls-on-connect']):
        for auth in ('PLAIN', 'LOGIN'):
            done = subprocess.run(['swaks', *how, '--auth', auth, '--auth-user', ANN, '--auth-password', PASSWORD, '--from', ANN, '--to', BOB,
                                   '--header', f'Subject: swaks {auth}', '--body', 'hello from swaks'], capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stdout + done.stderr
    assert len(wait_mails(server, BOB, 4)) == 4


def case_curl_sends_and_reads(world):
    need('curl')
    server = world.server().setup().start()
    sent = plain('curl')
    for url in (f'smtp://127.0.0.1:{server.submission}', f'smtps://127.0.0.1:{server.submissions}'):
        done = subprocess.run(['curl', '-sS', '-k', '--ssl-reqd', url, '--user', f'{ANN}:{PASSWORD}', '--mail-from', ANN, '--mail-rcpt', BOB,
                               '--upload-file', '-'], input=sent, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
    wait_mails(server, BOB, 2)
    for url in (f'pop3://127.0.0.1:{server.pop3}/1', f'pop3s://127.0.0.1:{server.pop3s}/2'):
        done = subprocess.run(['curl', '-sS', '-k', '--ssl-reqd', url, '--user', f'{BOB}:{PASSWORD}'], capture_output=True, timeout=60)
        assert done.returncode == 0 and done.stdout.endswith(sent), (done.stdout, done.stderr)


def case_msmtp(world):
    need('msmtp')
    server = world.server().setup().start()
    for port, starttls in ((server.submission, 'on'), (server.submissions, 'off')):
        done = subprocess.run(['msmtp', '--host=127.0.0.1', f'--port={port}', '--tls=on', f'--tls-starttls={starttls}', '--tls-certcheck=off',
                               '--auth=plain', f'--user={ANN}', f'--passwordeval=echo {PASSWORD}', f'--from={ANN}', BOB],
                              input=plain('msmtp'), capture_output=True, timeout=60, env=dict(os.environ, HOME=str(world.dir)))
        assert done.returncode == 0, done.stderr
    assert len(wait_mails(server, BOB, 2)) == 2


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
    sent = plain('fetchmail')
    submit(server, sent, tls=True)
    wait_mails(server, BOB, 1)
    out = world.dir / 'fetched'
    deliver = world.dir / 'deliver.sh'
    deliver.write_text(f'#!/bin/sh\ncat >> {out}\n')
    os.chmod(deliver, 0o755)
    rc = world.dir / 'fetchmailrc'
    rc.write_text(f'poll 127.0.0.1 protocol POP3 port {server.pop3s} user "{BOB}" password "{PASSWORD}" ssl no sslcertck keep mda "{deliver}"\n')
    os.chmod(rc, 0o600)
    done = subprocess.run(['fetchmail', '-f', str(rc), '--nosyslog', '--pidfile', str(world.dir / 'fm.pid'), '-i', str(world.dir / 'fm.ids')],
                          capture_output=True, text=True, timeout=60, env=dict(os.environ, HOME=str(world.dir), FETCHMAILHOME=str(world.dir)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert out.read_bytes().replace(b'\r\n', b'\n').rstrip().endswith(sent.replace(b'\r\n', b'\n').rstrip())


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
