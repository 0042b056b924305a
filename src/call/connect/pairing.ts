import type { Clock } from '../../shared/clock.ts';
import { withDeadline } from '../../shared/deadline.ts';
import { Failure, messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { InDialogAnswer, InDialogRequest, MediaPort, MediaSession, Side, Sound } from '../ports.ts';
import { heldBy, leavesAsKnown, withDirection } from './descriptions.ts';
import type { Carrier, Party } from './party.ts';

/** How long the media may take over one description, in milliseconds. */
const mediaWithin = 5_000;

export const opposite = (side: Side): Side => (side === 'caller' ? 'target' : 'caller');
const sides = ['caller', 'target'] as const;

/** What pairings are made with. */
export interface PairingTools {
  callId: string;
  media: MediaPort;
  clock: Clock;
  log: Logger;
  /** The number of the next media session of this call, from 1 on. */
  nextSession: () => number;
  /** Where the media of a session are now, for the record. */
  noteEngine: (at: { session: string; engine: string }) => void;
}

/** What comes of a pairing by itself. */
export interface PairingEvents {
  /** A side put the other one on hold by re-INVITE, or took it back. */
  holds(by: Side, held: boolean): void;
  /** No voice comes any more, or no engine carries it. */
  failed(why: string): void;
}

/**
 * The media of two parties, or of one that is parked: descriptions pass through the media port in the order in which
 * they came; re-INVITE and what else a party asks is carried to the other one.
 */
export class Pairing implements Carrier {
  readonly #tools: PairingTools;
  readonly #media: MediaSession;
  #events: PairingEvents;
  readonly #parties: Partial<Record<Side, Party>>;
  /** What each side was last told by us, and said last, in this pairing. */
  readonly #sent: Partial<Record<Side, string>> = {};
  readonly #known: Partial<Record<Side, string>> = {};
  /** Turns of the media: one description after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  /** An offer is under way; a second one meets 491 (RFC 3261 14.2). */
  #negotiating = false;
  readonly #music = new Map<Side, readonly [Sound, ...Sound[]]>();
  /** Sides at which something else than the other side was to be heard. */
  readonly #altered = new Set<Side>();
  #noted: string | undefined;
  #closed: Promise<void> | undefined;

  /** @throws Failure `no-media`, DeadlineExceeded */
  static async open(
    tools: PairingTools,
    parties: Partial<Record<Side, Party>>,
    events: PairingEvents,
  ): Promise<Pairing> {
    const trunks: Partial<Record<Side, string>> = {};
    for (const side of sides) {
      const trunk = parties[side]?.trunk;
      if (trunk !== undefined) trunks[side] = trunk;
    }
    const opened: { pairing?: Pairing } = {};
    const opening = tools.media.open(
      { callId: tools.callId, session: tools.nextSession(), trunks },
      {
        silent: (side) => opened.pairing?.onSilence(side),
        lost: () => opened.pairing?.onLoss(),
      },
    );
    const media = await withDeadline(tools.clock, mediaWithin, 'opening the media', opening).catch((error: unknown) => {
      void opening.then((late) => late.close()).catch(() => undefined);
      throw error;
    });
    return (opened.pairing = new Pairing(tools, media, parties, events));
  }

  private constructor(
    tools: PairingTools,
    media: MediaSession,
    parties: Partial<Record<Side, Party>>,
    events: PairingEvents,
  ) {
    this.#tools = tools;
    this.#media = media;
    this.#parties = { ...parties };
    this.#events = events;
  }

  /** Passes an offer of one side on; resolves with what the other side is to be offered. */
  async offer(from: Side, sdp: string): Promise<string> {
    const offer = await this.#inTurn(() => this.#media.offer(from, sdp));
    this.#known[from] = sdp;
    this.#sent[opposite(from)] = offer;
    this.#noteEngine();
    return offer;
  }

  /** The same for an answer; `fork` where several phones of one number may answer. */
  async answer(from: Side, sdp: string, fork?: string): Promise<string> {
    const answer = await this.#inTurn(() => this.#media.answer(from, sdp, fork));
    this.#known[from] = sdp;
    this.#sent[opposite(from)] = answer;
    return answer;
  }

  /** The engine is the caller's other side: resolves with what to answer to their offer, or to offer them. */
  async park(offer: string | undefined): Promise<string> {
    const sdp = await this.#inTurn(() => this.#media.park(offer));
    if (offer !== undefined) this.#known.caller = offer;
    this.#sent.caller = sdp;
    this.#noteEngine();
    return sdp;
  }

  async parked(answer: string): Promise<void> {
    await this.#inTurn(() => this.#media.parked(answer));
    this.#known.caller = answer;
  }

  /** The party at a side takes part in this pairing from now on; its last description stands here already. */
  take(side: Side): void {
    const party = this.#parties[side];
    if (!party || party.gone || party.at === this) return;
    party.moveTo(this);
    this.#sound(side);
  }

  /** Its phone hears another pairing now, and nothing of this one beside it. */
  left(party: Party): void {
    this.#sound(party === this.#parties.caller ? 'caller' : 'target');
  }

  /**
   * The party at a side is brought here by re-INVITE, if it is elsewhere; when its media are others than the other side
   * knows, that one is told.
   * @throws Failure `media-refused`, `no-media`, DeadlineExceeded
   */
  async bring(side: Side): Promise<void> {
    const party = this.#parties[side];
    const sent = this.#sent[side];
    if (!party || party.gone || sent === undefined)
      throw new Failure('media-refused', `there is no ${side} to be joined`);
    if (party.at === this) return;
    await this.#alone(async () => {
      const answer = await party.renew(sent);
      this.take(side);
      await this.#heardOf(side, answer, sent);
    });
  }

  /** What a side answered to our own re-INVITE: the first that is heard of it here, or perhaps something new. */
  async #heardOf(side: Side, answer: string, offered: string): Promise<void> {
    if (this.#known[side] === undefined) {
      await this.answer(side, answer);
      return;
    }
    if (leavesAsKnown(answer, offered, this.#known[side])) return;
    const other = opposite(side);
    const offer = await this.offer(side, answer);
    const party = this.#present(other);
    const said = party ? await party.renew(offer) : this.#known[other];
    if (said !== undefined) await this.answer(other, said);
  }

  carry(from: Party, request: InDialogRequest): Promise<InDialogAnswer> {
    const side = from === this.#parties.caller ? 'caller' : 'target';
    if (request.method === 'INVITE' || request.method === 'UPDATE') return this.#renegotiate(from, side, request);
    // INFO, MESSAGE and the like: as they are; who is alone here is heard by nobody.
    return this.#present(opposite(side))?.ask(request) ?? Promise.resolve({ status: 200 });
  }

  /** re-INVITE and UPDATE: hold, resume, a new address or codec, T.38. */
  async #renegotiate(from: Party, side: Side, request: InDialogRequest): Promise<InDialogAnswer> {
    const { body } = request;
    if (body === undefined || body === '') return this.#offerAgain(from, side, request);
    if (this.#negotiating) return { status: 491 };
    return this.#alone(async () => {
      const other = opposite(side);
      const party = this.#present(other);
      if (!party) return withSdp(from.said(await this.#answerFor(other, side, body)));
      const before = { ...this.#known };
      const offer = await this.offer(side, body);
      const method = party.answered ? 'INVITE' : 'UPDATE'; // RFC 3311 5.1: in an early dialog
      const asked = { ...request, method, contentType: 'application/sdp', body: party.said(offer) };
      const { status, body: accepted = '' } = await party.ask(asked);
      if (status >= 300 || accepted === '') {
        await this.#restore(side, before);
        return { status };
      }
      party.described = accepted;
      from.described = body;
      const answer = from.said(await this.answer(other, accepted));
      this.#noteHold(side, body);
      return withSdp(answer);
    });
  }

  /** What was refused leaves the media as they were (RFC 3261 14.1): a fax that finds no T.38 goes on in the voice's codec. */
  async #restore(side: Side, before: Partial<Record<Side, string>>): Promise<void> {
    const [mine, theirs] = [before[side], before[opposite(side)]];
    if (mine === undefined || theirs === undefined) return;
    await this.offer(side, mine);
    await this.answer(opposite(side), theirs);
  }

  /** Nobody is at the other side: the engine answers, as it did before. */
  async #answerFor(absent: Side, side: Side, offer: string): Promise<string> {
    const party = this.#parties[side];
    if (party) party.described = offer;
    if (!this.#parties[absent]) return this.park(offer);
    await this.offer(side, offer);
    return this.answer(absent, this.#known[absent] ?? offer);
  }

  /** An INVITE without an offer (RFC 3261 14.1) asks what we would use: that which stands. An UPDATE without one refreshes. */
  #offerAgain(from: Party, side: Side, { method }: InDialogRequest): InDialogAnswer {
    const standing = this.#sent[side];
    return method === 'UPDATE' || standing === undefined ? { status: 200 } : withSdp(from.said(standing));
  }

  /** Before both have answered nobody talks, and a direction is only one of early media. */
  #noteHold(side: Side, offer: string): void {
    const talking = sides.every((each) => this.#parties[each]?.answered === true);
    if (talking) this.#events.holds(side, heldBy(offer));
  }

  /** Plays to a side; where no engine can, both sides are put on hold (RFC 3264 8.4): neither then hears the other. */
  async play(to: Side, sounds: readonly [Sound, ...Sound[]] | undefined): Promise<void> {
    if (this.#tools.media.mode === 'direct') return this.#silence(to);
    if (!sounds) return;
    this.#music.set(to, sounds);
    await this.#hear(to);
  }

  async stopPlaying(to: Side): Promise<void> {
    if (this.#tools.media.mode === 'direct') return this.#letTalk();
    this.#music.delete(to);
    await this.#hear(to);
  }

  /** What is heard at a side: nothing while its phone is elsewhere, else its music or the other side. */
  async #hear(side: Side): Promise<void> {
    const sounds = this.#music.get(side);
    await this.#inTurn(() => {
      if (this.#parties[side] && !this.#present(side)) return this.#media.mute(side);
      return sounds ? this.#media.play(side, sounds) : this.#media.stop(side);
    });
    this.#altered.add(side);
  }

  #sound(side: Side): void {
    if (this.#closed || (this.#present(side) && !this.#altered.has(side))) return; // the other side is heard by itself
    void this.#hear(side).catch((error: unknown) => {
      if (!this.#closed) this.#tools.log.warn(`what the ${side} hears could not be changed: ${messageOf(error)}`);
    });
  }

  async #silence(to: Side): Promise<void> {
    const heard = this.#sent[to];
    if (heard === undefined || heldBy(heard)) return; // a hold that came across
    await this.#alone(() => this.#renewAll((sdp) => withDirection(sdp, 'sendonly')));
  }

  async #letTalk(): Promise<void> {
    await this.#alone(() => this.#renewAll((sdp) => sdp));
  }

  async #renewAll(change: (sdp: string) => string): Promise<void> {
    const renewed = sides.map(async (side) => {
      const sent = this.#sent[side];
      if (sent !== undefined) await this.#present(side)?.renew(change(sent));
    });
    await Promise.all(renewed);
  }

  /** Digits in the voice's path. @throws Failure `no-media` where that cannot be */
  digits(to: Side, digits: string): Promise<void> {
    return this.#inTurn(() => this.#media.digits(to, digits));
  }

  /** From now on somebody else is told what happens here. */
  reportTo(events: PairingEvents): void {
    this.#events = events;
  }

  /** Idempotent, never rejects. */
  close(): Promise<void> {
    for (const side of sides) {
      const party = this.#present(side);
      if (party) party.at = undefined;
    }
    return (this.#closed ??= this.#turn.catch(() => undefined).then(() => this.#media.close()));
  }

  /** While somebody has not answered yet, silence says nothing. */
  private onSilence(side: Side): void {
    const all = sides.flatMap((each) => this.#present(each) ?? []);
    if (this.#present(side) && all.every((party) => party.answered))
      this.#fail(`nothing is heard of the ${side} any more`);
  }

  /** The engine died: the media are brought to another one, and who stands here is told where. */
  private onLoss(): void {
    void this.#alone(async () => {
      const offers = await this.#inTurn(() => this.#media.relocate());
      for (const side of sides) {
        const [party, offer] = [this.#present(side), offers[side]];
        if (!party || offer === undefined) continue;
        if (!party.answered) throw new Failure('no-media', `the ${side} has not answered yet`);
        this.#sent[side] = offer;
        const answer = await party.renew(offer);
        await this.#inTurn(() => this.#media.answer(side, answer));
        this.#known[side] = answer;
      }
      this.#noteEngine();
    }).catch((error: unknown) => this.#fail(`its media are lost: ${messageOf(error)}`));
  }

  #fail(why: string): void {
    if (!this.#closed) this.#events.failed(why);
  }

  /** Who is at a side and has their media here. */
  #present(side: Side): Party | undefined {
    const party = this.#parties[side];
    return party?.at === this ? party : undefined;
  }

  async #alone<T>(negotiate: () => Promise<T>): Promise<T> {
    this.#negotiating = true;
    try {
      return await negotiate();
    } finally {
      this.#negotiating = false;
    }
  }

  #noteEngine(): void {
    const at = this.#media.engine;
    if (!at || this.#noted === at.engine) return;
    // Only now: until the first offer is answered, the session may go to another engine.
    this.#noted = at.engine;
    this.#tools.noteEngine(at);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(() => {
      if (this.#closed) throw new Failure('no-media', 'the media of these two have ended');
      return withDeadline(this.#tools.clock, mediaWithin, 'the media engine', work());
    });
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}

function withSdp(body: string): InDialogAnswer {
  return { status: 200, contentType: 'application/sdp', body };
}
