"""Thunderbird and Firefox, driven over Marionette: JSON on a loopback port. Pictures of them go to build/e2e-shots/."""
import base64
import contextlib
import json
import os
import pathlib
import socket
import struct
import subprocess
import time
import zlib

from imap_side import home
from world import free_ports, need, wait_for

SHOTS = pathlib.Path(__file__).resolve().parents[2] / 'build' / 'e2e-shots'


def chain(world):
    """A certificate authority, and from it the server's cert.pem and key.pem: Mozilla's programs refuse an authority as a server's own."""
    ca, ca_key, cert, key, request = (world.dir / name for name in ('ca.pem', 'ca-key.pem', 'cert.pem', 'key.pem', 'request.pem'))
    ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    extensions = world.dir / 'extensions'
    extensions.write_text('subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n')
    for command in (['req', '-x509', *ec, '-days', '2', '-subj', '/CN=Test authority', '-keyout', ca_key, '-out', ca],
                    ['req', '-new', *ec, '-subj', '/CN=localhost', '-keyout', key, '-out', request],
                    ['x509', '-req', '-in', request, '-CA', ca, '-CAkey', ca_key, '-days', '2', '-extfile', extensions, '-out', cert]):
        subprocess.run(['openssl', *command], check=True, capture_output=True)
    return ca


class Display:
    """Xvfb with its screen in a file, so that a picture needs no other program."""

    def __init__(self, world, width=1280, height=900):
        need('Xvfb')
        folder = world.dir / 'screen'
        folder.mkdir()
        self.screen = folder / 'Xvfb_screen0'
        read, write = os.pipe()
        self.process = subprocess.Popen(['Xvfb', '-displayfd', str(write), '-screen', '0', f'{width}x{height}x24', '-nolisten', 'tcp', '-fbdir', folder],
                                        pass_fds=(write,), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        world.closers.append(lambda: end(self.process))
        os.close(write)
        with os.fdopen(read) as pipe:
            self.name = ':' + pipe.readline().strip()
        assert self.name != ':', 'Xvfb did not start'

    def shot(self, name):
        """Writes build/e2e-shots/NAME.png. The file is an XWD dump: 25 words of header, a name, colours, then lines of BGRX."""
        data = self.screen.read_bytes()
        header = struct.unpack('>25I', data[:100])
        width, height, per_line = header[4], header[5], header[12]
        pixels = data[header[0] + header[19] * 12:]
        lines = bytearray()
        for y in range(height):
            line = pixels[y * per_line:y * per_line + width * 4]
            rgb = bytearray(width * 3)
            rgb[0::3], rgb[1::3], rgb[2::3] = line[2::4], line[1::4], line[0::4]
            lines += b'\0' + rgb
        SHOTS.mkdir(parents=True, exist_ok=True)

        def chunk(kind, body):
            return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))
        (SHOTS / f'{name}.png').write_bytes(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>2I5B', width, height, 8, 2, 0, 0, 0)) +
                                            chunk(b'IDAT', zlib.compress(bytes(lines), 6)) + chunk(b'IEND', b''))


# Nothing here asks the world, and nothing of the program's own comes between the test and what it tests.
QUIET = {
    'app.update.enabled': False, 'app.update.auto': False, 'app.normandy.enabled': False, 'app.donation.eoy.version.viewed': 999,
    'app.shield.optoutstudies.enabled': False, 'browser.aboutwelcome.enabled': False, 'browser.search.update': False,
    'browser.safebrowsing.malware.enabled': False, 'browser.safebrowsing.phishing.enabled': False, 'browser.shell.checkDefaultBrowser': False,
    'browser.startup.page': 0, 'browser.translations.enable': False, 'datareporting.policy.dataSubmissionEnabled': False,
    'datareporting.healthreport.uploadEnabled': False, 'datareporting.usage.uploadEnabled': False, 'extensions.update.enabled': False,
    'extensions.getAddons.cache.enabled': False, 'media.gmp-manager.updateEnabled': False, 'messaging-system.rsexperimentloader.enabled': False,
    'network.captive-portal-service.enabled': False, 'network.connectivity-service.enabled': False, 'network.dns.disablePrefetch': True,
    'network.prefetch-next': False, 'network.proxy.type': 1, 'network.proxy.http': '127.0.0.1', 'network.proxy.http_port': 9,
    'network.proxy.ssl': '127.0.0.1', 'network.proxy.ssl_port': 9, 'network.trr.mode': 5, 'privacy.query_stripping.enabled': False,
    'security.OCSP.enabled': 0, 'services.settings.server': 'data:,#remote-settings-dummy/v1', 'signon.rememberSignons': True,
    'termsofuse.acceptedVersion': 999, 'toolkit.telemetry.enabled': False, 'toolkit.telemetry.server': '', 'toolkit.telemetry.unified': False,
}


class Program:
    """A Mozilla program with a profile in the world's directory. Without a display it must run headless.

    `context` says whether commands mean the document (content) or the program's own windows (chrome).
    """

    def __init__(self, world, command, prefs, display=None, **environment):
        need(command[0])
        self.name, self.display = command[0], display
        (port,) = free_ports(1)
        profile = world.dir / f'profile-{self.name}'
        profile.mkdir()
        prefs = QUIET | {'marionette.port': port} | prefs
        (profile / 'user.js').write_text(''.join(f'user_pref({json.dumps(name)}, {json.dumps(value)});\n' for name, value in prefs.items()))
        self.log = world.dir / f'{self.name}.out'
        if display:
            environment |= {'DISPLAY': display.name, 'GDK_BACKEND': 'x11'}
        with open(self.log, 'ab') as log:
            self.process = subprocess.Popen(
                [*command, '--no-remote', '--profile', profile, '--marionette', '--remote-allow-system-access'], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
                env=home(world, MOZ_CRASHREPORTER_DISABLE='1', NO_AT_BRIDGE='1', DBUS_SESSION_BUS_ADDRESS='disabled:', GSETTINGS_BACKEND='memory',
                         **environment))
        world.closers.append(self.close)
        self.socket, self.ids = None, 0
        wait_for(f'{self.name} answers on its Marionette port', lambda: self.connect(port), 60, 0.2)
        self.socket.settimeout(60)
        self.command('WebDriver:NewSession')
        self.command('WebDriver:SetTimeouts', {'script': 50_000, 'pageLoad': 50_000})

    def connect(self, port):
        assert self.process.poll() is None, f'{self.name} ended with {self.process.returncode}: {self.log.read_text(errors="replace")[-2000:]}'
        try:
            self.socket = socket.create_connection(('127.0.0.1', port), 5)
            self.file = self.socket.makefile('rb')
            return self.receive()['marionetteProtocol'] == 3
        except (OSError, ValueError):
            return False

    def receive(self):
        """One packet: its length in decimal, a colon, JSON."""
        length = b''
        while not length.endswith(b':'):
            byte = self.file.read(1)
            if not byte:
                raise ConnectionError('Marionette closed the connection')
            length += byte
        return json.loads(self.file.read(int(length[:-1])))

    def command(self, name, parameters=None):
        self.ids += 1
        packet = json.dumps([0, self.ids, name, parameters or {}]).encode()
        self.socket.sendall(b'%d:%s' % (len(packet), packet))
        while (answer := self.receive())[1] != self.ids:
            pass
        _, _, error, result = answer
        assert error is None, f'{name}: {error["error"]}: {error["message"]} {error.get("data")}\n{error.get("stacktrace", "")}'
        return result['value'] if isinstance(result, dict) and 'value' in result else result

    def context(self, name):
        self.command('Marionette:SetContext', {'value': name})

    def execute(self, script, *arguments):
        """The body of an asynchronous function: it may await, and what it returns comes back. Its arguments are a[0], a[1], ..."""
        wrapped = ('const a = arguments, done = a[a.length - 1];'
                   f'(async () => {{ {script} }})().then(v => done([true, v]), e => done([false, `${{e}} ${{e.stack}}`]));')
        good, value = self.command('WebDriver:ExecuteAsyncScript', {'script': wrapped, 'args': list(arguments)})
        assert good, value
        return value

    def wait(self, what, script, *arguments, seconds=30):
        """Until the script returns something true, which is the answer. Nothing that it meets half built is an error."""
        found = []

        def there():
            found[:] = [self.execute(f'try {{ return await (async () => {{ {script} }})(); }} catch (e) {{ return null; }}', *arguments)]
            return found[0]
        wait_for(what, there, seconds, 0.1)
        return found[0]

    def click(self, what, element, *arguments, seconds=30):
        """The mouse on the middle of the element that the script returns, in whatever frame, as soon as it is there and moves no more."""
        x, y = self.wait(what, f'''
            const middle = async () => {{
              const element = await (async () => {{ {element} }})();
              element.scrollIntoView({{block: "nearest"}});
              const r = element.getBoundingClientRect();
              let x = r.x + r.width / 2, y = r.y + r.height / 2;
              for (let w = element.ownerDocument.defaultView, outer; (outer = w.browsingContext?.embedderElement); w = outer.ownerDocument.defaultView) {{
                x += outer.getBoundingClientRect().x; y += outer.getBoundingClientRect().y;
              }}
              return r.width && r.height ? [Math.floor(x), Math.floor(y)] : [];
            }};
            const before = await middle();
            await new Promise(resolve => setTimeout(resolve, 150));
            const after = await middle();
            return after.length && String(before) == String(after) ? after : null;''', *arguments, seconds=seconds)
        self.act({'type': 'pointer', 'id': 'mouse', 'parameters': {'pointerType': 'mouse'},
                  'actions': [{'type': 'pointerMove', 'x': x, 'y': y, 'origin': 'viewport', 'duration': 0},
                              {'type': 'pointerDown', 'button': 0}, {'type': 'pointerUp', 'button': 0}]})

    def keys(self, text, held=''):
        """Types, while the keys of `held` are down. WebDriver's names: \ue004 tab, \ue007 enter, \ue009 control, \ue017 delete."""
        self.act({'type': 'key', 'id': 'keyboard',
                  'actions': [{'type': 'keyDown', 'value': c} for c in held] +
                             [{'type': kind, 'value': c} for c in text for kind in ('keyDown', 'keyUp')] +
                             [{'type': 'keyUp', 'value': c} for c in held]})

    def act(self, sequence):
        self.command('WebDriver:PerformActions', {'actions': [sequence]})

    def windows(self):
        return self.command('WebDriver:GetWindowHandles')

    def switch(self, handle):
        self.command('WebDriver:SwitchToWindow', {'handle': handle, 'focus': True})

    def trust(self, ca):
        self.context('chrome')
        self.execute('Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB).addCertFromBase64(a[0], "C,,");',
                     ''.join(line for line in ca.read_text().splitlines() if not line.startswith('-----')))

    def shot(self, name):
        time.sleep(0.7)  # the screen shows it a few frames after the document says it
        if self.display:
            self.display.shot(name)
        else:
            SHOTS.mkdir(parents=True, exist_ok=True)
            (SHOTS / f'{name}.png').write_bytes(base64.b64decode(self.command('WebDriver:TakeScreenshot', {'full': False, 'hash': False})))

    def close(self):
        with contextlib.suppress(Exception):
            self.context('chrome')
            self.command('Marionette:Quit', {'flags': ['eForceQuit']})
            self.process.wait(15)
        end(self.process)


def end(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
