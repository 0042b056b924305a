// Stands in for test/sipp.js of drachtio-srf, which runs SIPp in containers: here it is a process beside.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { freeUdpPort } from '../../../support/rtpengine.ts';
import { readSettings } from './settings.ts';

/** No scenario of the suite takes longer, but for the one that waits 64*T1 for an ACK. Milliseconds. */
const patience = 60_000;

let output = '';

const runner = {
  output: () => output,
  /** Calls the server under test once. */
  async sippUac(scenario: string): Promise<void> {
    output = '';
    await run(scenario, await freeUdpPort(), [readSettings().sip]);
  },
  /** Waits for one call at `address:port` (a container's name in the original). */
  async sippUas(scenario: string, address: string): Promise<void> {
    await run(scenario, Number(address.split(':')[1]), []);
  },
};

async function run(scenario: string, port: number, remote: string[]): Promise<void> {
  const { folder, scenarios } = readSettings();
  const media = await freeUdpPort();
  const own = ['-i', '127.0.0.1', '-p', `${port}`, '-mp', `${media}`, '-cid_str', `%u-${crypto.randomUUID()}`];
  const file = path.join(scenarios, scenario);
  const child = spawn('sipp', ['-sf', file, '-m', '1', '-sleep', '250ms', '-nostdin', ...own, ...remote], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: patience,
    killSignal: 'SIGKILL',
  });
  child.stdout.on('data', (text: Buffer) => (output += text.toString('ascii')));
  child.stderr.on('data', (text: Buffer) => (output += text.toString('ascii')));
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`SIPp with ${scenario} ended with ${code ?? signal ?? ''}: ${output.slice(-1500)}`));
    });
  });
}

export { start as 'module.exports' };

function start(): typeof runner {
  return runner;
}
