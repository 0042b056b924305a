// A process under measurement: the SIP server, a plain drachtio-srf B2BUA, or both. Started by parties.ts with its role as
// its argument; told what to do by text messages, and ends when its parent is gone.
import { Session } from 'node:inspector/promises';
import { holdEnvironment } from '../../src/config.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { createLogger } from '../../src/shared/log.ts';
import { startSipServer } from '../../src/sip/server.ts';
import {
  attach,
  connect,
  newApplication,
  type AppDialog,
  type Application,
  type AppRequest,
  type AppResponse,
} from '../support/srf-application.ts';
import { readRole, type Report, type Role } from './role.ts';

interface B2bua extends Application {
  createB2BUA(
    req: AppRequest,
    res: AppResponse,
    uri: string,
    options: { localSdpB: string },
  ): Promise<{ readonly uas: AppDialog; readonly uac: AppDialog }>;
}

/** How many standing calls are ended at once. */
const endedAtOnce = 50;
const standing = new Map<AppDialog, AppDialog>();
const log = createLogger('error', false);

function report(message: Report): void {
  process.send?.(message);
}

function newB2bua(target: string): B2bua {
  const application = newApplication();
  if (!isB2bua(application)) throw new TypeError('drachtio-srf without createB2BUA');
  application.on('error', (error) => log.error({ err: error }, 'drachtio-srf'));
  application.invite((req, res) => {
    application.createB2BUA(req, res, target, { localSdpB: req.body }).then(join, (error: unknown) => {
      log.debug({ err: error }, 'a call failed'); // SIPp counts it
    });
  });
  return application;
}

function isB2bua(application: Application): application is B2bua {
  return 'createB2BUA' in application;
}

function join({ uas, uac }: { readonly uas: AppDialog; readonly uac: AppDialog }): void {
  standing.set(uas, uac);
  endsWith(uas, uac, uas);
  endsWith(uac, uas, uas);
}

function endsWith(ended: AppDialog, other: AppDialog, key: AppDialog): void {
  ended.on('destroy', () => {
    standing.delete(key);
    other.destroy().catch(() => undefined); // both sides hung up at once
  });
}

async function hangUp(): Promise<void> {
  const calls = [...standing];
  standing.clear();
  for (let at = 0; at < calls.length; at += endedAtOnce) {
    const ended = calls.slice(at, at + endedAtOnce).flatMap(([uas, uac]) => [uas.destroy(), uac.destroy()]);
    await Promise.allSettled(ended);
  }
}

/** The server in its own process or with the application, and where it takes SIP. */
async function start(role: Role): Promise<Report> {
  if (role.kind === 'application') {
    const hostPorts = await connect(newB2bua(role.target), role.control);
    const sip = /\budp\/([^,\s]+)/.exec(hostPorts)?.[1];
    if (sip === undefined) throw new Error(`the server takes no SIP over UDP, but ${hostPorts}`);
    return { kind: 'ready', sip };
  }
  const server = await startSipServer({
    listen: ['udp://127.0.0.1:0'],
    control: role.kind === 'server' ? { address: '127.0.0.1', port: 0, secret: role.secret } : 'in-process',
    clock: systemClock,
    log,
  });
  if (role.kind === 'both') await attach(newB2bua(role.target), server);
  const sip = (server.listening[0] ?? '').replace('udp://', '');
  return { kind: 'ready', sip, ...(server.controlAddress && { controlPort: server.controlAddress.port }) };
}

function memory(): Report {
  // Twice: what the first collection finds finalised, the second takes away.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { kind: 'memory', heap: heapUsed + external, rss };
}

const session = new Session();

async function profile(): Promise<void> {
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
  report({ kind: 'profiling' });
}

async function profiled(): Promise<void> {
  const { profile } = await session.post('Profiler.stop');
  report({ kind: 'profile', profile });
}

process.on('message', (command) => {
  if (command === 'memory') report(memory());
  else if (command === 'hang up') void hangUp().then(() => report({ kind: 'hung up' }));
  else if (command === 'profile') void profile();
  else if (command === 'profiled') void profiled();
  else process.exit(0);
});
process.once('disconnect', () => process.exit(0));
holdEnvironment(); // as the product does
report(await start(readRole(process.argv[2] ?? '')));
