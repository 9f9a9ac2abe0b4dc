"""A stranger's mistakes: each gets a clear sentence, nothing is lost, nothing crashes."""
import os
import re
import shutil
import smtplib
import socket
import subprocess
import time

from world import PASSWORD, Pop, Skip, fetch_all, no_verify, wait_for, wait_mails

ANN, BOB = 'ann@example.org', 'bob@example.org'


def submission(server, login=True):
    client = smtplib.SMTP('127.0.0.1', server.submission, timeout=30)
    client.starttls(context=no_verify())
    client.ehlo()
    if login:
        client.login(ANN, PASSWORD)
    return client


def expect(answer, code, *words):
    text = answer[1].decode()
    assert answer[0] == code, answer
    for word in words:
        assert word.lower() in text.lower(), f'{word!r} is not in {text!r}'


def case_wrong_password(world):
    server = world.server().setup().start()
    for login, password in ((ANN, 'wrong'), ('nobody@example.org', PASSWORD)):
        try:
            submission(server, login=False).login(login, password)
            raise AssertionError('logged in')
        except smtplib.SMTPAuthenticationError as error:
            expect((error.smtp_code, error.smtp_error), 535, '5.7.8')
    try:
        Pop(server, ANN, 'wrong')
        raise AssertionError('logged in')
    except AssertionError as error:
        assert '-ERR [AUTH]' in str(error), error


def case_no_tls_no_password(world):
    server = world.server().setup().start()
    client = smtplib.SMTP('127.0.0.1', server.submission, timeout=10)
    client.ehlo()
    assert 'auth' not in client.esmtp_features
    expect(client.docmd('AUTH', 'PLAIN AGFubgBiYWQ='), 538, '5.7.11')
    expect(client.mail(ANN), 530, '5.7.0')


def case_unknown_user_and_relay(world):
    server = world.server().setup().start()
    client = smtplib.SMTP('127.0.0.1', server.smtp, timeout=10)
    client.ehlo('stranger.example')
    client.mail('someone@stranger.example')
    expect(client.rcpt('nobody@example.org'), 550, '5.1.1')
    expect(client.rcpt('someone@elsewhere.test'), 550, '5.7.1', 'relay')
    expect(client.rcpt('someone%elsewhere.test@example.org'), 550, '5.1.1')
    expect(client.rcpt('"someone@elsewhere.test"@example.org'), 550, '5.1.1')
    expect(client.rcpt(BOB), 250)


def case_foreign_sender_rejected_domain_and_literal(world):
    server = world.server(extra='[[route]]\ndomain = "closed.test"\nto = "reject"\n').setup().start()
    client = submission(server)
    expect(client.mail(BOB), 553, '5.7.1')
    client.rset()
    expect(client.mail(ANN), 250)
    expect(client.rcpt('someone@closed.test'), 550, '5.7.1')
    expect(client.rcpt('someone@[192.0.2.1]'), 550, '5.1.2')


def case_too_big(world):
    server = world.server(extra='[smtp]\nmax_message_size = "100KiB"\n').setup().start()
    client = submission(server)
    expect(client.mail(ANN, ['SIZE=200000']), 552, '5.3.4')
    client.rset()
    client.mail(ANN)
    client.rcpt(BOB)
    expect(client.data(b'Subject: big\r\n\r\n' + b'x' * 70 + b'\r\n' + (b'y' * 70 + b'\r\n') * 3000), 552, '5.3.4')
    client.rset()
    client.mail(ANN)
    client.rcpt(BOB)
    expect(client.data(b'Subject: small\r\n\r\nok\r\n'), 250)
    assert len(wait_mails(server, BOB, 1)) == 1


def case_malformed_configuration(world):
    server = world.server()
    good = server.config.read_text()
    for broken, line_of, words in (
            (good + '[smtp]\nmax_size = "5MiB"\n', 'max_size', ('max_size', 'max_message_size')),
            (good + '[queue]\nexpire = "5"\n', 'expire', ('unit',)),
            (good.replace('protocol = "smtp"', 'protocol = "smpt"'), 'smpt', ('smpt', 'smtp')),
            (good + '[smtp]\nrelay_from = ["10.0.0.1/8"]\n', 'relay_from', ('10.0.0.1/8',)),
            (good + '[[route]]\ndomain = "a.example"\nto = "gopher://x:1"\n', 'gopher://', ('gopher',)),
            (good + '[[route]]\ndomain = "a.example"\nto = "nonsense"\n', '"nonsense"', ('nonsense',)),
            (good + '[limits]\ncommand_timeout = "0s"\n', 'command_timeout', ('too short',)),
            (good + 'this is not toml\n', 'this is not', ()),
    ):
        server.config.write_text(broken)
        done = server.cli('config', 'check', check=False)
        assert done.returncode == 1, done
        for word in words:
            assert word in done.stderr, (word, done.stderr)
        if line_of:
            number = next(i for i, line in enumerate(broken.splitlines(), 1) if line_of in line)
            assert f'{server.config}:{number}:' in done.stderr, (number, done.stderr)
        done = subprocess.run([world.binary, 'serve', '-c', str(server.config)], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
        assert done.returncode == 1 and done.stderr, done
    server.config.write_text(good)
    assert 'is good' in server.cli('config', 'check').stdout
    done = subprocess.run([world.binary, 'serve', '-c', str(world.dir / 'absent.toml')], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and 'absent.toml' in done.stderr, done
    assert subprocess.run([world.binary, 'no-such-command'], capture_output=True, timeout=20).returncode == 2


def serve_fails(world, server, *words, **options):
    done = subprocess.run([world.binary, 'serve', '-c', str(server.config)], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, **options)
    assert done.returncode == 1, (done.returncode, done.stderr)
    for word in words:
        assert word in done.stderr, (word, done.stderr)


def case_port_taken(world):
    server = world.server()
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', server.smtp))
        taken.listen()
        serve_fails(world, server, f'127.0.0.1:{server.smtp}')


def case_second_server_on_the_same_directory(world):
    server = world.server().setup().start()
    other = world.server('other', data_dir=server.data_dir)
    serve_fails(world, other, str(server.data_dir), str(server.process.pid))


def case_directory_not_writable_and_key_unreadable(world):
    if os.getuid() != 0:
        raise Skip('needs root to become somebody else')
    server = world.server()
    _, key = world.certificate()
    os.chmod(key, 0o644)
    server.data_dir.mkdir(mode=0o755)
    serve_fails(world, server, str(server.data_dir), user=65534, group=65534, extra_groups=[])
    shutil.rmtree(server.data_dir)
    server.data_dir.mkdir(mode=0o755)
    os.chown(server.data_dir, 65534, 65534)
    os.chmod(key, 0o600)
    serve_fails(world, server, str(key), user=65534, group=65534, extra_groups=[])


def case_missing_certificate(world):
    server = world.server()
    server.config.write_text(server.config.read_text().replace('cert.pem', 'no-such-cert.pem'))
    serve_fails(world, server, 'no-such-cert.pem')


def mount_small(world, megabytes):
    """A file system of its own on a loop device; Skip where that is not allowed."""
    if os.getuid() != 0 or not shutil.which('mkfs.ext4'):
        raise Skip('needs root and mkfs.ext4')
    image, where = world.dir / 'small.img', world.dir / 'small'
    where.mkdir()
    with open(image, 'wb') as file:
        file.truncate(megabytes << 20)
    subprocess.run(['mkfs.ext4', '-q', '-m', '0', image], check=True, capture_output=True)
    done = subprocess.run(['mount', '-o', 'loop', image, where], capture_output=True, text=True)
    if done.returncode != 0:
        raise Skip(f'cannot mount a loop device here: {done.stderr.strip()}')
    world.closers.append(lambda: subprocess.run(['umount', '-l', where], capture_output=True))
    return where


def case_disk_full(world):
    where = mount_small(world, 700)
    server = world.server(data_dir=where / 'data', extra='[store]\nmin_free = "100MiB"\n').setup().start()
    message = b'Subject: fill\r\n\r\n' + (b'y' * 70 + b'\r\n') * 20_000
    client = smtplib.SMTP_SSL('127.0.0.1', server.submissions, context=no_verify(), timeout=60)
    client.login(ANN, PASSWORD)
    client.ehlo()
    kept, refused = 0, None
    for _ in range(800):
        code, text = client.mail(ANN)
        if code == 250:
            client.rcpt(BOB)
            code, text = client.data(message)
        if code == 250:
            kept += 1
            continue
        refused = (code, text)
        break
    assert refused, 'the disk never filled'
    expect(refused, 452, '4.3.1')
    # somebody else fills it to the last byte: still no crash, reading and deleting go on
    filler = where / 'filler'
    with open(filler, 'wb') as file:
        try:
            while True:
                file.write(b'\0' * (1 << 20))
        except OSError:
            pass
    mails = fetch_all(server, BOB)
    server.wait_queue_empty()
    mails = fetch_all(server, BOB)
    assert len(mails) == kept, f'{kept} got their 250, {len(mails)} are there'
    pop = Pop(server, BOB)
    for i in range(kept):
        pop.command(f'DELE {i + 1}')
    pop.quit()
    assert fetch_all(server, BOB) == []
    filler.unlink()

    def accepts():
        try:
            c = submission(server)
            c.mail(ANN)
            c.rcpt(BOB)
            return c.data(b'Subject: again\r\n\r\nroom\r\n')[0] == 250
        except smtplib.SMTPException:
            return False
    wait_for('mail is accepted again by itself', accepts, 60, 1)
    assert len(wait_mails(server, BOB, 1)) == 1
    assert server.process.poll() is None


def flip(path, offset):
    with open(path, 'r+b') as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 0x10]))


def case_flipped_bit_in_a_segment_costs_that_message(world):
    server = world.server().setup().start()
    client = submission(server)
    for i in range(5):
        client.mail(ANN)
        client.rcpt(BOB)
        assert client.data(f'Subject: flip\r\n\r\nneedle-{i}-{"z" * 300}\r\n'.encode())[0] == 250
    wait_mails(server, BOB, 5)
    server.wait_queue_empty()
    server.stop()
    hits = 0
    for path in server.data_dir.rglob('*'):
        if not path.is_file() or 'segment' not in str(path):
            continue
        at = path.read_bytes().find(b'needle-2-')
        if at >= 0:
            flip(path, at + 20)
            hits += 1
    assert hits == 1, hits
    server.start()
    pop = Pop(server, BOB)
    assert pop.count() == 5
    good = 0
    for i in range(5):
        try:
            good += b'needle-' in pop.multi(f'RETR {i + 1}')
        except (AssertionError, OSError):
            pop = Pop(server, BOB)
    assert good == 4, good
    findings = server.cli('store', 'verify', json_out=True, check=False)
    verified = server.cli('store', 'verify', check=False)
    assert verified.returncode == 1 and 'segment' in (verified.stdout + verified.stderr), (findings, verified)
    assert server.process.poll() is None


def case_flipped_bit_in_the_log_is_reported_at_start(world):
    server = world.server().setup().start()
    client = submission(server)
    for i in range(20):
        client.mail(ANN)
        client.rcpt(BOB)
        assert client.data(f'Subject: log {i}\r\n\r\nx\r\n'.encode())[0] == 250
    server.wait_queue_empty()
    time.sleep(0.3)
    server.kill()
    logs = [p for p in server.data_dir.rglob('*.log') if p.is_file() and re.fullmatch(r'\d+\.log', p.name) and p.stat().st_size > 2000]
    assert logs, list(server.data_dir.rglob('*'))
    flip(logs[0], 700)
    serve_fails(world, server, logs[0].name, 'store repair')
    done = server.cli('store', 'repair', check=False)
    assert done.returncode == 0 and done.stdout, done
    server.start()
    assert server.process.poll() is None
