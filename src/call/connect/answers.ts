import { Failure } from '../../shared/errors.ts';
import type { Side } from '../ports.ts';
import { isSameSession } from './descriptions.ts';
import { opposite, type Exchange } from './exchange.ts';
import type { Party } from './party.ts';

/**
 * The answers to the first offer that a dialog had: early ones of several forks, and a final one. Meanwhile the caller may
 * have changed their media by UPDATE, or one of the forks its own, and the engine may have died. Whoever answers for good
 * and was told something else than what is so by then, is told by re-INVITE before the other side hears of the answer.
 */
export class Answers {
  readonly #exchange: Exchange;
  readonly #parties: Partial<Record<Side, Party>>;
  /** What all forks were offered. */
  #offered: string | undefined;
  /** The fork whose session was changed by UPDATE last, by either side, and what it knows since. */
  #updated: { fork: string; told: string | undefined } | undefined;
  #lost = false;

  constructor(exchange: Exchange, parties: Partial<Record<Side, Party>>) {
    this.#exchange = exchange;
    this.#parties = parties;
  }

  /** An UPDATE was accepted. */
  updated(fork: string): void {
    this.#updated = { fork, told: this.#exchange.sent.target };
  }

  /** The engine is gone: whoever is not told of another one by UPDATE goes on sending to it. */
  lost(): void {
    this.#lost = true;
    this.#updated = undefined;
  }

  /**
   * Early media whose engine died go on at another one, in the fork that takes UPDATE; resolves with what the caller is to be
   * told.
   * @throws Failure `no-media` when there is none, or nobody takes UPDATE, or the target has answered meanwhile
   */
  async revive(): Promise<string> {
    const { target } = this.#parties;
    await this.#exchange.relocate();
    const offer = this.#exchange.sent.target;
    if (!target || offer === undefined) throw new Failure('no-media', 'nobody is there to be offered media');
    const update = { method: 'UPDATE', contentType: 'application/sdp', body: target.said(offer) };
    const { status, body = '', fork } = await target.ask(update);
    if (status >= 300 || body === '' || fork === undefined || target.answered) {
      throw new Failure('no-media', `${target.name} takes no UPDATE (${status})`);
    }
    this.updated(fork);
    return this.#exchange.answer('target', body, fork);
  }

  /**
   * Resolves with what the other side is to be told.
   * @throws Failure `no-media` also where another engine is there, which this fork knows nothing of
   */
  async early(side: Side, sdp: string, fork?: string): Promise<string> {
    this.#offered ??= this.#exchange.sent[side];
    if (this.#lost && !this.#isUpdated(fork)) throw new Failure('no-media', 'the engine that it sends to is gone');
    return this.#answer(side, sdp, fork);
  }

  /** The same for the answer that confirms the dialog. */
  async final(side: Side, sdp: string, fork?: string): Promise<string> {
    const { sent } = this.#exchange;
    this.#offered ??= sent[side];
    const told = this.#isUpdated(fork) ? this.#updated?.told : this.#offered;
    const answered = async () => {
      await this.#hearAnew(opposite(side));
      return this.#answer(side, sdp, fork);
    };
    let answer = await answered().catch(whenLost);
    if (answer === undefined) {
      await this.#exchange.relocate();
      answer = await answered();
    }
    const [party, now] = [this.#parties[side], sent[side]];
    if (!party || now === undefined || (told !== undefined && isSameSession(now, told))) return answer;
    return this.#exchange.answer(side, await party.renew(now), fork);
  }

  async #answer(side: Side, sdp: string, fork: string | undefined): Promise<string> {
    const told = this.#exchange.sent[opposite(side)];
    // RFC 6337 3.1.1: a response repeats the first answer, whatever an UPDATE has made of it
    if (this.#isUpdated(fork) && told !== undefined) return told;
    return this.#exchange.answer(side, sdp, fork);
  }

  #isUpdated(fork: string | undefined): boolean {
    return fork !== undefined && fork === this.#updated?.fork;
  }

  /** Who is still to be answered may have described themselves anew meanwhile, in the dialog with another phone. */
  async #hearAnew(other: Side): Promise<void> {
    const [party, known] = [this.#parties[other], this.#exchange.known[other]];
    if (party?.answered !== false || party.described === undefined || known === undefined) return;
    if (party.described !== known) await this.#exchange.offer(other, party.described);
  }
}

/** @throws what is another failure than that of an engine that is gone */
function whenLost(error: unknown): undefined {
  if (error instanceof Failure && error.code === 'no-media') return undefined;
  throw error;
}
