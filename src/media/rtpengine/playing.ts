import type { Side, Sound } from '../../call/ports.ts';
import type { Clock, Timer } from '../../shared/clock.ts';
import { Failure } from '../../shared/errors.ts';
import type { NgCommand } from './client.ts';
import { reasonOf } from './reply.ts';
import type { Seat } from './seat.ts';
import { otherSide } from './sides.ts';

/** Times that a file is played which is to be played without end; rtpengine knows no other word for it. */
const withoutEnd = 1_000_000_000;

export type Sounds = readonly [Sound, ...Sound[]];

/** What one side hears in place of the other's voice. */
interface Heard {
  sounds: Sounds;
  /** Whether it waits for a side that receives nothing just now: its phone is on hold by itself. */
  waits?: true;
  /** Waits for the end of the sound that is played, when another one follows. */
  next?: Timer;
}

/** What each side of a session hears in place of the other's voice. */
export class Playing {
  readonly #seat: Seat;
  readonly #clock: Clock;
  /** Does a step when all that was asked before is done. */
  readonly #inOrder: (step: () => Promise<void>) => void;
  /** Whether a side takes any voice: rtpengine plays nothing to one that does not. */
  readonly #receives: (side: Side) => boolean;
  readonly #heard = new Map<Side, Heard>();
  /** Sides that hear nothing of the other one: while a sound is played to either of them, or always. */
  readonly #apart = new Map<Side, 'meanwhile' | 'always'>();
  /** Sides that hear nothing at all, until a sound is played to them or stopped. */
  readonly #muted = new Set<Side>();

  constructor(
    seat: Seat,
    clock: Clock,
    inOrder: (step: () => Promise<void>) => void,
    receives: (side: Side) => boolean,
  ) {
    this.#seat = seat;
    this.#clock = clock;
    this.#inOrder = inOrder;
    this.#receives = receives;
  }

  /** Whether this side hears a sound, or nothing, in place of the other's voice. */
  isApart(side: Side): boolean {
    return this.#apart.has(side);
  }

  /**
   * A side that receives nothing hears it once it does: `follow`.
   * @throws Failure `no-media` when the engine cannot play the first; the other side's voice is then heard as before
   */
  async play(to: Side, sounds: Sounds): Promise<void> {
    // rtpengine mutes nobody by itself: the listener would get both streams, mixed up, and the other side would go on
    // hearing somebody who was put on hold.
    for (const side of [to, otherSide[to]]) await this.#separate(side, 'meanwhile');
    if (!this.#receives(to)) {
      this.#muted.delete(to);
      this.#forget(to);
      this.#heard.set(to, { sounds, waits: true });
      return;
    }
    const [first, second, ...rest] = sounds;
    const reply = await this.#seat.ask('playMedia', {
      'from-tag': to,
      file: first.file,
      'repeat-times': first.repeat ? withoutEnd : 1,
    });
    if (reply.result !== 'ok') {
      await this.stop(to);
      throw new Failure('no-media', `${this.#seat.engine} cannot play ${first.file}: ${reasonOf(reply)}`);
    }
    this.#muted.delete(to);
    this.#forget(to);
    const heard: Heard = { sounds };
    this.#heard.set(to, heard);
    if (second === undefined || first.repeat) return;
    // An engine that does not know how long a file is (0) goes on with the next one at once.
    heard.next = this.#clock.after(reply.duration ?? 0, () =>
      this.#inOrder(async () => {
        if (this.#heard.get(to) === heard) await this.play(to, [second, ...rest]);
      }),
    );
  }

  /** The sides have described themselves anew: who receives again hears what waited for them. */
  async follow(): Promise<void> {
    for (const [side, { sounds, waits }] of [...this.#heard]) {
      if (waits === true && this.#receives(side)) await this.play(side, sounds);
    }
  }

  /** From now on this side hears nothing of the other one, whatever is played and stopped. */
  async keepApart(side: Side): Promise<void> {
    await this.#separate(side, 'always');
  }

  async #separate(side: Side, how: 'meanwhile' | 'always'): Promise<void> {
    const before = this.#apart.get(side);
    // Before the request: when its answer is lost, the way back has to be gone all the same.
    if (before !== 'always') this.#apart.set(side, how);
    if (before === undefined) await this.#must('blockMedia', otherSide[side]);
  }

  /** This side hears neither the other one nor any sound. */
  async mute(to: Side): Promise<void> {
    await this.#separate(to, 'meanwhile');
    if (this.#forget(to)) await this.#must('stopMedia', to);
    this.#muted.add(to);
  }

  async stop(to: Side): Promise<void> {
    this.#muted.delete(to);
    if (this.#forget(to)) await this.#must('stopMedia', to);
    if (this.#heard.size > 0) return;
    for (const [side, how] of this.#apart) {
      if (how === 'always' || this.#muted.has(side)) continue;
      await this.#must('unblockMedia', otherSide[side]);
      this.#apart.delete(side);
    }
  }

  /** After the session has come to another engine: all as it was, with sounds from their beginning. */
  async playAgain(): Promise<void> {
    const heard = [...this.#heard];
    const always = [...this.#apart].filter(([, how]) => how === 'always');
    this.#apart.clear();
    for (const [side] of always) await this.keepApart(side);
    for (const side of this.#muted) await this.#separate(side, 'meanwhile');
    for (const [side, { sounds }] of heard) await this.play(side, sounds);
  }

  /** What the engine cannot be told any more: it has lost the session. */
  forget(side: Side): void {
    this.#muted.delete(side);
    this.#forget(side);
    if (this.#heard.size > 0) return;
    for (const [apart, how] of this.#apart) if (how === 'meanwhile') this.#apart.delete(apart);
  }

  /** Nothing follows for now what was played. */
  pause(): void {
    for (const { next } of this.#heard.values()) next?.clear();
  }

  #forget(side: Side): boolean {
    this.#heard.get(side)?.next?.clear();
    return this.#heard.delete(side);
  }

  async #must(command: NgCommand, tag: Side): Promise<void> {
    const reply = await this.#seat.ask(command, { 'from-tag': tag });
    if (reply.result !== 'ok') {
      throw new Failure('no-media', `${this.#seat.engine} refused ${command}: ${reasonOf(reply)}`);
    }
  }
}
