import { InvalidArgumentError, Option, type Command } from 'commander';
import { isIP } from 'node:net';
import type { LogLevel } from '../../../shared/log.ts';
import type { OutboundAddress } from '../../../sip/control/outbound.ts';
import { Contacts } from './contacts.ts';

/** drachtio-server's words for how much is logged. */
const levels = new Map<string, LogLevel>([
  ['error', 'error'],
  ['warning', 'warn'],
  ['notice', 'info'],
  ['info', 'info'],
  ['debug', 'debug'],
]);

/** What the flags say; all but the last few take the place of a setting. */
export interface Flags {
  contact?: Contacts;
  address?: string;
  port?: number;
  secret?: string;
  certFile?: string[];
  keyFile?: string[];
  chainFile?: string[];
  caFile?: string;
  verifyClients?: true;
  verifyServers: boolean;
  minTlsVersion?: 'TLSv1.2' | 'TLSv1.3';
  webSocketOrigin?: string[];
  mtu?: number;
  rate?: number;
  burst?: number;
  scanner?: string[];
  loglevel?: LogLevel;
  application?: OutboundAddress[];
  tcpKeepaliveInterval?: number;
  cdrs?: true;
  hangUpOrphans?: true;
  passUnknownReplaces?: true;
}

/** Gives the command its flags: drachtio-server's own by its names, and what that one has no names for. */
export function addFlags(command: Command): Command {
  const contacts = new Contacts();
  return command
    .optionsGroup('As of drachtio-server:')
    .option(
      '-c, --contact <uri>',
      'SIP address to listen on, as sip:address:port;transport=udp; may be repeated',
      (text) => contacts.add(text),
    )
    .option('--external-ip <address>', 'what the contact before it is called outside', (text) =>
      contacts.advertise(text),
    )
    .option('--local-net <prefix>', 'where the contact before it is called by its own address', (text) =>
      contacts.keepLocal(text),
    )
    .option('--address <address>', 'address of the control port (sip.control)', readAddress)
    .option('-p, --port <number>', 'control port (sip.control)', readNumber(0, 65_535))
    .option('--secret <text>', 'what applications must know (sip.controlSecret, which "ps" does not show)')
    .option('--cert-file <file>', 'our certificate (PEM); may be repeated: each is shown for its own names', collect)
    .option('--key-file <file>', 'the key of the certificate, in the same order', collect)
    .option('--chain-file <file>', 'the intermediate certificates, in the same order', collect)
    .option('--min-tls-version <version>', '1.2 or 1.3 (sip.tls.minVersion)', readTlsVersion)
    .option('--mtu <octets>', 'from which length on requests prefer TCP (RFC 3261: 1300)', readNumber(500, 65_535))
    .option('--tcp-keepalive-interval <seconds>', 'on control connections; 0: none', readNumber(0, 86_400), 45)
    .option('-l, --loglevel <level>', 'error, warning, notice, info or debug (log.level)', readLevel)
    .addOption(new Option('--stdout', 'which is where the log always goes').hideHelp())
    .addOption(new Option('--noconfig', 'there is no drachtio.conf.xml here').hideHelp())
    .optionsGroup('And more:')
    .option('--ca-file <file>', 'authorities of the certificates of peers (sip.tls.ca)')
    .option('--verify-clients', 'take only peers with a certificate of those (sip.tls.requireClientCertificate)')
    .option('--no-verify-servers', 'take any certificate of a peer that we connect to (sip.tls.verifyServers)')
    .option('--web-socket-origin <origin>', 'whose pages may connect (sip.webSocketOrigins); may be repeated', collect)
    .option('--rate <number>', 'new requests a second of one address; 0: any (sip.limits.rate)', readNumber(0, 100_000))
    .option('--burst <number>', 'and at once (sip.limits.burst)', readNumber(1, 100_000))
    .option(
      '--scanner <text>',
      'User-Agent, From or To that gets no answer (sip.limits.scanners); may be repeated',
      collect,
    )
    .option(
      '--application <address:port>',
      'connect to an application that listens there; may be repeated',
      collectApplications,
    )
    .option('--cdrs', 'send records of calls to applications that ask for them')
    .option('--hang-up-orphans', 'end the calls of an application that is gone; else requests in them hear 481')
    .option('--pass-unknown-replaces', 'let applications see INVITEs that replace calls of another server; else 481');
}

function collect(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), text];
}

function collectApplications(text: string, before: OutboundAddress[] | undefined): OutboundAddress[] {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):(\d{1,5})$/i.exec(text) ?? [];
  const address = readAddress(bracketed ?? plain ?? '');
  return [...(before ?? []), { address, port: readNumber(0, 65_535)(port ?? '') }];
}

function readAddress(text: string): string {
  if (!isIP(text)) throw new InvalidArgumentError('expected an IP address');
  return text;
}

function readNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) throw new InvalidArgumentError(`expected ${least} to ${most}`);
    return value;
  };
}

function readLevel(text: string): LogLevel {
  const level = levels.get(text);
  if (!level) throw new InvalidArgumentError(`expected one of ${[...levels.keys()].join(', ')}`);
  return level;
}

function readTlsVersion(text: string): 'TLSv1.2' | 'TLSv1.3' {
  if (text === '1.2') return 'TLSv1.2';
  if (text === '1.3') return 'TLSv1.3';
  throw new InvalidArgumentError('expected 1.2 or 1.3; older ones are spoken no more (RFC 8996)');
}
