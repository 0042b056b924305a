/** Whatever is present for an account under a terminal's id. */
export interface Present {
  readonly account: string;
  readonly terminalId: string;
}

/** Who is connected now: at most one session for each account and terminal id, in the order of their arrival. */
export class Presence<Session extends Present> {
  readonly #accounts = new Map<string, Map<string, Session>>();
  #size = 0;

  /** Adds a session and returns the one that it replaces. */
  add(session: Session): Session | undefined {
    let terminals = this.#accounts.get(session.account);
    if (!terminals) this.#accounts.set(session.account, (terminals = new Map<string, Session>()));
    const replaced = terminals.get(session.terminalId);
    if (replaced) terminals.delete(session.terminalId);
    else this.#size++;
    terminals.set(session.terminalId, session);
    return replaced;
  }

  /** Takes a session away; false when another has taken its place, or it was gone before. */
  remove(session: Session): boolean {
    const terminals = this.#accounts.get(session.account);
    if (terminals?.get(session.terminalId) !== session) return false;
    terminals.delete(session.terminalId);
    if (terminals.size === 0) this.#accounts.delete(session.account);
    this.#size--;
    return true;
  }

  of(account: string): Session[] {
    return [...(this.#accounts.get(account)?.values() ?? [])];
  }

  get(account: string, terminalId: string): Session | undefined {
    return this.#accounts.get(account)?.get(terminalId);
  }

  all(): Session[] {
    return [...this.#accounts.values()].flatMap((terminals) => [...terminals.values()]);
  }

  /** Sessions of the account besides the one with this id. */
  others(account: string, terminalId: string): number {
    const terminals = this.#accounts.get(account);
    return terminals ? terminals.size - (terminals.has(terminalId) ? 1 : 0) : 0;
  }

  get size(): number {
    return this.#size;
  }
  get accounts(): number {
    return this.#accounts.size;
  }
}
