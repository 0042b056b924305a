import { registeredName } from '../message/names.ts';

/** A SIP message as an application writes it: no Via, names in any case, Content-Length often wrong, much left to the server. */
export type ApplicationMessage = ApplicationRequest | ApplicationResponse;

interface Common {
  readonly startLine: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly body: Buffer;
}

export interface ApplicationRequest extends Common {
  readonly kind: 'request';
  /** Upper case. */
  readonly method: string;
  readonly requestUri: string;
}

export interface ApplicationResponse extends Common {
  readonly kind: 'response';
  readonly status: number;
  readonly reason: string;
}

/**
 * Reads what an application sent. All that follows the empty line is the body: drachtio-srf counts Content-Length in characters,
 * so it says nothing.
 * @returns undefined when the first line is neither a Request-Line nor a Status-Line
 */
export function readApplicationMessage(octets: Buffer): ApplicationMessage | undefined {
  const headEnd = octets.indexOf('\r\n\r\n');
  const head = (headEnd < 0 ? octets : octets.subarray(0, headEnd)).toString('utf8');
  const body = headEnd < 0 ? Buffer.alloc(0) : Buffer.from(octets.subarray(headEnd + 4));
  const [startLine = '', ...lines] = head.split('\r\n');
  const common = { startLine, headers: readHeaders(lines), body };

  const status = /^SIP\/2\.0 ([1-6]\d\d)(?: (.*))?$/.exec(startLine);
  if (status) return { kind: 'response', status: Number(status[1]), reason: status[2] ?? '', ...common };
  const request = /^(\S+) (.+) SIP\/2\.0$/.exec(startLine);
  if (!request) return undefined;
  const [, method = '', requestUri = ''] = request;
  return { kind: 'request', method: method.toUpperCase(), requestUri, ...common };
}

function readHeaders(lines: readonly string[]): { name: string; value: string }[] {
  const headers: { name: string; value: string }[] = [];
  for (const line of lines) {
    const last = headers.at(-1);
    if ((line.startsWith(' ') || line.startsWith('\t')) && last) {
      last.value += ` ${line.trim()}`; // RFC 3261 7.3.1
      continue;
    }
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    headers.push({ name: headerName(line.slice(0, colon).trim()), value: line.slice(colon + 1).trim() });
  }
  return headers;
}

/** drachtio-srf writes most names in lower case; peers that compare them literally exist, so they leave as RFC 3261 spells them. */
function headerName(name: string): string {
  if (name !== name.toLowerCase()) return name;
  return (
    registeredName(name) ??
    name.replace(/(^|-)([a-z])/g, (_, hyphen: string, letter: string) => hyphen + letter.toUpperCase())
  );
}

/** The first value of a header, its name in any case. */
export function headerOf(message: ApplicationMessage, name: string): string | undefined {
  const key = name.toLowerCase();
  return message.headers.find((header) => header.name.toLowerCase() === key)?.value;
}
