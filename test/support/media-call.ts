// Two phones with voices and ears, and a media session between them, for tests with a real rtpengine.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { MediaSession } from '../../src/call/ports.ts';
import { createMedia, type Media, type RtpengineSettings } from '../../src/media/media.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { silentLog } from '../../src/shared/log.ts';
import { sampleRate } from '../../src/simulate/rtp/g711.ts';
import { answerSdp, offerSdp, readAnswer, type OwnMedia } from '../../src/simulate/rtp/sdp.ts';
import { RtpSession } from '../../src/simulate/rtp/session.ts';
import { tone } from '../../src/simulate/rtp/sources.ts';
import { KeyEar } from './key-tones.ts';
import { relays } from './media-session.ts';
import { startRtpengine, type RunningRtpengine } from './rtpengine.ts';
import { wav } from './wav.ts';

/** Hz: what the caller and the target say, and what the files hold. */
export const pitch = { caller: 440, target: 1_000, music: 700, announcement: 600, other: 1_300 } as const;

export async function engineFor(t: TestContext, ...more: string[]): Promise<RunningRtpengine> {
  const running = await startRtpengine({ arguments: more });
  t.after(() => running.stop());
  return running;
}

export async function mediaOf(
  t: TestContext,
  engines: readonly RunningRtpengine[],
  more: Partial<RtpengineSettings> = {},
): Promise<Media> {
  const settings = relays(
    engines.map(({ engine }) => engine),
    more,
  );
  const media = await createMedia(settings, { clock: systemClock, log: silentLog });
  t.after(() => media.close());
  return media;
}

export async function phone(t: TestContext, address = '127.0.0.1'): Promise<RtpSession> {
  return (await listeningPhone(t, address)).phone;
}

/** A phone, and an ear for the keys that it hears as tones. */
export async function listeningPhone(t: TestContext, address = '127.0.0.1') {
  const tones = new KeyEar();
  const expect = Object.values(pitch);
  const session = await RtpSession.open({ clock: systemClock, address, expect, listen: tones.hear });
  t.after(() => session.close());
  return { phone: session, tones };
}

export const ownMedia = ({ address, port }: RtpSession): OwnMedia => ({ address, port });

/** The caller says 440 Hz, the target 1,000 Hz, and each hears the other one. */
export async function talk(session: MediaSession, caller: RtpSession, target: RtpSession): Promise<void> {
  const offered = await session.offer('caller', offerSdp(ownMedia(caller)));
  const taken = answerSdp(offered, ownMedia(target));
  const answered = await session.answer('target', taken.sdp);
  caller.sendTo(readAnswer(answered, ownMedia(caller)).destination);
  target.sendTo(taken.agreed.destination);
  caller.say(tone(pitch.caller));
  target.say(tone(pitch.target));
  await Promise.all([hearsMore(caller, pitch.target, 0.3), hearsMore(target, pitch.caller, 0.3)]);
}

/** How long a phone has heard a tone so far, in seconds. */
export function heardOf(phone: RtpSession, frequency: number): number {
  return phone.measured.tones.find((tone) => tone.frequency === frequency)?.seconds ?? 0;
}

/** Resolves when the tone was heard that much longer than now. */
export async function hearsMore(phone: RtpSession, frequency: number, seconds: number): Promise<void> {
  await phone.hears(frequency, heardOf(phone, frequency) + seconds, 10_000);
}

/**
 * Resolves when the phone has heard only that tone, for so long without a pause; what was under way before is let pass.
 * @throws DeadlineExceeded when something else is heard among it all the time, or nothing
 */
export async function hearsOnly(phone: RtpSession, frequency: number, seconds: number): Promise<void> {
  let since = phone.measured.seconds;
  let own = heardOf(phone, frequency);
  await phone.until(
    (measured) => {
      const heard = measured.tones.find((tone) => tone.frequency === frequency)?.seconds ?? 0;
      // A window in which it was not the tone begins the count anew.
      if (Math.round((measured.seconds - since) * 10) > Math.round((heard - own) * 10)) {
        since = measured.seconds;
        own = heard;
      }
      return heard - own >= seconds - 0.01;
    },
    seconds * 1_000 + 10_000,
  );
}

/** Writes a wav file (8 kHz, 16 bits) with a tone; returns its path. */
export function toneFile(folder: string, frequency: number, seconds: number): string {
  const file = path.join(folder, `${frequency}-hz.wav`);
  writeFileSync(file, wav(tone(frequency)(Math.round(seconds * sampleRate))));
  return file;
}
