import { Failure } from '../../shared/errors.ts';
import type { Bridge } from './bridge.ts';

/** Milliseconds that a key of a terminal is pressed for. */
const pressed = 160;

/**
 * Digits towards the target: in the voice's path where its trunk takes them there (RFC 4733), else as INFO, one after the other.
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

async function inform({ target }: Bridge, digit: string): Promise<void> {
  if (!target) throw new Failure('media-refused', 'there is nobody who could take digits');
  await target.press(digit, pressed);
}
