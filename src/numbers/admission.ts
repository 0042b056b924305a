import type { Request } from '../sip/message/message.ts';
import { isToken, parseDecimal } from '../sip/message/syntax.ts';
import { isSipUri, isTelUri } from '../sip/message/uri.ts';
import { readMediaType } from './isup/media-type.ts';
import { prepare, type TrunkReadingSettings } from './settings.ts';
import type { Refusal } from './refusal.ts';

/** What makes a well-formed INVITE unacceptable before its numbers are looked at (RFC 3261 8.2.2, 8.2.3, 16.3). */
export function refuseRequest(request: Request, settings: TrunkReadingSettings): Refusal | undefined {
  return (
    refuseHops(request) ??
    refuseScheme(request) ??
    refuseExtensions(request, settings) ??
    refuseEncoding(request) ??
    refuseBody(request)
  );
}

/** Absent is accepted: RFC 2543 senders have none. */
function refuseHops(request: Request): Refusal | undefined {
  const value = request.get('Max-Forwards');
  if (value === undefined) return undefined;
  const hops = parseDecimal(value, 255);
  if (hops === undefined) return { status: 400, why: 'Max-Forwards is no number from 0 to 255', code: 'malformed' };
  return hops === 0 ? { status: 483, why: 'Max-Forwards is 0', code: 'too-many-hops' } : undefined;
}

function refuseScheme(request: Request): Refusal | undefined {
  if (isSipUri(request.uri) || isTelUri(request.uri)) return undefined;
  // RFC 5031: urn:service:sos and what stands below it.
  if (/^urn:service:sos(?:$|[.;])/i.test(request.requestUri)) return emergencyRefusal;
  return { status: 416, why: 'the Request-URI is neither sip, sips nor tel', code: 'unsupported-scheme' };
}

/** Calls to emergency services are never this service's: the network has routed wrongly. */
export const emergencyRefusal: Refusal = {
  status: 404,
  why: 'emergency calls are not for this service: check the routing of the network',
  code: 'emergency',
};

/** Those of the option tags that Require names which we lack, as they were written (RFC 3261 8.2.2.3). */
export function unsupportedOptions(required: readonly string[], settings: TrunkReadingSettings): string[] {
  const supported = prepare(settings).supportedOptions;
  return required.filter((tag) => tag !== '' && !supported.has(tag.toLowerCase()));
}

function refuseExtensions(request: Request, settings: TrunkReadingSettings): Refusal | undefined {
  const unsupported = unsupportedOptions(request.list('Require'), settings);
  if (unsupported.length === 0) return undefined;
  const tags = unsupported.filter(isToken);
  return {
    status: 420,
    why: `Require names unsupported extensions: ${tags.join(', ')}`,
    code: 'unsupported-extension',
    unsupported: tags,
  };
}

function refuseEncoding(request: Request): Refusal | undefined {
  const encodings = request.list('Content-Encoding').filter((coding) => coding.toLowerCase() !== 'identity');
  if (encodings.length === 0) return undefined;
  return { status: 415, why: 'encoded bodies are not supported', code: 'unsupported-body' };
}

/** A body that is not understood is refused, unless its sender says that it may be left out (RFC 3261 8.2.3, 20.11). */
function refuseBody(request: Request): Refusal | undefined {
  const type = request.get('Content-Type');
  if (request.body.length === 0 || type === undefined) return undefined;
  const { name } = readMediaType(type);
  if (understood.has(name) || name.startsWith('multipart/')) return undefined;
  const { parameters } = readMediaType(request.get('Content-Disposition') ?? '');
  if (parameters.get('handling')?.toLowerCase() === 'optional') return undefined;
  return { status: 415, why: 'the body is neither SDP, ISUP nor multipart', code: 'unsupported-body' };
}

const understood = new Set(['application/sdp', 'application/isup']);
