import { reasonPhrase } from '../sip/message/status.ts';
import { parseReason } from './reason.ts';

/** What a body of the type message/sipfrag (RFC 3420) tells of the progress of a referred call (RFC 3515 2.4.5). */
export interface Progress {
  /** 100 to 699. */
  status: number;
  /** Of a Reason header that stands in the fragment. */
  q850?: number;
}

/** Undefined when the body holds no status line: such a NOTIFY tells nothing but the state of its subscription. */
export function readSipfrag(body: string | undefined): Progress | undefined {
  const [first = '', ...headers] = (body ?? '').trimStart().split(/\r\n|\n|\r/, 64);
  const status = /^SIP\/2\.0[ \t]+([1-6]\d\d)(?:[ \t]|$)/i.exec(first)?.[1];
  if (status === undefined) return undefined;
  const reason = headers.map((line) => /^Reason[ \t]*:(.*)$/i.exec(line)?.[1]).find((value) => value !== undefined);
  const { q850 } = parseReason(reason);
  return { status: Number(status), ...(q850 !== undefined && { q850 }) };
}

/** The body that tells it. */
export function writeSipfrag(status: number): string {
  return `SIP/2.0 ${status} ${reasonPhrase(status)}\r\n`;
}
