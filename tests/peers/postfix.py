"""Debian's Postfix on addresses of its own: takes mail for its domains into one maildir, sends the rest by MX."""
import os
import shutil
import subprocess

from dns_zones import POSTFIX, POSTFIX_PLAIN
from maildir import Maildir

QUEUES = ('active', 'bounce', 'corrupt', 'defer', 'deferred', 'flush', 'hold', 'incoming', 'private', 'saved', 'trace')
# The services that such a Postfix needs: name type private unprivileged chroot wakeup maxproc command
MASTER = '''
{POSTFIX}:smtp inet n - n - - smtpd
{POSTFIX_PLAIN}:smtp inet n - n - - smtpd -o smtpd_tls_security_level=none -o syslog_name=postfix/plain
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
'''


class Postfix:
    name, address, plain_address, domain = 'postfix', POSTFIX, POSTFIX_PLAIN, 'postfix.test'

    def __init__(self, directory, root, certificate):
        self.directory, self.log = directory, directory / 'maillog'
        self.box = Maildir(directory / 'mail/box', 'X-Original-To')
        etc, queue, sbin = directory / 'etc', directory / 'queue', root / 'usr/lib/postfix/sbin'
        for folder in (etc, queue, directory / 'data', directory / 'mail'):
            folder.mkdir(parents=True)
        for name in QUEUES:
            (queue / name).mkdir(mode=0o700)
            shutil.chown(queue / name, 'postfix')
        (queue / 'pid').mkdir()
        for name, mode in (('maildrop', 0o1730), ('public', 0o2710)):
            (queue / name).mkdir()
            shutil.chown(queue / name, 'postfix', 'postdrop')
            os.chmod(queue / name, mode)
        shutil.chown(directory / 'data', 'postfix')
        shutil.chown(directory / 'mail', 'postfix')
        (etc / 'master.cf').write_text(MASTER.format(POSTFIX=POSTFIX, POSTFIX_PLAIN=POSTFIX_PLAIN))
        (etc / 'main.cf').write_text(self.main_cf(root, certificate))
        (etc / 'transport').write_text('corpus.exim.test smtp:[mx.godwit.test]\n')
        (etc / 'tls_policy').write_text('plain.godwit.test none\n')
        (etc / 'recipients').write_text('/^(ann|m[0-9]+)@/ box/\n')
        (etc / 'dynamicmaps.cf').write_text('')
        with open(directory / 'out', 'ab') as out:
            self.process = subprocess.Popen([sbin / 'master', '-d', '-c', etc], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            env=dict(os.environ, MAIL_CONFIG=str(etc)))

    def main_cf(self, root, certificate):
        cert, key = certificate
        d = self.directory
        return f'''compatibility_level = 3.6
queue_directory = {d}/queue
data_directory = {d}/data
command_directory = {root}/usr/sbin
daemon_directory = {root}/usr/lib/postfix/sbin
shlib_directory = {root}/usr/lib/postfix
meta_directory = {d}/etc
maillog_file = {self.log}
maillog_file_prefixes = {d}
myhostname = mx.postfix.test
mydestination =
inet_interfaces = 127.0.0.1
smtp_bind_address = {POSTFIX}
inet_protocols = ipv4
mynetworks = 127.0.0.1/32
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
alias_maps =
alias_database =
virtual_mailbox_domains = postfix.test, plain.postfix.test, corpus.postfix.test, control.postfix.test, many.test, huge.test,
  fallback.test, address-only.test, both.test, to-cname.test, cname-domain.test, slow-aaaa.test, signed.test
virtual_mailbox_base = {d}/mail
virtual_mailbox_maps = regexp:{d}/etc/recipients
virtual_uid_maps = static:{(d / 'mail').stat().st_uid}
virtual_gid_maps = static:{(d / 'mail').stat().st_uid}
virtual_minimum_uid = 1
transport_maps = texthash:{d}/etc/transport
smtpd_tls_cert_file = {cert}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
smtpd_tls_received_header = yes
smtp_tls_security_level = may
smtp_tls_policy_maps = texthash:{d}/etc/tls_policy
smtp_host_lookup = dns
# nothing is to be mended on the way through
local_header_rewrite_clients =
message_drop_headers =
smtp_line_length_limit = 0
smtpd_client_connection_count_limit = 0
minimal_backoff_time = 2s
maximal_backoff_time = 4s
queue_run_delay = 2s
'''

    def logs(self):
        return [self.log, self.directory / 'out']
