import { Failure } from '../../shared/errors.ts';
import type { Bridge } from './bridge.ts';

/**
 * Digits towards the target: in the voice's path where its trunk takes them there (RFC 4733), else as INFO
 * (application/dtmf-relay), one after the other.
 * @throws Failure `media-refused` when the far end refuses them
 */
export async function sendDigits(bridge: Bridge, digits: string): Promise<void> {
  try {
    await bridge.digits(digits);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'no-media') throw error;
    for (const digit of digits) await inform(bridge, digit);
  }
}

async function inform(bridge: Bridge, digit: string): Promise<void> {
  const body = `Signal=${digit}\r\nDuration=160\r\n`;
  const asked = bridge.target?.ask({ method: 'INFO', contentType: 'application/dtmf-relay', body });
  const { status } = (await asked) ?? { status: 481 };
  if (status >= 300) throw new Failure('media-refused', `the far end refuses digits (${status})`);
}
