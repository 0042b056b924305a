// A key that was pressed, as INFO tells of it.
import { Failure } from '../../shared/errors.ts';
import type { InDialogAnswer, InDialogRequest, Side } from '../ports.ts';
import type { Exchange } from './exchange.ts';

/** Who gets it. */
interface Receiver {
  readonly answered: boolean;
  ask(request: InDialogRequest): Promise<InDialogAnswer>;
}

/** What phones and gateways write, for want of a standard (RFC 6086 registers none for digits). */
export function infoOf(key: string, milliseconds: number): InDialogRequest {
  const body = `Signal=${key}\r\nDuration=${milliseconds}\r\n`;
  return { method: 'INFO', contentType: 'application/dtmf-relay', body };
}

/** The key that a request tells of; undefined when it tells of something else. */
export function keyIn({ method, contentType = '', body = '' }: InDialogRequest): string | undefined {
  if (method !== 'INFO') return undefined;
  const type = contentType.split(';')[0]?.trim().toLowerCase();
  const found =
    type === 'application/dtmf-relay'
      ? /^[ \t]*Signal[ \t]*=[ \t]*([0-9*#A-D])[ \t]*$/im.exec(body.replaceAll('\r', ''))
      : type === 'application/dtmf' && /^\s*([0-9*#A-D])\s*$/i.exec(body);
  return (found || undefined)?.[1]?.toUpperCase();
}

/**
 * A request of one party that goes to the other one: a key in the voice's path, where keys of the one go to the other so; else,
 * and whatever else it is, as it is.
 * @throws DeadlineExceeded
 */
export async function passOn(
  request: InDialogRequest,
  from: Side,
  other: Receiver,
  exchange: Exchange,
): Promise<InDialogAnswer> {
  const key = keyIn(request);
  if (key === undefined || !other.answered) return other.ask(request);
  try {
    await exchange.key(from, key);
    return { status: 200 };
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'no-media') throw error;
    return other.ask(request);
  }
}
