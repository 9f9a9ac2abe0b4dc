"""Programs that people and cron use, with our sendmail in the place of theirs. What is not installed is skipped aloud."""
import os
import shutil
import subprocess

from test_sendmail import ANN, BOB, NOBODY, binary, reachable, ready
from world import need, wait_mails


def wrapper(world, server, program=None):
    """A sendmail with our configuration, which these programs cannot name."""
    path = world.dir / 'sendmail.sh'
    path.write_text(f'#!/bin/sh\necho "$@" >> {world.dir}/words\nexec {program or binary(world)} -C {server.config} "$@"\n')
    path.chmod(0o755)
    (world.dir / 'words').touch()
    (world.dir / 'words').chmod(0o666)
    return str(path)


def home(world):
    path = world.dir / 'home'
    path.mkdir(exist_ok=True)
    return dict(os.environ, HOME=str(path), LANG='C.UTF-8')


def run(command, text, **settings):
    done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=60, **settings)
    assert done.returncode == 0, done
    return done


def mailutils():
    for name in ('mail.mailutils', 'mailx.mailutils'):
        if shutil.which(name):
            return name
    need('mail.mailutils')


def case_mailutils(world):
    program = mailutils()
    server = ready(world)
    ours = wrapper(world, server)
    run([program, '-E', f'set sendmail="sendmail://{ours}"', '-s', 'by mailutils', BOB, ANN], 'hello\n..two\n.three\n', env=home(world))
    for user in (BOB, ANN):
        got = wait_mails(server, user, 1)[0]
        assert b'\nSubject: by mailutils\r\n' in got and got.endswith(b'hello\r\n..two\r\n.three\r\n'), got
        assert b'(from uid %d)' % os.getuid() in got and got.count(b'\r\nFrom: ') == 1, got


def case_mailutils_with_a_sender_an_attachment_and_utf8(world):
    program = mailutils()
    server = ready(world)
    ours = wrapper(world, server)
    attached = world.dir / 'notes.bin'
    attached.write_bytes(bytes(range(256)) * 40)
    run([program, '-E', f'set sendmail="sendmail://{ours}"', '-r', ANN, '-a', 'X-Job: nightly', '-A', str(attached), '-s', 'gr\u00fc\u00dfe', BOB],
        'h\u00e9llo\n', env=home(world))
    import email
    got = email.message_from_bytes(wait_mails(server, BOB, 1)[0])
    assert got['Return-Path'] == f'<{ANN}>' and got['X-Job'] == 'nightly', got.as_string()[:2000]
    assert any(part.get_payload(decode=True) == attached.read_bytes() for part in got.walk()), got.as_string()[:2000]


def case_mailutils_is_told_of_a_refusal(world):
    program = mailutils()
    server = ready(world)
    ours = wrapper(world, server)
    done = subprocess.run([program, '-E', f'set sendmail="sendmail://{ours}"', '-s', 'x', 'nosuch@example.org'], input=b'hello\n', capture_output=True,
                          timeout=60, env=home(world))
    assert b'cannot send message' in done.stderr and done.returncode != 0, done  # it keeps our words to itself


def case_bsd_mailx(world):
    need('bsd-mailx')
    server = ready(world)
    rc = world.dir / 'mailrc'
    rc.write_text(f'set sendmail={wrapper(world, server)}\n')
    run(['bsd-mailx', '-s', 'by mailx', BOB], 'hello\n', env=dict(os.environ, MAILRC=str(rc)))
    got = wait_mails(server, BOB, 1)[0]
    assert b'Subject: by mailx' in got and got.endswith(b'hello\r\n'), got


def case_php(world):
    need('php')
    server = ready(world)
    script = world.dir / 'mail.php'
    script.write_text('''<?php
$headers = "From: Ann <ann@example.org>\\r\\nX-Mailer: PHP/" . phpversion() . "\\r\\nCc: ann@example.org";
exit(mail("bob@example.org", "by php", "line one\\nline two\\r\\n.\\nlast", $headers) ? 0 : 1);
''')
    run(['php', '-d', f'sendmail_path={wrapper(world, server)} -t -i', str(script)], '')
    for user in (BOB, ANN):
        got = wait_mails(server, user, 1)[0]
        assert b'\nSubject: by php\r\n' in got and b'\nX-Mailer: PHP/' in got, got
        assert got.endswith(b'\r\n\r\nline one\r\nline two\r\n.\r\nlast\r\n'), got
        assert got.count(b'\r\nFrom: ') == 1 and got.replace(b'\r\n', b'').count(b'\n') == 0, got
    script.write_text('<?php exit(mail("nosuch@example.org", "x", "y") ? 0 : 7);')
    refused = subprocess.run(['php', '-d', f'sendmail_path={wrapper(world, server)} -t -i', str(script)], capture_output=True, timeout=60)
    assert refused.returncode == 7, refused


def case_php_envelope_sender_and_server_down(world):
    need('php')
    server = ready(world)
    server.stop()
    script = world.dir / 'mail.php'
    script.write_text('<?php exit(mail("bob@example.org", "later", "text", "From: shop@example.org", "-fann@example.org") ? 0 : 1);')
    run(['php', '-d', f'sendmail_path={wrapper(world, server)} -t -i', str(script)], '')
    server.start()
    got = wait_mails(server, BOB, 1)[0]
    assert f'Return-Path: <{ANN}>'.encode() in got and b'\nFrom: shop@example.org\r\n' in got, got


def case_words_of_the_cron_daemon(world):
    """Debian's cron: popen of `sendmail -FCronDaemon -i -B8BITMIME -oem USER`, a header, a blank line, the job's output."""
    server = ready(world)
    server.cli('alias', 'add', 'root@example.org', ANN)
    program = reachable(world)
    ours = wrapper(world, server, program)
    header = ('From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@host> make -C /srv all\nMIME-Version: 1.0\n'
              'Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\nX-Cron-Env: <SHELL=/bin/sh>\n'
              'X-Cron-Env: <LOGNAME=root>\n\n')
    run(['sh', '-c', f'{ours} -FCronDaemon -i -B8BITMIME -oem root'], header + 'progress 1\rprogress 2\n.\n\u00e9\n', user=NOBODY,
        group=NOBODY, extra_groups=[])
    got = wait_mails(server, ANN, 1)[0]
    assert got.endswith('\r\n\r\nprogress 1\r\nprogress 2\r\n.\r\n\u00e9\r\n'.encode()), got
    assert b'\r\nX-Cron-Env: <SHELL=/bin/sh>\r\n' in got and got.count(b'\r\nFrom: ') == 1, got
