// Digits that a side presses as RFC 4733 events while the other one takes them by INFO alone. The one who presses must be told that
// its events are taken, else its phone sends none: so to the engine the other side takes them, too, and is itself told nothing of it.
import type { MediaPolicy, Policies } from './policy.ts';
import { isCodec, type Codec, type ReadSdp } from './sdp.ts';

const event = 'telephone-event';
/** What phones use most, and then the rest of the dynamic payload types (RFC 3551 6). */
const dynamic = [101, ...Array.from({ length: 32 }, (_, index) => 96 + index).filter((type) => type !== 101)];

/** What a description holds of RFC 4733. */
export function eventsIn({ audio }: ReadSdp): readonly Codec[] {
  return audio?.codecs.filter(({ name }) => isCodec(name, event)) ?? [];
}

/** Whether a side takes digits by INFO alone, whatever its description holds, or because it holds no events. */
export function takesInfoAlone({ digits }: MediaPolicy, said: ReadSdp): boolean {
  return digits === 'info' || (digits !== 'inband' && eventsIn(said).length === 0);
}

/**
 * An offer as the engine gets it: without events where the offerer takes tones (the engine then makes them of the other side's), with
 * events where it is to have the other side's digits by INFO. Where that side's trunk wants events made of tones (`rfc4733`), the
 * engine makes tones of its events, too; where it takes no events, it sends none.
 */
export function offerForEngine(offer: ReadSdp, { from, to, eventsToInfo }: Policies): string {
  if (from.digits === 'inband') return eventsIn(offer).length > 0 ? withoutEvents(offer.text) : offer.text;
  if (!eventsToInfo) return offer.text;
  const other = to.digits ?? 'agreed';
  const wanted = other === 'agreed' || (other === 'rfc4733' && from.digits === 'info');
  if (!wanted || eventsIn(offer).length > 0 || !takesInfoAlone(from, offer)) return offer.text;
  const voice = offer.audio?.codecs ?? [];
  const rates = [...new Set(voice.map(({ rate }) => rate))];
  const free = dynamic.filter((type) => !voice.some(({ payload }) => payload === type));
  return withEvents(
    offer,
    rates.flatMap((rate, index) => (free[index] === undefined ? [] : [{ name: event, payload: free[index], rate }])),
  );
}

/** The same for an answer to `offer`, of which the engine had made `made`: with events where the offerer sends some. */
export function answerForEngine(
  answer: ReadSdp,
  { from, to, eventsToInfo }: Policies,
  { offer, made }: Record<'offer' | 'made', ReadSdp>,
): string {
  const sent = to.digits !== 'inband' && eventsIn(offer).length > 0;
  const wanted = eventsToInfo && sent && eventsIn(answer).length === 0;
  if (!wanted || !takesInfoAlone(from, answer)) return answer.text;
  const voice = answer.audio?.codecs ?? [];
  const fit = ({ payload, rate }: Codec) =>
    voice.some((codec) => codec.rate === rate) && !voice.some((codec) => codec.payload === payload);
  return withEvents(answer, eventsIn(made).filter(fit));
}

/** Payload types, formats and parameters of RFC 4733 are added to the first audio stream that stands. */
function withEvents({ text }: ReadSdp, events: readonly Codec[]): string {
  if (events.length === 0) return text;
  let added = false;
  return edit(text, (lines) => {
    const [stream = '', ...others] = lines;
    if (added || !isVoice(stream)) return lines;
    added = true;
    const types = events.map(({ payload }) => payload).join(' ');
    const formats = events.flatMap(({ payload, rate }) => [
      `a=rtpmap:${payload} ${event}/${rate}`,
      `a=fmtp:${payload} 0-15`,
    ]);
    return [`${stream} ${types}`, ...others, ...formats];
  });
}

/** A description without a word of RFC 4733. */
export function withoutEvents(text: string): string {
  return edit(text, (lines) => {
    const [stream = '', ...others] = lines;
    if (!isVoice(stream)) return lines;
    const types = new Set(others.flatMap((line) => /^a=rtpmap:(\d+) telephone-event\//i.exec(line)?.[1] ?? []));
    const [kind, port, protocol, ...payloads] = stream.split(' ');
    const left = payloads.filter((type) => !types.has(type));
    if (left.length === 0) return lines; // a stream has one format at least
    const ofEvents = (line: string) => types.has(/^a=(?:rtpmap|fmtp|rtcp-fb):(\d+) /.exec(line)?.[1] ?? '');
    return [[kind, port, protocol, ...left].join(' '), ...others.filter((line) => !ofEvents(line))];
  });
}

const isVoice = (line: string) => /^m=audio (?!0 )\d+(?:\/\d+)? \S*RTP\/\S+ /.test(line);

/** Changes the streams of a description, each given as its lines. */
function edit(text: string, change: (lines: string[]) => string[]): string {
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  const sections: string[][] = [[]];
  for (const line of lines) {
    if (line.startsWith('m=')) sections.push([]);
    sections.at(-1)?.push(line);
  }
  return sections.flatMap((section, index) => (index === 0 ? section : change(section))).join('\r\n') + '\r\n';
}
