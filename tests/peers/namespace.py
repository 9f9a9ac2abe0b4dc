"""A machine of our own inside this one: private network, mounts and processes, in which ports 25 and 53 and all of 127/8 are ours.

/etc is a copy in memory: users, resolver and libraries are added to it, and all of it is gone with the last process.
"""
import ctypes
import fcntl
import os
import pathlib
import socket
import struct
import subprocess
import sys

from world import Skip

UNSHARE = ['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
USERS = {'postfix': 20001, 'postdrop': 20002, 'Debian-exim': 20003}
MS_BIND = 0x1000


def check():
    """Skip, unless the machine permits it."""
    if os.getuid() != 0:
        raise Skip('needs root: real servers on ports 25 and 53, in a network of their own')
    try:
        probe = subprocess.run([*UNSHARE, 'true'], capture_output=True, text=True)
    except FileNotFoundError:
        raise Skip('unshare is not installed') from None
    if probe.returncode != 0:
        raise Skip(f'no namespaces here: {probe.stderr.strip()}')


def run_inside(*words):
    """This Python once more, inside; its exit code."""
    return subprocess.run([*UNSHARE, sys.executable, *map(str, words)]).returncode


def mount(source, target, kind=None, flags=0, data=None):
    encoded = [None if word is None else str(word).encode() for word in (source, target, kind, data)]
    if ctypes.CDLL(None, use_errno=True).mount(*encoded[:3], ctypes.c_ulong(flags), encoded[3]) != 0:
        raise OSError(ctypes.get_errno(), f'mount {target}: {os.strerror(ctypes.get_errno())}')


def in_memory(directory):
    """What is written there goes to no disk."""
    directory.mkdir(parents=True, exist_ok=True)
    mount('none', directory, 'tmpfs', data='mode=755')
    return directory


def loopback_up():
    with socket.socket() as s:
        fcntl.ioctl(s, 0x8914, struct.pack('16sH14x', b'lo', 0x1 | 0x40))  # SIOCSIFFLAGS, IFF_UP | IFF_RUNNING


def private_etc(directory):
    in_memory(directory)
    subprocess.run(['cp', '-a', '/etc/.', directory], check=True)
    mount(directory, '/etc', flags=MS_BIND)


def add_users():
    passwd, group = pathlib.Path('/etc/passwd'), pathlib.Path('/etc/group')
    for name, number in USERS.items():
        for file, line in ((passwd, f'{name}:x:{number}:{number}::/nonexistent:/usr/sbin/nologin'), (group, f'{name}:x:{number}:')):
            kept = [old for old in file.read_text().splitlines() if not old.startswith(f'{name}:')]
            file.write_text('\n'.join([*kept, line]) + '\n')


def furnish(directory, root, resolver):
    """`root` is where setup.sh unpacked the servers; `resolver` the address of the name server that all ask."""
    loopback_up()
    private_etc(directory / 'etc')
    add_users()
    etc = pathlib.Path('/etc')
    files = {'resolv.conf': f'nameserver {resolver}\n', 'hosts': '127.0.0.1 localhost\n', 'services': 'smtp 25/tcp\ndomain 53/tcp\ndomain 53/udp\n',
             'nsswitch.conf': 'passwd: files\ngroup: files\nservices: files\nhosts: files dns\n'}
    for name, text in files.items():
        (etc / name).unlink(missing_ok=True)
        (etc / name).write_text(text)
    own = root / 'usr/lib/postfix'
    if os.path.isdir('/usr/lib/postfix'):  # Postfix looks there first
        mount(own, '/usr/lib/postfix', flags=MS_BIND)
    folders = [own, *root.glob('lib/*-linux-gnu'), *root.glob('usr/lib/*-linux-gnu')]
    (etc / 'ld.so.conf').write_text('include /etc/ld.so.conf.d/*.conf\n' + ''.join(f'{folder}\n' for folder in folders))
    subprocess.run(['/sbin/ldconfig', '-X'], check=True, capture_output=True)
