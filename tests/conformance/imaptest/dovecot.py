"""A private Dovecot of Debian, to check the player (and the scripts) against another server. Ended by its pid."""
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

CONFIG = '''base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/log
default_internal_user = dovecot
default_login_user = dovenull
protocols = imap
listen = 127.0.0.1
{ssl}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_cache_size = 0
auth_failure_delay = 0
mail_location = sdbox:~/mail
first_valid_uid = 1
first_valid_gid = 1
mail_plugins = $mail_plugins quota
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Drafts {{
    special_use = \\Drafts
    auto = subscribe
  }}
  mailbox Sent {{
    special_use = \\Sent
    auto = subscribe
  }}
  mailbox Junk {{
    special_use = \\Junk
    auto = subscribe
  }}
  mailbox Trash {{
    special_use = \\Trash
    auto = subscribe
  }}
  mailbox Archive {{
    special_use = \\Archive
    auto = subscribe
  }}
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={dir}/home/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
protocol imap {{
  mail_plugins = $mail_plugins imap_quota imap_zlib
  mail_max_userip_connections = 100
}}
plugin {{
  quota = count:User quota
  quota_rule = *:storage=100M
  quota_rule2 = *:messages=200
  quota_vsizes = yes
}}
'''


class Dovecot:
    """With a certificate and its key it offers STARTTLS, and TLS from the first byte on tls_port."""

    def __init__(self, password='correct-horse-7', certificate=None, key=None):
        self.program = shutil.which('dovecot') or shutil.which('dovecot', path='/usr/sbin')
        if not self.program:
            raise RuntimeError('dovecot is not installed')
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix='imaptest-dovecot-'))
        self.dir.chmod(0o755)
        (self.dir / 'home').mkdir()
        shutil.chown(self.dir / 'home', 'mail', 'mail')
        sockets = [socket.create_server(('127.0.0.1', 0)) for _ in range(2)]
        port, self.tls_port = (s.getsockname()[1] for s in sockets)
        for s in sockets:
            s.close()
        ssl = f'ssl = yes\nssl_cert = <{certificate}\nssl_key = <{key}' if certificate else 'ssl = no'
        tls_port = self.tls_port if certificate else 0
        self.host, self.port, self.password, self.tls = '127.0.0.1', port, password, False
        self.users = 0
        (self.dir / 'dovecot.conf').write_text(CONFIG.format(dir=self.dir, port=port, tls_port=tls_port, ssl=ssl, password=password))
        self.process = subprocess.Popen([self.program, '-F', '-c', str(self.dir / 'dovecot.conf')], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            self.wait()
        except Exception:
            self.close()
            raise

    def wait(self):
        for _ in range(200):
            if self.process.poll() is not None:
                raise RuntimeError(f'dovecot ended: {self.process.stderr.read().decode()}')
            try:
                with socket.create_connection((self.host, self.port), 5) as s:
                    if s.recv(100).startswith(b'* OK'):
                        return
            except OSError:
                pass
            time.sleep(0.05)
        raise RuntimeError('dovecot does not answer')

    def fresh_account(self):
        self.users += 1
        return f'user{self.users}@example.org'

    def log(self):
        path = self.dir / 'log'
        return path.read_text(errors='replace') if path.exists() else ''

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
        self.process.stderr.close()
        shutil.rmtree(self.dir, ignore_errors=True)
