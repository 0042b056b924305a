import type { Phone } from './phone.ts';
import type { Stage } from './stage.ts';

export const numbers = {
  caller: '+8613800138000',
  first: '+8675520000001',
  second: '+8675529990000',
  final: '+8675520000009',
  busy: '+8675520000007',
} as const;

/** The tones by which the phones tell each other apart, in Hz. */
export const voices = { caller: 440, first: 350, final: 620 } as const;
/** The phones of the scene, by their parts. */
export type Cast = Record<'caller' | 'first phone' | 'final phone' | 'busy phone', Phone>;

/** Puts the phones of the scene on the network; every number that nobody has rings the final phone. */
export async function cast(stage: Stage): Promise<Cast> {
  const hears = Object.values(voices);
  const caller = await stage.phone('caller', {
    number: numbers.caller,
    voice: voices.caller,
    hears,
    behaviour: { does: 'rings' },
  });
  const first = await stage.phone('first phone', {
    number: numbers.first,
    voice: voices.first,
    hears,
    behaviour: { does: 'rings' },
  });
  const final = await stage.phone('final phone', {
    number: numbers.final,
    voice: voices.final,
    hears,
    behaviour: { does: 'answers', after: 1_200 },
  });
  const busy = await stage.phone('final phone', {
    number: numbers.busy,
    voice: voices.final,
    hears,
    behaviour: { does: 'is-busy' },
  });
  stage.network.connectAllOthers(final.address);
  return { caller, 'first phone': first, 'final phone': final, 'busy phone': busy };
}
