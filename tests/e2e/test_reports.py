"""Failure reports, double bounces and delays, as programs that parse them see them; and why mail waits, in plain words."""
import email
import email.policy
import smtplib

from world import PASSWORD, fetch_all, no_verify, wait_for, wait_mails

ANN, BOB = 'ann@example.org', 'bob@example.org'


def submit(server, sender, to, text, options=()):
    with smtplib.SMTP_SSL('127.0.0.1', server.submissions, context=no_verify()) as smtp:
        smtp.login(ANN, PASSWORD)
        assert smtp.sendmail(sender, to, text.encode() if isinstance(text, str) else text, mail_options=options) == {}


def refusing(world, **answers):
    """A server that answers RCPT of NAME@ with answers[NAME]."""
    def reply(verb, argument):
        if verb == 'RCPT':
            return answers.get(argument.partition('<')[2].partition('@')[0])
        return None
    return world.sink(reply=reply)


def routed(world, sink, extra=''):
    return world.server(extra=f'[queue]\nretry = ["1s"]\n{extra}[[route]]\ndomain = "*"\nto = "smtp://127.0.0.1:{sink.port}"\n').setup().start()


def report_of(mail):
    report = email.message_from_bytes(mail, policy=email.policy.default)
    assert report.get_content_type() == 'multipart/report' and report.get_param('report-type') == 'delivery-status', mail
    assert report['Auto-Submitted'] == 'auto-replied' and report['MIME-Version'] == '1.0', mail
    assert report['Return-Path'] == '<>' and 'MAILER-DAEMON@mx.example.org' in str(report['From']), mail
    assert not report.defects and not any(part.defects for part in report.walk()), mail
    text, status, original = report.get_payload()
    return report, text.get_content(), status, original


def case_python_reads_the_report(world):
    server = routed(world, refusing(world, gone='550 5.1.1 No such person here', full='552 5.2.2 Mailbox full', busy='451 4.3.2 not now'))
    submit(server, ANN, ['gone@far.test', 'full@far.test', 'busy@far.test'],
           'From: Ann <ann@example.org>\nSubject: Lunch\nMessage-ID: <lunch@example.org>\n\nAt noon.\n'.replace('\n', '\r\n'))
    report, text, status, original = report_of(wait_mails(server, ANN, 1)[0])
    assert report['In-Reply-To'] == report['References'] == '<lunch@example.org>' and str(report['To']) == ANN, report
    for words in ('Lunch', 'There is no mailbox with this address', 'said: 550 5.1.1 No such person here', 'mailbox is full', 'What you can do'):
        assert words in ' '.join(text.split()), (words, text)
    assert status.get_content_type() == 'message/delivery-status'
    message, *recipients = status.get_payload()
    assert message['Reporting-MTA'] == 'dns; mx.example.org' and message['Arrival-Date'], status
    assert [(r['Final-Recipient'], r['Action'], r['Status']) for r in recipients] == [
        ('rfc822; gone@far.test', 'failed', '5.1.1'), ('rfc822; full@far.test', 'failed', '5.2.2')], status
    assert recipients[0]['Diagnostic-Code'] == 'smtp; 550 5.1.1 No such person here', status
    assert original.get_payload()[0]['Message-ID'] == '<lunch@example.org>' and 'At noon.' in str(original), original


def case_international_report(world):
    server = routed(world, refusing(world, **{'j\u00f6rg': '550 5.1.1 J\u00f6rg ist fort'}))
    text = 'From: Ann <ann@example.org>\nTo: j\u00f6rg@far.test\nSubject: Gr\u00fc\u00dfe\n\nH\u00e9\n'.replace('\n', '\r\n')
    submit(server, ANN, ['j\u00f6rg@far.test'], text, ['SMTPUTF8', 'BODY=8BITMIME'])
    mail = wait_mails(server, ANN, 1)[0]
    assert mail.partition(b'\r\n\r\n')[0].isascii()
    report, words, status, original = report_of(mail)
    assert status.get_content_type() == 'message/global-delivery-status', mail
    assert original.get_content_type() in ('message/global', 'message/global-headers'), mail
    assert 'j\u00f6rg@far.test' in words and 'J\u00f6rg ist fort' in words, words
    raw = email.message_from_bytes(mail).get_payload()[1].get_payload()[0].get_payload(decode=True) or b''
    assert mail.count(b'utf-8; j=C3=B6rg@far.test') == 1, (raw, mail)


def case_double_bounce_goes_to_the_postmaster(world):
    server = routed(world, refusing(world, gone='550 5.1.1 No such person here'))
    submit(server, '', ['gone@far.test'], 'From: ann@example.org\r\nSubject: an automatic answer\r\n\r\nx\r\n')
    report, text, status, original = report_of(wait_mails(server, ANN, 1)[0])  # the oldest account is the postmaster
    assert str(report['To']) == 'postmaster@example.org' and 'postmaster' in report['Subject'], report
    assert 'has no sender' in ' '.join(text.split()) and 'an automatic answer' in str(original), text
    server.wait_queue_empty()
    # and one that fails itself ends there
    server.cli('alias', 'add', 'postmaster@example.org', 'gone@far.test')
    submit(server, '', ['gone@far.test'], 'From: ann@example.org\r\nSubject: second\r\n\r\nx\r\n')
    wait_for('it is dropped aloud', lambda: 'undeliverable mail dropped' in server.log.read_text())
    server.wait_queue_empty()
    assert len(fetch_all(server, ANN)) == 1 and server.log.read_text().count('undeliverable mail dropped') == 1


def case_delay_notice_but_not_for_lists(world):
    server = routed(world, refusing(world, busy='451 4.3.2 not now'), extra='delay_notice = "2s"\n')
    for field in ('Precedence: bulk', 'List-Id: <news.example.org>', 'Auto-Submitted: auto-generated', 'X-Ordinary: yes'):
        submit(server, ANN, ['busy@far.test'], f'From: ann@example.org\r\n{field}\r\nSubject: {field}\r\n\r\nx\r\n')
    waiting = [m['id'] for m in server.cli('queue', 'list', json_out=True)['messages']]
    assert len(waiting) == 4, waiting
    wait_for('three say that nobody wants to know', lambda: sum(
        'no delay notice, the message says' in server.cli('trace', identifier).stdout for identifier in waiting) == 3)
    report, text, status, original = report_of(wait_mails(server, ANN, 1)[0])
    assert [(r['Action'], r['Status'], bool(r['Will-Retry-Until'])) for r in status.get_payload()[1:]] == [('delayed', '4.3.2', True)], status
    assert 'need not do anything' in ' '.join(text.split()) and 'X-Ordinary' in str(original), text
    assert len(fetch_all(server, ANN)) == 1


def case_queue_list_says_why_and_when(world):
    sink = refusing(world, busy='452 4.2.2 quota exceeded')
    server = world.server(extra=f'[queue]\nretry = ["10m"]\n[[route]]\ndomain = "far.test"\nto = "smtp://127.0.0.1:{sink.port}"\n'
                                '[[route]]\ndomain = "down.test"\nto = "smtp://127.0.0.1:1"\n'
                                '[[route]]\ndomain = "kept.test"\nto = "hold"\n').setup().start()
    submit(server, ANN, ['busy@far.test', 'a@down.test'], 'From: ann@example.org\r\nSubject: x\r\n\r\nx\r\n')
    submit(server, ANN, ['b@kept.test'], 'From: ann@example.org\r\nSubject: y\r\n\r\ny\r\n')
    line = {}

    def listed():
        line.update({text.split()[4]: text for text in server.cli('queue', 'list').stdout.splitlines()[1:]})
        return len(line) == 3 and 'not tried yet' not in str(line) and 'held: ' in str(line)
    wait_for('all have been tried', listed)
    assert ' in 9m' in line['busy@far.test'] or ' in 10m' in line['busy@far.test'], line
    assert '452 4.2.2 quota exceeded (mailbox full)' in line['busy@far.test'], line
    assert ', at 2' in line['a@down.test'] and 'refused' in line['a@down.test'], line
    assert 'when released' in line['b@kept.test'] and 'kept.test" says hold' in line['b@kept.test'], line
    shown = server.cli('queue', 'show', line['busy@far.test'].split()[0]).stdout
    assert 'quota exceeded (mailbox full)' in shown and 'NEXT TRY' in shown, shown
    refused = server.cli('alias', 'add', 'loop@example.org', 'loop@example.org', check=False)
    assert refused.returncode == 1 and 'circle: loop@example.org -> loop@example.org' in refused.stdout + refused.stderr, refused
