import { messageOf } from '../../shared/errors.ts';
import type { Call, ParkedMedia } from '../call.ts';
import type { Sound } from '../ports.ts';
import { Pairing } from './pairing.ts';

/** A caller who waits, answered, with music: one party and a media engine. */
export class Parking implements ParkedMedia {
  readonly #call: Call;
  #pairing: Pairing | undefined;
  #closed = false;
  readonly settled: Promise<void>;

  /** Answers the caller with music. */
  static of(call: Call): Parking {
    return new Parking(call, (parking) => call.inTurn(() => parking.#answer()));
  }

  /** Where the caller's party has left: what they were connected by goes on with music. */
  static in(call: Call, pairing: Pairing): Parking {
    const parking = new Parking(call, () => Promise.resolve());
    parking.#pairing = pairing;
    pairing.reportTo(parking.#events());
    parking.#play(music(call));
    return parking;
  }

  private constructor(call: Call, begin: (parking: Parking) => Promise<void>) {
    this.#call = call;
    this.settled = begin(this);
  }

  async #answer(): Promise<void> {
    const { caller, log, happened, tools } = this.#call;
    const now = () => tools.clock.now();
    let answer: string;
    await this.#call.early?.settled;
    try {
      this.#pairing = await Pairing.open(this.#call.pairingTools, { caller }, this.#events());
      if (this.#isClosed()) {
        await this.#pairing.close();
        return;
      }
      answer = await this.#pairing.exchange.park(caller.described);
      if (this.#isClosed()) return;
    } catch (error) {
      log.warn(`the caller cannot be answered early: ${messageOf(error)}`);
      await this.#pairing?.close();
      this.#pairing = undefined;
      happened({ is: 'parking-failed', now: now() });
      return;
    }
    let acknowledged: { sdp?: string };
    try {
      acknowledged = await this.#call.answer(answer);
    } catch (error) {
      log.warn(`the caller could not be answered: ${messageOf(error)}`);
      happened({ is: 'caller-unanswerable', now: now() });
      return;
    }
    this.#pairing.take('caller');
    try {
      if (caller.described === undefined) {
        caller.described = acknowledged.sdp ?? '';
        await this.#pairing.exchange.parked(caller.described);
      }
    } catch (error) {
      log.warn(`the caller's answer cannot be used: ${messageOf(error)}`);
      happened({ is: 'media-failed', attempt: 0, now: now() });
      return;
    }
    happened({ is: 'caller-parked', now: now() });
    const { wait } = tools.settings.announcements;
    this.#play([...once(wait), ...music(this.#call)]);
  }

  announceBusy(): void {
    const { busy } = this.#call.tools.settings.announcements;
    if (busy !== undefined) this.#play([...once(busy), ...music(this.#call)]);
  }

  /** The caller was taken away, and comes back. */
  async bring(): Promise<void> {
    await this.#pairing?.bring('caller');
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#pairing?.close();
  }

  #isClosed(): boolean {
    return this.#closed;
  }

  #play(sounds: readonly Sound[]): void {
    const [first, ...others] = sounds;
    if (this.#closed || !this.#pairing) return;
    void this.#pairing.play('caller', first && [first, ...others]).catch((error: unknown) => {
      if (!this.#closed) this.#call.log.warn(`the caller waits without music: ${messageOf(error)}`);
    });
  }

  #events() {
    const { log, happened, tools } = this.#call;
    return {
      holds: () => undefined,
      failed: (why: string) => {
        log.warn(`the waiting caller: ${why}`);
        happened({ is: 'media-failed', attempt: 0, now: tools.clock.now() });
      },
    };
  }
}

/** The music of the subscriber, or else of the site; none where there is none. */
export function music(call: Call): Sound[] {
  const file = call.wishes.music ?? call.tools.settings.music;
  return file === undefined ? [] : [{ file, repeat: true }];
}

function once(file: string | undefined): Sound[] {
  return file === undefined ? [] : [{ file, repeat: false }];
}
