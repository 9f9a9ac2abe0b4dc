"""mbsync and offlineimap keep a Maildir equal to the account: mail, flags, deletions and new folders go both ways."""
import shutil

from imap_side import ANN, PASSWORD, ImapSide, home, lf, mail, run
from world import need, wait_for


def maildir_mails(folder):
    """(bytes with LF, letters behind ":2,") of each message."""
    found = []
    for part in ('new', 'cur'):
        for path in sorted((folder / part).glob('*')) if (folder / part).is_dir() else []:
            data = b'\n'.join(line for line in lf(path.read_bytes()).split(b'\n') if not line.startswith((b'X-TUID:', b'X-OfflineIMAP:')))
            found.append((data, path.name.partition(':2,')[2], path))
    return found


def subjects(mails):
    return sorted(m.split(b'Subject: ')[1].split(b'\n')[0].strip().decode() for m, *_ in mails)


def add_local(folder, name, message, letters=''):
    (folder / 'cur').mkdir(parents=True, exist_ok=True)
    (folder / 'new').mkdir(exist_ok=True)
    (folder / 'tmp').mkdir(exist_ok=True)
    (folder / 'cur' / f'1700000000.{name}.local:2,{letters}').write_bytes(lf(message))


def mbsync(world, side):
    local = world.dir / 'mbsync'
    local.mkdir(exist_ok=True)
    rc = world.dir / 'mbsyncrc'
    rc.write_text(f'''IMAPAccount a
Host {side.host}
Port {side.tls}
User {ANN}
Pass {PASSWORD}
SSLType IMAPS
CertificateFile {side.certificate}

IMAPStore far
Account a

MaildirStore near
Path {local}/
Inbox {local}/INBOX
SubFolders Verbatim

Channel both
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
''')
    return local, lambda: run(['mbsync', '-c', rc, '-a', '-q'], env=home(world))


def case_mbsync_both_ways(world):
    need('mbsync')
    side = ImapSide(world)
    side.create('Work', 'Work/deep')
    side.put(mail('far 1'), flags='\\Seen')
    side.put(mail('far 2', 'grüße\r\n' * 2000))
    side.put(mail('far 3'), 'Work/deep', flags='\\Flagged \\Answered')
    local, sync = mbsync(world, side)
    sync()
    inbox, deep = local / 'INBOX', local / 'Work' / 'deep'
    got = {m.split(b'Subject: ')[1].split(b'\n')[0]: (m, letters, path) for m, letters, path in maildir_mails(inbox)}
    assert got[b'far 1'][:2] == (lf(mail('far 1')), 'S') and got[b'far 2'][:2] == (lf(mail('far 2', 'grüße\r\n' * 2000)), ''), got
    assert [(m, letters) for m, letters, _ in maildir_mails(deep)] == [(lf(mail('far 3')), 'FR')]

    add_local(inbox, '1', mail('near 1'), 'FS')
    add_local(local / 'Local', '2', mail('near 2'))
    far2 = got[b'far 2'][2]
    far2.rename(inbox / 'cur' / (far2.name.partition(':2,')[0] + ':2,S'))
    path = maildir_mails(deep)[0][2]
    path.rename(path.with_name(path.name + 'T'))  # deleted here
    sync()
    assert {(m.split(b'Subject: ')[1].split(b'\r')[0], frozenset(f)) for m, f in side.mails()} == {
        (b'far 1', frozenset({'\\Seen'})), (b'far 2', frozenset({'\\Seen'})), (b'near 1', frozenset({'\\Flagged', '\\Seen'}))}
    assert side.mails('Work/deep') == [] and maildir_mails(deep) == []
    assert subjects([(lf(m),) for m, _ in side.mails('Local')]) == ['near 2']

    client = side.connect()
    client.select()
    client.uid('STORE', '1', '-FLAGS.SILENT', '\\Seen')
    client.uid('STORE', '2', '+FLAGS.SILENT', '\\Deleted')
    client.expunge()
    client.logout()
    sync()
    assert sorted((m.split(b'Subject: ')[1].split(b'\n')[0], letters) for m, letters, _ in maildir_mails(inbox)) == [(b'far 1', ''), (b'near 1', 'FS')]
    sync()
    assert len(side.mails()) == 2


def case_mbsync_many(world):
    need('mbsync')
    side = ImapSide(world)
    local, sync = mbsync(world, side)
    for i in range(200):
        add_local(local / 'INBOX', str(i), mail(f'number {i}'), 'S' if i % 2 else '')
    sync()
    found = side.mails()
    assert len(found) == 200 and sum('\\Seen' in f for _, f in found) == 100
    shutil.rmtree(local)  # and everything again from there
    for path in world.dir.glob('home/.mbsync/*'):
        path.unlink()
    local.mkdir()
    sync()
    assert subjects(maildir_mails(local / 'INBOX')) == sorted(f'number {i}' for i in range(200))


def case_offlineimap_both_ways(world):
    need('offlineimap')
    side = ImapSide(world)
    side.create('Work')
    side.put(mail('far 1'), flags='\\Seen')
    side.put(mail('far 2'), 'Work')
    local = world.dir / 'offline'
    rc = world.dir / 'offlineimaprc'
    rc.write_text(f'''[general]
accounts = a
ui = basic
metadata = {world.dir}/offline-state
[Account a]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {local}
sep = /
[Repository far]
type = IMAP
remotehost = {side.host}
remoteport = {side.tls}
remoteuser = {ANN}
remotepass = {PASSWORD}
ssl = yes
sslcacertfile = {side.certificate}
''')

    def sync():
        run(['offlineimap', '-c', rc, '-o', '-u', 'basic'], env=home(world), timeout=120)
    sync()
    assert [(m, letters) for m, letters, _ in maildir_mails(local / 'INBOX')] == [(lf(mail('far 1')), 'S')]
    assert subjects(maildir_mails(local / 'Work')) == ['far 2']
    add_local(local / 'INBOX', '1', mail('near 1'), 'F')
    path = maildir_mails(local / 'Work')[0][2]
    path.unlink()
    sync()
    wait_for('near 1 is there', lambda: len(side.mails()) == 2)
    assert {(lf(m).split(b'Subject: ')[1].split(b'\n')[0], frozenset(f)) for m, f in side.mails()} == {
        (b'far 1', frozenset({'\\Seen'})), (b'near 1', frozenset({'\\Flagged'}))}
    assert side.mails('Work') == []
    client = side.connect()
    client.select()
    client.store('1', '+FLAGS.SILENT', '\\Deleted')
    client.expunge()
    client.logout()
    sync()
    assert subjects(maildir_mails(local / 'INBOX')) == ['near 1']
