// REFER of the far side (RFC 3515): a phone presses its transfer key, and is told by NOTIFY what comes of it.
import type { InDialogAnswer, InDialogRequest, PhoneReferral } from '../call/ports.ts';
import type { Timer } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import { readRefer, type ReferRequest } from './refer-to.ts';
import { writeSipfrag } from './sipfrag.ts';
import type { SrfRequest, SrfResponse } from './srf.ts';
import { respond, retryLater, type Tools } from './tools.ts';

/** How long the subscription is said to last: longer than anybody lets a phone ring. Seconds. */
const lasts = 600;

/** How long our BYE waits for the answer to the last NOTIFY: time to send it three times more over UDP. Milliseconds. */
const farewellTimeout = 2_000;

/** Request Terminated: the move was given up. */
const terminated = 487;

type Send = (notify: InDialogRequest) => Promise<InDialogAnswer>;

/** All REFERs that the far side sends in one dialog. */
export class PhoneReferrals {
  readonly #tools: Tools;
  readonly #hand: (referral: PhoneReferral) => void;
  readonly #send: Send;
  #last: Told | undefined;
  #accepted = 0;

  /** `hand`: to the call, which accepts or refuses it before it returns. `send`: a request inside the dialog. */
  constructor(tools: Tools, hand: (referral: PhoneReferral) => void, send: Send) {
    this.#tools = tools;
    this.#hand = hand;
    this.#send = send;
  }

  received(request: SrfRequest, response: SrfResponse): void {
    const { log } = this.#tools;
    const read = readRefer(request);
    if ('status' in read) {
      log.info({ status: read.status }, `a phone's transfer is refused: ${read.why}`);
      respond(this.#tools, response, read.status, { headers: read.headers ?? {} });
      return;
    }
    if (this.#last?.open === true) {
      respond(this.#tools, response, 491); // one move at a time
      return;
    }
    const asked = new Asked(
      read,
      () => {
        const headers: Record<string, string> = read.subscribes ? {} : { 'Refer-Sub': 'false' }; // RFC 4488 4
        respond(this.#tools, response, 202, { headers });
        // 2.4.6: the first of a dialog needs no id
        const id = ++this.#accepted === 1 ? '' : `;id=${Number.parseInt(request.get('cseq') ?? '', 10)}`;
        return (this.#last = new Told(this.#tools, `refer${id}`, read.subscribes ? this.#send : undefined));
      },
      (status) => {
        respond(this.#tools, response, status, { headers: status === 503 ? retryLater : {} });
      },
    );
    try {
      this.#hand(asked);
    } catch (error) {
      log.error({ err: error }, `a phone's transfer failed, which is a fault of this program: ${messageOf(error)}`);
    }
    asked.refuse(500); // where nobody has decided
  }

  /** We hang up: the outcome is told before that. Resolves when it was heard, soon in any case; undefined: at once. */
  farewell(): Promise<void> | undefined {
    return this.#last?.farewell();
  }

  /** The dialog is over: nothing is told any more. */
  drop(): void {
    this.#last?.drop();
  }
}

/** A REFER, as the call has it. */
class Asked implements PhoneReferral {
  readonly to: string;
  readonly here: boolean;
  readonly referredBy?: string;
  readonly replaces?: string;
  readonly #accept: () => Told;
  readonly #refuse: (status: number) => void;
  #told: Told | undefined;
  #answered = false;

  constructor({ to, here, referredBy, replaces }: ReferRequest, accept: () => Told, refuse: (status: number) => void) {
    this.to = to;
    this.here = here;
    if (referredBy !== undefined) this.referredBy = referredBy;
    if (replaces !== undefined) this.replaces = replaces;
    this.#accept = accept;
    this.#refuse = refuse;
  }

  accept(): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#told = this.#accept();
  }

  refuse(status: number): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#refuse(status);
  }

  progress(status: number): void {
    this.#told?.tell({ status });
  }

  done(status: number): void {
    this.#told?.tell({ status, ends: 'noresource' });
  }
}

/** What a NOTIFY says; `ends`: why it is the last one (RFC 6665 4.1.3). */
interface News {
  status: number;
  ends?: 'noresource' | 'timeout';
}

/** The subscription that an accepted REFER makes: one NOTIFY after the other, and of what waits only the newest. */
class Told {
  readonly #tools: Tools;
  readonly #event: string;
  readonly #send: Send | undefined;
  readonly #until: Timer;
  #said = 100;
  #open = true;
  #next: News | undefined;
  #sending = false;
  #farewell: { promise: Promise<void>; resolve: () => void; timer: Timer } | undefined;

  /** `send` is undefined where the far side wants to hear nothing. */
  constructor(tools: Tools, event: string, send: Send | undefined) {
    this.#tools = tools;
    this.#event = event;
    this.#send = send;
    this.#until = tools.clock.after(lasts * 1_000, () => this.tell({ status: this.#said, ends: 'timeout' }));
    this.tell({ status: 100 }); // RFC 3515 2.4.4: at once
  }

  /** Whether its outcome is still to come. */
  get open(): boolean {
    return this.#open;
  }

  tell(news: News): void {
    if (!this.#open) return;
    this.#said = news.status;
    if (news.ends) {
      this.#open = false;
      this.#until.clear();
    }
    if (!this.#send) return;
    this.#next = news;
    if (!this.#sending) void this.#sendAll(this.#send);
  }

  farewell(): Promise<void> | undefined {
    this.tell({ status: terminated, ends: 'noresource' });
    if (!this.#sending) return undefined;
    if (!this.#farewell) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const told = (): void => resolve(undefined);
      this.#farewell = { promise, resolve: told, timer: this.#tools.clock.after(farewellTimeout, told) };
    }
    return this.#farewell.promise;
  }

  drop(): void {
    this.#open = false;
    this.#until.clear();
    this.#next = undefined;
    this.#farewell?.timer.clear();
    this.#farewell?.resolve();
  }

  async #sendAll(send: Send): Promise<void> {
    this.#sending = true;
    for (let news = this.#take(); news; news = this.#take()) {
      const { status } = await send(this.#notify(news));
      // RFC 6665 4.2.2: there is no subscription any more. Its move goes on.
      if (status >= 300) this.drop();
    }
    this.#sending = false;
    this.#farewell?.timer.clear();
    this.#farewell?.resolve();
  }

  #take(): News | undefined {
    const next = this.#next;
    this.#next = undefined;
    return next;
  }

  #notify({ status, ends }: News): InDialogRequest {
    return {
      method: 'NOTIFY',
      headers: {
        Event: this.#event,
        'Subscription-State': ends === undefined ? `active;expires=${lasts}` : `terminated;reason=${ends}`,
      },
      contentType: 'message/sipfrag;version=2.0',
      body: writeSipfrag(status),
    };
  }
}
