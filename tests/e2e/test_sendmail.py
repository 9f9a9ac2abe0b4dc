"""The sendmail command: with the server up and down, as programs call it, by an ordinary user, and with hostile files in the maildrop."""
import os
import pathlib
import shutil
import signal
import subprocess
import time

from world import Skip, need, fetch_all, wait_for, wait_mails

NOBODY = 65534
ANN, BOB = 'ann@example.org', 'bob@example.org'


def binary(world):
    path = pathlib.Path(world.binary).resolve().parent / 'sendmail'
    if not path.exists():
        raise Skip(f'{path} is not built')
    return str(path)


def call(world, server, *words, input=b'', user=None):
    command = [binary(world), '-C', str(server.config), *words]
    return subprocess.run(command, input=input if isinstance(input, bytes) else input.encode(), capture_output=True, timeout=120,
                          **({'user': user, 'group': user, 'extra_groups': []} if user is not None else {}))


def ok(world, server, *words, **settings):
    done = call(world, server, *words, **settings)
    assert done.returncode == 0 and not done.stderr, done
    return done


def drops(server):
    return [p for p in (server.data_dir / 'maildrop').iterdir() if not p.name.startswith('tmp-')]


def ready(world, **settings):
    """A world whose binaries an ordinary user can reach."""
    server = world.server(**settings).setup().start()
    wait_for('submit.sock', lambda: (server.data_dir / 'submit.sock').exists())
    return server


def reachable(world):
    """A copy of sendmail that uid 65534 can run, wherever the build lies."""
    target = world.dir / 'sendmail'
    shutil.copy(binary(world), target)
    target.chmod(0o755)
    return str(target)


def case_header_recipients_bcc_and_line_ends(world):
    server = ready(world)
    mail = f'From: Ann <{ANN}>\nTo: Bob\n <{BOB}>\nBcc: {ANN}\nSubject: php\nMIME-Version: 1.0\n\nh\xe9llo\n..two\n.\nafter\r\nend'.encode()
    ok(world, server, '-t', '-i', input=mail)
    for user in (BOB, ANN):
        got = wait_mails(server, user, 1)[0]
        assert b'Bcc' not in got and b'\nSubject: php\r\n' in got, got
        assert got.endswith('\r\n\r\nh\xe9llo\r\n..two\r\n.\r\nafter\r\nend\r\n'.encode()), got
        assert got.replace(b'\r\n', b'').count(b'\n') == 0
        assert b'from uid 0)' in got and got.count(b'\r\nDate: ') == 1 and got.count(b'\r\nMessage-ID: <') == 1, got
        assert got.count(b'\r\nFrom: ') == 1, got
    assert f'uid {os.getuid()} (' in server.cli('trace', BOB).stdout


def case_a_dot_ends_unless_ignored(world):
    server = ready(world)
    ok(world, server, BOB, input='Subject: dot\n\none\n.\ntwo\n')
    assert wait_mails(server, BOB, 1)[0].endswith(b'\r\n\r\none\r\n')
    ok(world, server, '-oi', BOB, input='Subject: dot\n\none\n.\ntwo\n')
    assert any(m.endswith(b'\r\n\r\none\r\n.\r\ntwo\r\n') for m in wait_mails(server, BOB, 2))


def case_cron_style_as_an_ordinary_user(world):
    server = ready(world)
    server.cli('alias', 'add', 'root@example.org', ANN)
    program = reachable(world)
    command = [program, '-C', str(server.config), '-i', '-FCronDaemon', '-B8BITMIME', '-oem', 'root']
    mail = b'Subject: Cron <nobody@host> job\nContent-Type: text/plain; charset=UTF-8\n\nprogress 1\rprogress 2\n\xc3\xa9\n'
    done = subprocess.run(command, input=mail, capture_output=True, user=NOBODY, group=NOBODY, extra_groups=[], timeout=60)
    assert done.returncode == 0, done
    got = wait_mails(server, ANN, 1)[0]
    assert b'From: CronDaemon <nobody@example.org>\r\n' in got, got
    assert b'(from uid 65534)' in got and got.endswith(b'progress 1\r\nprogress 2\r\n\xc3\xa9\r\n'), got
    server.cli('alias', 'remove', 'root@example.org')
    assert subprocess.run(command, input=mail, capture_output=True, user=NOBODY, group=NOBODY, extra_groups=[], timeout=60).returncode == 0
    wait_mails(server, ANN, 2)  # root is nobody's: the postmaster, the oldest account


def case_exit_codes(world):
    server = ready(world)
    hello = 'Subject: x\n\nhello\n'
    cases = [
        (64, [], hello), (64, ['-Z', BOB], hello), (64, ['-f', f'{ANN}, {BOB}', BOB], hello), (64, ['-bq'], hello), (64, ['-f'], hello),
        (65, ['-t'], hello), (65, ['two words@example.org'], hello), (65, ['-t'], 'To: a@@b\n\nx\n'), (65, ['-f', 'a b@x', BOB], hello),
        (67, ['nosuch@example.org'], hello), (67, [BOB, 'nosuch@example.org'], hello),
        (0, ['-bs'], ''), (69, ['-bd'], ''), (0, ['-bi'], ''), (0, ['-q30m'], ''), (0, ['-bp'], ''),
    ]
    for code, words, text in cases:
        done = call(world, server, *words, input=text)
        assert done.returncode == code, (code, words, done)
        assert code == 0 or done.stderr.startswith(b'sendmail: '), done
    assert b'nosuch@example.org: No such user here' in call(world, server, 'nosuch@example.org', input=hello).stderr
    assert fetch_all(server, BOB) == [], 'a submission with an unknown recipient was sent to the others'
    missing = subprocess.run([binary(world), '-C', '/nonexistent.toml', BOB], input=b'x', capture_output=True)
    assert missing.returncode == 78, missing
    program = reachable(world)
    listing = subprocess.run([program, '-C', str(server.config), '-bp'], capture_output=True, user=NOBODY, group=NOBODY, extra_groups=[])
    assert listing.returncode == 77 and b'may be seen by' in listing.stderr, listing
    bounce = call(world, server, '-f', '<>', BOB, input='Subject: null\n\nx\n')
    assert bounce.returncode == 0 and b'root@example.org' in wait_mails(server, BOB, 1)[0], bounce


def case_ten_mebibytes_and_too_much(world):
    server = ready(world, extra='[smtp]\nmax_message_size = "12MiB"\n')
    line = b'0123456789abcde\n'
    body = line * (10 * 1024 * 1024 // 16)
    ok(world, server, '-i', BOB, input=b'Subject: big\n\n' + body)
    got = wait_mails(server, BOB, 1, seconds=60)[0]
    assert got.endswith(b'\r\n\r\n' + body.replace(b'\n', b'\r\n'))
    assert call(world, server, '-i', BOB, input=b'Subject: big\n\n' + body * 2).returncode == 65


def case_rate_of_a_user_but_not_of_root(world):
    server = ready(world, extra='[limits]\nlocal_messages = 3\n')
    program = reachable(world)
    codes = [subprocess.run([program, '-C', str(server.config), BOB], input=b'Subject: x\n\nx\n', capture_output=True, user=NOBODY,
                            group=NOBODY, extra_groups=[]).returncode for _ in range(5)]
    assert codes == [0, 0, 0, 75, 75], codes
    for _ in range(5):
        ok(world, server, BOB, input='Subject: x\n\nx\n')
    wait_mails(server, BOB, 8)


def case_server_down_then_killed_then_up(world):
    server = ready(world)
    server.stop()
    ok(world, server, '-i', '-f', ANN, BOB, 'nosuch@example.org', input='Subject: later\n\n.\nkept\n')
    ok(world, server, '-t', input=f'To: {BOB}\nMessage-ID: <second@client.test>\n\nsecond\n')
    assert len(drops(server)) == 2
    assert all(p.stat().st_mode & 0o777 == 0o640 for p in drops(server))
    server.start()
    server.kill()
    server.start()
    mails = wait_mails(server, BOB, 2)
    wait_for('the maildrop is empty', lambda: not drops(server))
    assert sum(m.endswith(b'\r\n\r\n.\r\nkept\r\n') for m in mails) >= 1 and sum(b'<second@client.test>' in m for m in mails) >= 1, mails
    report = wait_mails(server, ANN, 1)[0]
    assert b'nosuch@example.org' in report and b'multipart/report' in report, report
    refused = server.data_dir / 'maildrop-refused'
    assert list(refused.iterdir()) == []


def case_killed_between_drop_and_start(world):
    server = ready(world)
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    ok(world, server, BOB, input='Subject: dead\n\nafter the kill\n')  # the socket file is still there
    assert (server.data_dir / 'submit.sock').exists() and len(drops(server)) == 1
    server.start()
    assert wait_mails(server, BOB, 1)[0].endswith(b'after the kill\r\n')
    wait_for('the maildrop is empty', lambda: not drops(server))
    time.sleep(6)
    assert len(fetch_all(server, BOB)) == 1


def case_ordinary_user_without_the_group_is_told(world):
    server = ready(world)
    server.stop()
    program = reachable(world)
    done = subprocess.run([program, '-C', str(server.config), BOB], input=b'Subject: x\n\nx\n', capture_output=True, user=NOBODY,
                          group=NOBODY, extra_groups=[])
    assert done.returncode == 75 and b'setgid godwit-drop' in done.stderr, done


def case_setgid_leaves_mail_for_a_server_that_is_down(world):
    """As the package installs it: the configuration at its place, an ordinary user, the group out of the program's file."""
    need('unshare', 'setpriv', 'mount')
    if os.geteuid() != 0 or subprocess.run(['unshare', '-m', 'true'], capture_output=True).returncode != 0:
        raise Skip('no right to mount in a namespace of its own')
    group = 64242
    server = ready(world)
    server.stop()
    os.chown(server.data_dir / 'maildrop', -1, group)
    program = reachable(world)
    os.chown(program, 0, group)
    os.chmod(program, 0o2755)
    etc = world.dir / 'etc'
    (etc / 'godwit').mkdir(parents=True)
    for name in ('passwd', 'group', 'nsswitch.conf', 'ld.so.cache'):
        if os.path.exists(f'/etc/{name}'):
            shutil.copy(f'/etc/{name}', etc / name)
    shutil.copy(server.config, etc / 'godwit' / 'godwit.toml')
    script = (f'mount --bind {etc} /etc && exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups '
              f'{program} -i "$@"')

    def by_nobody(*words):
        return subprocess.run(['unshare', '-m', 'sh', '-c', script, 'sh', *words], input=b'Subject: drop\n\nby the group\n', capture_output=True)
    done = by_nobody(BOB)
    assert done.returncode == 0, done
    left, = drops(server)
    info = left.stat()
    assert (info.st_uid, info.st_gid, info.st_mode & 0o777) == (NOBODY, group, 0o640), info
    refused = by_nobody('-C', '/etc/godwit/godwit.toml', BOB)
    assert refused.returncode == 75, 'with a configuration of his own the group must be gone'
    server.start()
    assert b'(from uid 65534)' in wait_mails(server, BOB, 1)[0]


def case_hostile_maildrop(world):
    server = ready(world)
    drop, refused = server.data_dir / 'maildrop', server.data_dir / 'maildrop-refused'
    assert drop.stat().st_mode & 0o7777 == 0o1730
    secret = world.dir / 'secret'
    secret.write_text(f'submit 1\nto {BOB}\n\n0\n')
    (drop / 'link').symlink_to(secret)
    os.link(secret, drop / 'hardlink')
    os.mkfifo(drop / 'fifo')
    (drop / 'directory').mkdir()
    (drop / 'garbage').write_bytes(os.urandom(5000))
    (drop / 'empty').write_bytes(b'')
    (drop / 'half').write_bytes(f'submit 1\nto {BOB}\n\n100\nhalf'.encode())
    (drop / 'smuggle').write_bytes(f'submit 1\nto {BOB}\n\n9\nx\n.\nQUIT\n0\n'.encode())
    with open(drop / 'sparse', 'wb') as sparse:
        sparse.truncate(1 << 40)
    (drop / 'tmp-unfinished').write_bytes(b'submit 1\n')
    good = drop / 'good'
    good.write_bytes(f'submit 1\nfrom forged@example.org\nto {BOB}\nlogin root\n\n22\nSubject: good\r\n\r\ngood\r\n0\n'.encode().replace(b'22\n', b'23\n'))
    os.chown(good, NOBODY, -1)
    got = wait_mails(server, BOB, 1)
    assert b'(from uid 65534)' in got[0], got
    names = {'link', 'hardlink', 'fifo', 'directory', 'garbage', 'empty', 'half', 'smuggle', 'sparse'}
    wait_for('all is aside', lambda: {p.name for p in refused.iterdir()} == names, seconds=30)
    assert {p.name for p in drop.iterdir()} == {'tmp-unfinished'}
    # the log is written behind the deed
    wait_for('all is logged', lambda: server.log.read_text().count('drop_set_aside') == len(names), seconds=10)
    ok(world, server, BOB, input='Subject: alive\n\nx\n')


def case_the_socket_takes_nothing_hostile(world):
    import socket
    server = ready(world)

    def say(*parts, read=True):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(str(server.data_dir / 'submit.sock'))
            answers = []
            for part in parts:
                s.sendall(part)
                if read:
                    answers.append(s.recv(4096))
            return answers
    head = f'submit 1\nto {BOB}\n\n'.encode()
    assert say(head)[0].startswith(b'354 ')
    assert say(b'EHLO x\r\n')[0].startswith(b'554 5.6.0')
    assert say(head, b'2\nx\n')[1].startswith(b'554 5.6.0')
    say(head, read=False)
    assert say(f'submit 1\nto {BOB}\nsize 99999999999\n\n'.encode())[0].startswith(b'552 5.3.4')
    assert say(head, b'14\nSubject: x\r\n\r\n0\n')[1].startswith(b'250 2.0.0 ')
    wait_mails(server, BOB, 1)
    assert (server.data_dir / 'submit.sock').stat().st_mode & 0o777 == 0o666
