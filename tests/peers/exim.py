"""Debian's Exim on addresses of its own: takes mail for its domains into one maildir, sends the rest by MX."""
import os
import pathlib
import pwd
import shutil
import subprocess

from dns_zones import EXIM, EXIM_PLAIN
from maildir import Maildir

CONFIGURATION = '''
exim_path = {exim}
spool_directory = {d}/spool
log_file_path = {d}/%slog
pid_file_path = {d}/pid
primary_hostname = mx.exim.test
local_interfaces = {EXIM} : {EXIM_PLAIN}
daemon_smtp_ports = 25
disable_ipv6 = true
host_lookup =
smtp_accept_max = 0
smtp_accept_queue_per_connection = 0
queue_run_max = 4
remote_max_parallel = 4
local_from_check = false
return_path_remove = false
envelope_to_remove = false
delivery_date_remove = false
keep_malformed = 1d
log_selector = +tls_cipher
tls_advertise_hosts = ${{if eq{{$received_ip_address}}{{{EXIM_PLAIN}}}{{}}{{*}}}}
tls_certificate = {cert}
tls_privatekey = {key}
domainlist ours = exim.test : plain.exim.test : corpus.exim.test : control.exim.test
acl_smtp_rcpt = rcpt
acl_smtp_data = data

begin acl
rcpt:
  accept domains = +ours
         local_parts = ^(ann|m[0-9]+)\\$
  deny   domains = +ours
         message = 5.1.1 nobody of that name here
  accept hosts = 127.0.0.1
  deny   message = 5.7.1 no relaying
data:
  accept

begin routers
# what came by way of Godwit goes back the same way; what came from Postfix itself goes back there: the control
corpus:
  driver = redirect
  domains = corpus.exim.test
  data = $local_part@corpus.postfix.test
control:
  driver = redirect
  domains = control.exim.test
  data = $local_part@control.postfix.test
by_way_of_godwit:
  driver = manualroute
  domains = corpus.postfix.test
  transport = smtp
  route_list = * mx.godwit.test bydns
ours:
  driver = accept
  domains = +ours
  local_parts = ^(ann|m[0-9]+)\\$
  transport = box
by_mx:
  driver = dnslookup
  domains = ! +ours
  transport = smtp
  no_more

begin transports
smtp:
  driver = smtp
  interface = {EXIM}
  allow_localhost
  hosts_avoid_tls = ${{if eq{{$domain}}{{plain.godwit.test}}{{*}}{{}}}}
box:
  driver = appendfile
  directory = {d}/mail/box
  maildir_format
  user = Debian-exim
  envelope_to_add
  delivery_date_add
  return_path_add

begin retry
* * F,1h,2s
'''


class Exim:
    name, address, plain_address, domain = 'exim', EXIM, EXIM_PLAIN, 'exim.test'

    def __init__(self, directory, root, certificate):
        self.directory, self.log = directory, directory / 'mainlog'
        self.box = Maildir(directory / 'mail/box', 'Envelope-to')
        (directory / 'mail').mkdir(parents=True)
        program = directory / 'exim4'
        shutil.copy(root / 'usr/sbin/exim4', program)
        os.chmod(program, 0o4755)  # it starts itself anew for each delivery
        for name in ('cert.pem', 'key.pem'):
            shutil.copy(certificate[name == 'key.pem'], directory / name)
            os.chmod(directory / name, 0o640)
        owner = pwd.getpwnam('Debian-exim')
        for path in (directory, *directory.rglob('*')):
            if path != program:
                os.chown(path, owner.pw_uid, owner.pw_gid)
        etc = pathlib.Path('/etc/exim4')  # compiled in, and /etc is ours here
        etc.mkdir(exist_ok=True)
        (etc / 'exim4.conf').write_text(CONFIGURATION.format(exim=program, d=directory, EXIM=EXIM, EXIM_PLAIN=EXIM_PLAIN,
                                                             cert=directory / 'cert.pem', key=directory / 'key.pem'))
        os.chmod(etc / 'exim4.conf', 0o644)
        with open(directory / 'out', 'ab') as out:
            self.process = subprocess.Popen([program, '-bdf', '-q2s'], stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def logs(self):
        return [self.log, self.directory / 'paniclog', self.directory / 'out']
