/** One message between two parties, or a note at one of them. */
export interface Rung {
  /** Milliseconds since the scene began. */
  at: number;
  from: string;
  to: string;
  label: string;
}

const column = 18;
const timeColumn = 9;

/** What went between the parties, in order, drawn as the field draws it: a line a party, an arrow a message. */
export class Ladder {
  readonly #parties: readonly string[];
  readonly #rungs: Rung[] = [];
  readonly #now: () => number;
  readonly #began: number;

  /** @param now milliseconds of a monotonic clock */
  constructor(parties: readonly string[], now: () => number) {
    this.#parties = parties;
    this.#now = now;
    this.#began = now();
  }

  /** Milliseconds since the ladder began. */
  get elapsed(): number {
    return this.#now() - this.#began;
  }

  /** A message of one party to another. A party that is not drawn is left out. */
  add(from: string, to: string, label: string): void {
    if (!this.#parties.includes(from) || !this.#parties.includes(to)) return;
    this.#rungs.push({ at: this.elapsed, from, to, label });
  }

  get rungs(): readonly Rung[] {
    return this.#rungs;
  }

  /** The drawing, as lines of text. */
  draw(): string[] {
    const head = ' '.repeat(timeColumn) + this.#parties.map((party) => centred(party, column)).join('');
    return [head.trimEnd(), ...this.#rungs.map((rung) => this.#drawRung(rung))];
  }

  #drawRung(rung: Rung): string {
    const time = `${(rung.at / 1_000).toFixed(3)} s`.padStart(timeColumn - 1) + ' ';
    const from = this.#parties.indexOf(rung.from);
    const to = this.#parties.indexOf(rung.to);
    const line = Array.from(this.#parties.map(() => centred('│', column)).join(''));
    if (from === to) {
      write(line, middle(from) + 2, rung.label);
      return (time + line.join('')).trimEnd();
    }
    const [left, right] = from < to ? [from, to] : [to, from];
    const room = middle(right) - middle(left) - 1;
    const label = rung.label.length > room - 4 ? `${rung.label.slice(0, room - 5)}…` : rung.label;
    const text = centredWith(` ${label} `, room, '─');
    write(line, middle(left) + 1, from < to ? `${text.slice(0, -1)}▶` : `◀${text.slice(1)}`);
    return (time + line.join('')).trimEnd();
  }
}

const middle = (index: number) => index * column + Math.floor((column - 1) / 2);

function write(line: string[], at: number, text: string): void {
  for (const [offset, character] of Array.from(text).entries()) line[at + offset] = character;
}

function centred(text: string, width: number): string {
  return centredWith(text, width, ' ');
}

function centredWith(text: string, width: number, fill: string): string {
  const left = Math.floor((width - text.length) / 2);
  return fill.repeat(Math.max(0, left)) + text + fill.repeat(Math.max(0, width - text.length - left));
}
