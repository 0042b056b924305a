// The acceptance cases of INVITEs: octets, settings, and what must be read out of them.
import { z } from 'zod';

const numbers = z.record(z.string(), z.string());
const schema = z.object({
  id: z.string(),
  title: z.string(),
  message: z.string(),
  body_base64: z.string().optional(),
  message_base64: z.string().optional(),
  settings: z
    .strictObject({
      defaultCountry: z.string(),
      areaCode: z.string().exactOptional(),
      outsidePrefix: z.string().exactOptional(),
      internationalPrefix: z.string().exactOptional(),
      trustIdentity: z.boolean().exactOptional(),
      callerPreference: z.enum(['pai', 'from']).exactOptional(),
      diversionOrder: z.enum(['standard', 'reversed']).exactOptional(),
      serviceNumbers: z.array(z.string()).exactOptional(),
      map: numbers.exactOptional(),
      accounts: numbers.exactOptional(),
      secondCalledFrom: z.array(z.enum(['request-uri', 'to', 'p-called-party-id', 'isup'])).exactOptional(),
      firstCalledHeader: z.string().exactOptional(),
    })
    .default({ defaultCountry: 'CN', areaCode: '755' }),
  expect: z.strictObject({
    caller: z.string().nullable(),
    callerPrivate: z.boolean().nullable(),
    firstCalled: z.string().nullable(),
    firstCalledSource: z.string().nullable(),
    secondCalled: z.string().nullable(),
    reason: z.string().nullable(),
    counter: z.number().nullable(),
    error: z.object({ status: z.number() }).nullable(),
    firstCalledPrivate: z.boolean().optional(),
    lastDiverting: z.string().nullable().optional(),
    serviceNumber: z.string().nullable().optional(),
    subscriber: z.string().nullable().optional(),
    loop: z.array(z.string()).optional(),
  }),
});

export interface InviteCase extends z.output<typeof schema> {
  octets: Buffer;
}

/** One case for each line that is not empty. */
export function parseCases(text: string): InviteCase[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const one = schema.parse(JSON.parse(line));
      const octets =
        one.message_base64 === undefined
          ? Buffer.concat([Buffer.from(one.message), Buffer.from(one.body_base64 ?? '', 'base64')])
          : Buffer.from(one.message_base64, 'base64');
      return { ...one, octets };
    });
}
