"""What [pop3] announces and does: EXPIRE 0, LOGIN-DELAY over all listeners and loops; AUTH PLAIN and LOGIN by real clients; LANG."""
import signal
import smtplib
import subprocess

from world import PASSWORD, Pop, fetch_all, need, no_verify, wait_for, wait_mails

ANN, BOB = 'ann@example.org', 'bob@example.org'


def send(server, count):
    client = smtplib.SMTP_SSL('127.0.0.1', server.submissions, context=no_verify(), timeout=30)
    client.login(ANN, PASSWORD)
    for i in range(count):
        client.sendmail(ANN, [BOB], f'Subject: {i}\r\n\r\nbody\r\n'.encode())
    client.quit()
    return wait_mails(server, BOB, count)


def capabilities(server, **arguments):
    pop = Pop(server, ANN, **arguments)
    lines = pop.multi('CAPA').decode().splitlines()
    pop.quit()
    return lines


def reload(server):
    before = server.log.read_text(errors='replace').count('reloaded')
    server.process.send_signal(signal.SIGHUP)
    wait_for('the reload', lambda: server.log.read_text(errors='replace').count('reloaded') > before)


def case_nothing_is_removed_by_default(world):
    server = world.server().setup().start()
    send(server, 2)
    assert len(fetch_all(server, BOB)) == 2 and len(fetch_all(server, BOB)) == 2
    lines = capabilities(server)
    assert 'EXPIRE NEVER' in lines and 'LANG' in lines and 'SASL PLAIN LOGIN' in lines, lines
    assert not [line for line in lines if line.startswith('LOGIN-DELAY')], lines


def case_expire_0_removes_what_was_fetched(world):
    server = world.server(extra='[pop3]\nexpire = "0d"\n').setup()
    server.start()
    assert 'EXPIRE 0' in capabilities(server)
    client = smtplib.SMTP_SSL('127.0.0.1', server.submissions, context=no_verify(), timeout=30)
    client.login(ANN, PASSWORD)
    for i in range(3):
        client.sendmail(ANN, [BOB], f'Subject: {i}\r\n\r\nbody\r\n'.encode())
    client.quit()

    def waiting():
        pop = Pop(server, BOB)
        count = pop.count()
        pop.quit()
        return count
    wait_for('three mails', lambda: waiting() == 3)
    broken = Pop(server, BOB)
    broken.multi('RETR 1')
    broken.close()
    assert waiting() == 3, 'a session that broke off has removed something'
    pop = Pop(server, BOB)
    pop.multi('RETR 2')
    pop.multi('TOP 1 10')
    pop.quit()
    assert waiting() == 2
    assert len(fetch_all(server, BOB)) == 2 and waiting() == 0


def case_login_delay_counts_on_every_listener(world):
    server = world.server(extra='[pop3]\nlogin_delay = "1h"\n').setup().start()
    assert 'LOGIN-DELAY 3600' in capabilities(server)
    for _ in range(8):  # on whatever loop it comes
        try:
            Pop(server, ANN)
        except AssertionError as refusal:
            assert '[LOGIN-DELAY]' in str(refusal), refusal
        else:
            raise AssertionError('a second login within the hour')
    Pop(server, BOB).quit()
    server.write_config(extra='')
    reload(server)
    Pop(server, ANN).quit()


def case_auth_login_and_plain_by_curl(world):
    need('curl')
    server = world.server().setup().start()
    mail = send(server, 1)[0]
    for mechanism in ('LOGIN', 'PLAIN'):
        done = subprocess.run(['curl', '-sS', '-k', '--login-options', f'AUTH={mechanism}', '--user', f'{BOB}:{PASSWORD}',
                               f'pop3s://127.0.0.1:{server.pop3s}/1'], capture_output=True, timeout=30)
        assert done.returncode == 0 and done.stdout == mail, (mechanism, done)
        starttls = subprocess.run(['curl', '-sS', '-k', '--ssl-reqd', '--login-options', f'AUTH={mechanism}', '--user', f'{BOB}:{PASSWORD}',
                                   f'pop3://127.0.0.1:{server.pop3}/1'], capture_output=True, timeout=30)
        assert starttls.returncode == 0 and starttls.stdout == mail, (mechanism, starttls)
        wrong = subprocess.run(['curl', '-sS', '-k', '--login-options', f'AUTH={mechanism}', '--user', f'{BOB}:wrong',
                                f'pop3s://127.0.0.1:{server.pop3s}/1'], capture_output=True, timeout=30)
        assert wrong.returncode == 67, (mechanism, wrong)  # login denied
