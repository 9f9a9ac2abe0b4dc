"""Thunderbird on a display of its own: the mouse and the keys of a person who reads, files, deletes, writes and answers.

Not among the packages of ./dev test; `./dev e2e thunderbird` installs them. Pictures: build/e2e-shots/thunderbird-*.png
"""
import re

from imap_side import ANN, BOB, PASSWORD, ImapSide, mail, ok
from marionette import Display, Program, chain
from world import Skip, need, wait_for

ENTER, CONTROL, DELETE = '\ue007', '\ue009', '\ue017'
TLS, STARTTLS = 3, 2
IN_WINDOW = '''
    const pane = document.getElementById("tabmail").currentAbout3Pane;
    const root = MailServices.accounts.getAccount("account1").incomingServer.rootFolder;
    const folder = path => path.split("/").reduce((f, name) => f.getChildNamed(name), root);
    const subjects = () => [...Array(pane.gDBView.rowCount).keys()].map(i => pane.gDBView.getMsgHdrAt(i).mime2DecodedSubject);
'''
ATTACHED = (b'Date: Mon, 23 Nov 2026 08:00:00 +0000\r\nFrom: Bob Builder <bob@example.org>\r\nTo: ann@example.org\r\n'
            b'Subject: =?utf-8?q?gro=C3=9F?=\r\nMessage-ID: <large@client.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n'
            b'--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\nContent-Type: text/plain\r\n\r\nplain\r\n'
            b'--c\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<h1>Sch\xc3\xb6ne Gr\xc3\xbc\xc3\x9fe</h1>\r\n--c--\r\n'
            b'--b\r\nContent-Type: application/octet-stream; name=data.bin\r\nContent-Disposition: attachment; filename=data.bin\r\n'
            b'Content-Transfer-Encoding: base64\r\n\r\n' + b'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5\r\n' * 10_000 + b'--b--\r\n')


def preferences(imap_port, smtp_port, security, **more):
    prefs = {
        'mail.accountmanager.accounts': 'account1,account2', 'mail.accountmanager.defaultaccount': 'account1',
        'mail.accountmanager.localfoldersserver': 'server2', 'mail.account.account1.identities': 'id1',
        'mail.account.account1.server': 'server1', 'mail.account.account2.server': 'server2', 'mail.server.server2.type': 'none',
        'mail.server.server2.hostname': 'Local Folders', 'mail.server.server2.userName': 'nobody', 'mail.server.server2.name': 'Local Folders',
        'mail.smtpservers': 'smtp1', 'mail.smtp.defaultserver': 'smtp1', 'mailnews.start_page.enabled': False, 'mail.rights.version': 1,
        'mail.provider.suppress_dialog_on_startup': True, 'mail.shell.checkDefaultClient': False, 'app.use_without_mail_account': True,
        'mail.inappnotifications.enabled': False, 'mail.spam.manualMark': False, 'mailnews.auto_config.guess.enabled': False,
    }
    for name, value in {'fullName': 'Ann', 'useremail': ANN, 'smtpServer': 'smtp1', 'valid': True}.items():
        prefs[f'mail.identity.id1.{name}'] = value
    for name, value in {'type': 'imap', 'hostname': 'localhost', 'port': imap_port, 'userName': ANN, 'name': ANN, 'socketType': security,
                        'authMethod': 3, 'login_at_startup': False, 'check_new_mail': True}.items():
        prefs[f'mail.server.server1.{name}'] = value
    for name, value in {'type': 'smtp', 'hostname': 'localhost', 'port': smtp_port, 'try_ssl': security, 'authMethod': 3, 'username': ANN}.items():
        prefs[f'mail.smtpserver.smtp1.{name}'] = value
    return prefs | more


class Thunderbird(Program):
    """Ann's account is configured; the authority and the passwords are put into its stores before it first connects."""

    def __init__(self, world, ca, prefs):
        self.protocol = world.dir / 'imap'
        super().__init__(world, ['thunderbird'], prefs, Display(world), MOZ_LOG='IMAP:4,timestamp,sync', MOZ_LOG_FILE=str(self.protocol))
        self.trust(ca)
        self.execute('''for (const scheme of ["imap", "smtp"]) {
            const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
            login.init(`${scheme}://localhost`, null, `${scheme}://localhost`, a[0], a[1], "", "");
            await Services.logins.addLoginAsync(login);
        }''', ANN, PASSWORD)
        (self.main,) = self.windows()
        self.command('WebDriver:SetWindowRect', {'x': 0, 'y': 0, 'width': 1280, 'height': 900})
        self.get_messages()

    def get_messages(self):
        self.click('the button that gets messages', IN_WINDOW + 'return pane.document.getElementById("folderPaneGetMessages");')

    def open(self, path, *subjects):
        def opened():  # a folder that is just found moves the rows below it
            self.click(f'the folder {path}', IN_WINDOW + 'return pane.folderPane.getRowForFolder(folder(a[0]).URI).querySelector(".container");', path)
            return self.execute(IN_WINDOW + 'return pane.gFolder?.URI == folder(a[0]).URI;', path)
        wait_for(f'the folder {path} is open', opened, 30, 0.5)
        self.wait_subjects(path, *subjects)

    def wait_subjects(self, path, *subjects):
        try:
            self.wait(f'{subjects} in {path}', IN_WINDOW + '''
                return pane.gFolder.URI == folder(a[0]).URI && JSON.stringify(subjects().sort()) == JSON.stringify(a[1]);''', path, sorted(subjects))
        except AssertionError as error:
            self.shot('thunderbird-failed')
            raise AssertionError(f'{error}, but {self.execute(IN_WINDOW + "return [pane.gFolder.URI, ...subjects()];")}') from None

    def read(self, subject, text):
        self.click(f'the line of {subject}', IN_WINDOW + '''
            const row = subjects().indexOf(a[0]);
            pane.threadTree.scrollToIndex(row, true);
            return pane.threadTree.getRowAtIndex(row);''', subject)
        self.wait(f'{text!r} in the message pane', IN_WINDOW + '''
            const message = pane.messageBrowser.contentWindow;
            return message.document.getElementById("expandedsubjectBox").textContent.includes(a[0]) &&
                   message.getMessagePaneBrowser().contentDocument.body.textContent.includes(a[1]);''', subject, text)

    def write(self, click, to, subject):
        """A window for a new mail or an answer, with the rest of its head typed in; the caret is in the body."""
        click()
        wait_for('the window to write in', lambda: len(self.windows()) == 2)
        (window,) = set(self.windows()) - {self.main}
        self.switch(window)
        self.wait('it is ready', 'return window.composeEditorReady && !!document.getElementById("messageEditor").contentDocument.body;')
        if to:
            self.click('the field of recipients', 'return document.getElementById("toAddrInput");')
            self.keys(to + ENTER)
        if subject:
            self.click('the field of the subject', 'return document.getElementById("msgSubject");')
            self.keys(subject)
        self.click('the body', 'return document.getElementById("messageEditor");')

    def send(self):
        self.click('the button that sends', 'return document.getElementById("button-send");')
        wait_for('the window is gone', lambda: self.windows() == [self.main], 30)
        self.switch(self.main)

    def dialogue(self):
        """Its own log of IMAP: (folder or state, the server's or its own line)."""
        text = ''.join(path.read_text(errors='replace') for path in self.protocol.parent.glob('imap*.moz_log'))
        return re.findall(r':localhost:([^:]+):(?:SendData|CreateNewLineFromSocket): (.*)', text)

    def wait_idle(self):
        def idle():
            lines = [line for place, line in self.dialogue() if place == 'S-INBOX']
            return bool(lines) and lines[-1].startswith('+ idling')
        wait_for('IDLE in INBOX', idle, 20)

    def refusals(self):
        """Tagged NO and BAD, untagged BAD, and BYE that no LOGOUT asked for."""
        lines = [line for _, line in self.dialogue()]
        assert lines, 'Thunderbird has logged nothing'
        return [line for line in lines if re.match(r'\d+ (?:NO|BAD)|\* BAD|\* BYE (?!Good bye)', line)]


def begin(world, security=TLS, **prefs):
    need('thunderbird', 'Xvfb')
    ca = chain(world)
    side = ImapSide(world)
    if not side.is_godwit:
        raise Skip('the Dovecot of these cases has no submission')
    server = side.server
    for i in range(1, 5):
        side.put(mail(f'number {i}', f'body of number {i}\r\n'))
    ports = (side.tls, server.submissions) if security == TLS else (side.plain, server.submission)
    return Thunderbird(world, ca, preferences(*ports, security, **prefs)), side


def flags(side, folder='INBOX'):
    return {re.search(rb'^Subject: (.*?)\r$', m, re.M)[1].decode(): f for m, f in side.mails(folder)}


def wait_empty(side, folder):
    """Only counts: who fetches what another client expunges at that moment is told NO [EXPUNGEISSUED]."""
    def empty():
        client = side.connect()
        count = int(ok(client.select(folder, readonly=True))[0])
        client.logout()
        return count == 0
    wait_for(f'{folder} is empty', empty, 20, 0.2)


def case_read_file_and_send(world):
    bird, side = begin(world, **{'mail.identity.id1.compose_html': False})
    bird.open('INBOX', 'number 1', 'number 2', 'number 3', 'number 4')
    bird.shot('thunderbird-1-inbox')
    bird.read('number 2', 'body of number 2')
    bird.shot('thunderbird-2-message')
    wait_for('number 2 is seen', lambda: '\\Seen' in flags(side)['number 2'])
    bird.keys('1')  # Important
    bird.keys('s')
    wait_for('number 2 has a label and a star', lambda: {'$label1', '\\Flagged'} <= flags(side)['number 2'])
    bird.wait_idle()
    side.put(mail('number 5', 'body of number 5\r\n'))
    bird.wait_subjects('INBOX', *(f'number {i}' for i in range(1, 6)))

    bird.keys('a')
    side.wait_mails(1, 'Archive/2026')
    bird.wait_subjects('INBOX', 'number 1', 'number 3', 'number 4', 'number 5')
    bird.execute(IN_WINDOW + 'root.createSubfolder("Wörk & Co", null);')
    bird.wait('the folder', IN_WINDOW + 'return pane.folderPane.getRowForFolder(folder("Wörk & Co").URI);')
    bird.read('number 3', 'body of number 3')
    bird.execute(IN_WINDOW + 'pane.commandController.doCommand("cmd_moveMessage", folder("Wörk & Co"));')
    own = 'W&APY-rk &- Co'
    ((moved, moved_flags),) = side.wait_mails(1, f'"{own}"')
    assert own in side.folders() and moved == mail('number 3', 'body of number 3\r\n') and '\\Seen' in moved_flags, (side.folders(), moved, moved_flags)
    archived = flags(side, 'Archive/2026')
    assert {'\\Seen', '\\Flagged', '$label1'} <= archived['number 2'], archived
    bird.read('number 4', 'body of number 4')
    bird.keys(DELETE)
    side.wait_mails(1, 'Trash')
    bird.wait_subjects('INBOX', 'number 1', 'number 5')
    bird.keys('z', held=CONTROL)
    wait_empty(side, 'Trash')
    bird.get_messages()  # it overlooks an EXISTS that comes with the answer to its own FETCH
    bird.wait_subjects('INBOX', 'number 1', 'number 4', 'number 5')
    assert set(flags(side)) == {'number 1', 'number 4', 'number 5'}, flags(side)
    bird.open('Wörk & Co', 'number 3')
    bird.read('number 3', 'body of number 3')
    bird.shot('thunderbird-3-filed')

    bird.write(lambda: bird.click('the button to write', IN_WINDOW + 'return pane.document.getElementById("folderPaneWriteMessage");'),
               BOB, 'Grüße from Thunderbird')
    bird.keys(f'Hello Bob,{ENTER}.{ENTER}.. two dots{ENTER}From here to there.{ENTER}')
    bird.keys('s', held=CONTROL)
    ((draft, draft_flags),) = side.wait_mails(1, 'Drafts')
    assert b'two dots' in draft and '\\Draft' in draft_flags, (draft, draft_flags)
    bird.shot('thunderbird-4-compose')
    bird.send()
    ((received, _),) = side.wait_mails(1, user=BOB)
    ((sent, sent_flags),) = side.wait_mails(1, 'Sent')
    wait_empty(side, 'Drafts')
    assert received.endswith(sent) and received.startswith(b'Return-Path: <ann@example.org>'), (received, sent)
    assert b'\r\n\r\nHello Bob,\r\n.\r\n.. two dots\r\n From here to there.\r\n' in sent and '\\Seen' in sent_flags, (sent, sent_flags)
    bird.open('Sent', 'Grüße from Thunderbird')
    bird.read('Grüße from Thunderbird', 'Hello Bob,')
    bird.shot('thunderbird-5-sent')
    assert not bird.refusals(), bird.refusals()


def case_starttls_parts_and_answer(world):
    """Nothing is kept offline, so a large message comes in pieces (BODY[]<n.n>); the answer is HTML."""
    bird, side = begin(world, STARTTLS, **{'mail.server.server1.offline_download': False, 'mail.server.server1.autosync_offline_stores': False})
    side.put(ATTACHED)
    bird.open('INBOX', 'groß', *(f'number {i}' for i in range(1, 5)))
    bird.read('groß', 'Schöne Grüße')
    bird.wait('the attachment is named', IN_WINDOW + '''
        return pane.messageBrowser.contentWindow.document.getElementById("attachmentName").value.includes("data.bin");''')
    bird.shot('thunderbird-6-attachment')
    bird.write(lambda: bird.keys('r', held=CONTROL), '', '')
    bird.wait('the text that is answered', 'return document.getElementById("messageEditor").contentDocument.body.textContent.includes("Schöne Grüße");')
    bird.keys('Danke!')
    bird.shot('thunderbird-7-answer')
    bird.send()
    ((received, _),) = side.wait_mails(1, user=BOB)
    assert b'\r\nIn-Reply-To: <large@client.example>\r\n' in received and b'Danke!' in received and b'text/html' in received, received
    side.wait_mails(1, 'Sent')
    wait_for('it is marked as answered', lambda: '\\Answered' in flags(side)['=?utf-8?q?gro=C3=9F?='])
    assert not bird.refusals(), bird.refusals()


def case_after_a_restart(world):
    """The server goes and comes again; Thunderbird, which was in IDLE, connects again and sees what came in between."""
    bird, side = begin(world, **{'mail.server.server1.use_condstore': True})
    bird.open('INBOX', 'number 1', 'number 2', 'number 3', 'number 4')
    bird.wait_idle()
    assert not bird.refusals(), bird.refusals()
    assert side.server.stop() == 0
    side.server.start()
    side.put(mail('after the restart'))
    bird.get_messages()
    bird.wait_subjects('INBOX', 'number 1', 'number 2', 'number 3', 'number 4', 'after the restart')
    bird.read('after the restart', 'hello')
    assert set(bird.refusals()) == {'* BYE [UNAVAILABLE] The server is stopping'}, bird.refusals()
