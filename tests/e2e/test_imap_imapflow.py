"""imapflow (node): what many web mailers are built on. Runs where node and the package are; GODWIT_NODE_MODULES names its folder."""
import json
import os
import pathlib
import subprocess

from imap_side import ANN, PASSWORD, ImapSide, home, mail, run
from world import Skip, need

SCRIPT = '''
const { ImapFlow } = require('imapflow');
const options = JSON.parse(process.argv[2]);
const out = {};
(async () => {
  const client = new ImapFlow({ host: options.host, port: options.port, secure: true, auth: { user: options.user, pass: options.pass },
                                tls: { ca: require('fs').readFileSync(options.ca) }, logger: false, qresync: true });
  await client.connect();
  out.capabilities = [...client.capabilities.keys()];
  await client.mailboxCreate('Work');
  await client.mailboxCreate(['Work', 'Grüße']);
  out.folders = (await client.list()).map(f => [f.path, f.specialUse || '']);
  const appended = await client.append('INBOX', Buffer.from(options.message), ['\\\\Seen'], new Date('2020-05-06T07:08:09Z'));
  out.appended = appended.uid;
  const lock = await client.getMailboxLock('INBOX');
  out.exists = client.mailbox.exists;
  out.search = await client.search({ subject: 'flow' }, { uid: true });
  const one = await client.fetchOne('*', { uid: true, flags: true, envelope: true, bodyStructure: true, internalDate: true, size: true, source: true });
  out.one = { uid: one.uid, flags: [...one.flags], subject: one.envelope.subject, type: one.bodyStructure.type, size: one.size,
              date: one.internalDate.toISOString(), source: one.source.toString() };
  const part = await client.download('*', '1');
  const pieces = [];
  for await (const piece of part.content) pieces.push(piece);
  out.part = Buffer.concat(pieces).toString();
  await client.messageFlagsAdd('1:*', ['\\\\Flagged', '$label1']);
  out.flags = [...(await client.fetchOne('1', { flags: true })).flags];
  const copied = await client.messageCopy('1', 'Work');
  out.copied = [...copied.uidMap];
  const moved = await client.messageMove('1', 'Work/Grüße');
  out.moved = [...moved.uidMap];
  out.status = await client.status('Work', { messages: true, unseen: true, uidNext: true });
  out.quota = await client.getQuota('INBOX') ? true : false;
  lock.release();
  await client.mailboxDelete('Work/Grüße');
  await client.logout();
  console.log(JSON.stringify(out));
})().catch(error => { console.error(error); process.exit(1); });
'''


def modules():
    need('node')
    candidates = [os.environ.get('GODWIT_NODE_MODULES', ''), '/usr/share/nodejs', '/usr/lib/node_modules', '/usr/local/lib/node_modules']
    for folder in candidates:
        if folder and (pathlib.Path(folder) / 'imapflow').is_dir():
            return folder
    raise Skip('the node package imapflow is not there')


def case_imapflow(world):
    folder = modules()
    side = ImapSide(world)
    script = world.dir / 'flow.js'
    script.write_text(SCRIPT)
    message = mail('by flow', 'grüße\r\n')
    options = {'host': side.host, 'port': side.tls, 'user': ANN, 'pass': PASSWORD, 'ca': str(side.certificate), 'message': message.decode()}
    try:
        out = json.loads(run(['node', script, json.dumps(options)], env=home(world, NODE_PATH=folder)).stdout)
    except subprocess.TimeoutExpired as stuck:
        raise AssertionError(f'imapflow hangs: {stuck.stdout!r} {stuck.stderr!r}') from None
    assert ['Sent', '\\Sent'] in out['folders'] and ['Work/Grüße', ''] in out['folders'], out['folders']
    assert out['exists'] == 1 and out['search'] == [out['appended']] and out['one']['uid'] == out['appended'], out
    assert out['one']['source'].encode() == message and out['one']['size'] == len(message) and set(out['one']['flags']) - {'\\Recent'} == {'\\Seen'}, out['one']
    assert out['one']['subject'] == 'by flow' and out['one']['type'] == 'text/plain' and out['one']['date'].startswith('2020-05-06T07:08:09'), out['one']
    assert out['part'].rstrip() == 'grüße' and {'\\Seen', '\\Flagged', '$label1'} <= set(out['flags']), out
    assert len(out['copied']) == 1 and len(out['moved']) == 1 and out['status']['messages'] == 1 and out['status']['unseen'] == 0, out
