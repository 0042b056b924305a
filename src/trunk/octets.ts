// drachtio-srf decodes every frame as UTF-8 before anybody sees it, which destroys an ISUP body (RFC 3204: binary). So
// we read the same sockets beside it: a listener of our own stands before that of drachtio-srf, cuts the same chunks
// into frames of octets, and keeps the INVITEs that UTF-8 cannot carry until our handler asks for them. It is the same
// with the built-in server and with a drachtio-server over TCP, as both speak the one protocol.
import { isUtf8 } from 'node:buffer';
import type { Clock, Timer } from '../shared/clock.ts';
import type { Logger } from '../shared/log.ts';
import { FrameReader } from '../sip/control/framing.ts';
import type { ServerSide, Srf } from './srf.ts';

/** drachtio-srf hands an INVITE to us in the same tick; what it does not is forgotten. Milliseconds. */
const keepFor = 5_000;

/** INVITEs that are kept at once, each of at most 64 KiB: 16 MiB. More are read as drachtio-srf decoded them. */
const keepAtMost = 256;

/** The octets of new INVITEs that are not UTF-8, by transaction id, until they are taken. */
export class InviteOctets {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #kept = new Map<string, { octets: Buffer; timer: Timer }>();

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** INVITEs that nobody has taken yet. */
  get size(): number {
    return this.#kept.size;
  }

  /** The octets of this transaction's INVITE, once; undefined when drachtio-srf's text says the same. */
  take(transactionId: string): Buffer | undefined {
    const kept = this.#kept.get(transactionId);
    this.#kept.delete(transactionId);
    kept?.timer.clear();
    return kept?.octets;
  }

  /** Forgets all. */
  close(): void {
    for (const transactionId of this.#kept.keys()) this.take(transactionId);
  }

  /** drachtio-srf as it is connected, with its connections read beside it from their first octet on. */
  beside(srf: Srf): ServerSide {
    return {
      connect: (options) => {
        const result = srf.connect(options);
        this.#readAll(srf, 'connect');
        return result;
      },
      listen: (options) => {
        const result = srf.listen(options);
        this.#readAll(srf, 'connection');
        return result;
      },
      disconnect: (socket) => srf.disconnect(socket),
      on: (event, listener) => srf.on(event, listener),
    };
  }

  #readAll(srf: Srf, event: 'connect' | 'connection'): void {
    const wire = wireOf(srf);
    if (wire) wire.on(event, (socket) => this.#read(socket));
    else this.#log.error('this version of drachtio-srf hides its connections: binary bodies cannot be read');
  }

  /** Nothing has been read of `socket` yet. */
  #read(socket: unknown): void {
    if (!isReadable(socket)) return;
    const frames = new FrameReader();
    const read = (chunk: unknown): void => {
      try {
        if (!Buffer.isBuffer(chunk)) return;
        for (const { fields, message } of frames.push(chunk)) this.#frame(fields, message);
      } catch (error) {
        // drachtio-srf meets the same octets next, and ends the connection.
        socket.off('data', read);
        this.#log.warn({ err: error }, 'the SIP server does not keep to the protocol');
      }
    };
    socket.prependListener('data', read);
  }

  /** `id|sip|network|length|protocol|address|port|time|transaction id|dialog id|…`, then the message. */
  #frame(fields: readonly string[], message: Buffer): void {
    const [, kind, source] = fields;
    const [transactionId = '', dialogId = ''] = fields.slice(8);
    const isNewInvite = kind === 'sip' && source === 'network' && dialogId === '' && startsInvite(message);
    if (!isNewInvite || isUtf8(message) || this.#kept.size >= keepAtMost) return;
    this.take(transactionId);
    const timer = this.#clock.after(keepFor, () => void this.#kept.delete(transactionId));
    this.#kept.set(transactionId, { octets: Buffer.from(message), timer });
  }
}

function startsInvite(message: Buffer): boolean {
  return message.subarray(0, 7).toString('latin1') === 'INVITE ';
}

interface Readable {
  prependListener(event: 'data', listener: (chunk: unknown) => void): unknown;
  off(event: 'data', listener: (chunk: unknown) => void): unknown;
}

interface Wire {
  on(event: string, listener: (socket: unknown) => void): unknown;
}

/** The part of drachtio-srf that has the sockets; it is there once `connect` or `listen` was called. */
function wireOf(srf: object): Wire | undefined {
  const at = (value: unknown, key: string): unknown =>
    (typeof value === 'object' && value !== null) || typeof value === 'function' ? Reflect.get(value, key) : undefined;
  const wire = at(at(at(srf, 'app'), 'client'), 'wp');
  return has<Wire>(wire, ['on']) ? wire : undefined;
}

function isReadable(socket: unknown): socket is Readable {
  return has<Readable>(socket, ['prependListener', 'off']);
}

function has<T extends object>(value: unknown, methods: readonly (keyof T & string)[]): value is T {
  return (
    typeof value === 'object' &&
    value !== null &&
    methods.every((name) => typeof Reflect.get(value, name) === 'function')
  );
}
