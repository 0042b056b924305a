import type { Timer } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import { sdpOf } from './bodies.ts';
import type { CallerProgress } from './caller-progress.ts';
import { supportedBy } from './options.ts';
import { expectCancel, forgetCancel, type PendingInvite } from './pending-invites.ts';
import { sessionAnswer } from './session-timer.ts';
import type { TrunkSettings } from './settings.ts';
import type { SrfRequest } from './srf.ts';
import type { StandingDialog } from './standing.ts';
import { allow, respond, serverTimeout, type Tools } from './tools.ts';

/** What becomes of it; each at most once. */
interface AnswerEvents {
  /** The 2xx has left, in this dialog. */
  left(dialogId: string | undefined): void;
  /** The INVITE was over before it could leave. */
  tooLate(): void;
  /** Neither an ACK nor word of the SIP server that none came. */
  unacknowledged(): void;
}

/** Our 2xx to a caller's INVITE, from when it is asked for to what has to follow its ACK. */
export class CallerAnswer {
  /** As the port promises it. */
  readonly result: Promise<{ sdp?: string }>;
  readonly #tools: Tools;
  readonly #invite: PendingInvite;
  readonly #settings: TrunkSettings;
  readonly #events: AnswerEvents;
  readonly #resolve: (result: { sdp?: string }) => void;
  readonly #reject: (error: Error) => void;
  #over = false;
  #timer: Timer | undefined;
  /** What the 2xx could not say of our side (see CallerProgress). */
  #owed: string | undefined;
  /** The 2xx has an offer. */
  #offers = false;
  /** What the caller answered to an offer ahead of the 2xx. */
  #answered: string | undefined;

  constructor(tools: Tools, invite: PendingInvite, settings: TrunkSettings, events: AnswerEvents) {
    this.#tools = tools;
    this.#invite = invite;
    this.#settings = settings;
    this.#events = events;
    const { promise, resolve, reject } = Promise.withResolvers<{ sdp?: string }>();
    [this.result, this.#resolve, this.#reject] = [promise, resolve, reject];
  }

  /** Sends it, at once when nothing of `progress` is open. */
  send(progress: CallerProgress, sdp: string): void {
    if (progress.idle) this.#send(sdp);
    else {
      progress.settle(sdp).then(
        ({ body, owed, answered }) => {
          this.#owed = owed;
          this.#answered = answered;
          if (!this.#over) this.#send(body);
        },
        (error: unknown) => this.fail(messageOf(error)),
      );
    }
  }

  /** The SIP server has confirmed it, or its ACK is there. */
  left(): void {
    this.#timer ??= this.#tools.clock.after(serverTimeout, () => this.#events.unacknowledged());
  }

  /** The ACK is there. Resolves when the call stands, or with why it cannot. */
  async acknowledged(ack: SrfRequest, dialog: StandingDialog): Promise<string | undefined> {
    this.#timer?.clear();
    if (this.#offers) {
      const sdp = sdpOf(ack); // RFC 3261 13.2.2.4
      if (sdp === undefined) return this.fail('the ACK has no answer to our offer');
      this.#resolve({ sdp });
    } else if (this.#owed !== undefined) {
      // RFC 3264 8: without it nobody would be heard
      const { status, body } = await dialog.offer(this.#owed);
      if (status >= 300) return this.fail(`the caller answered ${status} to the description of who answered`);
      this.#agreed(body);
    } else this.#agreed(this.#answered);
    return undefined;
  }

  /** It stands, with what the caller said last where ours were the offers. */
  #agreed(answer: string | undefined): void {
    this.#resolve(sdpOf(this.#invite.req) === undefined && answer !== undefined ? { sdp: answer } : {});
  }

  /** It has come to nothing; returns why. */
  fail(why: string): string {
    this.#over = true;
    this.#timer?.clear();
    this.#reject(new Error(why));
    return why;
  }

  #send(sdp: string | undefined): void {
    const { req, res } = this.#invite;
    this.#offers = sdp !== undefined && sdpOf(req) === undefined;
    const headers: Record<string, string> = {
      Allow: allow,
      Supported: supportedBy(this.#settings),
      ...(sdp !== undefined && { 'Content-Type': 'application/sdp' }),
      ...sessionAnswer(req, this.#settings.sessionInterval ?? 0),
    };
    respond(this.#tools, res, 200, { headers, ...(sdp !== undefined && { body: sdp }) }, (error) => {
      forgetCancel(this.#invite);
      if (error === undefined) {
        this.#events.left(res.stackDialogId);
        return;
      }
      this.#tools.log.debug({ reason: messageOf(error) }, 'the INVITE was over before our 200');
      this.#events.tooLate();
    });
    if (!this.#over) expectCancel(this.#invite); // one that crosses our 200 has its Reason to tell
  }
}
