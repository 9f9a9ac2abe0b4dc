"""Routes: who goes where, smarthosts with login and TLS, LMTP, and mail that is thrown away."""
import signal
import smtplib
import time
import urllib.request

from next_hop import NextHop, password_file
from world import PASSWORD, fetch_all, no_verify, wait_for, wait_mails

ANN, BOB = 'ann@example.org', 'bob@example.org'
RELAY = ('relay-user', 'relay password, with = and ,')


def send(server, rcpts, header='', sender=ANN):
    client = smtplib.SMTP_SSL('127.0.0.1', server.submissions, context=no_verify(), timeout=30)
    client.login(ANN, PASSWORD)
    client.mail(sender)
    for rcpt in rcpts:
        code, text = client.rcpt(rcpt)
        assert code == 250, text
    code, text = client.data((header + 'Subject: routes\r\n\r\nhello\r\n').encode())
    assert code == 250, text
    client.quit()


def next_hop(world, **settings):
    hop = NextHop(**settings)
    world.closers.append(hop.close)
    return hop


def route(to, **keys):
    lines = [f'{key} = "{value}"' for key, value in keys.items()]
    return '\n'.join(['[[route]]', *lines, f'to = "{to}"', ''])


def waiting(server):
    return str(server.cli('queue', 'list', json_out=True)['messages'])


def case_smarthost_with_login_and_tls(world):
    certificate = world.certificate()
    file = password_file(world, RELAY[1])
    for implicit in (False, True):
        for mechanisms in (('PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256'), ('SCRAM-SHA-1', 'LOGIN'), ('LOGIN', 'PLAIN'), ('LOGIN',)):
            hop = next_hop(world, certificate=certificate, implicit=implicit, mechanisms=mechanisms, account=RELAY)
            scheme = 'smtps' if implicit else 'smtp'
            # "localhost" is what the certificate says, and what the test's own CA file vouches for
            server = world.server(f'relay-{scheme}-{len(mechanisms)}-{mechanisms[0]}', wrapper=('env', f'SSL_CERT_FILE={certificate[0]}'), extra=route(
                f'{scheme}://localhost:{hop.port}', domain='*', tls='verify', user=RELAY[0], password_file=file)).setup().start()
            send(server, ['bob@far.test'])
            wait_for('the smarthost has it', lambda hop=hop: len(hop.mails) == 1)
            assert hop.mails[0][3], 'it came in plain text'
            strongest = next(m for m in ('SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN', 'LOGIN') if m in mechanisms)
            assert hop.logins == [(strongest, True, True)], hop.logins
            assert RELAY[1] not in str(hop.commands)
            server.wait_queue_empty()
            story = server.cli('trace', 'bob@far.test').stdout
            assert 'certificate verified' in story and RELAY[1] not in story + server.log.read_text(), story
            server.stop()


def case_certificate_that_does_not_verify_keeps_the_mail(world):
    certificate = world.certificate()
    hop = next_hop(world, certificate=certificate, mechanisms=('PLAIN',), account=RELAY)
    file = password_file(world, RELAY[1])
    keys = dict(domain='*', user=RELAY[0], password_file=file)
    server = world.server(extra='[queue]\nretry = ["1s"]\n' + route(f'smtp://localhost:{hop.port}', tls='verify', **keys)).setup().start()
    send(server, ['bob@far.test'])
    wait_for('it waits', lambda: 'does not verify' in waiting(server))
    assert not hop.mails and not hop.logins and 'keeps the mail here until that is mended' in waiting(server)
    server.write_config(extra='[queue]\nretry = ["1s"]\n' + route(f'smtp://localhost:{hop.port}', tls='encrypt', **keys))
    server.process.send_signal(signal.SIGHUP)
    wait_for('mended by a reload', lambda: len(hop.mails) == 1)
    assert hop.mails[0][3] and hop.logins == [('PLAIN', True, True)], hop.logins


def case_no_tls_no_mail_and_no_password(world):
    hop = next_hop(world, mechanisms=('PLAIN', 'LOGIN'), account=RELAY)
    server = world.server(extra='[queue]\nretry = ["1s"]\n' + route(
        f'smtp://127.0.0.1:{hop.port}', domain='*', tls='encrypt', user=RELAY[0], password_file=password_file(world, RELAY[1]))).setup().start()
    send(server, ['bob@far.test'])
    wait_for('it waits', lambda: 'does not offer STARTTLS' in waiting(server))
    time.sleep(2)
    assert not hop.mails and not any(c.startswith(('AUTH', 'MAIL')) for c in hop.commands), hop.commands


def case_wrong_password_keeps_the_mail_until_it_is_mended(world):
    hop = next_hop(world, certificate=world.certificate(), mechanisms=('SCRAM-SHA-256', 'PLAIN'), account=RELAY)
    file = password_file(world, 'not the password')
    server = world.server(extra='[queue]\nretry = ["1s"]\n' + route(
        f'smtp://127.0.0.1:{hop.port}', domain='*', user=RELAY[0], password_file=file)).setup().start()
    server.expect_errors = True
    send(server, ['bob@far.test'])
    wait_for('it waits', lambda: 'refuses the login of relay-user' in waiting(server))
    assert 'login failed' in server.log.read_text() and not fetch_all(server, ANN), 'the sender was bothered'
    metrics = urllib.request.urlopen(f'http://127.0.0.1:{server.http}/metrics', timeout=10).read().decode()
    assert 'godwit_outbound_login_failures_total' in metrics and 'godwit_outbound_login_failures_total 0' not in metrics
    password_file(world, RELAY[1])
    server.process.send_signal(signal.SIGHUP)
    wait_for('mended by a reload', lambda: len(hop.mails) == 1)
    assert hop.logins[-1][1] and hop.logins[-1][0] == 'SCRAM-SHA-256', hop.logins


def case_lmtp_with_a_fate_for_each_recipient(world):
    state = {'full': True}

    def final(rcpt):
        if 'gone@' in rcpt:
            return '550 5.1.1 no such mailbox'
        return '452 4.2.2 mailbox full' if 'full@' in rcpt and state['full'] else None
    path = world.dir / 'lmtp.sock'
    socket = next_hop(world, lmtp=True, final=final, path=str(path))
    tcp = next_hop(world, lmtp=True, certificate=world.certificate())
    server = world.server(extra='[queue]\nretry = ["1s"]\n' + route(f'lmtp://unix:{path}', domain='boxes.test') +
                          route(f'lmtp://127.0.0.1:{tcp.port}', domain='far.test')).setup().start()
    send(server, ['good@boxes.test', 'gone@boxes.test', 'full@boxes.test', 'x@far.test'])
    bounce = wait_mails(server, ANN, 1)[0]
    assert b'gone@boxes.test' in bounce and b'550 5.1.1 no such mailbox' in bounce and b'good@boxes.test' not in bounce.split(b'Subject: routes')[0]
    state['full'] = False
    wait_for('the full one has it as well', lambda: any(rcpts == ['<full@boxes.test>'] for _, rcpts, *_ in socket.mails))
    server.wait_queue_empty()
    assert sum('<good@boxes.test>' in rcpts for _, rcpts, *_ in socket.mails) == 1, 'delivered twice'
    assert [rcpts for _, rcpts, *_ in tcp.mails] == [['<x@far.test>']] and tcp.mails[0][3], tcp.mails
    assert socket.commands[0].startswith('LHLO ')


def case_conditions_decide(world):
    campaigns, bounces, rest = (world.sink() for _ in range(3))
    server = world.server(extra=route('discard', recipient='void@far.test') +
                          route(f'smtp://127.0.0.1:{campaigns.port}', domain='far.test', header='X-Campaign: news*', tenant='example.org') +
                          route(f'smtp://127.0.0.1:{bounces.port}', sender='<>') +
                          route('reject', sender='bob@*', recipient='no@far.test') +
                          route(f'smtp://127.0.0.1:{rest.port}', domain='*')).setup().start()
    send(server, ['void@far.test', 'a@far.test'], header='X-Campaign: News of\r\n spring\r\n')
    send(server, ['b@far.test'])
    send(server, ['c@far.test'], sender='')
    send(server, ['no@far.test', BOB])
    wait_for('all have theirs', lambda: (len(campaigns.mails), len(bounces.mails), len(rest.mails)) == (1, 1, 2))
    server.wait_queue_empty()
    assert '<a@far.test>' in campaigns.mails[0][1][0] and '<c@far.test>' in bounces.mails[0][1][0]
    assert sorted(rcpts[0].split('@')[0][-2:] for _, rcpts, _ in rest.mails) == ['<b', 'no'], rest.mails
    story = server.cli('trace', 'void@far.test').stdout
    assert 'dropped' in story and 'the route "recipient void@far.test" says discard' in story, story
    assert len(fetch_all(server, BOB)) == 1, 'a route without a domain took local mail'
    # None of this is a way through for strangers.
    stranger = smtplib.SMTP('127.0.0.1', server.smtp, timeout=30)
    for sender in ('', BOB, 'x@else.test'):
        stranger.docmd('RSET')
        stranger.ehlo()
        stranger.mail(sender)
        for rcpt in ('a@far.test', 'void@far.test', 'no@far.test'):
            assert stranger.rcpt(rcpt) == (550, b'5.7.1 Relaying denied: this domain is not served here'), rcpt


def case_config_check_names_the_mend(world):
    hop_file = password_file(world, 'secret', 0o644)
    server = world.server(extra=route('smtp://relay.test', domain='*', user='anna', password_file=hop_file))
    done = server.cli('config', 'check')
    assert f'chmod o-rwx {hop_file}' in done.stderr and 'is good' in done.stdout, done
    server.write_config(extra=route('smtp://relay.test', domain='*', user='anna', password_file='/nonexistent/secret'))
    done = server.cli('config', 'check', check=False)
    assert done.returncode == 1 and 'password_file /nonexistent/secret cannot be read' in done.stderr, done
    for bad, words in ((route('smtp://relay.test', domain='*', user='anna', password_file='/p', tls='sometimes'), ('tls', 'no level')),
                       (route('lmtp://h:25', domain='a.test'), ('to', 'LMTP has another')),
                       (route('mx', domain='a.test', user='anna', password_file='/p'), ('user', 'nobody logs in'))):
        server.write_config(extra=bad)
        done = server.cli('config', 'check', check=False)
        assert done.returncode == 1 and all(word in done.stderr for word in words), done
