import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SipPeer } from '../../support/sip-peer.ts';
import { connect, disconnect, newApplication, nextInvite } from '../../support/srf-application.ts';

const program = fileURLToPath(new URL('../../../src/cli/ringaway.ts', import.meta.url));

test(
  'ringaway sip-server serves a call with the flags of drachtio-server, and ends at SIGTERM',
  { timeout: 30_000 },
  async (t) => {
    const flags = ['--address', '127.0.0.1', '--port', '0', '--secret', 'cymru', '--loglevel', 'info'];
    const contacts = ['--contact', 'sip:127.0.0.1:0;transport=udp', '--contact', 'sip:127.0.0.1:0;transport=tcp'];
    const child = spawn(process.execPath, [program, 'sip-server', ...contacts, ...flags], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    t.after(() => child.kill('SIGKILL'));
    const ready = await firstLine(child.stdout);
    const sip = /udp:\/\/127\.0\.0\.1:(\d+)/.exec(ready)?.[1];
    const control = /"control":\{[^}]*"port":(\d+)/.exec(ready)?.[1];
    assert.ok(sip !== undefined && control !== undefined, ready);
    assert.match(ready, /tcp:\/\/127\.0\.0\.1:\d+/);

    const application = newApplication();
    await connect(application, { host: '127.0.0.1', port: Number(control), secret: 'cymru' });
    const peer = await SipPeer.open();
    t.after(() => peer.close());
    const arrival = nextInvite(application);
    const call = peer.invite(Number(sip));
    const { res } = await arrival;
    res.send(486);
    call.ackFailure(await peer.response(486, 'INVITE'));
    disconnect(application); // before the server goes, or drachtio-srf would look for it for ever
    child.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
  },
);

async function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stream })) return line;
  throw new Error('the server said nothing and ended');
}
