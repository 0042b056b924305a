/** What a file of the suite is told by the runner that starts it. */
export interface SuiteSettings {
  /** The control connections of the server under test and of a second server, by their names in the suite's settings. */
  readonly connections: Readonly<
    Record<string, { readonly host: string; readonly port: number; readonly secret: string }>
  >;
  /** `address:port` that SIPp calls. */
  readonly sip: string;
  /** Where SIPp may write. */
  readonly folder: string;
  readonly scenarios: string;
}

export const settingsVariable = 'SRF_SUITE_SETTINGS';

/** One assertion of the suite, a line of the standard output. */
export interface Outcome {
  readonly ok: boolean;
  readonly name: string;
  readonly detail?: string;
}

const mark = '@@outcome ';

export function report(outcome: Outcome): void {
  process.stdout.write(`\n${mark}${JSON.stringify(outcome)}\n`);
}

export function readOutcomes(output: string): Outcome[] {
  return output.split('\n').flatMap((line) => {
    if (!line.startsWith(mark)) return [];
    const value: unknown = JSON.parse(line.slice(mark.length));
    return isOutcome(value) ? [value] : [];
  });
}

function isOutcome(value: unknown): value is Outcome {
  return typeof value === 'object' && value !== null && 'ok' in value && 'name' in value;
}

export function readSettings(): SuiteSettings {
  const value: unknown = JSON.parse(process.env[settingsVariable] ?? 'null');
  if (!isSettings(value)) throw new Error(`${settingsVariable} is not set: this file is started by suite.test.ts`);
  return value;
}

function isSettings(value: unknown): value is SuiteSettings {
  return typeof value === 'object' && value !== null && 'connections' in value && 'scenarios' in value;
}
