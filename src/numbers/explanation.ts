import { detached } from '../sip/message/detached.ts';

/** What a finding bears on. */
export type Subject =
  | 'refusal'
  | 'second-called'
  | 'caller'
  | 'caller-private'
  | 'diversion'
  | 'first-called'
  | 'service-number'
  | 'reason'
  | 'counter'
  | 'loop'
  | 'body';

/** One thing that an INVITE says about the numbers, and what became of it. */
export interface Finding {
  readonly about: Subject;
  /** Where it stands: a header's name with the index of an entry, the Request-URI, a parameter of the IAM, the settings. */
  readonly where: string;
  /** A number in its one form, a token, or what stood there: printable ASCII of at most 64 characters. */
  readonly value: string | null;
  readonly used: boolean;
  /** The rule of RULES.md, and the clause of its source. */
  readonly rule: string;
  /** For a person; nothing that came from outside stands in it. */
  readonly why: string;
}

/** How the numbers of an INVITE were read, in the order of reading. */
export type Explanation = readonly Finding[];

const longestValue = 64;

/** Gathers the findings of one reading; every step notes what it used and what it left. */
export class Evidence {
  readonly findings: Finding[] = [];
  /** What was malformed or contradictory. */
  readonly warnings: string[] = [];

  used(about: Subject, where: string, value: string | null, rule: string, why: string): void {
    this.#note(about, where, value, true, rule, why);
  }

  ignored(about: Subject, where: string, value: string | null, rule: string, why: string): void {
    this.#note(about, where, value, false, rule, why);
  }

  #note(about: Subject, where: string, value: string | null, used: boolean, rule: string, why: string): void {
    // What was found is kept as long as the call, and must not keep the message.
    this.findings.push({ about, where, value: value === null ? null : detached(value), used, rule, why });
  }

  /** Something malformed or contradictory that does not spoil the call. */
  warn(about: Subject, where: string, rule: string, why: string): void {
    this.warnings.push(`${where}: ${why}`);
    this.ignored(about, where, null, rule, why);
  }
}

/** Text from outside, so that it does no harm on a screen or in a log: printable ASCII, and short. */
export function printable(text: string): string {
  const short = text.length > longestValue ? `${text.slice(0, longestValue - 3)}...` : text;
  return short.replaceAll(/[^\x20-\x7e]/g, '?');
}

/**
 * The explanation within `octets` of JSON, for a record: what was ignored goes first, from the end; then the rest
 * from the end.
 */
export function abridge(explanation: Explanation, octets = 2_048): Explanation {
  const kept = [...explanation];
  // Its brackets, and a comma for each.
  let size = 2 + kept.reduce((sum, finding) => sum + sizeOf(finding), 0);
  for (const used of [false, true]) {
    for (let i = kept.length - 1; i >= 0 && size > octets; i--) {
      const finding = kept[i];
      if (finding?.used !== used) continue;
      size -= sizeOf(finding);
      kept.splice(i, 1);
    }
  }
  return kept;
}

function sizeOf(finding: Finding): number {
  return JSON.stringify(finding).length + 1;
}
