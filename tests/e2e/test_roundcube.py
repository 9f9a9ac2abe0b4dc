"""Roundcube (PHP's own web server, SQLite) on our IMAP and submission: over HTTP as its page's script would ask, and in Firefox.

Not among the packages of ./dev test; `./dev e2e roundcube` installs them. Pictures: build/e2e-shots/roundcube-*.png
"""
import html
import http.cookiejar
import json
import os
import pathlib
import re
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from imap_side import ANN, BOB, PASSWORD, ImapSide, home, mail, ok
from marionette import Program, chain
from world import Skip, free_ports, need, wait_for

PAGES = pathlib.Path('/var/lib/roundcube/public_html')
HTML = ('Date: Sun, 22 Nov 2026 13:00:00 +0000\r\nFrom: Bob Builder <bob@example.org>\r\nTo: ann@example.org\r\n'
        'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_und_ein_Anhang?=\r\nMessage-ID: <parts@client.example>\r\nMIME-Version: 1.0\r\n'
        'Content-Type: multipart/mixed; boundary=b\r\n\r\n'
        '--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n'
        '--c\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nschlichte Grüße\r\n'
        '--c\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<h2>Schöne Grüße</h2><p>aus dem Garten</p>\r\n--c--\r\n'
        '--b\r\nContent-Type: text/csv; name="zahlen.csv"\r\nContent-Disposition: attachment; filename="zahlen.csv"\r\n'
        'Content-Transfer-Encoding: base64\r\n\r\nYSxiCjEsMgo=\r\n--b--\r\n').encode()


class Roundcube:
    """PHP's server with Debian's Roundcube; configuration, database, logs and session in the world's directory."""

    def __init__(self, world, side, ca):
        need('php')
        if not (PAGES / 'index.php').exists():
            raise Skip('the package roundcube-core is not installed')
        modules = subprocess.run(['php', '-m'], capture_output=True, text=True).stdout.split()
        if 'pdo_sqlite' not in modules:
            raise Skip('the package php-sqlite3 is not installed')
        self.folder = world.dir / 'roundcube'
        self.folder.mkdir()
        options = f"['ssl' => ['verify_peer' => true, 'verify_peer_name' => true, 'peer_name' => 'localhost', 'cafile' => '{ca}']]"
        (self.folder / 'defaults.inc.php').write_text("<?php\nrequire '/etc/roundcube/defaults.inc.php';\n")
        (self.folder / 'config.inc.php').write_text(f'''<?php
$config = [
  'db_dsnw' => 'sqlite:///{self.folder}/db?mode=0600', 'log_dir' => '{self.folder}/', 'temp_dir' => '{self.folder}/',
  'imap_host' => 'ssl://localhost:{side.tls}', 'imap_conn_options' => {options},
  'smtp_host' => 'tls://localhost:{side.server.submission}', 'smtp_conn_options' => {options}, 'smtp_user' => '%u', 'smtp_pass' => '%p',
  'des_key' => 'twenty-four-octets-long!', 'skin' => 'elastic', 'plugins' => [], 'enable_spellcheck' => false, 'language' => 'en_US',
  'timezone' => 'UTC', 'imap_debug' => true, 'smtp_debug' => true, 'imap_cache' => 'db', 'messages_cache' => 'db', 'username_domain' => '',
  'mime_types' => '/etc/roundcube/mimetypes.php', 'create_default_folders' => true, 'refresh_interval' => 60, 'draft_autosave' => 0,
];
''')
        (port,) = free_ports(1)
        self.base = f'http://127.0.0.1:{port}/'
        with open(self.folder / 'php.out', 'ab') as log:
            self.process = subprocess.Popen(['php', '-d', f'error_log={self.folder}/php.log', '-d', f'upload_tmp_dir={self.folder}',
                                             '-S', f'127.0.0.1:{port}', '-t', PAGES],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                            env=home(world, ROUNDCUBE_CONFIG_DIR=str(self.folder), PHP_CLI_SERVER_WORKERS='4'))
        world.closers.append(self.close)
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        self.token = ''
        wait_for('Roundcube answers', self.answers, 30, 0.2)

    def answers(self):
        assert self.process.poll() is None, (self.folder / 'php.out').read_text()
        try:
            return 'rcmail' in self.ask({})
        except urllib.error.URLError:
            return False

    def bytes(self, query, form=None, ajax=False):
        """GET, or POST of a form; the page's request token goes along."""
        address = self.base + ('?' + urllib.parse.urlencode(query) if query else '')
        body = None if form is None else urllib.parse.urlencode({'_token': self.token} | form).encode()
        headers = {'X-Roundcube-Request': self.token, 'X-Requested-With': 'XMLHttpRequest'} if ajax else {}
        with self.opener.open(urllib.request.Request(address, body, headers), timeout=30) as answer:
            return answer.read()

    def ask(self, *words, **more):
        return self.bytes(*words, **more).decode()

    def page(self, action, **query):
        return self.ask({'_task': 'mail', '_action': action} | {'_' + k: v for k, v in query.items()})

    def remote(self, action, form=None, task='mail', **query):
        """What the page's script asks: JSON whose `exec` are the calls that the page is to make."""
        query = {'_task': task, '_action': action, '_remote': 1} | {'_' + k: v for k, v in query.items()}
        answer = json.loads(self.ask(query, form and {'_' + k: v for k, v in form.items()}, ajax=True))
        assert '"error"' not in answer.get('exec', ''), answer['exec']
        return answer

    def login(self):
        self.token = re.search(r'"request_token":"(\w+)"', self.ask({}))[1]
        page = self.ask({'_task': 'login'}, {'_task': 'login', '_action': 'login', '_timezone': 'UTC', '_url': '', '_user': ANN, '_pass': PASSWORD})
        assert 'id="messagelist"' in page, (re.findall(r'display_message\(.*', page), self.log('errors.log'), self.log('imap.log')[-2000:])
        self.token = re.search(r'"request_token":"(\w+)"', page)[1]

    def rows(self, folder='INBOX', **query):
        """UID and subject of each message of a list."""
        calls = self.remote('list', mbox=folder, **query)['exec']
        return {int(uid): html.unescape(json.loads(f'"{subject}"'))
                for uid, subject in re.findall(r'add_message_row\((\d+),\{"subject":"((?:[^"\\]|\\.)*)"', calls)}

    def send(self, subject, text, draft=False, **query):
        """The form of the page that writes a mail, sent or kept as a draft."""
        page = self.page('compose', **query)
        form = {'_task': 'mail', '_action': 'send', '_id': re.search(r'name="_id" value="(\w+)"', page)[1], '_attachments': '',
                '_from': re.search(r'<select name="_from".*?<option value="(\d+)"', page, re.DOTALL)[1], '_to': BOB, '_cc': '', '_bcc': '',
                '_subject': subject, '_message': text, '_is_html': '0', '_store_target': 'Sent', '_draft_saveid': '', '_draft': '1' if draft else '',
                '_framed': '1'}
        answer = self.ask({'_task': 'mail', '_action': 'send', '_framed': 1}, form)
        assert ('Message saved to Drafts' if draft else 'sent_successfully("confirmation"') in answer, answer

    def save_folder(self, name, old='', parent=''):
        answer = self.ask({'_task': 'settings', '_action': 'save-folder', '_framed': 1},
                          {'_task': 'settings', '_action': 'save-folder', '_framed': '1', '_name': name, '_parent': parent, '_mbox': old, '_viewmode': '0'})
        assert re.search(r'display_message\("Folder (created|updated) successfully', answer), re.findall(r'display_message\([^)]*\)', answer)

    def log(self, name):
        path = self.folder / name
        return path.read_text(errors='replace') if path.exists() else ''

    def check_logs(self):
        assert not self.log('errors.log'), self.log('errors.log')
        assert 'S: A0001 OK' in self.log('imap.log'), 'Roundcube has logged no IMAP'
        refused = re.findall(r'S: (?:A\d+ (?:NO|BAD)|\* BAD|\* BYE (?!Good bye)).*', self.log('imap.log'))
        refused += re.findall(r'Recv: [45].*', self.log('smtp.log'))
        assert not refused, (refused, self.log('imap.log')[-4000:])

    def close(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(10)


def prepare(world):
    ca = chain(world)
    side = ImapSide(world)
    if not side.is_godwit:
        raise Skip('Dovecot has no submission here')
    for i in range(1, 4):
        side.put(mail(f'number {i}', f'body of number {i}\r\n'))
    side.put(HTML, date='"22-Nov-2026 13:00:00 +0000"')
    return Roundcube(world, side, ca), side


def case_over_http(world):
    cube, side = prepare(world)
    side.put(mail('number 5'))
    cube.login()
    everything = {1: 'number 1', 2: 'number 2', 3: 'number 3', 4: 'Grüße und ein Anhang'}
    assert cube.rows() == everything | {5: 'number 5'}
    client = side.connect()  # another client, between two looks at a list that Roundcube has in its cache
    ok(client.select())
    ok(client.store('5', '+FLAGS', '\\Deleted'))
    ok(client.store('2', '+FLAGS', '\\Flagged'))
    ok(client.expunge())
    client.logout()
    assert cube.rows() == everything and 'S: * VANISHED (EARLIER) 5' in cube.log('imap.log'), (cube.rows(), cube.log('imap.log')[-4000:])
    assert list(cube.rows(sort='subject_DESC')) == [3, 2, 1, 4], cube.rows(sort='subject_DESC')
    assert cube.rows(threads=1) == everything
    cube.rows(threads=0)  # Roundcube 1.6.5 loses its cached threads with each move, on any server
    page = cube.page('show', uid=4, mbox='INBOX')
    assert '<h2>Schöne Grüße</h2>' in page and 'zahlen.csv' in page, page
    link = urllib.parse.parse_qsl(html.unescape(re.search(r'href="/?\?([^"]*_part=2)"', page)[1]))
    assert cube.bytes(link + [('_download', '1')]) == b'a,b\n1,2\n'
    assert '\\Seen' in side.mails()[3][1], side.mails()
    cube.remote('mark', {'uid': '1', 'mbox': 'INBOX', 'flag': 'flagged'})
    cube.remote('mark', {'uid': '3', 'mbox': 'INBOX', 'flag': 'read'})
    assert [('\\Flagged' in f, '\\Seen' in f) for _, f in side.mails()] == [(True, False), (True, False), (False, True), (False, True)], side.mails()
    found = cube.remote('search', mbox='INBOX', q='Grüße', headers='subject,text', filter='ALL', scope='base')
    assert re.findall(r'add_message_row\((\d+)', found['exec']) == ['4'], found
    found = cube.remote('search', mbox='INBOX', q='number', headers='subject', filter='FLAGGED', scope='all')
    assert re.findall(r'add_message_row\("?(\d+)', found['exec']) == ['2', '1'], found

    own = 'W&APY-rk &- Co'
    cube.save_folder('Wörk & Co')
    cube.save_folder('tief', parent=own)
    cube.remote('move', {'uid': '2', 'mbox': 'INBOX', 'target_mbox': own})
    cube.remote('copy', {'uid': '1', 'mbox': 'INBOX', 'target_mbox': own + '/tief'})
    assert cube.rows(own) == {1: 'number 2'}
    assert cube.rows() == {k: v for k, v in everything.items() if k != 2}, cube.rows()
    ((moved, flags),) = side.mails(f'"{own}"')
    assert moved == mail('number 2', 'body of number 2\r\n') and '\\Flagged' in flags, (moved, flags)
    cube.save_folder('Ärger', old=own)
    assert {'&AMQ-rger', '&AMQ-rger/tief'} <= set(side.folders()) and own not in side.folders(), side.folders()
    assert len(side.mails('&AMQ-rger/tief')) == 1
    cube.remote('move', {'uid': '3', 'mbox': 'INBOX', 'target_mbox': 'Trash'})
    assert len(side.mails('Trash')) == 1
    cube.remote('purge', {'mbox': 'Trash'})
    assert not side.mails('Trash')
    cube.remote('delete-folder', {'mbox': '&AMQ-rger'}, task='settings')
    assert side.folders() == ['INBOX', 'Archive', 'Drafts', 'Junk', 'Sent', 'Trash'], side.folders()

    cube.send('Grüße von Ann', 'Hallo Bob,\r\n.\r\n.. Punkte\r\n')
    ((received, _),) = side.wait_mails(1, user=BOB)
    ((sent, flags),) = side.mails('Sent')
    assert received.endswith(sent) and b'\r\n\r\nHallo Bob,\r\n.\r\n.. Punkte\r\n' in sent and '\\Seen' in flags, (received, sent)
    cube.send('Re: Grüße', 'Danke!', reply_uid=4, mbox='INBOX')
    assert any(b'In-Reply-To: <parts@client.example>' in m for m, _ in side.wait_mails(2, user=BOB))
    assert [f for m, f in side.mails() if b'<parts@client.example>' in m][0] >= {'\\Answered', '\\Seen'}, side.mails()
    cube.send('Entwurf', 'später', draft=True)
    assert len(side.mails('Drafts')) == 1 and len(side.mails('Sent')) == 2
    cube.ask({'_task': 'logout', '_token': cube.token})
    cube.check_logs()


def case_in_a_browser(world):
    need('firefox-esr')
    cube, side = prepare(world)
    fox = Program(world, ['firefox-esr', '--headless'], {})
    fox.context('content')
    fox.command('WebDriver:SetWindowRect', {'width': 1280, 'height': 900})
    fox.command('WebDriver:Navigate', {'url': cube.base})
    fox.click('the name', 'return document.getElementById("rcmloginuser");')
    fox.keys(ANN)
    fox.click('the password', 'return document.getElementById("rcmloginpwd");')
    fox.keys(PASSWORD + '\ue007')
    line = 'return [...document.querySelectorAll("#messagelist tr.message")].find(row => row.textContent.includes(a[0]));'
    for subject in ('number 1', 'number 2', 'number 3', 'Grüße und ein Anhang'):
        fox.wait(f'{subject} in the list', line.replace('return ', 'return !!'), subject)
    fox.shot('roundcube-1-inbox')
    fox.click('the line', line.replace(');', ')?.querySelector("td.subject");'), 'Grüße und ein Anhang')
    fox.wait('the message', 'return document.getElementById("messagecontframe").contentDocument.body.textContent.includes("Schöne Grüße");')
    fox.shot('roundcube-2-message')
    wait_for('the message is seen', lambda: '\\Seen' in side.mails()[3][1])
    fox.click('Compose', 'return document.querySelector("a.compose");')
    fox.click('the field of recipients', 'return document.querySelector("ul.recipient-input input");')
    fox.keys(BOB + ',')
    fox.click('the field of the subject', 'return document.getElementById("compose-subject");')
    fox.keys('Grüße aus dem Browser')
    fox.click('the body', 'return document.getElementById("composebody");')
    fox.keys('Hallo Bob!')
    fox.shot('roundcube-3-compose')
    fox.click('Send', 'return document.querySelector("button.send");')
    ((received, _),) = side.wait_mails(1, user=BOB)
    ((sent, _),) = side.wait_mails(1, 'Sent')
    assert sent in received and sent.endswith(b'\r\n\r\nHallo Bob!'), (received, sent)
    fox.wait('the list again', 'return !!document.querySelector("#mailboxlist li.sent a");')
    fox.click('Sent', 'return document.querySelector("#mailboxlist li.sent a");')
    fox.wait('the mail in Sent', line.replace('return ', 'return !!'), 'Grüße aus dem Browser')
    fox.shot('roundcube-4-sent')
    cube.check_logs()
