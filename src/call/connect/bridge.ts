import { withDeadline } from '../../shared/deadline.ts';
import { Failure, messageOf } from '../../shared/errors.ts';
import type { Attempt, Call } from '../call.ts';
import { type AcceptedInstruction, q850 } from '../machine.ts';
import type {
  Cause,
  InDialogAnswer,
  InDialogRequest,
  MediaSession,
  Side,
  TargetFailure,
  TargetLeg,
  TargetLegEvents,
} from '../ports.ts';
import { heldBy } from './direction.ts';

/** How long the media may take over one description, in milliseconds. */
const mediaWithin = 5_000;
/** Reliable answers of a side to a re-INVITE: RFC 3261 17.1.1.2, Timer B. */
const answerWithin = 32_000;

const opposite = (side: Side): Side => (side === 'caller' ? 'target' : 'caller');

/**
 * Connects by two legs of our own: calls the final number with the caller's description, brings its ringing, early
 * media and answer back, and carries across what either side asks while they talk. Descriptions pass through the
 * media port in the order in which they came.
 */
export class Bridge implements Attempt {
  readonly #call: Call;
  readonly #number: number;
  #leg: TargetLeg | undefined;
  #media: MediaSession | undefined;
  #stopped: Promise<void> | undefined;
  /** Turns of the media: one description after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  /** What each side was last sent; offered again to a side that asks for an offer. */
  readonly #lastSent = new Map<Side, string>();
  /** A re-INVITE is under way; a second one meets 491 (RFC 3261 14.2). */
  #renegotiating = false;
  readonly #holding = new Set<Side>();

  constructor(call: Call, number: number) {
    this.#call = call;
    this.#number = number;
  }

  start(instruction: AcceptedInstruction): void {
    void this.#dial(instruction).catch((error: unknown) => this.#fail(error));
  }

  async #dial({ to }: AcceptedInstruction): Promise<void> {
    const { incoming, tools, record } = this.#call;
    const { reading, sdp } = incoming;
    if (!reading.ok) throw new Error('a call that could not be read was instructed');
    if (sdp === undefined) throw new Failure('media-refused', 'the caller sent no description of its media');
    const media = await tools.media.open(
      { callId: this.#call.id, session: this.#number, trunks: { caller: incoming.trunk } },
      { silent: () => undefined, lost: () => undefined },
    );
    if (this.#stopped) {
      await media.close();
      return;
    }
    this.#media = media;
    const offer = await this.#inTurn(() => media.offer('caller', sdp));
    if (media.engine) {
      // Only now: until the first offer is answered, the session may go to another engine.
      record.media.push(media.engine);
      this.#call.keeper.update(this.#call.id, { media: record.media });
    }
    if (this.#isStopped()) return;
    this.#lastSent.set('target', offer);
    const who = {
      reading: reading.reading,
      firstCalled: record.firstCalled ?? '',
      maxForwards: incoming.maxForwards,
      ...(incoming.network && { network: incoming.network }),
    };
    this.#leg = tools.trunk.dial({ callId: this.#call.id, to, sdp: offer, ...who }, this.#targetEvents());
    tools.metrics.step('dial', tools.clock.now() - (record.attempts.at(-1)?.startedAt ?? record.arrivedAt));
  }

  #targetEvents(): TargetLegEvents {
    const attempt = this.#number;
    const tell = this.#call.happened;
    const now = () => this.#call.tools.clock.now();
    return {
      progress: ({ status, sdp }) =>
        tell({ is: 'target-rings', attempt, status, ...(sdp !== undefined && { sdp }), now: now() }),
      answered: ({ sdp }) => tell({ is: 'target-answered', attempt, sdp, now: now() }),
      failed: (failure) => tell({ is: 'target-failed', attempt, failure, now: now() }),
      ended: ({ cause, lost }) => tell({ is: 'target-hung-up', attempt, cause, lost, now: now() }),
      request: (request, answer) => this.carry('target', request, answer),
    };
  }

  ringCaller(status: number, sdp: string | undefined): void {
    const { leg } = this.#call.incoming;
    if (sdp === undefined) {
      leg.progress(180);
      return;
    }
    void this.#toCaller(sdp)
      .then((early) => {
        if (!this.#stopped) leg.progress(status === 180 ? 180 : 183, early);
      })
      .catch((error: unknown) => {
        // Early media is a courtesy: without it the caller hears its own ringing tone.
        this.#call.log.warn(`the early media of the target is not passed on: ${messageOf(error)}`);
      });
  }

  answerCaller(sdp: string): void {
    const attempt = this.#number;
    const { log, tools, incoming, happened } = this.#call;
    void this.#toCaller(sdp)
      .then(async (answer) => {
        if (this.#stopped) return;
        try {
          await incoming.leg.answer(answer);
        } catch (error) {
          log.warn(`the caller could not be answered: ${messageOf(error)}`);
          happened({ is: 'caller-unanswerable', attempt, now: tools.clock.now() });
          return;
        }
        happened({ is: 'caller-connected', attempt, now: tools.clock.now() });
      })
      .catch((error: unknown) => this.#fail(error));
  }

  /** The target's description as the caller gets it. */
  async #toCaller(sdp: string): Promise<string> {
    const media = this.#media;
    if (!media) throw new Error('the target answered before it was offered anything');
    const answer = await this.#inTurn(() => media.answer('target', sdp));
    this.#lastSent.set('caller', answer);
    return answer;
  }

  stop(cause: Cause): Promise<void> {
    return (this.#stopped ??= this.#close(cause));
  }

  async #close(cause: Cause): Promise<void> {
    const legGone = this.#leg?.hangUp(cause);
    await Promise.allSettled([legGone, this.#turn.catch(() => undefined).then(() => this.#media?.close())]);
  }

  #isStopped(): boolean {
    return this.#stopped !== undefined;
  }

  carry(from: Side, request: InDialogRequest, answer: (answer: InDialogAnswer) => void): void {
    const carried =
      request.method === 'INVITE' || request.method === 'UPDATE'
        ? this.#renegotiate(from, request)
        : this.#relay(from, request);
    carried.then(answer, (error: unknown) => {
      this.#call.log.warn(
        { method: request.method, from },
        `a request could not be carried across: ${messageOf(error)}`,
      );
      answer({ status: error instanceof Failure ? error.sip : 500 });
    });
  }

  /** INFO, MESSAGE and the like: as they are. */
  async #relay(from: Side, request: InDialogRequest): Promise<InDialogAnswer> {
    return this.ask(opposite(from), request);
  }

  /** re-INVITE and UPDATE: hold, resume, a new address or codec. */
  async #renegotiate(from: Side, request: InDialogRequest): Promise<InDialogAnswer> {
    const media = this.#media;
    if (!media) return { status: 491 };
    if (request.body === undefined || request.body === '') return this.#offerAgain(from, request);
    if (this.#renegotiating) return { status: 491 };
    this.#renegotiating = true;
    try {
      const body = request.body;
      const offer = await this.#inTurn(() => media.offer(from, body));
      const other = await this.ask(opposite(from), {
        ...request,
        method: 'INVITE',
        contentType: 'application/sdp',
        body: offer,
      });
      if (other.status >= 300 || other.body === undefined || other.body === '') return { status: other.status };
      const accepted = other.body;
      const answer = await this.#inTurn(() => media.answer(opposite(from), accepted));
      this.#lastSent.set(opposite(from), offer).set(from, answer);
      this.#noteHold(from, body);
      return { status: 200, contentType: 'application/sdp', body: answer };
    } finally {
      this.#renegotiating = false;
    }
  }

  /** An INVITE without an offer (RFC 3261 14.1) asks what we would use: that which stands. An UPDATE without one refreshes. */
  #offerAgain(from: Side, request: InDialogRequest): InDialogAnswer {
    const standing = this.#lastSent.get(from);
    if (request.method === 'UPDATE' || standing === undefined) return { status: 200 };
    return { status: 200, contentType: 'application/sdp', body: standing };
  }

  #noteHold(from: Side, offer: string): void {
    const before = this.#holding.size > 0;
    if (heldBy(offer)) this.#holding.add(from);
    else this.#holding.delete(from);
    const held = this.#holding.size > 0;
    if (held === before) return;
    this.#call.happened({ is: held ? 'held' : 'resumed', attempt: this.#number, now: this.#call.tools.clock.now() });
  }

  ask(side: Side, request: InDialogRequest): Promise<InDialogAnswer> {
    const leg = side === 'caller' ? this.#call.incoming.leg : this.#leg;
    if (!leg) return Promise.resolve({ status: 481 });
    return withDeadline(this.#call.tools.clock, answerWithin, `the ${side} (${request.method})`, leg.request(request));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(() => withDeadline(this.#call.tools.clock, mediaWithin, 'the media engine', work()));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  #fail(error: unknown): void {
    if (this.#stopped) return;
    this.#call.log.error({ err: error }, `the final number could not be called: ${messageOf(error)}`);
    const status = error instanceof Failure ? error.sip : 500;
    const failure: TargetFailure = { reason: 'failed', status, q850: q850.temporaryFailure };
    this.#call.happened({ is: 'target-failed', attempt: this.#number, failure, now: this.#call.tools.clock.now() });
  }
}
