import { createSocket, type Socket } from 'node:dgram';
import type { Clock } from '../../shared/clock.ts';
import { Failure, messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { DigitCounts } from '../contract.ts';
import { readDigitReport } from './digit-report.ts';
import type { Engine } from './engine.ts';

interface Parts {
  clock: Clock;
  log: Logger;
  engines: () => readonly Pick<Engine, 'host' | 'tenant'>[];
}

/**
 * Milliseconds in which the same datagram is the same key: a network may double it, and an engine tells no more of the time than
 * the second. No key can be pressed again that fast (ITU-T Q.24: 40 of tone and 40 of pause at least).
 */
const sameKeyWithin = 40;
/** Datagrams that are read in a second, of all engines: a thousand phones that press a key each. */
const mostInSecond = 1_000;

/** Where the engines tell which keys were pressed. Whatever else comes there is counted, and does nothing. */
export class DigitReceiver {
  readonly counts: DigitCounts = { taken: 0, unwanted: 0, repeated: 0, unreadable: 0, stranger: 0, excess: 0 };
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #engines: Parts['engines'];
  /** What came lately, and when; oldest first. */
  readonly #lately = new Map<string, number>();
  #closing: Promise<void> | undefined;
  #second = { began: 0, datagrams: 0 };

  /**
   * @param address `udp://address:port`
   * @throws Failure `address-in-use`, `bad-setting`
   */
  static async open(address: string, parts: Parts): Promise<DigitReceiver> {
    const [host = '', port = ''] = address.replace('udp://', '').split(':');
    const socket = createSocket('udp4');
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (error) => reject(bindFailure(address, error)));
      socket.bind(Number(port), host, resolve);
    });
    socket.removeAllListeners('error').on('error', (error) => parts.log.warn(`media.digitEvents: ${messageOf(error)}`));
    return new DigitReceiver(socket, parts);
  }

  private constructor(socket: Socket, { clock, engines }: Parts) {
    this.#socket = socket;
    this.#clock = clock;
    this.#engines = engines;
    socket.on('message', (datagram, from) => (this.counts[this.#take(datagram, from.address)] += 1));
  }

  /** Idempotent; resolves when the port is free. */
  close(): Promise<void> {
    return (this.#closing ??= new Promise((resolve) => void this.#socket.close(() => resolve())));
  }

  #take(datagram: Buffer, from: string): keyof DigitCounts {
    const engines = this.#engines().filter(({ host }) => host === from);
    if (engines.length === 0) return 'stranger';
    const now = this.#clock.monotonic();
    if (this.#isExcess(now)) return 'excess';
    const report = readDigitReport(datagram);
    if (!report) return 'unreadable';
    if (this.#isRepeated(datagram, now)) return 'repeated';
    const { session, pressed } = report;
    return engines.some((engine) => engine.tenant(session)?.pressed(pressed)) ? 'taken' : 'unwanted';
  }

  #isExcess(now: number): boolean {
    if (now - this.#second.began >= 1_000) this.#second = { began: now, datagrams: 0 };
    return ++this.#second.datagrams > mostInSecond;
  }

  #isRepeated(datagram: Buffer, now: number): boolean {
    for (const [text, at] of this.#lately) {
      if (now - at < sameKeyWithin) break;
      this.#lately.delete(text);
    }
    const text = datagram.toString('latin1');
    if (this.#lately.has(text)) return true;
    this.#lately.set(text, now);
    return false;
  }
}

function bindFailure(address: string, error: Error): Failure {
  const isUsed = 'code' in error && error.code === 'EADDRINUSE';
  const why = isUsed ? 'is in use by another program; end it or choose another port' : messageOf(error);
  return new Failure(isUsed ? 'address-in-use' : 'bad-setting', `media.digitEvents: ${address} ${why}`, {
    cause: error,
  });
}
