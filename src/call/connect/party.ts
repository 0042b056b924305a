import type { Clock, Timer } from '../../shared/clock.ts';
import { withDeadline } from '../../shared/deadline.ts';
import { Failure } from '../../shared/errors.ts';
import type { InDialogAnswer, InDialogRequest } from '../ports.ts';
import { heldBy, withDirection } from './descriptions.ts';
import { infoOf } from './keys.ts';
import { Origin } from './origin.ts';

/** Reliable answers of a side to a re-INVITE: RFC 3261 17.1.1.2, Timer B. */
const answerWithin = 32_000;
/** How often a re-INVITE that crossed another one is sent again, and how long before (RFC 3261 14.1). Milliseconds. */
const triesAtGlare = 4;
const pauseAtGlare = { ofCallIdOwner: [2_100, 4_000], ofTheOther: [0, 2_000] } as const;

/** Keys that may wait until those before them were answered: more than anybody presses in a second or two. */
const mostKeysWaiting = 32;

/** Where a party's requests go: the media that it takes part in, and whoever else does. */
export interface Carrier {
  carry(from: Party, request: InDialogRequest): Promise<InDialogAnswer>;
  /** The party's voice is elsewhere now. */
  left(party: Party): void;
}

interface PartyFacts {
  /** For the log. */
  name: string;
  /** Whether we called it: then the dialog's Call-ID is ours. */
  called: boolean;
  /** The trunk that it is reached by, where there is one. */
  trunk: string | undefined;
  clock: Clock;
}

/** Of those who only wait; most do. */
const settled = Promise.resolve();
const none = [] as const;

/** One of those who may talk: a leg that can be asked something, and what both sides of it said of their media. */
export class Party {
  readonly name: string;
  readonly trunk: string | undefined;
  /** Its description of its own media, the last one; without the direction that only answers a hold. */
  described: string | undefined;
  /** Where its voice is now. */
  at: Carrier | undefined;
  /** Whether its dialog is confirmed: then re-INVITE, before that only UPDATE. */
  answered = false;
  #gone = false;
  #inviting = 0;
  #lastInvite: Promise<unknown> = settled;
  #lastKey: Promise<unknown> = settled;
  #keysWaiting = 0;
  readonly #facts: PartyFacts;
  readonly #ask: (request: InDialogRequest) => Promise<InDialogAnswer>;
  readonly #origin = new Origin();
  #pauses: readonly { readonly timer: Timer; readonly goOn: () => void }[] = none;

  constructor(facts: PartyFacts, ask: (request: InDialogRequest) => Promise<InDialogAnswer>) {
    this.name = facts.name;
    this.trunk = facts.trunk;
    this.#facts = facts;
    this.#ask = ask;
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** A description as this party is to get it: in one dialog they all have one origin (RFC 3264 8). */
  said(sdp: string): string {
    return this.#origin.of(sdp);
  }

  /** Whether a re-INVITE of ours waits for its answer. */
  get inviting(): boolean {
    return this.#inviting > 0;
  }

  /** Asks it something inside its dialog; one re-INVITE after the other (RFC 3261 14.1). @throws DeadlineExceeded after 32 s */
  async ask(request: InDialogRequest): Promise<InDialogAnswer> {
    if (request.method !== 'INVITE') return this.#send(request);
    this.#inviting++;
    const mine = this.#lastInvite.then(() => this.#send(request));
    this.#lastInvite = mine.catch(() => undefined);
    return mine.finally(() => this.#inviting--);
  }

  /**
   * It is told by INFO that a key was pressed, when it has answered those that were pressed before.
   * @throws Failure `media-refused` when it takes no such INFO, or answers so slowly that too many wait; DeadlineExceeded
   */
  press(digit: string, milliseconds: number): Promise<void> {
    if (this.#keysWaiting >= mostKeysWaiting) {
      return Promise.reject(new Failure('media-refused', `${this.name} does not keep up with the digits`));
    }
    this.#keysWaiting++;
    const mine = this.#lastKey.then(async () => {
      const { status } = await this.#send(infoOf(digit, milliseconds));
      if (status >= 300) throw new Failure('media-refused', `the far end refuses digits (${status})`);
    });
    this.#lastKey = mine.catch(() => undefined);
    return mine.finally(() => this.#keysWaiting--);
  }

  #send(request: InDialogRequest): Promise<InDialogAnswer> {
    if (this.#gone) return Promise.resolve({ status: 481 });
    return withDeadline(this.#facts.clock, answerWithin, `${this.name} (${request.method})`, this.#ask(request));
  }

  /**
   * Offers it other media by re-INVITE; resolves with its answer. A request of its own that crosses ours has both sides
   * try again, each after a time of its own.
   * @throws Failure `media-refused`
   */
  async renew(offer: string): Promise<string> {
    const request = { method: 'INVITE', contentType: 'application/sdp', body: this.said(offer) };
    for (let tries = 1; ; tries++) {
      const { status, body } = await this.ask(request);
      if (status < 300 && body !== undefined && body !== '') {
        this.answers(request.body, body);
        return body;
      }
      if (status !== 491 || tries === triesAtGlare) {
        throw new Failure('media-refused', `${this.name} does not take other media (${status})`);
      }
      await this.#pause();
    }
  }

  /** What it said of its media in answer to an offer. Whoever it talks to next does not hold it, so that is not offered to them. */
  answers(offer: string, answer: string): void {
    this.described = heldBy(offer) ? withDirection(answer, 'sendrecv') : answer;
  }

  /** Its voice is there from now on. */
  moveTo(place: Carrier): void {
    const before = this.at;
    if (this.#gone || before === place) return;
    this.at = place;
    before?.left(this);
  }

  /** Its own request goes to whoever it is joined with. */
  carry(request: InDialogRequest): Promise<InDialogAnswer> {
    return this.at?.carry(this, request) ?? Promise.resolve({ status: request.method === 'INVITE' ? 491 : 200 });
  }

  /** Its leg is over: nothing is asked of it any more. */
  leave(): void {
    this.#gone = true;
    this.at = undefined;
    for (const { timer, goOn } of this.#pauses) {
      timer.clear();
      goOn();
    }
    this.#pauses = none;
  }

  #pause(): Promise<void> {
    const [least, most] = this.#facts.called ? pauseAtGlare.ofCallIdOwner : pauseAtGlare.ofTheOther;
    return new Promise((resolve) => {
      if (this.#gone) {
        resolve();
        return;
      }
      const timer = this.#facts.clock.after(least + Math.random() * (most - least), () => {
        this.#pauses = this.#pauses.filter((pause) => pause.timer !== timer);
        resolve();
      });
      this.#pauses = [...this.#pauses, { timer, goOn: resolve }];
    });
  }
}
