"""godwit mailbox list|create|rename|delete|stats, with the server up and down: tables, JSON, and the sentence for each mistake."""
import smtplib

from world import PASSWORD, fetch_all, no_verify, wait_mails

ANN = 'ann@example.org'
FIRST = ['INBOX', 'Archive', 'Drafts', 'Junk', 'Sent', 'Trash']


def names(server, account=ANN):
    return [each['name'] for each in server.cli('mailbox', 'list', account, json_out=True)['mailboxes']]


def said(server, *words):
    done = server.cli('mailbox', *words)
    assert not done.stderr, done
    return done.stdout


def refused(server, *words):
    """Exit 1, nothing on standard output, one sentence on standard error."""
    done = server.cli('mailbox', *words, check=False)
    assert done.returncode == 1 and done.stdout == '' and done.stderr.startswith('godwit: ') and done.stderr.count('\n') == 1, done
    return done.stderr


def case_mailboxes_up_and_down(world):
    server = world.server().setup()
    for up in (False, True):
        if up:
            server.start()
        if not up:
            assert names(server) == [], 'looking makes nothing'
            assert said(server, 'list', ANN) == f'{ANN} has no mailboxes yet; the first login or mail makes them\n'
            assert said(server, 'create', ANN, 'x') == 'x created\n' and said(server, 'delete', ANN, 'x') == 'x deleted\n'
        assert names(server) == FIRST
        table = said(server, 'list', ANN).splitlines()
        assert table[0].split() == ['MAILBOX', 'USE', 'MESSAGES', 'UNSEEN', 'BYTES'], table
        assert table[1].split() == ['INBOX', '0', '0', '0'] and table[5].split() == ['Sent', '\\Sent', '0', '0', '0'], table
        assert said(server, 'create', ANN, 'work/Grüße 2026/') == 'work/Grüße 2026 created\n'
        assert said(server, 'create', ANN, 'Wichtig', '--special-use', '\\Important') == 'Wichtig created\n'
        assert names(server) == FIRST + ['Wichtig', 'work', 'work/Grüße 2026']
        assert said(server, 'rename', ANN, 'work', 'job') == 'work is job now\n'
        assert names(server) == FIRST + ['Wichtig', 'job', 'job/Grüße 2026']
        assert said(server, 'delete', ANN, 'job') == 'job deleted\n'
        assert names(server) == FIRST + ['Wichtig', 'job/Grüße 2026'], 'what is below stays'
        assert server.cli('mailbox', 'delete', ANN, 'job/Grüße 2026', json_out=True) == {'ok': True, 'name': 'job/Grüße 2026'}
        assert said(server, 'delete', ANN, 'Wichtig') == 'Wichtig deleted\n'
        assert names(server) == FIRST
        stats = server.cli('mailbox', 'stats', json_out=True)['accounts']
        assert {each['address']: each['mailboxes'] for each in stats} == {ANN: 6, 'bob@example.org': 0}, stats
        lines = said(server, 'stats').splitlines()
        assert lines[0].split() == ['ACCOUNT', 'MAILBOXES', 'MESSAGES', 'BYTES'] and lines[-1] == '2 accounts, 0 messages, 0 bytes', lines


def case_inbox_in_any_case(world):
    server = world.server().setup().start()
    client = smtplib.SMTP_SSL('127.0.0.1', server.submissions, context=no_verify(), timeout=30)
    client.login(ANN, PASSWORD)
    client.sendmail(ANN, [ANN], b'Subject: old\r\n\r\nbody\r\n')
    client.quit()
    mail = wait_mails(server, ANN, 1)[0]
    assert said(server, 'rename', ANN, 'inbox', 'Old mail') == 'the messages of INBOX are in Old mail now\n'
    assert fetch_all(server, ANN) == []
    rows = {each['name']: each for each in server.cli('mailbox', 'list', ANN, json_out=True)['mailboxes']}
    assert rows['Old mail']['messages'] == 1 and rows['Old mail']['bytes'] == len(mail) and rows['INBOX']['messages'] == 0, rows
    for name in ('INBOX', 'inbox', 'InBox'):
        assert 'INBOX cannot be removed' in refused(server, 'delete', ANN, name)
        assert 'a mailbox of that name already' in refused(server, 'create', ANN, name)
    assert said(server, 'create', ANN, 'inBox/lists') == 'INBOX/lists created\n'
    assert said(server, 'delete', ANN, 'Inbox/lists') == 'INBOX/lists deleted\n'
    assert said(server, 'delete', ANN, 'Old mail') == 'Old mail deleted\n'
    assert server.cli('mailbox', 'stats').stdout.splitlines()[-1] == '2 accounts, 0 messages, 0 bytes'
    assert server.cli('store', 'verify').returncode == 0


def case_wrong_words_are_refused_in_a_sentence(world):
    server = world.server().setup()
    for up in (False, True):
        if up:
            server.start()
        for words in (('list', 'nobody@example.org'), ('create', 'nobody@example.org', 'x'), ('rename', 'nobody@example.org', 'x', 'y'),
                      ('delete', 'nobody@example.org', 'x')):
            assert 'there is no account nobody@example.org' in refused(server, *words)
        refused(server, 'list', 'nonsense')
        for name, sentence in (('a//b', 'a level of a mailbox name is empty'), ('a%', 'no % and no *'), ('a\tb', 'no control characters'),
                               ('x' * 1001, 'too long'), ('', 'a mailbox needs a name'), ('/', 'a mailbox needs a name')):
            assert sentence in refused(server, 'create', ANN, name), name
            assert sentence in refused(server, 'rename', ANN, 'Sent', name), name
        assert 'there is no such mailbox' in refused(server, 'rename', ANN, 'nowhere', 'x')
        assert 'there is no such mailbox' in refused(server, 'delete', ANN, 'nowhere')
        assert 'a mailbox of that name already' in refused(server, 'rename', ANN, 'Drafts', 'Sent')
        assert 'cannot go below itself' in refused(server, 'rename', ANN, 'Drafts', 'Drafts/old')
        assert 'another mailbox has that special use' in refused(server, 'create', ANN, 'x', '--special-use', '\\Sent')
        assert '"\\All" is not a special use' in refused(server, 'create', ANN, 'x', '--special-use', '\\All')
        assert names(server) == FIRST
    for words in ((), ('list',), ('rename', ANN, 'Sent'), ('burn', ANN)):  # the command line itself
        assert server.cli('mailbox', *words, check=False).returncode not in (0, 1), words
