import type { Cause, TargetFailure } from '../call/ports.ts';
import type { Timer } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { failureOf, isGatewayFault } from './failures.ts';
import { OutgoingInvite, type InviteEvents } from './outgoing-invite.ts';
import { parseReason } from './reason.ts';
import { longerInterval, sessionOffer } from './session-timer.ts';
import { SilenceWatch, type Attempt } from './silence.ts';
import type { Socket, SrfReceivedResponse } from './srf.ts';
import type { Tools } from './tools.ts';

/** What is sent, and where it may be sent, in order. */
export interface TriesPlan {
  attempts: readonly Attempt[];
  /** The offer; without it the target is to make one. */
  sdp: string | undefined;
  /** Milliseconds from the first INVITE to the answer. */
  ringTimeout: number;
  /** Seconds of the session timer that is asked for; 0: none. */
  sessionInterval: number;
  auth?: { username: string; password: string };
}

/** Nothing comes after `answered`, `failed` or `withdraw`. */
export interface TriesEvents extends Pick<InviteEvents, 'provisional' | 'answered' | 'updated'> {
  failed(failure: TargetFailure): void;
}

/** Tries one gateway after the other until one connects the call, or gives the answer of the number itself. */
export class Tries {
  readonly #tools: Tools;
  readonly #log: Logger;
  readonly #plan: TriesPlan;
  readonly #events: TriesEvents;
  readonly #attempts: Attempt[];
  #over = false;
  #sessionInterval: number;
  /** What a 422 has wanted at least. Seconds. */
  #leastInterval: number | undefined;
  #invite: OutgoingInvite | undefined;
  #silence: SilenceWatch | undefined;
  #ringTimer: Timer | undefined;
  #rang = false;
  #anybodyThere = false;

  constructor(tools: Tools, log: Logger, plan: TriesPlan, events: TriesEvents) {
    this.#tools = tools;
    this.#log = log;
    this.#plan = plan;
    this.#events = events;
    this.#attempts = [...plan.attempts];
    this.#sessionInterval = plan.sessionInterval;
  }

  get socket(): Socket | undefined {
    return this.#invite?.socket;
  }

  start(): void {
    this.#ringTimer = this.#tools.clock.after(this.#plan.ringTimeout, () => this.#rangTooLong());
    this.#next({ reason: 'target-unreachable' });
  }

  /** Takes the call back; resolves when the far side has answered, or after 32 s. */
  async withdraw(cause?: Cause): Promise<void> {
    this.#close();
    await this.#invite?.withdraw(cause);
  }

  connectionLost(): void {
    this.#invite?.connectionLost();
    this.#fail({ reason: 'failed' });
  }

  /** Tries the next gateway; when there is none left, the call has failed as the last one did. */
  #next(failure: TargetFailure): void {
    const attempt = this.#attempts.shift();
    if (attempt) this.#try(attempt);
    else this.#fail(failure);
  }

  #try(attempt: Attempt): void {
    const { sdp, auth } = this.#plan;
    const silence = new SilenceWatch(
      this.#tools.clock,
      attempt,
      () => this.#attempts.length > 0,
      () => this.#silent(),
    );
    const heard = (): void => {
      silence.stop();
      attempt.gateway?.heard();
      this.#anybodyThere = true;
    };
    this.#silence = silence;
    this.#invite = new OutgoingInvite(this.#tools, {
      provisional: (response) => {
        heard();
        if (response.status > 100) this.#rang = true;
        this.#events.provisional(response);
      },
      answered: (response, acknowledge) => {
        heard();
        this.#close();
        this.#events.answered(response, acknowledge);
      },
      updated: (request, response) => this.#events.updated(request, response),
      refused: (response, locally) => {
        silence.stop();
        this.#refused(attempt, response, locally);
      },
      notSent: (error) => {
        silence.stop();
        this.#log.warn({ reason: messageOf(error), to: attempt.uri }, 'the INVITE could not be sent');
        this.#retry({ reason: 'failed' });
      },
    });
    this.#invite.send(attempt.uri, {
      headers: { ...attempt.headers, ...sessionOffer(this.#sessionInterval, this.#leastInterval) },
      ...(sdp !== undefined && { body: sdp }),
      ...(auth && { auth: { ...auth } }),
    });
  }

  #refused(attempt: Attempt, response: SrfReceivedResponse, locally: boolean): void {
    const { status } = response;
    if (locally) attempt.gateway?.silent();
    else if (status === 503) attempt.gateway?.refusing(attempt.retryAfter(response.get('retry-after')));
    else attempt.gateway?.heard();
    const interval = status === 422 ? longerInterval(response, this.#sessionInterval) : undefined;
    if (interval !== undefined) {
      this.#sessionInterval = this.#leastInterval = interval; // RFC 4028 7.3: again, with what it wants; ever longer, so that it ends
      this.#try(attempt);
      return;
    }
    const failure = locally
      ? { ...failureOf(status), reason: 'target-unreachable' as const }
      : failureOf(status, parseReason(response.get('reason')).q850);
    // Once a phone rang, what follows is its answer, never the gateway's.
    if (isGatewayFault(status, locally) && !this.#rang) this.#retry(failure);
    else this.#fail(failure);
  }

  /** Nothing at all was heard of the gateway. */
  #silent(): void {
    void this.#invite?.withdraw();
    this.#retry({ reason: 'target-unreachable', q850: 102 });
  }

  #retry(failure: TargetFailure): void {
    if (this.#over) return;
    if (this.#attempts.length > 0) {
      this.#tools.counters.failovers += 1;
      this.#log.info({ ...failure, to: this.#attempts[0]?.uri }, 'the next gateway is tried');
    }
    this.#next(failure);
  }

  #rangTooLong(): void {
    const there = this.#anybodyThere || this.#silence?.alive === true;
    const failure = { reason: there ? 'target-no-answer' : 'target-unreachable', q850: there ? 19 : 102 } as const;
    void this.#invite?.withdraw({ q850: failure.q850 });
    this.#fail(failure);
  }

  #fail(failure: TargetFailure): void {
    if (this.#over) return;
    this.#close();
    this.#events.failed(failure);
  }

  #close(): void {
    this.#over = true;
    this.#ringTimer?.clear();
    this.#silence?.stop();
  }
}
