import { readdirSync, readFileSync } from 'node:fs';
import { invalid } from '../conformance/torture/rfc4475-invalid.ts';
import { semantics } from '../conformance/torture/rfc4475-semantics.ts';
import { valid } from '../conformance/torture/rfc4475-valid.ts';
import { ipv6 } from '../conformance/torture/rfc5118.ts';

/** What is mutated: the torture messages, and the files of test/fuzz/corpus. Text is octets: characters 0 to 255. */
export function loadCorpus(): string[] {
  const folder = new URL('corpus/', import.meta.url);
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.sip'))
    .sort()
    .map((name) => readFileSync(new URL(name, folder)));
  const torture = [...valid, ...invalid, ...semantics, ...ipv6].map(({ octets }) => octets);
  return [...torture, ...files].map((octets) => octets.toString('latin1'));
}
