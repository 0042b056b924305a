/**
 * The origin of the descriptions that one party gets in its dialog. Wherever they come from (another phone after a move,
 * another engine), they are one session to that party: RFC 3264 8 has the `o=` line stay, and its version grow by one
 * with each change.
 */
export class Origin {
  #first: { before: string; version: bigint; after: string } | undefined;
  #last: { rest: string; sdp: string } | undefined;

  of(sdp: string): string {
    const line = /^o=(\S+ \d+) (\d+) (.*?)\r?$/m.exec(sdp);
    if (!line) return sdp;
    const [whole, before = '', version = '0', after = ''] = line;
    const rest = sdp.replace(whole, '');
    if (this.#last?.rest === rest) return this.#last.sdp;
    if (this.#first) this.#first.version += 1n;
    else this.#first = { before, version: BigInt(version), after };
    const { before: who, version: now, after: where } = this.#first;
    const end = whole.endsWith('\r') ? '\r' : '';
    const said = sdp.replace(whole, `o=${who} ${now} ${where}${end}`);
    this.#last = { rest, sdp: said };
    return said;
  }
}
