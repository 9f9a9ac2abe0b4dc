"""The commands, with the server up and down; reload; metrics; trace; the demo as its own words say."""
import os
import re
import signal
import smtplib
import subprocess
import tempfile
import time
import urllib.request

from world import PASSWORD, Pop, Skip, fetch_all, free_ports, need, no_verify, wait_for, wait_mails

ANN, BOB = 'ann@example.org', 'bob@example.org'


def send(server, rcpts, body=b'x\r\n', sender=ANN):
    client = smtplib.SMTP_SSL('127.0.0.1', server.submissions, context=no_verify(), timeout=30)
    client.login(ANN, PASSWORD)
    client.ehlo()
    assert client.mail(sender)[0] == 250
    for rcpt in rcpts:
        code, text = client.rcpt(rcpt)
        assert code == 250, text
    code, text = client.data(b'Subject: operate\r\nMessage-ID: <operate@client.example>\r\n\r\n' + body)
    assert code == 250, text
    client.quit()
    return text.decode()


def case_directory_commands_up_and_down(world):
    server = world.server()
    for up in (False, True):
        if up:
            server.start()
        name = 'up.test' if up else 'down.test'
        server.cli('domain', 'add', name)
        again = server.cli('domain', 'add', name, check=False)
        assert again.returncode == 1 and name in again.stderr, again
        assert name in server.cli('domain', 'list').stdout
        server.cli('account', 'add', f'carl@{name}', '--password-stdin', input='first-secret\n')
        assert server.cli('account', 'add', 'x@absent.test', '--password-stdin', input='y\n', check=False).returncode == 1
        assert f'carl@{name}' in server.cli('account', 'list').stdout
        assert [a['address'] for a in server.cli('account', 'list', json_out=True)['accounts'] if name in a['address']] == [f'carl@{name}']
        server.cli('account', 'passwd', f'carl@{name}', '--password-stdin', input='second-secret\n')
        server.cli('alias', 'add', f'info@{name}', f'carl@{name}', 'far@elsewhere.test')
        assert 'far@elsewhere.test' in server.cli('alias', 'list').stdout
        server.cli('alias', 'remove', f'info@{name}', 'far@elsewhere.test')
        assert server.cli('alias', 'list', json_out=True)['aliases'][-1]['targets'] == [f'carl@{name}']
        refused = server.cli('domain', 'remove', name, check=False)
        assert refused.returncode == 1, 'a domain with accounts was removed'
        server.cli('alias', 'remove', f'info@{name}')
        if up:
            Pop(server, f'carl@{name}', 'second-secret').quit()
        server.cli('account', 'remove', f'carl@{name}')
        server.cli('domain', 'remove', name)
        assert name not in server.cli('domain', 'list').stdout
        assert server.cli('queue', 'summary').stdout
        assert server.cli('store', 'verify').returncode == 0


def case_addressing_alias_tag_catch_all(world):
    server = world.server().setup(('ann', 'bob', 'carl')).start()
    server.cli('alias', 'add', 'team@example.org', BOB, 'carl@example.org')
    server.cli('alias', 'add', '*@example.org', 'carl@example.org')
    send(server, ['team@example.org', 'Bob+tag@example.org', 'whoever@example.org', 'BOB@EXAMPLE.ORG'])
    server.wait_queue_empty()
    assert len(fetch_all(server, BOB)) >= 1 and len(fetch_all(server, 'carl@example.org')) >= 1
    assert any(b'tag' in m.split(b'\r\n\r\n')[0] for m in fetch_all(server, BOB)), fetch_all(server, BOB)


def case_hold_reject_and_fall_back_routes(world):
    dead = free_ports(1)[0]
    sink = world.sink()
    server = world.server(extra=f'''
[queue]
retry = ["1s", "2s"]
[[route]]
domain = "held.test"
to = "hold"
[[route]]
domain = "*.no.test"
to = "reject"
[[route]]
domain = "far.test"
to = ["smtp://127.0.0.1:{dead}", "smtp://127.0.0.1:{sink.port}"]
''').setup().start()
    send(server, ['a@held.test', 'b@far.test'])
    wait_for('the fall back has it', lambda: len(sink.mails) == 1)
    sender, rcpts, mail = sink.mails[0]
    assert '<ann@example.org>' in sender and '<b@far.test>' in rcpts[0] and mail.endswith(b'\r\n\r\nx\r\n'), sink.mails
    client = smtplib.SMTP_SSL('127.0.0.1', server.submissions, context=no_verify(), timeout=30)
    client.login(ANN, PASSWORD)
    client.mail(ANN)
    assert client.rcpt('x@sub.no.test')[0] == 550
    held = server.cli('queue', 'list', json_out=True)['messages']
    assert len(held) == 1 and held[0]['held'] and held[0]['recipients'], held
    assert 'held' in server.cli('queue', 'list').stdout
    assert held[0]['id'] in server.cli('queue', 'show', held[0]['id']).stdout
    assert server.cli('queue', 'drop', check=False).returncode == 1
    server.cli('queue', 'drop', '--id', held[0]['id'])
    assert server.queue_size() == 0


def case_retry_then_delivered_and_permanent_failure_bounces(world):
    state = {'down': True}

    def reply(verb, argument):
        if verb == 'RCPT' and 'gone@' in argument:
            return '550 5.1.1 no such person here'
        if verb == 'RCPT' and state['down']:
            return '451 4.2.0 greylisted, come back'
        return None
    sink = world.sink(reply=reply)
    server = world.server(extra=f'[queue]\nretry = ["1s"]\n[[route]]\ndomain = "*"\nto = "smtp://127.0.0.1:{sink.port}"\n').setup().start()
    send(server, ['late@far.test', 'gone@far.test'])
    bounce = wait_mails(server, ANN, 1)[0]
    for words in (b'multipart/report', b'gone@far.test', b'550 5.1.1 no such person here', b'Action: failed', b'Return-Path: <>'):
        assert words in bounce, (words, bounce)
    waiting = server.cli('queue', 'list', json_out=True)['messages']
    assert len(waiting) == 1 and 'greylisted' in str(waiting), waiting
    identifier = waiting[0]['id']
    assert 'greylisted' in server.cli('trace', identifier).stdout
    server.cli('queue', 'hold', '--id', identifier)
    state['down'] = False
    time.sleep(1.5)
    assert not sink.mails
    server.cli('queue', 'release', '--id', identifier)
    server.cli('queue', 'retry', '--id', identifier, check=False)  # a release tries at once: it may be gone
    wait_for('delivered', lambda: len(sink.mails) == 1)
    server.wait_queue_empty()
    story = server.cli('trace', identifier).stdout
    assert 'delivered' in story and 'accepted' in story, story
    assert identifier in server.cli('trace', '<operate@client.example>').stdout
    assert identifier in server.cli('trace', 'late@far.test').stdout


def case_vanished_recipient_bounces(world):
    dead = free_ports(1)[0]
    server = world.server(extra=f'[queue]\nretry = ["1s"]\n[[route]]\ndomain = "far.test"\nto = "smtp://127.0.0.1:{dead}"\n').setup(('ann', 'bob', 'carl')).start()
    server.stop()
    server.write_config(extra='[[route]]\ndomain = "example.org"\nto = "hold"\n')
    server.start()
    send(server, ['carl@example.org'])
    server.cli('account', 'remove', 'carl@example.org')
    server.write_config(extra='')
    server.process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    server.cli('queue', 'release', '--to', 'carl@*')
    bounce = wait_mails(server, ANN, 1)[0]
    assert b'carl@example.org' in bounce and b'5.1.1' in bounce, bounce


def case_restart_resumes_what_waits(world):
    port = free_ports(1)[0]
    server = world.server(extra=f'[queue]\nretry = ["1s"]\n[[route]]\ndomain = "*"\nto = "smtp://127.0.0.1:{port}"\n').setup().start()
    for _ in range(10):
        send(server, ['x@far.test'])
    server.kill()
    sink = world.sink(port=port)
    server.start()
    wait_for('all ten arrive', lambda: len(sink.mails) == 10, 60)


def case_reload_and_metrics(world):
    server = world.server().setup().start()
    text = urllib.request.urlopen(f'http://127.0.0.1:{server.http}/metrics', timeout=10).read().decode()
    assert 'godwit_' in text, text
    send(server, [BOB])
    server.write_config(extra='[smtp]\nmax_message_size = "1KiB"\n')
    server.process.send_signal(signal.SIGHUP)

    def smaller():
        client = smtplib.SMTP('127.0.0.1', server.smtp, timeout=10)
        client.ehlo()
        size = client.esmtp_features.get('size')
        client.quit()
        return size == '1024'
    wait_for('the new size is announced', smaller)
    good = server.config.read_text()
    for mistake, words in (('nonsense = 1\n', 'nonsense'), ('[[route]]\ndomain = "a.test"\nto = "nothing"\n', 'nothing'),
                           ('[[listener]]\nprotocol = "pop3"\naddress = "192.0.2.1:110"\n', '192.0.2.1:110')):
        server.config.write_text(good.replace('1KiB', '2KiB') + mistake)
        server.process.send_signal(signal.SIGHUP)
        wait_for(f'{words} is complained about', lambda: words in server.log.read_text())
        time.sleep(0.2)
        assert server.process.poll() is None and smaller(), 'a refused reload changes nothing'
    server.expect_errors = True


def case_commands_of_root_leave_everything_to_the_user(world):
    if os.getuid() != 0:
        raise Skip('only root can become another user')
    os.chmod(world.dir, 0o711)
    server = world.server(data_dir=world.dir / 'deep' / 'data')
    server.config.write_text('user = "nobody"\n' + server.config.read_text())
    for file in world.certificate():
        os.chmod(file, 0o644)
    server.setup()
    strangers = [str(p) for p in server.data_dir.rglob('*') if p.stat().st_uid != 65534]
    assert not strangers, strangers
    server.start()
    send(server, [BOB])
    server.wait_queue_empty()
    assert server.stop() == 0
    server.cli('account', 'list')
    server.start()
    assert os.stat(server.data_dir).st_mode & 0o777 == 0o711


def case_strangers_may_not_administer(world):
    if os.getuid() != 0:
        return
    server = world.server().setup().start()
    assert (os.stat(server.data_dir).st_mode & 0o777, os.stat(server.data_dir / 'control.sock').st_mode & 0o777) == (0o711, 0o660)
    done = subprocess.run([world.binary, 'domain', 'list', '-c', str(server.config)], capture_output=True, text=True, timeout=20,
                          user=65534, group=65534, extra_groups=[])
    assert done.returncode == 1 and done.stderr, done


def case_demo_as_its_words_say(world):
    need('swaks', 'curl')
    base = free_ports(1)[0] % 20_000 + 20_000
    log = world.dir / 'demo.log'
    with open(log, 'wb') as out:
        demo = subprocess.Popen([world.binary, 'demo', '--dir', str(world.dir / 'demo'), '--port-base', str(base)], stdin=subprocess.DEVNULL, stdout=out,
                                stderr=subprocess.STDOUT)
    try:
        def commands():
            return [line for line in log.read_text().splitlines() if re.match(r'(swaks|curl) ', line)]
        wait_for('the demo prints its commands', lambda: len(commands()) >= 3 and 'pop3' in commands()[-1])
        sends = [c for c in commands() if 'pop3' not in c]
        reads = [c for c in commands() if 'pop3' in c]
        assert any(c.startswith('swaks') for c in sends) and any(c.startswith('curl') for c in sends) and reads, commands()
        for command in sends:
            done = subprocess.run(['/bin/sh', '-c', command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, cwd='/')
            assert done.returncode == 0, (command, done.stdout, done.stderr)
        time.sleep(1)
        done = subprocess.run(['/bin/sh', '-c', reads[0]], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, cwd='/')
        assert done.returncode == 0 and 'Received: ' in done.stdout, done
    finally:
        demo.terminate()
        assert demo.wait(20) == 0
    assert oct(os.stat(world.dir / 'demo').st_mode & 0o777) == '0o700'


def case_demo_keeps_its_hands_off_foreign_directories(world):
    server = world.server().setup()
    before = server.config.read_text()
    done = subprocess.run([world.binary, 'demo', '--dir', str(world.dir)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and 'no demo made it' in done.stderr, done
    assert server.config.read_text() == before


def case_big_mails_in_bounded_memory(world):
    import threading
    server = world.server().setup().start()
    megabytes, sessions = 50, 20
    block = (b'z' * 76 + b'\r\n') * 1000
    codes, peak = [], [0]

    def one():
        client = smtplib.SMTP('127.0.0.1', server.smtp, timeout=300)
        client.ehlo()
        client.mail('')
        client.rcpt(BOB)
        client.docmd('DATA')
        client.sock.sendall(b'Subject: big\r\n\r\n')
        for _ in range((megabytes << 20) // len(block) - 2):
            client.sock.sendall(block)
        client.sock.sendall(b'.\r\n')
        codes.append(client.getreply()[0])
        client.quit()
    threads = [threading.Thread(target=one, daemon=True) for _ in range(sessions)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        peak[0] = max(peak[0], server.rss())
        time.sleep(0.05)
    assert codes == [250] * sessions, codes
    assert peak[0] < 300 << 20, f'{peak[0] >> 20} MiB'
    print(f'      {sessions} x {megabytes} MiB at once, peak {peak[0] >> 20} MiB')
    server.wait_queue_empty()
    pop = Pop(server, BOB)
    assert pop.count() == sessions
    pop.quit()
