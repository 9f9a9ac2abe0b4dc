"""mutt and neomutt on a terminal (tmux): open a mailbox, read, flag, save to a folder, delete, quit."""
import contextlib
import subprocess

from imap_side import ANN, PASSWORD, ImapSide, home, mail, run
from world import need, wait_for


class Terminal:
    """A program on a terminal of its own; keys go in, the screen comes out."""

    def __init__(self, world, command):
        self.socket = str(world.dir / 'tmux')
        run(['tmux', '-S', self.socket, '-f', '/dev/null', 'new-session', '-d', '-x', '110', '-y', '30', *command], env=home(world))
        world.closers.append(self.close)

    def screen(self):
        done = subprocess.run(['tmux', '-S', self.socket, 'capture-pane', '-p'], capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else ''

    def wait(self, text, seconds=20):
        try:
            wait_for(f'{text!r} on the screen', lambda: text in self.screen(), seconds, 0.1)
        except AssertionError as error:
            raise AssertionError(f'{error}\n{self.screen()}') from None

    def keys(self, *keys):
        run(['tmux', '-S', self.socket, 'send-keys', *keys])

    def ended(self):
        return subprocess.run(['tmux', '-S', self.socket, 'list-sessions'], capture_output=True).returncode != 0

    def wait_end(self):
        try:
            wait_for('the program ends', self.ended, 20)
        except AssertionError as error:
            raise AssertionError(f'{error}\n{self.screen()}') from None

    def close(self):
        with contextlib.suppress(Exception):
            subprocess.run(['tmux', '-S', self.socket, 'kill-server'], capture_output=True, timeout=10)


def settings(world, side, trust):
    rc = world.dir / 'muttrc'
    rc.write_text(f'''set imap_user="{ANN}"
set imap_pass="{PASSWORD}"
set folder="imaps://{side.host}:{side.tls}/"
set spoolfile="+INBOX"
{trust}
set ssl_starttls=yes
set confirmappend=no
set delete=yes
set quit=yes
set mark_old=no
set wait_key=no
set sort=date
set move=no
set header_cache="{world.dir}/cache"
set imap_idle=yes
set mail_check=2
set timeout=2
set sleep_time=0
set record=""
set copy=no
''')
    return rc


def read_flag_save_delete(world, program, trust):
    need(program, 'tmux')
    side = ImapSide(world)
    side.create('Work')
    for i in range(1, 5):
        side.put(mail(f'number {i}', f'body of number {i}\r\n'))
    terminal = Terminal(world, [program, '-n', '-F', settings(world, side, trust(side))])
    terminal.wait('number 4')
    assert all(f'number {i}' in terminal.screen() for i in range(1, 5)), terminal.screen()
    terminal.keys('1', 'Enter', 'Enter')  # read the first
    terminal.wait('body of number 1')
    terminal.keys('i')
    terminal.wait('number 4')
    terminal.keys('2', 'Enter', 'Enter')
    terminal.wait('body of number 2')
    terminal.keys('i', 'F')
    terminal.wait('number 4')
    terminal.keys('3', 'Enter', 'Enter')
    terminal.wait('body of number 3')
    terminal.keys('i', 's')
    terminal.wait('Save')
    terminal.keys('C-u')
    terminal.keys('=Work', 'Enter')
    terminal.wait('number 4')
    wait_for('the copy is in Work', lambda: len(side.mails('Work')) == 1)
    terminal.keys('4', 'Enter', 'Enter')
    terminal.wait('body of number 4')
    terminal.keys('i', 'd')
    side.put(mail('number 5'))  # arrives while it is open
    terminal.wait('number 5')
    terminal.keys('$')
    wait_for('two are expunged', lambda: len(side.mails()) == 3)
    terminal.keys('q')
    terminal.wait_end()
    found = {m.split(b'Subject: ')[1].split(b'\r')[0].decode(): f for m, f in side.mails()}
    assert sorted(found) == ['number 1', 'number 2', 'number 5'], found
    assert '\\Seen' in found['number 1'] and {'\\Seen', '\\Flagged'} <= found['number 2'] and '\\Seen' not in found['number 5'], found
    assert side.mails('Work')[0][0] == mail('number 3', 'body of number 3\r\n')
    # and once more, now with its cache of headers
    terminal = Terminal(world, [program, '-n', '-F', world.dir / 'muttrc'])
    terminal.wait('number 5')
    assert 'number 3' not in terminal.screen(), terminal.screen()
    terminal.keys('q')
    terminal.wait_end()


def case_mutt(world):
    read_flag_save_delete(world, 'mutt', lambda side: f'set certificate_file="{side.certificate}"\nset ssl_force_tls=yes')


def case_neomutt(world):
    read_flag_save_delete(world, 'neomutt', lambda side: f'set certificate_file="{side.certificate}"\nset ssl_force_tls=yes')
