import type { Side } from '../../call/ports.ts';
import type { Clock } from '../../shared/clock.ts';
import { Failure } from '../../shared/errors.ts';
import { packetsFrom, reasonOf } from './reply.ts';
import type { Seat } from './seat.ts';
import { otherSide } from './sides.ts';

/** Milliseconds of a digit and of the pause behind it: what gateways take for certain (ITU-T Q.24: 40 and 40 at least). */
const duration = 160;
const pause = 100;

/** How often, and after how many milliseconds, it is looked for voice that the digits can be put into. */
const looks = 12;
const lookEvery = 25;

/**
 * Puts digits (RFC 4733) into the voice that goes to one side. The descriptions must have been told to the engine with
 * the flag `inject DTMF` before. rtpengine 10.5 says yes and sends nothing, too, once the speaker's phone has pressed two keys or
 * more itself: it then takes the events for what that phone mostly sends, and puts ours behind them.
 * @throws Failure `no-media` when no voice goes there: rtpengine would say yes and send nothing
 */
export async function sendDigits(seat: Seat, clock: Clock, to: Side, digits: string): Promise<void> {
  // rtpengine writes the digits into the stream of the party that speaks, which has to have one.
  const speaker = otherSide[to];
  await voiceFlows(seat, clock, speaker);
  for (const digit of digits) {
    // The engine sends them one after the other by itself.
    const reply = await seat.ask('playDTMF', { 'from-tag': speaker, code: digit, duration, pause });
    if (reply.result !== 'ok') throw new Failure('no-media', `${seat.engine} sends no digits: ${reasonOf(reply)}`);
  }
}

/** Resolves when a packet has come after this was called: it has gone through what the flag has set up. */
async function voiceFlows(seat: Seat, clock: Clock, speaker: Side): Promise<void> {
  const count = async () => packetsFrom(await seat.ask('query', {}), speaker, 'RTP');
  const before = await count();
  for (let look = 0; look < looks; look++) {
    await new Promise<void>((resolve) => void clock.after(lookEvery, resolve));
    if ((await count()) > before) return;
  }
  throw new Failure('no-media', `no voice comes from the ${speaker} that digits could be put into`);
}
