"""The queue's administration by its commands: summaries, filters, suspensions, holds of what is to come, other next hops and recipients."""
import smtplib

from world import PASSWORD, fetch_all, no_verify, wait_for, wait_mails

ANN, BOB = 'ann@example.org', 'bob@example.org'


def submit(server, to, sender=ANN, account=ANN, text=b'Subject: queue\r\n\r\nx\r\n', times=1):
    with smtplib.SMTP_SSL('127.0.0.1', server.submissions, context=no_verify()) as smtp:
        smtp.login(account, PASSWORD)
        for _ in range(times):
            assert smtp.sendmail(sender, to, text) == {}


def waiting_world(world):
    """far.test refuses for now, slow.test greylists; the rest goes to the same sink."""
    def reply(verb, argument):
        if verb != 'RCPT':
            return None
        domain = argument.partition('@')[2].partition('>')[0]
        return {'far.test': '451 4.3.2 not now', 'slow.test': '450 4.2.0 Greylisted, come back later'}.get(domain)
    sink = world.sink(reply=reply)
    server = world.server(extra=f'[queue]\nretry = ["1h"]\n[[route]]\ndomain = "*"\nto = "smtp://127.0.0.1:{sink.port}"\n').setup().start()
    return sink, server


def listed(server, *words):
    return [m['id'] for m in server.cli('queue', 'list', *words, json_out=True)['messages']]


def deferred(server, count):
    wait_for('deferred', lambda: len(listed(server, '--class', '*')) - len(listed(server, '--class', 'untried')) >= count)


def case_summary_and_filters(world):
    sink, server = waiting_world(world)
    submit(server, ['a@far.test'])
    submit(server, ['a@slow.test', 'b@slow.test'], sender=BOB, account=BOB)
    deferred(server, 2)
    for _ in ('up', 'down'):
        summary = server.cli('queue', 'summary', json_out=True)
        assert summary['messages'] == 2 and summary['recipients'] == 3 and summary['complete'], summary
        by = {row['name']: row['recipients'] for row in server.cli('queue', 'summary', '--by', 'domain', json_out=True)['by']['domain']}
        assert by == {'far.test': 1, 'slow.test': 2}, by
        classes = [row['name'] for row in server.cli('queue', 'summary', '--by', 'class', json_out=True)['by']['class']]
        assert 'greylisted' in classes, classes
        words = server.cli('queue', 'summary').stdout
        assert 'DOMAIN' in words and 'SENDER' in words and 'under 5m' in words, words
        assert len(listed(server)) == 2
        assert len(listed(server, '--domain', 'slow.test')) == 1 and len(listed(server, '--domain', 'slow.test', '--from', ANN)) == 0
        assert len(listed(server, '--class', 'greylisted')) == 1 and len(listed(server, '--sender', BOB)) == 1
        assert len(listed(server, '--older', '1d')) == 0 and len(listed(server, '--held')) == 0 and len(listed(server, '--not-held')) == 2
        wrong = server.cli('queue', 'list', '--older', 'yesterday', check=False)
        assert wrong.returncode == 1 and 'ages look like' in wrong.stderr, wrong
        if _ == 'up':
            server.stop()


def case_suspend_resume_and_rules(world):
    sink, server = waiting_world(world)
    assert 'there are no rules' in server.cli('queue', 'rules').stdout
    said = server.cli('queue', 'suspend', '--domain', 'good.test', '--for', '2h', '--why', 'their firewall').stdout
    assert 'suspended: domain good.test' in said, said
    submit(server, ['a@good.test'])
    submit(server, ['a@other.test'])
    wait_for('the other one leaves', lambda: len(listed(server)) == 1)
    assert len(sink.mails) == 1
    server.stop()
    server.start()
    assert 'their firewall' in server.cli('queue', 'rules').stdout
    assert len(listed(server)) == 1 and len(sink.mails) == 1
    nothing = server.cli('queue', 'resume', '--domain', 'absent.test', check=False)
    assert nothing.returncode == 1 and 'godwit queue rules' in nothing.stderr, nothing
    server.cli('queue', 'resume', '--domain', 'good.test')
    server.wait_queue_empty()
    assert len(sink.mails) == 2
    assert server.cli('queue', 'suspend', check=False).returncode == 1


def case_hold_what_is_to_come(world):
    sink, server = waiting_world(world)
    server.cli('queue', 'hold', '--new', '--sender', BOB, '--why', 'to be looked at')
    submit(server, ['a@good.test'], sender=BOB, account=BOB)
    submit(server, ['a@good.test'])
    wait_for('one leaves', lambda: len(sink.mails) == 1)
    assert len(listed(server, '--held')) == 1
    assert 'to be looked at' in server.cli('queue', 'list').stdout
    server.cli('queue', 'release', '--new', '--sender', BOB)
    submit(server, ['b@good.test'], sender=BOB, account=BOB)
    wait_for('it leaves', lambda: len(sink.mails) == 2)
    server.cli('queue', 'release', '--sender', BOB)
    server.wait_queue_empty()
    assert len(sink.mails) == 3


def case_reroute_and_readdress(world):
    sink, server = waiting_world(world)
    other = world.sink()
    submit(server, ['a@far.test'])
    submit(server, ['typo@slow.test'])
    deferred(server, 2)
    nowhere = server.cli('queue', 'reroute', '--domain', 'far.test', check=False)
    assert nowhere.returncode == 1 and '--via' in nowhere.stderr, nowhere
    server.cli('queue', 'reroute', '--domain', 'far.test', '--via', f'smtp://127.0.0.1:{other.port}')
    wait_for('by the other hop', lambda: len(other.mails) == 1)
    wait_for('one is left', lambda: len(listed(server)) == 1)
    (left,) = listed(server)
    refused = server.cli('queue', 'readdress', '--id', left, '--to', 'nobody@slow.test', '--new', BOB, check=False)
    assert refused.returncode == 1 and 'waits for no recipient' in refused.stderr, refused
    server.cli('queue', 'readdress', '--id', left, '--to', 'typo@slow.test', '--new', BOB)
    server.wait_queue_empty()
    assert len(wait_mails(server, BOB, 1)) == 1
    assert 'readdressed' in server.cli('trace', left).stdout


def case_many_at_once(world):
    sink, server = waiting_world(world)
    server.cli('queue', 'hold', '--new', '--to', '*@bulk.test')
    submit(server, ['x@bulk.test'], times=400)
    held = server.cli('queue', 'summary', json_out=True)
    assert held['held'] == 400, held
    server.cli('queue', 'release', '--new', '--to', '*@bulk.test')
    done = server.cli('queue', 'drop', '--to', '*@bulk.test', '--wait', json_out=True)
    assert done['count'] == 400 and not done['going_on'], done
    assert listed(server) == [] and 'there are no rules' in server.cli('queue', 'rules').stdout
