import { InvalidArgumentError, type Command } from 'commander';
import { isIP } from 'node:net';
import { systemClock } from '../../shared/clock.ts';
import { Failure } from '../../shared/errors.ts';
import { createLogger, type LogLevel } from '../../shared/log.ts';
import type { OutboundAddress } from '../../sip/control/outbound.ts';
import { startSipServer } from '../../sip/server.ts';
import { act } from '../context.ts';

const help = `
Applications written with drachtio-srf connect to --address and --port with --secret.
SIGTERM or SIGINT: no new calls; it ends when the standing calls are over, after 30 seconds at the latest.

Examples:
  ringaway sip-server --contact 'sip:127.0.0.1:5070;transport=udp' --secret cymru
  ringaway sip-server --contact 'sip:192.0.2.5;transport=udp,tcp' --address 127.0.0.1 --port 9022 --secret cymru`;

/** What standing calls are given to end after a signal; milliseconds. */
const drainWithin = 30_000;

const levels = new Map<string, LogLevel>([
  ['error', 'error'],
  ['warning', 'warn'],
  ['notice', 'info'],
  ['info', 'info'],
  ['debug', 'debug'],
]);

interface Options {
  contact: string[];
  address: string;
  port: number;
  secret: string;
  application?: OutboundAddress[];
  cdrs: boolean;
  loglevel: LogLevel;
}

/** `ringaway sip-server`: the built-in SIP server alone, with drachtio-server's flags. */
export function registerSipServer(program: Command): void {
  program
    .command('sip-server')
    .summary('run the SIP server alone, for applications written with drachtio-srf')
    .description('Run the SIP server alone, in the place of drachtio-server.')
    .requiredOption(
      '--contact <uri>',
      'SIP address to listen on, as sip:address:port;transport=udp; may be repeated',
      collectContacts,
    )
    .option('--address <address>', 'address of the control port', readAddress, '127.0.0.1')
    .option('--port <number>', 'control port', readPort, 9022)
    .requiredOption('--secret <text>', 'what applications must know')
    .option(
      '--application <address:port>',
      'connect to an application that listens there; may be repeated',
      collectApplications,
    )
    .option('--cdrs', 'send records of calls to applications that ask for them', false)
    .option('--loglevel <level>', 'error, warning, notice, info or debug', readLevel, 'info')
    .addHelpText('after', help)
    .action(act(async (_context, options: Options) => run(options)));
}

async function run(options: Options): Promise<void> {
  const log = createLogger(options.loglevel, process.stdout.isTTY);
  const server = await startSipServer({
    listen: options.contact,
    control: { address: options.address, port: options.port, secret: options.secret },
    outbound: { applications: options.application ?? [], secret: options.secret },
    callRecords: options.cdrs,
    clock: systemClock,
    log,
  }).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure('bad-setting', `the SIP server did not start: ${reason}`);
  });
  log.info({ sip: server.listening, control: server.controlAddress }, 'the SIP server is ready');
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  log.info({ signal }, 'the SIP server takes no new calls and ends');
  await server.drain(drainWithin);
  await server.close();
}

/** `sip:127.0.0.1:5070;transport=udp,tcp` as `udp://127.0.0.1:5070` and `tcp://127.0.0.1:5070`; `*` is every address. */
export function readContact(text: string): string[] {
  const match = /^sip:(\*|\[[0-9a-f:.]+\]|[0-9.]+)(?::(\d{1,5}))?(?:;transport=([a-z,]+))?$/i.exec(text);
  const [, host = '', port = '5060', transports = 'udp,tcp'] = match ?? [];
  const names = transports.toLowerCase().split(',');
  const address = host === '*' ? '0.0.0.0' : host;
  const bare = address.startsWith('[') ? address.slice(1, -1) : address;
  if (!match || !names.every((name) => name === 'udp' || name === 'tcp') || !isIP(bare) || Number(port) > 65_535) {
    throw new InvalidArgumentError(
      'expected sip:address:port;transport=udp (or tcp, or udp,tcp) with an IP address or *',
    );
  }
  return names.map((name) => `${name}://${address}:${port}`);
}

function collectContacts(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), ...readContact(text)];
}

function collectApplications(text: string, before: OutboundAddress[] | undefined): OutboundAddress[] {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):(\d{1,5})$/i.exec(text) ?? [];
  return [...(before ?? []), { address: readAddress(bracketed ?? plain ?? ''), port: readPort(port ?? '') }];
}

function readAddress(text: string): string {
  if (!isIP(text)) throw new InvalidArgumentError('expected an IP address');
  return text;
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new InvalidArgumentError('expected a port, 0 to 65535');
  return port;
}

function readLevel(text: string): LogLevel {
  const level = levels.get(text);
  if (!level) throw new InvalidArgumentError(`expected one of ${[...levels.keys()].join(', ')}`);
  return level;
}
