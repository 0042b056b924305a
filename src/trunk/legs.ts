import type { Socket, SrfRequest, SrfResponse } from './srf.ts';

/** What ends with a connection. */
export interface Connected {
  /** The connection whose SIP server has the dialog; undefined until something was sent. */
  readonly socket: Socket | undefined;
  /** The connection to its SIP server is gone, and the dialog with it. */
  connectionLost(): void;
}

/** A leg as the requests from the wire see it. */
export interface Leg extends Connected {
  /** A request inside its dialog other than ACK. */
  received(request: SrfRequest, response: SrfResponse): void;
  acknowledged(ack: SrfRequest): void;
  /** The SIP server has ended the dialog by itself (no ACK came, its session timer ran out). */
  endedByServer(): void;
  /** The service stops: the far side is told, whatever state the leg is in. Never rejects. */
  shutDown(): Promise<void>;
}

const none: readonly string[] = [];

/** All legs that live, and the dialogs they have. */
export class Legs {
  /** With the dialogs that each of them has. */
  readonly #legs = new Map<Leg, readonly string[]>();
  readonly #byDialog = new Map<string, Leg>();
  readonly #withdrawn = new Set<Connected>();
  readonly #endings = new Set<Promise<unknown>>();

  get size(): number {
    return this.#legs.size;
  }

  add(leg: Leg): void {
    this.#legs.set(leg, none);
  }

  /** Requests of this dialog belong to the leg from now on. */
  bind(dialogId: string | undefined, leg: Leg): void {
    const dialogs = this.#legs.get(leg);
    if (dialogId === undefined || dialogId === '' || !dialogs || this.#byDialog.get(dialogId) === leg) return;
    this.#legs.set(leg, dialogs.concat(dialogId));
    this.#byDialog.set(dialogId, leg);
  }

  of(dialogId: string | undefined): Leg | undefined {
    return dialogId === undefined ? undefined : this.#byDialog.get(dialogId);
  }

  /** Whether a dialog of this Call-ID lives. */
  knows(callId: string): boolean {
    return [...this.#byDialog.keys()].some((dialogId) => dialogId.startsWith(`${callId};`));
  }

  remove(leg: Leg): void {
    for (const dialogId of this.#legs.get(leg) ?? []) {
      if (this.#byDialog.get(dialogId) === leg) this.#byDialog.delete(dialogId);
    }
    this.#legs.delete(leg);
  }

  /** An INVITE or a BYE that no leg has any more and that is not over yet. */
  addWithdrawn(ending: Connected): void {
    this.#withdrawn.add(ending);
  }

  removeWithdrawn(ending: Connected): void {
    this.#withdrawn.delete(ending);
  }

  /** Something that is still being ended on the wire; `close` waits for it. */
  ending<T>(promise: Promise<T>): Promise<T> {
    this.#endings.add(promise);
    const forget = (): void => void this.#endings.delete(promise);
    promise.then(forget, forget);
    return promise;
  }

  /** Ends what depended on it, and what was given to it and is not confirmed yet. */
  connectionLost(socket: Socket): void {
    for (const leg of [...this.#legs.keys(), ...this.#withdrawn]) {
      if (leg.socket === socket || leg.socket === undefined) leg.connectionLost();
    }
  }

  /** Ends every leg; resolves when the far sides have answered. */
  async shutDown(): Promise<void> {
    await Promise.allSettled([...[...this.#legs.keys()].map((leg) => leg.shutDown()), ...this.#endings]);
  }
}
