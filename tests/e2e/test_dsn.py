"""Delivery status notifications end to end (RFC 3461): asked for by swaks, smtplib and sendmail, and read by Python's email package."""
import smtplib
import subprocess

from test_reports import ANN, BOB, report_of, routed
from test_sendmail import binary
from world import PASSWORD, fetch_all, need, no_verify, wait_for, wait_mails

TEXT = 'From: Ann <ann@example.org>\r\nSubject: Lunch\r\nMessage-ID: <lunch@example.org>\r\n{}\r\nAt noon.\r\n'


def submit(server, rcpts, sender=ANN, mail=(), rcpt=(), extra=''):
    with smtplib.SMTP_SSL('127.0.0.1', server.submissions, context=no_verify()) as smtp:
        smtp.login(ANN, PASSWORD)
        assert 'dsn' in smtp.esmtp_features, smtp.esmtp_features
        assert smtp.sendmail(sender, rcpts, TEXT.format(extra), mail_options=mail, rcpt_options=rcpt) == {}


def actions(status):
    return [(part['Final-Recipient'], part['Action']) for part in status.get_payload()[1:]]


def both_sinks(world, extra=''):
    """far.test does not know DSN, near.test does; the server in front of them."""
    far = world.sink()
    near = world.sink(extensions=('PIPELINING', 'DSN'))
    server = world.server(extra=f'{extra}[queue]\nretry = ["1s"]\n[[route]]\ndomain = "far.test"\nto = "smtp://127.0.0.1:{far.port}"\n'
                                f'[[route]]\ndomain = "near.test"\nto = "smtp://127.0.0.1:{near.port}"\n').setup().start()
    return server, far, near


def case_success_asked_for_by_swaks(world):
    need('swaks')
    server = world.server().setup().start()
    # swaks knows no parameters: its address ends where they do
    done = subprocess.run(['swaks', '--server', f'127.0.0.1:{server.submissions}', '--tls-on-connect', '--auth-user', ANN, '--auth-password', PASSWORD,
                           '--from', f'{ANN}> RET=HDRS ENVID=QQ+2B314159 AUTH=<', '--to', f'{BOB}> NOTIFY=SUCCESS ORCPT=rfc822;Bob+2Bx@example.org',
                           '--header', 'Subject: Lunch', '--body', 'the secret body'], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '250-DSN' in done.stdout and 'ENVID=QQ+2B314159' in done.stdout, done.stdout
    report, text, status, original = report_of(wait_mails(server, ANN, 1)[0])
    assert report['Subject'] == f'Delivered: {BOB}' and 'was delivered to this recipient' in ' '.join(text.split()), text
    message, recipient = status.get_payload()
    assert message['Original-Envelope-Id'] == 'QQ+314159' and message['Received-From-MTA'].startswith('dns; '), message.items()
    assert recipient['Original-Recipient'].startswith('rfc822; Bob+x@example.org') and recipient['Final-Recipient'] == f'rfc822; {BOB}', recipient.items()
    assert recipient['Action'] == 'delivered' and recipient['Status'].startswith('2.') and recipient['Final-Log-ID'], recipient.items()
    assert original.get_content_type() == 'text/rfc822-headers' and 'secret' not in str(original), original
    assert len(fetch_all(server, BOB)) == 1
    server.wait_queue_empty()
    assert 'success report to <ann@example.org>, Message-ID ' + report['Message-ID'] in server.cli('trace', BOB).stdout


def case_relayed_and_passed_on(world):
    server, far, near = both_sinks(world)
    submit(server, ['carl@far.test', 'dora@near.test'], mail=['RET=HDRS', 'ENVID=QQ1'], rcpt=['NOTIFY=SUCCESS,FAILURE'])
    report, text, status, original = report_of(wait_mails(server, ANN, 1)[0])
    assert actions(status) == [('rfc822; carl@far.test', 'relayed')], status
    assert 'sends no confirmations' in ' '.join(text.split()), text
    assert status.get_payload()[1]['Diagnostic-Code'] == 'smtp; 250 2.0.0 kept', status
    server.wait_queue_empty()
    assert len(fetch_all(server, ANN)) == 1
    (sender, rcpts, _), = far.mails
    assert 'RET' not in sender and 'ENVID' not in sender and rcpts == ['TO:<carl@far.test>'], (sender, rcpts)
    (sender, rcpts, _), = near.mails
    assert ' RET=HDRS' in sender and ' ENVID=QQ1' in sender and rcpts == ['TO:<dora@near.test> NOTIFY=SUCCESS,FAILURE'], (sender, rcpts)


def case_never_is_obeyed(world):
    def reply(verb, argument):
        return '550 5.1.1 No such person' if verb == 'RCPT' and 'gone@' in argument else None
    server = routed(world, world.sink(reply=reply))
    submit(server, ['gone@far.test', BOB], rcpt=['NOTIFY=NEVER'])
    submit(server, ['gone@far.test'], rcpt=['NOTIFY=SUCCESS'])  # nothing of failure
    submit(server, ['gone@far.test'], sender='', rcpt=['NOTIFY=NEVER'])  # nor is the postmaster told
    server.wait_queue_empty()
    assert len(fetch_all(server, BOB)) == 1 and fetch_all(server, ANN) == []
    submit(server, ['gone@far.test'])
    report_of(wait_mails(server, ANN, 1)[0])


def case_delay_notice_only_for_those_who_want_it(world):
    def reply(verb, argument):
        return '451 4.3.2 not now' if verb == 'RCPT' else None
    server = routed(world, world.sink(reply=reply), extra='delay_notice = "2s"\n')
    submit(server, ['a@far.test'], rcpt=['NOTIFY=SUCCESS,FAILURE'])
    submit(server, ['b@far.test'], rcpt=['NOTIFY=DELAY'])
    report, text, status, original = report_of(wait_mails(server, ANN, 1)[0])
    assert actions(status) == [('rfc822; b@far.test', 'delayed')] and status.get_payload()[1]['Will-Retry-Until'], status
    wait_for('the other has been tried for longer', lambda: server.cli('trace', 'a@far.test').stdout.count('deferred') >= 4)
    assert len(fetch_all(server, ANN)) == 1


def case_alias_of_several_is_expanded(world):
    server, far, near = both_sinks(world)
    server.cli('alias', 'add', 'team@example.org', BOB, 'dora@near.test')
    server.cli('alias', 'add', 'one@example.org', 'eve@near.test')
    submit(server, ['team@example.org'], rcpt=['NOTIFY=SUCCESS,FAILURE', 'ORCPT=rfc822;team@example.org'])
    report, text, status, original = report_of(wait_mails(server, ANN, 1)[0])
    assert actions(status) == [('rfc822; team@example.org', 'expanded')], status
    submit(server, ['one@example.org'], rcpt=['NOTIFY=SUCCESS'])
    server.wait_queue_empty()
    assert len(fetch_all(server, ANN)) == 1 and len(fetch_all(server, BOB)) == 1
    assert [rcpts for _, rcpts, _ in near.mails] == [['TO:<dora@near.test> NOTIFY=FAILURE ORCPT=rfc822;team@example.org'],
                                                     ['TO:<eve@near.test> NOTIFY=SUCCESS ORCPT=rfc822;one@example.org']], near.mails


def case_languages_and_templates(world):
    texts = world.dir / 'texts'
    texts.mkdir()
    (texts / 'failed.de.txt').write_text('Subject: Leider nicht: {address}\n\n{oops}\n')
    sink = world.sink(reply=lambda verb, argument: '550 5.1.1 No such person' if verb == 'RCPT' else None)
    server = world.server(extra=f'[dsn]\ntemplates = "{texts}"\n[[dsn.tenant]]\ndomain = "example.org"\nlanguage = "de"\n'
                                f'[[route]]\ndomain = "*"\nto = "smtp://127.0.0.1:{sink.port}"\n')
    refused = server.cli('config', 'check', check=False)
    assert refused.returncode == 1 and f'{texts}/failed.de.txt:3: {{oops}} is not known' in refused.stdout + refused.stderr, refused
    (texts / 'failed.de.txt').write_text('Subject: Leider nicht: {address}\n\nFragen? Telefon 4711\n{each}\n* {said}\n{end}\n')
    server.setup().start()
    submit(server, ['gone@far.test'])
    report, text, status, original = report_of(wait_mails(server, ANN, 1)[0])
    assert report['Subject'] == 'Leider nicht: gone@far.test' and 'Telefon 4711 * 550 5.1.1 No such person' in ' '.join(text.split()), text
    submit(server, ['gone@far.test'], extra='Accept-Language: en-GB, de;q=0.5\r\n')
    report, text, status, original = report_of(wait_mails(server, ANN, 2)[1])
    assert report['Subject'].startswith('Not delivered: gone@far.test') and 'no mailbox with this address' in text, text


def case_sendmail_asks(world):
    server, far, near = both_sinks(world)
    wait_for('submit.sock', lambda: (server.data_dir / 'submit.sock').exists())
    done = subprocess.run([binary(world), '-C', str(server.config), '-f', ANN, '-N', 'success,failure', '-R', 'hdrs', '-V', 'QQ7', 'dora@near.test', 'carl@far.test'],
                          input='Subject: x\n\nx\n', capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    report, text, status, original = report_of(wait_mails(server, ANN, 1)[0])
    assert actions(status) == [('rfc822; carl@far.test', 'relayed')] and status.get_payload()[0]['Original-Envelope-Id'] == 'QQ7', status
    server.wait_queue_empty()
    (sender, rcpts, _), = near.mails
    assert ' RET=HDRS ENVID=QQ7' in sender and rcpts == ['TO:<dora@near.test> NOTIFY=SUCCESS,FAILURE'], (sender, rcpts)
