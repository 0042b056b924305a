import { formatParameters, parseParameters, type Parameters } from './parameters.ts';
import { hostEnd, parseDecimal, skipSpace, tokenEnd } from './syntax.ts';

/** One via-parm, RFC 3261 20.42. */
export interface Via {
  /** Protocol name (upper case) and version: SIP/2.0 */
  protocol: string;
  /** Upper case: UDP, TCP, TLS, … */
  transport: string;
  /** The host of sent-by; an IPv6 address keeps its brackets. */
  host: string;
  port?: number;
  parameters: Parameters;
  branch?: string;
}

/** Reads one via-parm; space around "/" and ":" is allowed. Undefined: malformed. */
export function parseVia(value: string): Via | undefined {
  const nameStart = skipSpace(value, 0);
  const nameEnd = tokenEnd(value, nameStart);
  const versionStart = afterSlash(value, nameEnd);
  const versionEnd = tokenEnd(value, versionStart);
  const transportStart = afterSlash(value, versionEnd);
  const transportEnd = tokenEnd(value, transportStart);
  if (nameEnd === nameStart || versionStart < 0 || versionEnd === versionStart) return undefined;
  if (transportStart < 0 || transportEnd === transportStart) return undefined;

  const hostStart = skipSpace(value, transportEnd);
  const hostStop = hostEnd(value, hostStart);
  if (hostStart === transportEnd || hostStop === hostStart) return undefined;

  let i = skipSpace(value, hostStop);
  let port: number | undefined;
  if (value.charCodeAt(i) === 0x3a) {
    const portStart = skipSpace(value, i + 1);
    const portEnd = tokenEnd(value, portStart);
    port = parseDecimal(value.substring(portStart, portEnd), 65_535);
    if (port === undefined) return undefined;
    i = portEnd;
  }
  const parameters = parseParameters(value, i);
  if (!parameters) return undefined;

  const via: Via = {
    protocol: value.startsWith('SIP/2.0/', nameStart)
      ? 'SIP/2.0' // mostly
      : `${value.substring(nameStart, nameEnd).toUpperCase()}/${value.substring(versionStart, versionEnd)}`,
    transport: value.substring(transportStart, transportEnd).toUpperCase(),
    host: value.substring(hostStart, hostStop),
    parameters,
  };
  if (port !== undefined) via.port = port;
  const branch = parameters.get('branch');
  if (branch !== undefined) via.branch = branch;
  return via;
}

/** The position after "/" and the space around it; -1 when there is no "/". */
function afterSlash(value: string, end: number): number {
  if (end < 0) return -1;
  const slash = skipSpace(value, end);
  return value.charCodeAt(slash) === 0x2f ? skipSpace(value, slash + 1) : -1;
}

/** Writes one via-parm. `branch` is written from the field when the parameters do not hold it. */
export function formatVia(via: Via): string {
  const port = via.port === undefined ? '' : `:${via.port}`;
  const branch = via.branch !== undefined && !via.parameters.has('branch') ? `;branch=${via.branch}` : '';
  return `${via.protocol}/${via.transport} ${via.host}${port}${branch}${formatParameters(via.parameters)}`;
}
