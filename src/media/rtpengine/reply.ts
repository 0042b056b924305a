// What we read of the replies of an engine (ng protocol, rtpengine 10.5).
import { z } from 'zod';

/** Of one port of a party; `flags` holds RTP or RTCP. */
const stream = z.looseObject({
  flags: z.array(z.string()),
  stats: z.looseObject({ packets: z.int() }),
});
const tag = z.looseObject({ medias: z.array(z.looseObject({ streams: z.array(stream) })) });

/** Whatever has no `result` is no reply. */
const schema = z.looseObject({
  /** `ok`, `pong`, `error`, `load limit`. */
  result: z.string(),
  sdp: z.string().optional(),
  'error-reason': z.string().optional(),
  message: z.string().optional(),
  /** Of `play media`: milliseconds of the file. */
  duration: z.int().optional(),
  /** Of `query`: the parties by their tags. */
  tags: z.record(z.string(), tag).optional(),
  /** Of `list`. */
  calls: z.array(z.string()).optional(),
  statistics: z
    .looseObject({
      currentstatistics: z.looseObject({ sessionstotal: z.int(), transcodedmedia: z.int() }),
      /** Seconds since the engine started. */
      totalstatistics: z.looseObject({ uptime: z.coerce.number() }),
    })
    .optional(),
});
export type NgReply = z.infer<typeof schema>;

/** @throws ZodError when it is no reply */
export function readReply(data: unknown): NgReply {
  return schema.parse(data);
}

/** Why the engine did not do what it was asked. */
export function reasonOf(reply: NgReply): string {
  return reply['error-reason'] ?? reply.message ?? reply.result;
}

/** An engine without room is no verdict on what it was asked: another one may have room. */
export function isFull(reply: NgReply): boolean {
  return reply.result === 'load limit' || /ran out of ports|limit/i.test(reasonOf(reply));
}

/** The engine has no such session: it was restarted, or its own time-out removed it. */
export function isUnknown(reply: NgReply): boolean {
  return reply.result === 'error' && /unknown call-id/i.test(reasonOf(reply));
}

/** Packets that came from a party so far: of voice alone, or with its RTCP. */
export function packetsFrom(reply: NgReply, party: string, kind: 'RTP' | 'any'): number {
  const streams = reply.tags?.[party]?.medias.flatMap((media) => media.streams) ?? [];
  const counted = streams.filter(({ flags }) => kind === 'any' || flags.includes('RTP'));
  return counted.reduce((sum, { stats }) => sum + stats.packets, 0);
}
