import { splitList, unquote } from '../sip/message/syntax.ts';
import { parseCause, reasonOfCause, type RedirectReason } from './redirect-reason.ts';

/** Avaya's own Reason protocol in History-Info (CS1000 adapter). */
const avaya: ReadonlyMap<string, RedirectReason> = new Map([
  ['cfi', 'unconditional'],
  ['cfu', 'unconditional'],
  ['cfa', 'unconditional'],
  ['cfb', 'user-busy'],
  ['cfna', 'no-answer'],
  ['cfnr', 'no-answer'],
  ['cd', 'deflection'],
]);

/** ITU-T Q.850 causes that say why a call was diverted. */
const q850: ReadonlyMap<string, RedirectReason> = new Map([
  ['17', 'user-busy'],
  ['18', 'no-answer'],
  ['19', 'no-answer'],
  ['20', 'unavailable'],
]);

/**
 * The diversion that Reason values (RFC 3326) embedded in a History-Info entry tell of, as RFC 4244 senders do;
 * undefined when they tell of none. A known reason goes before an unknown one.
 */
export function reasonOfEmbedded(values: readonly string[]): RedirectReason | undefined {
  const found = values.flatMap(splitList).map(reasonOfValue);
  return found.find((reason) => reason !== undefined && reason !== 'unknown') ?? found.find((reason) => reason);
}

function reasonOfValue(value: string): RedirectReason | undefined {
  const [first = '', ...parameters] = value.split(';');
  const protocol = first.trim().toLowerCase();
  const cause = causeOf(parameters);
  if (cause === undefined) return undefined;
  switch (protocol) {
    case 'sip': {
      const status = parseCause(cause);
      if (status === undefined || status < 300) return undefined;
      return reasonOfCause(status) ?? 'unknown';
    }
    case 'redirection':
      return avaya.get(cause) ?? 'unknown';
    case 'q.850':
      return q850.get(cause) ?? 'unknown';
    default:
      return undefined;
  }
}

/** The first cause parameter; spaces and quotes as senders put them. */
function causeOf(parameters: readonly string[]): string | undefined {
  for (const parameter of parameters) {
    const equals = parameter.indexOf('=');
    if (equals < 0 || parameter.slice(0, equals).trim().toLowerCase() !== 'cause') continue;
    return unquote(parameter.slice(equals + 1).trim()).toLowerCase();
  }
  return undefined;
}
