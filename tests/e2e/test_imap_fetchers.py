"""fetchmail, getmail and imapfilter take mail out of an account or sort it."""
from imap_side import ANN, PASSWORD, ImapSide, home, lf, mail, run
from world import need


def case_fetchmail(world):
    need('fetchmail')
    side = ImapSide(world)
    sent = [mail('one', '.dots\r\n' + 'z' * 5000 + '\r\n'), mail('two')]
    for message in sent:
        side.put(message)
    for name, port, tls in (('keep', side.plain, 'sslproto "auto" keep'), ('fetch', side.tls, 'ssl')):
        out = world.dir / f'fetched-{name}'
        deliver = world.dir / f'deliver-{name}.sh'
        deliver.write_text(f'#!/bin/sh\ncat >> {out}\n')
        deliver.chmod(0o755)
        rc = world.dir / f'fetchmailrc-{name}'
        rc.write_text(f'poll 127.0.0.1 protocol IMAP port {port} user "{ANN}" password "{PASSWORD}" {tls} no sslcertck fetchall mda "{deliver}"\n')
        rc.chmod(0o600)
        run(['fetchmail', '-f', rc, '--nosyslog', '--pidfile', world.dir / 'fm.pid', '-i', world.dir / f'fm.ids-{name}'],
            env=home(world, FETCHMAILHOME=str(world.dir)))
        fetched = lf(out.read_bytes())
        for message in sent:
            # fetchmail puts a Received field in front and asks for header and text apart
            assert lf(message).split(b'\n\n', 1)[1] in fetched and lf(message).split(b'\n\n', 1)[0] in fetched, (name, fetched[:2000])
        assert len(side.mails()) == (2 if name == 'keep' else 0)


def case_getmail(world):
    need('getmail')
    side = ImapSide(world)
    side.create('Work')
    side.put(mail('one'))
    side.put(mail('two', 'x' * 70_000 + '\r\n'), 'Work')
    got = world.dir / 'got'
    got.mkdir()
    deliver = world.dir / 'deliver.sh'
    deliver.write_text(f'#!/bin/sh\nexec cat > {got}/$$\n')
    deliver.chmod(0o755)
    folder = world.dir / 'getmail'
    folder.mkdir()
    folder.chmod(0o700)
    (folder / 'rc').write_text(f'''[retriever]
type = SimpleIMAPSSLRetriever
server = {side.host}
port = {side.tls}
username = {ANN}
password = {PASSWORD}
mailboxes = ("INBOX", "Work")
ca_certs = {side.certificate}
[destination]
type = MDA_external
path = {deliver}
allow_root_commands = true
unixfrom = false
[options]
delete = true
verbose = 2
delivered_to = false
received = false
''')
    run(['getmail', '--getmaildir', folder, '--rcfile', folder / 'rc'], env=home(world))
    fetched = [lf(p.read_bytes()) for p in got.iterdir()]
    assert len(fetched) == 2, fetched
    for message in (mail('one'), mail('two', 'x' * 70_000 + '\r\n')):
        assert any(f.endswith(lf(message).split(b'\n\n', 1)[1]) and lf(message).split(b'\n\n', 1)[0] in f for f in fetched), fetched
    assert side.mails() == [] and side.mails('Work') == []


def case_imapfilter(world):
    need('imapfilter')
    side = ImapSide(world)
    for i in range(3):
        side.put(mail(f'keep {i}'))
    for i in range(3):
        side.put(mail(f'list {i}', sender='list@example.net'), flags='\\Seen' if i == 0 else '')
    config = world.dir / 'filter.lua'
    config.write_text(f'''options.timeout = 30
options.subscribe = true
options.create = true
options.certificates = false
account = IMAP {{ server = '{side.host}', port = {side.tls}, username = '{ANN}', password = '{PASSWORD}', ssl = 'auto' }}
local found = account.INBOX:contain_from('list@example.net') * account.INBOX:is_unseen()
found:move_messages(account.Lists)
account.INBOX:contain_subject('keep 1'):mark_flagged()
account.INBOX:contain_subject('keep 2'):delete_messages()
local all, there = account:list_all()
''')
    run(['imapfilter', '-c', config, '-t', side.certificate], env=home(world))
    assert sorted(lf(m).split(b'Subject: ')[1].split(b'\n')[0] for m, _ in side.mails('Lists')) == [b'list 1', b'list 2']
    found = {lf(m).split(b'Subject: ')[1].split(b'\n')[0]: f for m, f in side.mails()}
    assert sorted(found) == [b'keep 0', b'keep 1', b'list 0'], found
    assert found[b'keep 1'] >= {'\\Flagged'}, found
