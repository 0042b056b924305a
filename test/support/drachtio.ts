// The drachtio-server that some suites run against besides the built-in server: where DRACHTIO_URL names one.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, disconnect, newApplication } from './srf-application.ts';

export interface DrachtioServer {
  host: string;
  port: number;
  secret: string;
}

const url = process.env['DRACHTIO_URL'] ?? '';

/** `drachtio://user:secret@127.0.0.1:9022`, as the setting `sip.server`; undefined: there is none. */
export const drachtioServer: DrachtioServer | undefined = url === '' ? undefined : parse(new URL(url));

/** What a test says that needs one, as its `skip`. */
export const withoutDrachtio =
  drachtioServer !== undefined
    ? false
    : 'NOT TESTED: no real drachtio-server: DRACHTIO_URL is not set (drachtio://user:secret@127.0.0.1:9022)';

function parse({ hostname, port, password }: URL): DrachtioServer {
  return { host: hostname, port: Number(port || '9022'), secret: password };
}

/** Where it takes SIP on 127.0.0.1, UDP. */
export async function drachtioSipPort(): Promise<number> {
  if (!drachtioServer) throw new Error('DRACHTIO_URL is not set');
  const application = newApplication();
  const hostPorts = await connect(application, drachtioServer);
  disconnect(application);
  return Number(/udp\/[^,]*:(\d+)/.exec(hostPorts)?.[1]);
}

/**
 * The same for what needs NUL octets. sofia-sip's `tport_log_msg` marks a message with one as truncated, which is then answered
 * 400; that code runs for every message, as drachtio-server sets TPORT_LOG for itself. A build without that mark lets it through.
 */
export async function withoutNul(): Promise<string | false> {
  if (withoutDrachtio !== false) return withoutDrachtio;
  const port = await drachtioSipPort();
  const socket = createSocket('udp4');
  try {
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const own = socket.address().port;
    const head = [
      `OPTIONS sip:127.0.0.1:${port} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${own};branch=z9hG4bK-nul-${process.hrtime.bigint()}`,
      `From: <sip:nul@127.0.0.1:${own}>;tag=n1`,
      `To: <sip:127.0.0.1:${port}>`,
      `Call-ID: nul-${process.hrtime.bigint()}`,
      'CSeq: 1 OPTIONS',
      'Max-Forwards: 70',
      'Content-Type: application/octet-stream',
      'Content-Length: 1',
    ].join('\r\n');
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(3000) });
    socket.send(Buffer.from(`${head}\r\n\r\n\0`), port, '127.0.0.1');
    const [octets] = (await answer) as unknown[];
    if (!String(octets).startsWith('SIP/2.0 400')) return false;
    return 'NOT TESTED: this drachtio-server answers 400 to any message with a NUL octet';
  } finally {
    socket.close();
  }
}
