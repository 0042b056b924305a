import type { Command } from 'commander';
import type { Settings } from '../../../config.ts';
import { sipServerOptions } from '../../../config/sip-server-options.ts';
import { systemClock } from '../../../shared/clock.ts';
import { Failure } from '../../../shared/errors.ts';
import { createLogger, type Logger } from '../../../shared/log.ts';
import { startSipServer, type SipServer, type SipServerOptions } from '../../../sip/server.ts';
import type { CertificateFiles, TlsSettings } from '../../../sip/transport/certificates.ts';
import { act } from '../../context.ts';
import { addFlags, type Flags } from './flags.ts';

const help = `
What no flag says is taken from the settings below "sip" (--config, RINGAWAY_CONFIG, ./ringaway.yaml, or the defaults).
Applications written with drachtio-srf connect to --address and --port with --secret.
SIGHUP: the certificates are read again. SIGTERM or SIGINT: no new calls; it ends when the standing calls are over, after 30
seconds at the latest.

Examples:
  ringaway sip-server --contact 'sip:127.0.0.1:5070;transport=udp' --secret cymru
  ringaway sip-server --contact 'sip:192.0.2.5;transport=udp,tcp' --external-ip 203.0.113.7 --local-net 192.0.2.0/24 \\
    --contact 'sips:192.0.2.5:5061;transport=tls' --cert-file cert.pem --chain-file chain.pem --key-file key.pem \\
    --address 127.0.0.1 --port 9022 --secret cymru
  ringaway sip-server --config /etc/ringaway/ringaway.yaml`;

/** What standing calls are given to end after a signal; milliseconds. */
const drainWithin = 30_000;

/** `ringaway sip-server`: the built-in SIP server alone, by the settings and with drachtio-server's flags. */
export function registerSipServer(program: Command): void {
  const command = program
    .command('sip-server')
    .summary('run the SIP server alone, for applications written with drachtio-srf')
    .description('Run the SIP server alone, in the place of drachtio-server.');
  addFlags(command)
    .addHelpText('after', help)
    .action(act(async (context, flags: Flags) => run(context.settings(), flags)));
}

async function run(settings: Settings, flags: Flags): Promise<void> {
  const { level, pretty } = settings.log;
  const log = createLogger(flags.loglevel ?? level, pretty === 'auto' ? process.stdout.isTTY : pretty);
  const server = await startSipServer({ ...optionsOf(settings, flags), clock: systemClock, log }).catch(
    (error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Failure('bad-setting', `the SIP server did not start: ${reason}`);
    },
  );
  log.info({ sip: server.listening, control: server.controlAddress }, 'the SIP server is ready');
  process.on('SIGHUP', () => server.reloadCertificates());
  await ended(server, log);
}

async function ended(server: SipServer, log: Logger): Promise<void> {
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  log.info({ signal }, 'the SIP server takes no new calls and ends');
  await server.drain(drainWithin);
  await server.close();
}

/** The settings, with what the flags say in their place. @throws Failure `bad-setting` */
export function optionsOf({ sip }: Settings, flags: Flags): Omit<SipServerOptions, 'clock' | 'log'> {
  const secret = flags.secret ?? sip.controlSecret;
  if (secret === undefined) {
    throw new Failure('bad-setting', 'what applications must know is missing: --secret, or sip.controlSecret');
  }
  const { limits } = sip;
  return {
    ...sipServerOptions(sip),
    // A set-up by flags says all of what is listened on and how it is called
    ...(flags.contact && { listen: flags.contact.listen, advertised: undefined }),
    tls: tlsOf(sip.tls, flags),
    ...(flags.webSocketOrigin && { origins: flags.webSocketOrigin }),
    ...(flags.mtu !== undefined && { largeRequest: flags.mtu }),
    limits: {
      ...limits,
      rate: flags.rate ?? limits.rate,
      burst: flags.burst ?? limits.burst,
      scanners: flags.scanner ?? limits.scanners,
    },
    control: { address: flags.address ?? sip.control.host, port: flags.port ?? sip.control.port, secret },
    ...(flags.tcpKeepaliveInterval !== undefined && { controlKeepAlive: flags.tcpKeepaliveInterval * 1000 }),
    outbound: { applications: flags.application ?? [], secret },
    callRecords: flags.cdrs === true,
    hangUpOrphans: flags.hangUpOrphans === true,
    passUnknownReplaces: flags.passUnknownReplaces === true,
  };
}

function tlsOf(tls: TlsSettings, flags: Flags): TlsSettings {
  return {
    ...tls,
    ...(flags.certFile && { certificates: certificatesOf(flags.certFile, flags) }),
    ...(flags.caFile !== undefined && { ca: flags.caFile }),
    ...(flags.verifyClients && { requireClientCertificate: true }),
    ...(!flags.verifyServers && { verifyServers: false }),
    ...(flags.minTlsVersion && { minVersion: flags.minTlsVersion }),
  };
}

function certificatesOf(certs: readonly string[], { keyFile = [], chainFile = [] }: Flags): CertificateFiles[] {
  return certs.map((cert, index) => {
    const key = keyFile[index];
    const chain = chainFile[index];
    if (key === undefined) throw new Failure('bad-setting', `--cert-file ${cert} has no --key-file`);
    return { cert, key, ...(chain === undefined ? {} : { chain }) };
  });
}
